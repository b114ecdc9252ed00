"""`tensorflow.python.layers.normalization`: batch normalization, as the package tf_keras has it."""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = ("BatchNormalization", "batch_normalization", "BatchNorm", "batch_norm")


def __getattr__(name: str) -> Any:
    """Returns one of the names that stand in tf_keras, which is imported then."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module("tensorflow.python.keras.legacy_tf_layers.normalization")
    return getattr(module, name)
