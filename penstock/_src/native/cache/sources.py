"""Digests of the sources that write code: object code is kept under names that contain one.

In this user's cache, sources are represented by their sizes and times, as in Python's compiled files. Packs, which travel, name a digest of their
contents. That is computed once for an installation: it is kept in the cache under the digest of sizes and times.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from penstock._src.util.files.scanned import sources

from .objects import ObjectCache

PACKAGE = Path(__file__).resolve().parents[2]
# Folders of the package with all code that writes texts.
FOLDERS = ("compiler", "core", "ir", "native", "util")


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


def digest_of_contents(cache: ObjectCache) -> str | None:
    """Return a digest of the contents of all sources that write code, the same in every installation of them; None if they are not files."""
    state = digest_of(PACKAGE, FOLDERS)
    if state is None:
        return None
    known = cache.read(f"{state[:40]}-sources")
    if known is not None:
        return known.decode()
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path, _, _ in sorted(sources(str(PACKAGE / folder))):
            content = (PACKAGE / folder / path).read_bytes()
            digest.update(f"{folder}/{path} {len(content)}\n".encode() + content)
    computed = digest.hexdigest()
    cache.write(f"{state[:40]}-sources", computed.encode())
    return computed
