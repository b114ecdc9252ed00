"""Ops that cut words into pieces of a vocabulary. Read wordpiece.py first; memory.py keeps the pieces of each word for all tokenizers."""
