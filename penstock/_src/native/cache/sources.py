"""Digests of the sources that write code: object code is kept under names that contain one.

In this user's cache, sources are represented by their sizes and times, as in Python's compiled files. Packs, which travel, name a digest of their
contents. That is computed once for an installation: it is kept in the cache under the digest of sizes and times, and beside Python's byte code.
"""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

from penstock._src.util.files.scanned import keep_beside_code, kept_beside_code, sources

from .objects import ObjectCache

PACKAGE = Path(__file__).resolve().parents[2]
# Folders of the package with all code that writes what packs have: texts of kernels, and plans, which come from graphs and their ops.
FOLDERS = (
    "autodiff", "compiler", "core", "devices/cpu", "function", "graph", "ir", "native", "ops", "proto", "runtime", "saving", "util",
)  # fmt: skip
_CONTENTS = "sources"  # the kind of this cache record, which is stored next to the byte code


def digest_of(package: Path, folders: Sequence[str]) -> str | None:
    """Return a digest of the sources in some folders of a package; None if they are not available as files."""
    digest = hashlib.sha256()
    try:
        for folder in folders:
            place = package / folder
            lines = [f"{place}/{path} {size} {time}\n" for path, size, time in _scanned(place)]
            digest.update("".join(lines).encode())
    except OSError:
        return None
    return digest.hexdigest()


def digest_of_contents(cache: ObjectCache) -> str | None:
    """Return a digest of the contents of all sources that write code, the same in every installation of them; None if they are not files."""
    state = digest_of(PACKAGE, FOLDERS)
    if state is None:
        return None
    kept = kept_beside_code(PACKAGE, _CONTENTS, state)
    if isinstance(kept, str):
        return kept
    known = cache.read(f"{state[:40]}-sources")
    if known is not None:
        return known.decode()
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path, _, _ in _scanned(PACKAGE / folder):
            content = (PACKAGE / folder / path).read_bytes()
            digest.update(f"{folder}/{path} {len(content)}\n".encode() + content)
    computed = digest.hexdigest()
    keep_beside_code(PACKAGE, _CONTENTS, state, computed)
    cache.write(f"{state[:40]}-sources", computed.encode())
    return computed


def _scanned(folder: Path) -> Sequence[tuple[str, int, int]]:
    """The sources in a folder, sorted. Those of Penstock are looked at once: this process runs what they were."""
    if folder.is_relative_to(PACKAGE):
        return _own(folder)
    return sources(str(folder))


@functools.cache
def _own(folder: Path) -> Sequence[tuple[str, int, int]]:
    return sources(str(folder))
