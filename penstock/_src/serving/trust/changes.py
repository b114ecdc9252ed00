"""Detection of files that have changed since they were read."""

from __future__ import annotations

import os

# The facts that change with a file: its number, size and times. The last time is the system's own, which no program sets back.
Stamp = tuple[int, int, int, int] | None


def stamp_of(path: str) -> Stamp:
    """Returns a value that changes with a local file; None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
