"""Facts that only LLVM knows, kept in the kernel cache, so that a process which compiles nothing need not load it.

A record is kept under a hash of all that its facts depend on: the files of llvmlite, by version, size and time of writing, and what more the caller names. It
is signed by the user's key, as code is.
"""

import hashlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..cache import ObjectCache

_LIBRARIES = (".so", ".dylib", ".dll")


def recorded(kind: str, facts: Any, compute: Callable[[], list[Any]]) -> list[Any]:
    """Returns a record, from the cache or by LLVM.

    Args:
      kind: of the record.
      facts: on which it depends besides LLVM; None: it is not kept.
      compute: asks LLVM; gives what JSON can have.
    """
    state = None if facts is None else _state_of_llvm()
    if state is None:
        return compute()
    cache = ObjectCache.from_flags()
    key = hashlib.sha256(repr((kind, state, facts)).encode()).hexdigest()[:40] + f"-{kind}"
    kept = cache.read(key)
    if kept is not None:
        record: list[Any] = json.loads(kept)
        return record
    record = compute()
    cache.write(key, json.dumps(record).encode())
    return record


def _state_of_llvm() -> list[tuple[str, int, int]] | None:
    """Path, size and time of the libraries of llvmlite; None if they are not found."""
    package = importlib.util.find_spec("llvmlite")
    folders = (package and package.submodule_search_locations) or ()
    records = []
    try:
        for folder in folders:
            # The version's file is another with each version, whatever the time of the libraries.
            for path in sorted([*Path(folder, "binding").iterdir(), Path(folder, "_version.py")]):
                if path.suffix in _LIBRARIES or path.name == "_version.py":
                    status = path.stat()
                    records.append((str(path), status.st_size, status.st_mtime_ns))
    except OSError:
        return None
    return records if any(path.endswith(_LIBRARIES) for path, _, _ in records) else None
