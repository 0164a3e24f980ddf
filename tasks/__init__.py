"""Prefect tasks: one per stage of a flow, each a thin wrapper around one call of the domain.

What a task adds: retries with back-off and jitter when the world failed (not when
the program did), a time limit, tags, and one line in the log that says what came out.
"""
