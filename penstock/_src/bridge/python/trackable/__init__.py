"""Counterparts of the internal names in `tensorflow/python/trackable`, one module for each of TensorFlow's."""
