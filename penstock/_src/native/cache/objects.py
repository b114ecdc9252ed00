"""The on-disk cache of object code: a file for each Code, named by its key.

A file is written under a temporary name and renamed, so that readers never see a partial file; writers may race, since they
write the same bytes. It starts with a signature by the user's key (`signing.py`); a file that is damaged, or signed by another
key, is removed and rebuilt. When the folder exceeds LIMIT, the oldest files are removed.
"""

import hmac
import logging
import math
import os
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from penstock._src.util import flags
from penstock._src.util.files.whole import written_whole

from . import signing
from .places import default_folder

log = logging.getLogger("penstock.native")

MAGIC = b"PNSTKOBJ2\n"
LIMIT = 512 << 20  # bytes of a folder on its disk
BLOCK = 4096  # bytes in which disks store files: most of a cache are small ones
INTERVAL = 600  # seconds between checks of the folder's size by processes that write
SOON = 60  # seconds until the next one, if a check has left files that are too many
PATIENCE = 0.5  # seconds of a check: a user's first call may wait for it

File = tuple[float, int, str]  # time of writing, bytes on the disk, path


def bytes_on_disk(size: int) -> int:
    """The bytes that a file of a size takes."""
    return -(-size // BLOCK) * BLOCK


def _parts(folder: Path) -> list[str]:
    """The folders below a folder: an object is in that of the first characters of its key, a hash."""
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _files_of(part: str) -> Iterator[File]:
    """The objects in a part. There may be thousands."""
    with os.scandir(part) as entries:
        for entry in entries:
            if entry.name.endswith(".o"):
                try:
                    stat = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # another process has removed it
                    continue
                yield stat.st_mtime, bytes_on_disk(stat.st_size), entry.path


def files(folder: Path) -> Iterator[File]:
    """Every object below a folder."""
    for part in _parts(folder):
        yield from _files_of(part)


def _remove_oldest(files: Iterable[File], limit: int, until: float) -> bool:
    """If files exceed a limit, removes the oldest until they are at three quarters of it, or it is the time `until`.

    Returns:
      True if they are within the limit.
    """
    files = sorted(files)
    total = sum(size for _, size, _ in files)
    least = limit * 3 // 4 if total > limit else limit
    for _, size, path in files:
        if total <= least or time.monotonic() > until:
            break
        Path(path).unlink(missing_ok=True)
        total -= size
    return total <= limit


class ObjectCache:
    """Object code by key in a folder. A disk error only causes recompilation, as does the lack of a key to sign with."""

    def __init__(self, folder: Path | str | None):
        self.folder = Path(folder) if folder else None
        self._warned = False
        self._looked = -math.inf  # when the folder's size was last of interest

    @classmethod
    def from_flags(cls) -> "ObjectCache":
        """The cache of PENSTOCK_CACHE_DIR: a folder, `none` for no cache, or the default one."""
        named = flags.flags.cache_dir
        if named.lower() == "none":
            return cls(None)
        return cls(Path(named) if named else default_folder())

    def path(self, key: str) -> Path:
        """The path of a key's object; the cache must have a folder."""
        assert self.folder is not None
        return self.folder / key[:2] / f"{key[2:]}.o"

    def keys(self) -> Iterator[str]:
        """All keys under which something is stored."""
        if self.folder is not None and self.folder.is_dir():
            for _, _, path in files(self.folder):
                yield Path(path).parent.name + Path(path).stem

    def read(self, key: str) -> bytes | None:
        """The object stored under `key`, or None if it is missing, damaged or not the user's."""
        secret = signing.user_key() if self.folder else None
        if secret is None:
            return None
        path = self.path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        start = len(MAGIC) + signing.LENGTH
        code = data[start:]
        if data[: len(MAGIC)] == MAGIC and hmac.compare_digest(
            data[len(MAGIC) : start], signing.signature(secret, key, code)
        ):
            return code
        self._complain("%s is damaged or not this user's; it is rebuilt", path)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._complain("%s could not be removed: %s", path, error)
        return None

    def write(self, key: str, code: bytes) -> None:
        """Keeps an object for later processes of this user."""
        if self.folder is None or (secret := signing.user_key()) is None:
            return
        path = self.path(key)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if time.monotonic() - self._looked > INTERVAL:
                self._looked = time.monotonic()
                if self._is_due() and not self.prune():
                    self._look_soon()
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with written_whole(path, survives_crashes=False) as file:  # it is signed
                file.write(MAGIC + signing.signature(secret, key, code) + code)
        except OSError as error:
            self._complain("kernels are not kept in %s: %s", self.folder, error)

    def _is_due(self) -> bool:
        """True if the folder's size is due for a check, which takes a second in a large folder."""
        if self.folder is None:
            return False
        mark = self.folder / "looked-at"
        if mark.exists() and time.time() - mark.stat().st_mtime < INTERVAL:
            return False
        mark.touch()
        return True

    def _look_soon(self) -> None:
        """Has this process and others check the folder's size again after SOON seconds."""
        assert self.folder is not None
        self._looked = time.monotonic() - (INTERVAL - SOON)
        due = time.time() - (INTERVAL - SOON)
        os.utime(self.folder / "looked-at", (due, due))

    def prune(self, limit: int | None = None) -> bool:
        """If the limit is exceeded, removes the oldest files until the folder is at three quarters of it, as far as PATIENCE allows.

        Of a folder with more files than can be listed in this time, some parts are brought to their share of the limit.

        Returns:
          True if the folder is known to be within the limit.
        """
        if self.folder is None or not self.folder.is_dir():
            return True
        limit = LIMIT if limit is None else limit
        until = time.monotonic() + PATIENCE
        listed: list[File] = []
        for file in files(self.folder):
            listed.append(file)
            if time.monotonic() > until:
                return self._prune_parts(limit, until + PATIENCE)
        return _remove_oldest(listed, limit, until + PATIENCE)

    def _prune_parts(self, limit: int, until: float) -> bool:
        """Brings parts of the folder, in any order, to their share of the limit. Returns True if it has come to all of them."""
        assert self.folder is not None
        parts = _parts(self.folder)
        random.Random().shuffle(parts)  # the state of Python's own generator is the user's
        for part in parts:
            if not _remove_oldest(_files_of(part), limit // len(parts), until):
                return False
            if time.monotonic() > until:
                return False
        return True

    def _complain(self, message: str, *args) -> None:
        """Logs a message once, at a level for users who investigate slow starts."""
        if not self._warned:
            self._warned = True
            log.debug(message, *args)
