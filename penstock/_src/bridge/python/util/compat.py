"""`tensorflow.python.util.compat`: what Python 2 and 3 had apart: abstract classes of collections, paths as bytes."""

import collections.abc as collections_abc
import os
from typing import Any

__all__ = ["collections_abc", "path_to_bytes"]


def path_to_bytes(path: Any) -> bytes:
    """Returns a path, a text or an `os.PathLike`, in UTF-8."""
    return path if isinstance(path := os.fspath(path), bytes) else path.encode()
