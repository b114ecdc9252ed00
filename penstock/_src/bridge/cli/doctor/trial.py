"""A small program, compiled and run."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from typing import Any

from penstock._src.bridge.cli.doctor.findings import Finding, note, ok, problem
from penstock._src.bridge.tensorflow_alias import PUBLIC
from penstock._src.util.process.compiler import has_compiler

SLOW = 5.0  # seconds


def small_program() -> Iterator[Finding]:
    """A compiled step beside NumPy's result."""
    if not has_compiler():
        yield note(
            "LLVM is not installed: models with packs run, other functions do not",
            "pip install llvmlite, if functions are to be compiled (docs/packs.md).",
        )
        return
    import numpy as np  # may be broken

    tf: Any = importlib.import_module(PUBLIC)
    x = np.linspace(-1, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    start = time.perf_counter()
    computed = tf.function(lambda x: tf.nn.relu(x @ x) + 1.0)(tf.constant(x)).numpy()
    seconds = time.perf_counter() - start
    if not np.allclose(computed, np.maximum(x @ x, 0) + 1, rtol=1e-4, atol=1e-5):
        yield problem(
            "a compiled product of 64 x 64 differs from NumPy's",
            "Run it with PENSTOCK_CPU=x86-64-v2, and report both with `penstock env`.",
        )
    elif seconds > SLOW:
        yield note(
            f"a small function takes {seconds:.1f} s to compile and run", "Is the machine busy?"
        )
    else:
        yield ok(f"a small function is compiled and run in {seconds * 1e3:.0f} ms")


def native_calls() -> Iterator[Finding]:
    """The layouts of CPython's and NumPy's objects that native code assumes."""
    from penstock._src.util.process import layout_samples  # NumPy may be broken
    from penstock._src.util.process.layouts import FREE_THREADED, KINDS, OF_ALL_CODE

    differing = layout_samples.differing()
    if differing:
        found = note if set(differing).isdisjoint(OF_ALL_CODE) else problem
        yield found(
            f"objects of {layout_samples.libraries()} are laid out otherwise than native code assumes ({', '.join(differing)}): Python makes the calls",
            "Small eager operations take longer. Use another version of either, and report both with `penstock env`.",
        )
    elif FREE_THREADED:
        yield note("without the GIL Python makes all eager calls, and native code none")
    else:
        yield ok(
            f"native code makes frequent calls: objects of {len(KINDS)} kinds are laid out as it assumes"
        )


CHECKS = (native_calls, small_program)
