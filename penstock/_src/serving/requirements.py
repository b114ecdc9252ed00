"""The packages of the extra `penstock[serve]`, imported when a server is made."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

# What a server needs, besides what Penstock always needs.
PACKAGES = ("httptools", "orjson", "uvicorn")


def missing() -> list[str]:
    """Returns the names of packages that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def package(name: str) -> ModuleType:
    """Returns a package of the extra.

    Raises:
      ImportError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Serving needs the package {name}: pip install 'penstock[serve]'."
        ) from error
