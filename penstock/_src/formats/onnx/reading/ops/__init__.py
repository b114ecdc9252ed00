"""Readers of operators, a file for each family; `nn/` has those of neural networks."""
