"""What a process holds: memory, Python's blocks, threads, files."""

import ctypes
import gc
import os
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

_PROCESS = Path("/proc/self")


@dataclass(frozen=True)
class Holdings:
    """memory: private pages written to, in KB; blocks: of Python's allocator; names of the others."""

    memory: int
    blocks: int
    threads: tuple[str, ...]
    files: tuple[str, ...]
    temporary: tuple[str, ...]


def holdings() -> Holdings:
    """What this process holds after a collection; it must have a folder of its own for temporary files."""
    gc.collect()
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)  # free memory that the C library keeps is no leak
    return Holdings(
        _private_kilobytes(),
        sys.getallocatedblocks(),
        tuple(sorted(thread.name for thread in threading.enumerate())),
        tuple(sorted(_open_files())),
        tuple(sorted(os.listdir(tempfile.gettempdir()))),
    )


def native_threads() -> int:
    """How many threads the process has, Python's and others."""
    return len(os.listdir(_PROCESS / "task"))


def _private_kilobytes() -> int:
    lines = (_PROCESS / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


def _open_files() -> list[str]:
    names = []
    for entry in os.listdir(_PROCESS / "fd"):
        try:
            names.append(os.readlink(_PROCESS / "fd" / entry))
        except FileNotFoundError:  # that of the listing itself
            continue
    return names
