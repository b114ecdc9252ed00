"""Counterparts of the internal names in `tensorflow/core`, at the same paths."""
