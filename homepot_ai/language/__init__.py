"""Words over facts: what a local model may say of them, and what code says when it may not.

    facts ─► Book ─► a model's claims, with placeholders for every value ─► verified by code ─► sentences
                └──► template sentences, which say the same without a model

Nothing here reads the database. A sentence on a page is either a template's or a claim that was verified;
in both, values and names are put in by code.
"""
