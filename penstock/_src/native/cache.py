"""Objects on disk: a file for each code, named by its key.

A file is written beside its place and renamed into it, so readers see all of it or none, and writers may race: they
write the same bytes.  It starts with a checksum; one that does not hold is removed and built again.  A folder that has
grown past LIMIT loses its oldest files.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from penstock._src.util import flags

log = logging.getLogger("penstock.native")

MAGIC = b"PNSTKOBJ1\n"
LIMIT = 512 << 20  # bytes of a folder
INTERVAL = 600  # seconds until a process that writes looks again how large the folder is
_DIGEST = hashlib.sha256().digest_size


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """(time of writing, bytes, path) of every object below a folder. There may be tens of thousands."""
    with os.scandir(folder) as parts:
        for part in parts:
            if part.is_dir(follow_symlinks=False):
                with os.scandir(part.path) as entries:
                    for entry in entries:
                        if entry.name.endswith(".o"):
                            stat = entry.stat(follow_symlinks=False)
                            yield stat.st_mtime, stat.st_size, entry.path


def default_folder() -> Path | None:
    """The user's cache folder of this system; None if no home is known."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "penstock" / "kernels"


class ObjectCache:
    """Object code by key in a folder.  Any failure of the disk only means compiling again."""

    def __init__(self, folder: Path | str | None):
        self.folder = Path(folder) if folder else None
        self._warned = False
        self._pruned = False

    @classmethod
    def from_flags(cls) -> ObjectCache:
        """The cache that PENSTOCK_CACHE_DIR names: a folder, `none` for no cache, or the default one."""
        named = flags.flags.cache_dir
        if named.lower() == "none":
            return cls(None)
        return cls(Path(named) if named else default_folder())

    def path(self, key: str) -> Path:
        """Where the object of a key lies, in a cache that has a folder."""
        assert self.folder is not None
        return self.folder / key[:2] / f"{key[2:]}.o"

    def read(self, key: str) -> bytes | None:
        """The object stored under `key`, or None if there is none that is whole."""
        if self.folder is None:
            return None
        path = self.path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        start = len(MAGIC) + _DIGEST
        if (
            data[: len(MAGIC)] == MAGIC
            and hashlib.sha256(data[start:]).digest() == data[len(MAGIC) : start]
        ):
            return data[start:]
        self._complain("%s is damaged; it is built again", path)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._complain("%s could not be removed: %s", path, error)
        return None

    def write(self, key: str, code: bytes) -> None:
        if self.folder is None:
            return
        path = self.path(key)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._pruned:
                self._pruned = True
                if self._is_due():
                    self.prune()
            path.parent.mkdir(mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(MAGIC + hashlib.sha256(code).digest() + code)
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._complain("kernels are not kept in %s: %s", self.folder, error)

    def _is_due(self) -> bool:
        """Whether nobody has looked at the folder's size for a while: in a large one that takes a second."""
        if self.folder is None:
            return False
        mark = self.folder / "looked-at"
        if mark.exists() and time.time() - mark.stat().st_mtime < INTERVAL:
            return False
        mark.touch()
        return True

    def prune(self, limit: int | None = None) -> None:
        """Removes the oldest files until three quarters of the limit are left, if it is passed."""
        if self.folder is None or not self.folder.is_dir():
            return
        limit = LIMIT if limit is None else limit
        files = list(_files(self.folder))
        total = sum(size for _, size, _ in files)
        if total <= limit:
            return
        for _, size, path in sorted(files):
            Path(path).unlink(missing_ok=True)
            total -= size
            if total <= limit * 3 // 4:
                return

    def _complain(self, message: str, *args) -> None:
        """Says it once; a user needs to know only when looking for the reason of slow starts."""
        if not self._warned:
            self._warned = True
            log.debug(message, *args)
