"""Packs weights, and caches them with their variables until these change (plan/prepacked.py)."""

import contextlib
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.kernel_code import LINE
from penstock._src.compiler.plan.launch_table import Launch, encode
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.prepacked import PrepackedWeights
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.resources import VariableHandle
from penstock._src.ir.extents import dims
from penstock._src.native import Call
from penstock._src.util.dataclass import dataclass

BYTE = np.dtype(np.uint8)
VARIABLE, MEMORY, SCRATCH = range(3)  # indices of the arrays that packing takes


# (packer, its arrays) -> a context
Watching = Callable[["WeightPacker", Sequence[np.ndarray]], contextlib.AbstractContextManager[None]]


def unwatched(
    _packer: "WeightPacker", _arrays: Sequence[np.ndarray]
) -> contextlib.AbstractContextManager[None]:
    """The context of packing without PENSTOCK_CHECKED."""
    return contextlib.nullcontext()


@dataclass(frozen=True)
class _PackedWeights:
    """A packed array, with the array and the version of the variable from which it was packed."""

    source: weakref.ref[np.ndarray]
    version: int
    memory: np.ndarray


@dataclass(frozen=True, eq=False)
class WeightPacker:
    """Packs the weights of one variable, if it has changed.

    key        equal for arrays of the same packed form, in any program
    variable   the index of the variable's handle among the arguments
    pack       the native call: (array, memory, scratch)
    bytes, scratch_bytes    sizes of the packed weights, and of the scratch memory
    """

    key: Any
    variable: int
    pack: Call
    bytes: int
    scratch_bytes: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, handle: VariableHandle, array: np.ndarray, watching: Watching) -> np.ndarray:
        """The packed weights of a variable whose value is `array`; `watching` returns a context for the packing."""
        cached = handle.derived.get(self.key)
        # An assignment replaces the array; an update in place keeps it and raises the version.
        if cached is not None and cached.version == handle.version and cached.source() is array:
            return cached.memory
        version = handle.version
        memory = self.packed(array, watching)
        handle.derived[self.key] = _PackedWeights(weakref.ref(array), version, memory)
        return memory

    def packed(self, array: np.ndarray, watching: Watching = unwatched) -> np.ndarray:
        """Packs an array, without caching."""
        memory, scratch = (
            empty_aligned((size,), BYTE) for size in (self.bytes, self.scratch_bytes)
        )
        with self.lock, watching(self, (array, memory, scratch)):
            self.pack.run(array, memory, scratch)
        return memory


def packers_of(plan: Plan, libraries: Mapping[str, Any]) -> list[WeightPacker]:
    """The packers of a plan's prepacked arrays; `libraries` are its kernels by their codes' keys."""
    return [packer_of(w, libraries[w.code.code.key], plan.threads) for w in plan.prepacked]


def packer_of(weights: PrepackedWeights, library: Any, threads: int) -> WeightPacker:
    """The packer of an array; `library` has the addresses of the code's functions."""
    code, sizes = weights.code, weights.sizes
    patches: list[tuple[int, int, int]] = []

    def word(argument: Any, at: int) -> int:
        if not isinstance(argument, tuple):
            return dims.number(argument)  # weights have known extents
        patches.append((argument[0], at, argument[1]))
        return 0

    records = [
        Launch(
            code.code, stage.function, stage.tasks(sizes),
            code.context(stage, 0, (VARIABLE, weights.start), (MEMORY, 0), 0, lambda at: (SCRATCH, at), sizes), "pack weights", (),
        )
        for stage in weights.stages
    ]  # fmt: skip
    words = encode(records, lambda launch: library[launch.function], word)
    pack = Call(np.array(words, np.int64), 3, patches, threads=threads, keep=library)
    scratch = dims.number(code.scratch(sizes)) + LINE
    return WeightPacker(weights.key, weights.variable, pack, weights.memory.size, scratch)
