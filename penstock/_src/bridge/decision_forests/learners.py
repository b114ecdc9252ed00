"""The package ydf, which fits."""

from __future__ import annotations

import importlib
from types import ModuleType

from penstock._src.util.process.installing import pip_install


def ydf() -> ModuleType:
    """Returns the package.

    Raises:
      ImportError: it is not installed.
    """
    try:
        return importlib.import_module("ydf")
    except ImportError as error:
        raise ImportError(
            f"tensorflow_decision_forests: models are fitted by the package ydf. Install it by `{pip_install('trees')}`."
        ) from error
