"""The format of a path."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from types import ModuleType

from penstock._src.core.errors import NotFoundError
from penstock._src.filesystems import files
from penstock._src.serving.servables.servable import ROOM, Room, Servable

# Modules of this folder, tried in this order.
FORMATS = ("saved_model", "keras_archive", "language_files", "tree_files")


def format_of(path: str) -> ModuleType | None:
    """Returns the module of the format that a path is of, or None."""
    if _has_only_numbers(path):
        return None
    for name in FORMATS:
        module = importlib.import_module(f"{__package__}.{name}")
        if module.matches(path):
            return module
    return None


def _has_only_numbers(path: str) -> bool:
    """True if a folder holds nothing but versions: no format has files named so, and the modules of all need not be imported to find that none matches."""
    if not files.is_folder(path):
        return False
    return all(name.rstrip("/").isdecimal() for name in files.names(path))


def known_format(path: str) -> ModuleType:
    """Returns the module of the format that a path is of.

    Raises:
      NotFoundError: there is no model.
    """
    module = format_of(path)
    if module is None:
        raise NotFoundError(
            f"{path}: there is no model. Expected a SavedModel's folder, a folder with one `.keras` or `.gguf` file, one with safetensors, or a file of XGBoost, LightGBM or YDF."
        )
    return module


def load(path: str, allow: Iterable[str] = (), room: Room = ROOM) -> Servable:
    """Returns the loaded model.

    Args:
      path: a file or folder.
      allow: what its graph may do besides computing; see tf.saved_model.experimental.allow.
      room: of the cache of a language model.

    Raises:
      NotFoundError: there is no model.
    """
    return known_format(path).load(path, allow, room)


def size(path: str, room: Room = ROOM) -> int:
    """Returns about how many bytes the model takes once it is loaded: those of its files, and of the cache of a language model.

    Raises:
      NotFoundError: there is no model.
    """
    return known_format(path).size(path, room)
