"""How raw ops are written, a file for each family."""
