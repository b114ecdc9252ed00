"""Counterparts of the internal names in `tensorflow/python/checkpoint/sharding`."""
