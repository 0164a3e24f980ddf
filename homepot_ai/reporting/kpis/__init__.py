"""Key figures: what is counted (`count`), and where it is read (`read`)."""
