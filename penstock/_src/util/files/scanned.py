"""Sources of a folder: a digest of their contents, and the names that they define, kept beside Python's byte code for the next process.

What is kept counts while the contents are the same. Sizes and times would not show it: images are built with fixed times, and a constant may change in place.
"""

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import re
import sys
from _imp import source_hash
from pathlib import Path

from penstock._src.util.files.whole import written_whole

PACKAGE = Path(__file__).resolve().parents[2]
_KIND = "names"
_KEY = 0x70656E73746F636B  # of the hash: the same in every version of Python
_READ = 1 << 16  # bytes that are read at once: nearly all sources have less
_BINARY = getattr(os, "O_BINARY", 0)  # Windows


def digest_of(folder: Path) -> bytes:
    """Returns a digest of the contents of the files below a folder, with their paths from it. Byte code is left out.

    Files of Penstock are read once: this process runs what they were.

    Raises:
      OSError: there are no such files, or one cannot be read.
    """
    return _own(folder) if folder.is_relative_to(PACKAGE) else _read(folder)


@functools.cache
def _own(folder: Path) -> bytes:
    return _read(folder)


def _read(folder: Path) -> bytes:
    paths = _paths(folder)
    if not paths:
        raise FileNotFoundError(f"{folder} has no sources")
    # The hash by which byte code names its source (PEP 552): of 64 bits, and at least three times as fast as those of hashlib.
    contents = [source_hash(_KEY, _content(f"{folder}/{path}")) for path in paths]
    return hashlib.sha256("\0".join(paths).encode() + b"\0" + b"".join(contents)).digest()


def _paths(folder: Path) -> list[str]:
    """The paths of the files below a folder but byte code, sorted."""
    found, waiting = [], [""]
    while waiting:
        parent = waiting.pop()
        with os.scandir(f"{folder}/{parent}") as entries:
            for entry in entries:
                if entry.name == "__pycache__":
                    continue
                if entry.is_dir():
                    waiting.append(f"{parent}{entry.name}/")
                else:
                    found.append(parent + entry.name)
    return sorted(found)


def _content(path: str) -> bytes:
    """The content of a file, in half the time of Python's `open`: a thousand are read before the first kernel."""
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        content = part = os.read(descriptor, _READ)
        while len(part) == _READ:
            content += (part := os.read(descriptor, _READ))
        return content
    finally:
        os.close(descriptor)


def names_in(folder: Path, pattern: re.Pattern[bytes]) -> dict[str, str]:
    """Returns the names that sources below a folder define.

    Args:
      folder: the folder.
      pattern: what its first group matches in a source is a name.

    Returns:
      For each name the path of its source, from the folder on.
    """
    state = hashlib.sha256(pattern.pattern + digest_of(folder)).hexdigest()
    names = _kept_names(folder, state)
    if names is None:
        paths = [path for path in _paths(folder) if path.endswith(".py")]
        names = {name: path for path in paths for name in _names(folder / path, pattern)}
        _keep_names(folder, state, names)
    return names


def _names(path: Path, pattern: re.Pattern[bytes]) -> list[str]:
    return [name.decode() for name in pattern.findall(_content(str(path)))]


def _kept_names(folder: Path, state: str) -> dict[str, str] | None:
    """The names that are kept for this state of a folder's sources; None if there are none."""
    place = _place(folder)
    try:
        kept = json.loads(place.read_bytes()) if place else None
    except (OSError, ValueError):  # there is none yet, or it is damaged
        return None
    if not isinstance(kept, dict) or kept.get("state") != state:
        return None
    names = kept.get(_KIND)
    return names if isinstance(names, dict) else None


def _keep_names(folder: Path, state: str, names: dict[str, str]) -> None:
    """Keeps the names of a folder, unless Python writes no byte code there."""
    place = _place(folder)
    if place is None or sys.dont_write_bytecode:
        return
    with contextlib.suppress(OSError):  # the package is not writable: it is scanned each time
        place.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(place, "w", survives_crashes=False) as file:
            file.write(json.dumps({"state": state, _KIND: names}))


def _place(folder: Path) -> Path | None:
    """The file of the names; None if this Python keeps no byte code."""
    try:
        code = importlib.util.cache_from_source(str(folder / "__init__.py"))
    except NotImplementedError:
        return None
    return Path(code).with_name(f"{_KIND}.json")
