"""Facts that only LLVM knows, kept in the kernel cache, so that a process which compiles nothing need not load it.

A record is kept under a hash of all that its facts depend on: llvmlite, and what more the caller names. It is signed by the user's key, as code is.

llvmlite is named by the content of the file with its version, and by sizes and times of its libraries, which are too large to be read. A library that does not
contain LLVM takes the system's, which changes without it: then nothing is kept.
"""

import hashlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..cache import ObjectCache

_LIBRARIES = (".so", ".dylib", ".dll")
_LEAST_WITH_LLVM = (
    16 << 20
)  # bytes of a library that contains LLVM: with one target, it has some 40 MB


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


def _state_of_llvm() -> list[Any] | None:
    """The version of llvmlite, then path, size and time of its libraries; None if they are not found, or do not contain LLVM."""
    package = importlib.util.find_spec("llvmlite")
    folders = (package and package.submodule_search_locations) or ()
    versions: list[Any] = []
    libraries = []
    try:
        for folder in folders:
            versions.append(Path(folder, "_version.py").read_bytes())
            for path in sorted(Path(folder, "binding").iterdir()):
                if path.suffix in _LIBRARIES:
                    status = path.stat()
                    libraries.append((str(path), status.st_size, status.st_mtime_ns))
    except OSError:
        return None
    if max([size for _, size, _ in libraries], default=0) < _LEAST_WITH_LLVM:
        return None
    return versions + libraries
