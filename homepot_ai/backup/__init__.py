"""Backups of what this system knows, each restored somewhere and questioned before it counts.

An archive holds our tables (and HOMEPOT's where the database is the embedded one), the vector index, the
operators' pages and the settings without their secrets. docs/backups.md tells how to open one by hand.
"""
