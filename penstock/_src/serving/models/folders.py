"""Finds the versions of a model in its folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Any

from penstock._src.core.errors import NotFoundError
from penstock._src.filesystems import files
from penstock._src.serving.servables.formats.table import format_of

# Versions are 64-bit integers.
_TOO_MANY = 1 << 63


def versions(base_path: str) -> dict[int, str]:
    """Returns the folders of versions by their numbers; a base path that is a model itself is version 1.

    Folders that hold no model are left out: one may be being copied.

    Raises:
      NotFoundError: there is no such path.
    """
    if not files.exists(base_path):
        raise NotFoundError(f"{base_path}: there is no such file or folder.")
    if format_of(base_path) is not None:
        return {1: base_path}
    if not files.is_folder(base_path):
        return {}
    folders = {}
    for name in files.names(base_path):
        name = name.rstrip("/")
        path = os.path.join(base_path, name)
        is_number = name.isdecimal() and name.isascii() and int(name) < _TOO_MANY
        if is_number and format_of(path) is not None:
            folders[int(name)] = path
    return folders


def import_formats(base_paths: Iterable[str]) -> None:
    """Imports the modules that read the formats of models, as far as their files can be read now."""
    for path in base_paths:
        with contextlib.suppress(NotFoundError, OSError):  # reported when the model is loaded
            versions(path)


def stamp(path: str) -> Any:
    """Returns a value that changes with a model's files: a version that failed to load is tried again then."""
    if not files.is_folder(path):
        return _mark(path)
    below = [path, *(os.path.join(path, name.rstrip("/")) for name in files.names(path))]
    return tuple(
        (name, _mark(os.path.join(folder, name)))
        for folder in below
        if files.is_folder(folder)
        for name in sorted(files.names(folder))
    )


def _mark(path: str) -> tuple[int, int]:
    status = files.status(path)
    return status.length, status.mtime_nsec
