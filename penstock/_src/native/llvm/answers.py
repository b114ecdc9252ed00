"""What LLVM says about itself and this machine, kept for later processes: those that find all their code in the cache need not load LLVM to ask.

The answers are kept in the user's cache of object code, signed as that is, under a digest of LLVM's files, of the system's start, and of the
instructions that NumPy has found. Until the next start, neither the processor changes nor what the system lets programs use of it; NumPy's findings
tell an emulated processor (QEMU, Valgrind) from the real one.
"""

import functools
import hashlib
import importlib
import importlib.util
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from penstock._src.util.dataclass import dataclass

from ..cache.objects import ObjectCache
from . import binding, initialize

_START = Path("/proc/sys/kernel/random/boot_id")  # Linux names each of its starts
# Files of llvmlite that tell one from another: LLVM itself, and the version.
_FILES = ("binding/libllvmlite.so", "_version.py")


@dataclass(frozen=True)
class Answers:
    """LLVM's answers.

    versions   of llvmlite and LLVM, part of the identity of compiled code
    triple     of this process
    cpu        the processor's name
    features   True for those that the processor has
    """

    versions: str
    triple: str
    cpu: str
    features: dict[str, bool]


@functools.cache
def answers() -> Answers:
    """LLVM's answers: those of an earlier process, if they still hold."""
    cache, name = ObjectCache.from_flags(), _name(_START)
    kept = cache.read(name) if name is not None else None
    if kept is not None:
        return Answers(**json.loads(kept))
    asked = _asked()
    if name is not None:
        cache.write(name, json.dumps(asdict(asked)).encode())
    return asked


def _asked() -> Answers:
    """The answers of LLVM itself, which this loads."""
    initialize()
    llvm, package = binding(), importlib.import_module("llvmlite")
    return Answers(
        f"llvmlite {package.__version__} llvm {'.'.join(map(str, llvm.llvm_version_info))}",
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        dict(llvm.get_host_cpu_features()),
    )


def _name(start: Path) -> str | None:
    """The name in the cache of the answers that hold now; None if it is not known how long they would."""
    spec = importlib.util.find_spec("llvmlite")
    folders = spec.submodule_search_locations if spec is not None else None
    found = getattr(np._core._multiarray_umath, "__cpu_features__", None)
    if not folders or not found:
        return None
    digest = hashlib.sha256(repr(sorted(found.items())).encode())
    try:
        digest.update(start.read_bytes())
        for file in _FILES:
            path = Path(folders[0]) / file
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    except OSError:  # another system, or an LLVM that lies elsewhere
        return None
    return f"{digest.hexdigest()[:40]}-answers"
