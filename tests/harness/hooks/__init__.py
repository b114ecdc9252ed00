"""Hooks of pytest and xdist that `tests/conftest.py` registers."""
