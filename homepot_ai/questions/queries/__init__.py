"""The named queries: one function for each question of the catalogue.

Every one reads through the asker's connection (rows of its sites only) and says with units, period and age
what it found. What is missing is said as well: no data is not healthy.
"""
