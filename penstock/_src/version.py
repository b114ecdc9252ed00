"""Versions: Penstock's own, and that of the API of TensorFlow that it provides."""

# Of the distribution on PyPI: `pip show penstock`.
OWN_VERSION = "0.1.0"

# `tf.__version__`, which libraries compare with the version of TensorFlow that they need: three numbers.
VERSION = "2.21.0"

# TensorFlow 2.21's version of the format of graphs.
GRAPH_DEF_VERSION = 2474
