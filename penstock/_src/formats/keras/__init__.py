"""Keras's files (`.keras`, `.h5`) as models to convert. What they hold is Keras's own matter."""
