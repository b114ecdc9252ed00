"""The version: TensorFlow's API version, then Penstock's own."""

VERSION = "2.21.0+penstock.0.1.0"
