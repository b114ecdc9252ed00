"""The model to build: signatures lowered and planned for a machine, their variables, and the block of constants that they read."""
