"""Counterparts of the experimental transformations."""
