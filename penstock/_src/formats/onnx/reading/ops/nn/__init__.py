"""Readers of operators of neural networks."""
