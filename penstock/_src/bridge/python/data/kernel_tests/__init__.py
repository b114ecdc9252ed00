"""Counterparts of the modules that tests of the input pipeline import."""
