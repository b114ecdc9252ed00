"""Versions of the calling convention of serialized modules, which XlaCallModule takes."""

LATEST = 10
# From 5 on, the module computes its own shapes.
SUPPORTED = range(5, LATEST + 1)
