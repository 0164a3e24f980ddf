"""Questions in plain English: understood by rules and examples, answered by named queries.

text ─► understand: intent and words for its slots ─► resolve: rows of the database ─► named query
     ─► typed answer with units, period and the age of its data ─► template (or verified) wording
"""
