"""The sections of a report, one module each; :mod:`homepot_ai.reporting.catalogue` lists them."""
