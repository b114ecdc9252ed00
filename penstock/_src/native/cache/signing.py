"""The user's key, with which the user's processes sign the object code that they write and recognize it later.

Otherwise anyone with write access to the cache folder could plant code that the next process would run. The key is a file that only its
user may read; it is created at first use. Processes that share a cache folder share the key (PENSTOCK_CACHE_KEY).
"""

import contextlib
import functools
import hashlib
import logging
import os
import sys
from pathlib import Path

from penstock._src.util import flags

from .places import folder_of_user

log = logging.getLogger("penstock.native")

LENGTH = 32  # bytes of a key and of a signature


def default_path() -> Path | None:
    """Return the path of the key in the user's configuration; None if no home is known."""
    folder = folder_of_user("configuration")
    return folder and folder / "kernels.key"


def user_key() -> bytes | None:
    """The key, created if missing; None if it cannot be stored, or others may read it."""
    named = flags.flags.cache_key
    path = Path(named) if named else default_path()
    return _key_in(path) if path else None


@functools.cache
def _key_in(path: Path) -> bytes | None:
    try:
        if not path.exists():
            _make(path)
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            log.warning("kernels are not cached on disk: other users have access to %s", path)
            return None
        key = path.read_bytes()
    except OSError as error:
        log.debug("kernels are not kept on disk, since their key cannot be: %s", error)
        return None
    return key if len(key) == LENGTH else None


def _make(path: Path) -> None:
    """Writes a new key, unless another process does so first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(LENGTH))
            file.flush()
            # A key that is lost in a crash after its name is written would be empty from then on.
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            # Unlike a renaming, it fails if there is a key: all processes go on with the first one.
            os.link(own, path)
    finally:
        os.unlink(own)


def signature(key: bytes, name: str, content: bytes) -> bytes:
    """Return the signature of a name and its content, which needs the key (keyed BLAKE2, RFC 7693)."""
    digest = hashlib.blake2b(name.encode() + b"\n", key=key, digest_size=LENGTH)
    digest.update(content)
    return digest.digest()
