"""Detection of files that have changed since they were read."""

from __future__ import annotations

import os

# What changes with a file: its place, length and time.
Stamp = tuple[int, int, int] | None


def stamp_of(path: str) -> Stamp:
    """Returns what changes when a local file does; None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
