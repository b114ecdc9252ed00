"""Mirrors `tensorflow.python.compat`."""
