"""Packs weights, and caches them: those of variables until these change, those of constants with their programs (plan/prepacked.py)."""

import contextlib
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from penstock._src.compiler.plan.buffers import LINE
from penstock._src.compiler.plan.launch_table import Launch, encode
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.prepacked import PackedConstant, PackedForm, PrepackedWeights
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.resources import VariableHandle
from penstock._src.ir.extents import dims
from penstock._src.native import Call
from penstock._src.util.dataclass import dataclass

BYTE = np.dtype(np.uint8)
SOURCE, MEMORY, SCRATCH = range(3)  # indices of the arrays that packing takes


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
    """The packer of a variable; `library` has the addresses of the code's functions."""
    pack, scratch = _packing(weights, library, threads)
    return WeightPacker(weights.key, weights.variable, pack, weights.memory.size, scratch)


def packed_constant(constant: PackedConstant, library: Any, threads: int) -> np.ndarray:
    """A constant in packed form, which all programs of this process share that need the same."""
    place = id(constant.array), constant.key
    source, memory = (each() for each in _CONSTANTS.get(place, (_nothing, _nothing)))
    if memory is None or source is not constant.array:
        pack, scratch = _packing(constant, library, threads)
        memory, own = (empty_aligned((n,), BYTE) for n in (constant.code.prepacked_bytes, scratch))
        pack.run(np.ascontiguousarray(constant.array), memory, own)
        _CONSTANTS[place] = weakref.ref(constant.array), weakref.ref(memory)
        weakref.finalize(memory, _CONSTANTS.pop, place, None)
    return memory


# (id of a constant's array, key of the form) -> the array and its packed form, while a program holds them
_CONSTANTS: dict[tuple[int, Any], tuple[Callable[[], Any], Callable[[], Any]]] = {}


def _nothing() -> None:
    return None


def _packing(form: PackedForm, library: Any, threads: int) -> tuple[Call, int]:
    """The call that packs an array, and the bytes of its scratch memory."""
    _, words, patches, scratch = packing_words(form, library)
    return Call(np.array(words, np.int64), 3, patches, threads=threads, keep=library), scratch


def packing_words(
    form: PackedForm, library: Mapping[str, int]
) -> tuple[Sequence[Launch], list[int], list[tuple[int, int, int]], int]:
    """The launches that pack an array, the words of their table, its patches, and the bytes of the scratch memory."""
    code, sizes = form.code, form.sizes
    patches: list[tuple[int, int, int]] = []

    def word(argument: Any, at: int) -> int:
        if not isinstance(argument, tuple):
            return dims.number(argument)  # weights have known extents
        patches.append((argument[0], at, argument[1]))
        return 0

    records = [
        Launch(
            code.code, stage.function, stage.tasks(sizes),
            code.context(stage, 0, (SOURCE, form.start), (MEMORY, 0), 0, lambda at: (SCRATCH, at), sizes), "pack weights", (),
        )
        for stage in form.stages
    ]  # fmt: skip
    words = encode(records, lambda launch: library[launch.function], word)
    return records, words, patches, dims.number(code.scratch(sizes)) + LINE
