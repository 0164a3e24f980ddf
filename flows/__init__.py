"""Prefect flows, one file per rhythm: which tasks, in which order, and what the operator reads."""
