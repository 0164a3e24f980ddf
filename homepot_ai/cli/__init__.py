"""The command line: a module for each part of it, put together in `main`."""
