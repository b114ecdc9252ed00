"""Packed weights that are kept from call to call: made of a variable alone, and again only when it has changed."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.kernel_code import LINE, KernelCode, Stage
from penstock._src.compiler.schedule.memory_plan import Buffer
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.core.values.resources import VariableHandle
from penstock._src.native import Call

LEAST_BYTES = 16 << 10  # of weights that are worth keeping
BYTE = np.dtype(np.uint8)
VARIABLE, MEMORY, SCRATCH = range(3)  # the arrays that making them takes


@dataclass
class KeptWeights:
    """What a program's plan says of one kept array.

    key        equal for arrays of a variable that are made alike, in whatever program
    variable   the number of the handle among the program's arguments
    memory     its place in the plan; `memory.number` counts the plan's kept arrays
    """

    key: Any
    variable: int
    memory: Buffer
    code: KernelCode
    sizes: tuple[int, ...]

    @property
    def stages(self) -> list[Stage]:
        """What makes it."""
        return [stage for stage in self.code.stages(self.sizes) if stage.keeps]


@dataclass(frozen=True)
class _Derived:
    """A kept array, and the state of the variable that it was made of."""

    source: weakref.ref[np.ndarray]
    version: int
    memory: np.ndarray


class WeightKeeper:
    """Makes one kept array when it is asked for and the variable has changed."""

    def __init__(self, kept: KeptWeights, library: Any, threads: int):
        self.key, self.variable = kept.key, kept.variable
        self._size = kept.memory.size
        self._scratch = kept.code.scratch(kept.sizes) + LINE
        self._lock = threading.Lock()
        words: list[int] = []
        patches: list[tuple[int, int, int]] = []
        for stage in kept.stages:
            context = kept.code.context(
                stage, 0, (VARIABLE, 0), (MEMORY, 0), 0, _in_scratch, kept.sizes
            )
            header = [library[stage.function], stage.tasks(kept.sizes), 4 + len(context), 0]
            start = len(words) + len(header)
            words += header
            for i, word in enumerate(context):
                if isinstance(word, tuple):
                    array, offset = word
                    patches.append((array, start + i, offset))
                words.append(0 if isinstance(word, tuple) else int(word))
        self._make = Call(np.array(words, np.int64), 3, patches, threads=threads, keep=library)

    def of(self, handle: VariableHandle, array: np.ndarray) -> np.ndarray:
        """The kept array of a variable whose value is `array`."""
        found = handle.derived.get(self.key)
        if found is not None and found.version == handle.version and found.source() is array:
            return found.memory
        version = handle.version
        memory, scratch = (empty_aligned((size,), BYTE) for size in (self._size, self._scratch))
        with self._lock:
            self._make.run(array, memory, scratch)
        handle.derived[self.key] = _Derived(weakref.ref(array), version, memory)
        return memory


def _in_scratch(offset: int) -> tuple[int, int]:
    return SCRATCH, offset


def keepers(kept: Sequence[KeptWeights], libraries: Any, threads: int) -> list[WeightKeeper]:
    """One for each of a plan's kept arrays."""
    return [WeightKeeper(k, libraries[k.code.code.key], threads) for k in kept]
