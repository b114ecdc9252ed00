"""tf.compat.v1.test.mock: Python's `unittest.mock`."""

from unittest import mock

from penstock._src.util.export import export_constant

export_constant(None, mock, v1=["test.mock"])
