"""Packs weights that are kept with their variables (plan/prepacked.py): when they are asked for and have changed."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.kernel_code import LINE
from penstock._src.compiler.plan.launch_table import Launch, encode
from penstock._src.compiler.plan.prepacked import PrepackedWeights
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.resources import VariableHandle
from penstock._src.native import Call

BYTE = np.dtype(np.uint8)
VARIABLE, MEMORY, SCRATCH = range(3)  # the arrays that packing takes


@dataclass(frozen=True)
class _Derived:
    """A packed array, and the state of the variable that it was made of."""

    source: weakref.ref[np.ndarray]
    version: int
    memory: np.ndarray


class WeightPacker:
    """Packs one variable when its packed weights are asked for and it has changed."""

    def __init__(self, weights: PrepackedWeights, library: Any, threads: int):
        self.key, self.variable = weights.key, weights.variable
        code, sizes = weights.code, weights.sizes
        self._size = weights.memory.size
        self._scratch = code.scratch(sizes) + LINE
        self._lock = threading.Lock()
        patches: list[tuple[int, int, int]] = []

        def word(argument: Any, at: int) -> int:
            if not isinstance(argument, tuple):
                return int(argument)
            array, offset = argument
            patches.append((array, at, offset))
            return 0

        records = [
            Launch(
                code.code, stage.function, stage.tasks(sizes),
                code.context(stage, 0, (VARIABLE, 0), (MEMORY, 0), 0, _in_scratch, sizes), "pack weights",
            )
            for stage in weights.stages
        ]  # fmt: skip
        words = encode(records, lambda launch: library[launch.function], word)
        self._pack = Call(np.array(words, np.int64), 3, patches, threads=threads, keep=library)

    def of(self, handle: VariableHandle, array: np.ndarray) -> np.ndarray:
        """The packed weights of a variable whose value is `array`."""
        found = handle.derived.get(self.key)
        if found is not None and found.version == handle.version and found.source() is array:
            return found.memory
        version = handle.version
        memory, scratch = (empty_aligned((size,), BYTE) for size in (self._size, self._scratch))
        with self._lock:
            self._pack.run(array, memory, scratch)
        handle.derived[self.key] = _Derived(weakref.ref(array), version, memory)
        return memory


def _in_scratch(offset: int) -> tuple[int, int]:
    return SCRATCH, offset


def packers(
    prepacked: Sequence[PrepackedWeights], libraries: Any, threads: int
) -> list[WeightPacker]:
    """One for each of a plan's prepacked arrays."""
    return [WeightPacker(w, libraries[w.code.code.key], threads) for w in prepacked]
