"""Counterparts of `tensorflow/python/autograph/pyct/static_analysis`."""
