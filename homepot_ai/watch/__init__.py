"""Looking after ourselves: what is checked, who is told, and what others may read of it."""
