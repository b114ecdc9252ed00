"""Counterparts of the internal names in `tensorflow/python/training/saving`, one module for each of TensorFlow's."""
