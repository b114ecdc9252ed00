"""Tokenizers: they cut strings into parts and join them again. Read `base.py` first, which has the base classes."""
