"""Counterparts of the internal names in `tensorflow/python/eager/polymorphic_function`."""
