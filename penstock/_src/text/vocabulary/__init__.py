"""Vocabularies of pieces of words: learned from counts (`learning.py`) or from a dataset (`datasets.py`)."""
