"""The writers of raw ops, a file for each family."""
