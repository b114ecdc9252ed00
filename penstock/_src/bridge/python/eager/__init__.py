"""Counterparts of the internal names in `tensorflow/python/eager`, one module for each of TensorFlow's."""
