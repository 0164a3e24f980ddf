"""The six read operations: one implementation behind the HTTP door and the on-demand flows.

`contracts` holds the models of what goes in and comes out; every other module makes one of them.
"""
