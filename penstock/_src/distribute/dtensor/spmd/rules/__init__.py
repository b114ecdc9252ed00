"""The rules, a file for each family of ops, and `table.py`, which finds the rule of an op."""
