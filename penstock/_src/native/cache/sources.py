"""A digest of the sources that write code: object code is kept under names that contain it.

Sources are represented by their sizes and times, as in Python's compiled files.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def digest_of(package: Path, folders: Sequence[str]) -> str | None:
    """Return a digest of the sources in some folders of a package; None if they are not available as files."""
    digest = hashlib.sha256()
    try:
        for folder in folders:
            for path, size, time in sorted(_files(package / folder)):
                digest.update(f"{path} {size} {time}\n".encode())
    except OSError:
        return None
    return digest.hexdigest()


def _files(folder: str | Path) -> Iterator[tuple[str, int, int]]:
    """(path, bytes, time of writing) of the sources in a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.name.endswith(".py"):
                stat = entry.stat()
                yield entry.path, stat.st_size, stat.st_mtime_ns
