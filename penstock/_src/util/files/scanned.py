"""Names that the Python sources of a folder define, found by a pattern, and kept beside Python's byte code for the next process.

Kept names count while all sources have the paths, sizes and times of writing that they had: the condition on which Python trusts its byte code.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from penstock._src.util.files.whole import written_whole


def names_in(folder: Path, pattern: re.Pattern[bytes]) -> dict[str, str]:
    """Returns the names that sources below a folder define.

    Args:
      folder: the folder.
      pattern: what its first group matches in a source is a name.

    Returns:
      For each name the path of its source, from the folder on.
    """
    state = hashlib.sha256(pattern.pattern)
    paths = []
    for path, size, time in sources(str(folder)):
        paths.append(path)
        state.update(f"{path} {size} {time}\n".encode())
    names = kept_beside_code(folder, "names", state.hexdigest())
    if not isinstance(names, dict):
        names = {name: path for path in paths for name in _names(folder / path, pattern)}
        keep_beside_code(folder, "names", state.hexdigest(), names)
    return names


def sources(folder: str) -> list[tuple[str, int, int]]:
    """(path, bytes, time of writing) of the sources in a folder, sorted."""
    found, waiting = [], [(folder, "")]
    while waiting:
        place, parent = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(".py"):
                    status = entry.stat()
                    found.append((parent + name, status.st_size, status.st_mtime_ns))
                elif name != "__pycache__" and entry.is_dir():
                    waiting.append((entry.path, f"{parent}{name}/"))
    return sorted(found)


def _names(path: Path, pattern: re.Pattern[bytes]) -> list[str]:
    with open(path, "rb") as source:
        return [name.decode() for name in pattern.findall(source.read())]


def kept_beside_code(folder: Path, kind: str, state: str) -> Any:
    """Data kept beside the byte code of a folder for this state of its sources; None if there is none."""
    place = _place(folder, kind)
    try:
        kept = json.loads(place.read_bytes()) if place else None
    except (OSError, ValueError):  # there is none yet, or it is damaged
        return None
    return kept.get(kind) if isinstance(kept, dict) and kept.get("state") == state else None


def keep_beside_code(folder: Path, kind: str, state: str, content: Any) -> None:
    """Keeps what was found in the sources of a folder, unless Python writes no byte code there."""
    place = _place(folder, kind)
    if place is None or sys.dont_write_bytecode:
        return
    with contextlib.suppress(OSError):  # the package is not writable: it is scanned each time
        place.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(place, "w", survives_crashes=False) as file:
            file.write(json.dumps({"state": state, kind: content}))


def _place(folder: Path, kind: str) -> Path | None:
    """The file of what is kept; None if this Python keeps no byte code."""
    try:
        code = importlib.util.cache_from_source(str(folder / "__init__.py"))
    except NotImplementedError:
        return None
    return Path(code).with_name(f"{kind}.json")
