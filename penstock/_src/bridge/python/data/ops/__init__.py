"""Counterparts of the modules of datasets and iterators."""
