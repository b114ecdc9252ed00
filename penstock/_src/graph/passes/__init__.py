"""Passes over graphs of raw ops: a graph function in, another out. `freeze.py` inlines calls and turns variables into constants."""
