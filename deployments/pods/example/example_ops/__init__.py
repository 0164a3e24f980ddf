"""The example pod's own package: one flow and one section of its reports."""
