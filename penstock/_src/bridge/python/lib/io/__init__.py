"""Counterparts of the internal names in `tensorflow/python/lib/io`, one module for each of TensorFlow's."""
