"""The domain of homepot-ai: importable without Prefect (a contract test keeps it so)."""

__version__ = "0.1.0"
