"""Iterators over elements: how their positions are saved, and which rows of arrays they read."""
