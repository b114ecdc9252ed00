"""Counterparts of the internal names in `tensorflow/python/lib`."""
