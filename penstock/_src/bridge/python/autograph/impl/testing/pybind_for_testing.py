"""A class that is not written in Python: `tensorflow.python.autograph.impl.testing.pybind_for_testing`."""

from __future__ import annotations


class TestClassDef:
    """A class whose method has no Python source."""

    __test__ = False
    method = divmod
