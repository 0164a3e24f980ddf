"""The HTTP door: FastAPI over the same functions as the on-demand flows."""
