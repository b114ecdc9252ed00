"""Counterparts of the modules of the input pipeline."""
