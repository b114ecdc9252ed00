"""Counterparts of the internal names in `tensorflow/core/config`."""
