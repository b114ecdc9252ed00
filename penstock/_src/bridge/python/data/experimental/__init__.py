"""Counterparts of the experimental part of the input pipeline."""
