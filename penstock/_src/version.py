"""The version: TensorFlow's API version, then Penstock's own."""

VERSION = "2.21.0+penstock.0.1.0"

# TensorFlow 2.21's version of the format of graphs.
GRAPH_DEF_VERSION = 2474
