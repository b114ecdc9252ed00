"""A digest of the sources that write code: object code is kept under names that contain it.

Sources are represented by their sizes and times, as in Python's compiled files.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from penstock._src.util.files.scanned import sources

PACKAGE = Path(__file__).resolve().parents[2]


def digest_of(package: Path, folders: Sequence[str]) -> str | None:
    """Return a digest of the sources in some folders of a package; None if they are not available as files."""
    digest = hashlib.sha256()
    try:
        for folder in folders:
            for path, size, time in sorted(sources(str(package / folder))):
                digest.update(f"{package / folder}/{path} {size} {time}\n".encode())
    except OSError:
        return None
    return digest.hexdigest()
