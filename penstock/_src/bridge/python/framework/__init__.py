"""Counterparts of the internal names in `tensorflow/python/framework`, one module for each of TensorFlow's."""
