"""What is old goes: archived, verified, then dropped; and what is taken out of it to learn from."""
