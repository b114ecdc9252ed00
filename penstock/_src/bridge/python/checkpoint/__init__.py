"""Counterparts of the internal names in `tensorflow/python/checkpoint`, one module for each of TensorFlow's."""
