"""Counterparts of the internal names in `tensorflow/python/saved_model`, one module for each of TensorFlow's."""
