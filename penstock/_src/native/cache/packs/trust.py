"""The makers whose packs this user trusts: public keys, a file each, in a folder of the user's configuration (PENSTOCK_TRUSTED_KEYS).

A file has one line, `penstock-key-1` and the key in hexadecimal digits. The folder and its files must be the user's or root's, and writable by no one else:
otherwise others could add a key.
"""

import logging
import os
import re
import sys
from pathlib import Path

from penstock._src.util.files.whole import written_whole
from penstock._src.util.flags import flags

from ..places import folder_of_user
from .format import fingerprint

log = logging.getLogger("penstock.native")

SUFFIX = ".pub"
_LINE = re.compile(r"penstock-key-1 ([0-9a-f]{64})\s*")


def key_text(key: bytes) -> str:
    """The text of a public key's file."""
    return f"penstock-key-1 {key.hex()}\n"


def key_of(text: str) -> bytes | None:
    """The public key of a file's text; None if it is not one."""
    match = _LINE.fullmatch(text)
    return bytes.fromhex(match[1]) if match else None


def folder() -> Path | None:
    """The folder of trusted keys; None if no home is known."""
    if flags.trusted_keys:
        return Path(flags.trusted_keys)
    home = folder_of_user("configuration")
    return home and home / "trusted-keys"


def trust(key: bytes) -> Path:
    """Adds a public key to those trusted; returns its file.

    Raises:
      OSError: it cannot be stored.
    """
    place = folder()
    if place is None:
        raise OSError(
            "there is no folder for trusted keys: no home is known (PENSTOCK_TRUSTED_KEYS)"
        )
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place / f"{fingerprint(key)}{SUFFIX}"
    with written_whole(path, "w") as file:
        file.write(key_text(key))
    os.chmod(path, 0o600)
    return path


def is_trusted(key: bytes) -> bool:
    """True if the user trusts the owner of a public key."""
    place = folder()
    path = place and place / f"{fingerprint(key)}{SUFFIX}"
    try:
        if place is None or path is None or not path.is_file():
            return False
        for each in (place, path):
            if not _is_guarded(each):
                log.warning("the key %s is not trusted: others may write %s", path.name, each)
                return False
        return key_of(path.read_text()) == key
    except (OSError, UnicodeDecodeError) as error:
        log.warning("the key %s is not trusted: it cannot be read (%s)", path, error)
        return False


def _is_guarded(path: Path) -> bool:
    """True if only the user, or root, may write a path."""
    if sys.platform == "win32":
        return True
    status = path.stat()
    return not status.st_mode & 0o022 and status.st_uid in (0, os.geteuid())
