"""Keras's files (`.keras`, `.h5`) as models to convert. Keras itself reads them."""
