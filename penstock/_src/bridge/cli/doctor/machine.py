"""The machine: processor, threads, memory, and what a container leaves of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from penstock._src.bridge.cli.doctor.findings import Finding, note, ok, problem

GB = 1 << 30
WIDE = 32  # bytes of vectors: AVX2, or twice NEON's
LITTLE = 1 * GB


def processor() -> Iterator[Finding]:
    """The instruction set that code is generated for."""
    from penstock._src.native import host  # LLVM may be broken

    target = host()
    text = f"{target.cpu}, vectors of {target.vector_bytes} bytes"
    if target.vector_bytes < WIDE and target.triple.startswith("x86_64"):
        yield note(
            f"{text}: without AVX2 most programs take several times as long",
            "If the machine is virtual, give it its host's processor.",
        )
    else:
        yield ok(text)
    if sys.platform != "linux":
        yield note(f"Penstock is tested on Linux, not on {sys.platform} (docs/platforms.md)")


def threads() -> Iterator[Finding]:
    """The pool beside the cores that this process may use."""
    from penstock._src.native.pool import wanted_threads  # LLVM may be broken
    from penstock._src.native.target import usable_cores

    count, usable, machine = wanted_threads(), usable_cores(), os.cpu_count() or 1
    allowed = f"{usable} cores" + (f" of the machine's {machine}" if usable < machine else "")
    if count > usable:
        yield problem(
            f"{count} threads share {allowed}: they wait for one another",
            f"Set PENSTOCK_THREADS={usable}, or unset it.",
        )
    elif count < usable:
        yield note(f"{count} threads use {allowed}", "Unset PENSTOCK_THREADS to use all.")
    else:
        yield ok(f"{count} threads on {allowed}")
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 1.5 * machine:
        yield note(
            f"other programs are busy: {os.getloadavg()[0]:.1f} wait for {machine} cores",
            "Measured times mean little now.",
        )


def memory() -> Iterator[Finding]:
    """The memory that arrays may take."""
    from penstock._src.core.values.memory_limit import machine_memory  # NumPy may be broken
    from penstock._src.util.flags import flags

    usable = machine_memory()
    whole = (
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if hasattr(os, "sysconf")
        else usable
    )
    text = f"{usable / GB:.1f} GB of memory"
    if usable < whole:
        text += f": the container's limit, of the machine's {whole / GB:.1f} GB"
    yield (problem(text, "Give the container more.") if usable < LITTLE else ok(text))
    if flags.memory_limit > usable:
        yield problem(
            f"PENSTOCK_MEMORY_LIMIT allows {flags.memory_limit / GB:.1f} GB, more than there is",
            f"Set it below {usable / GB:.1f}GB: else the system ends the program instead.",
        )


CHECKS = (processor, threads, memory)
