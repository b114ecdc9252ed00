"""Counterparts of the internal names in `tensorflow/python/training`, one module for each of TensorFlow's."""
