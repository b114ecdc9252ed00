"""`tensorflow.python.util.compat`: the abstract classes of collections, where Python 2 and 3 had them apart."""

import collections.abc as collections_abc

__all__ = ["collections_abc"]
