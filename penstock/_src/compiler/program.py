"""Program: a Function as one native call.

    program = build_program(function, target)      or Program(plan)
    results = program(*arguments)            arrays, and handles for parameters of dtype resource

A call passes the addresses of arguments, variables and fresh result arrays to a table of launches over one arena, and
runs it without the interpreter's lock. Variables are updated in place; one whose array someone else still holds is
copied first. A program may be called from several threads: each call uses an arena of its own.
"""

from __future__ import annotations

import math
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.compiler.check.poison import poison
from penstock._src.compiler.plan.buffers import GUARD, Buffer, gaps
from penstock._src.compiler.plan.code_cache import CodeCache
from penstock._src.compiler.plan.launch_table import STATUS, encode, time_words
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.planner import plan
from penstock._src.compiler.plan.weight_packer import packers
from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError, InternalError, InvalidArgumentError
from penstock._src.core.values import resources
from penstock._src.core.values.arrays import SMALL, aligned_copy, empty_aligned
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node
from penstock._src.native import Call, Target, host, kernels, pool
from penstock._src.util.flags import flags

SENTINEL = 0xA5
LARGE_BLOCK = 1 << 26  # bytes
_caches: dict[Target, CodeCache] = {}


def build_program(function: Function, target: Target | None = None) -> Program:
    """Returns the function compiled for a target (the CPU of this process by default)."""
    target = target or host()
    cache = _caches.setdefault(target, CodeCache(target))
    return Program(plan(function, cache, pool().threads))


@dataclass
class Statistics:
    """What a program consists of."""

    launches: int
    kernels: int
    arena_bytes: int
    written: int  # kernels whose code was not known before


class Program:
    """A compiled function. Calling it runs it."""

    def __init__(self, plan: Plan):
        self.plan, self.function, self.threads, self.guard = (
            plan, plan.function, plan.threads, plan.guarded,
        )  # fmt: skip
        self.is_logged = flags.debug >= 2
        self.is_poisoned = bool(flags.check)
        self.is_watched = self.guard or self.is_logged or self.is_poisoned
        function = plan.function
        codes = plan.codes
        self.libraries = kernels().load(codes)
        self.statistics = Statistics(len(plan.launches), len(codes), plan.arena_bytes, plan.written)
        updated = {h.id for h, _ in function.updates}
        self._updated = [i for i, p in enumerate(function.parameters) if p.id in updated]
        self._arrays, self._handles = [], []
        for i, parameter in enumerate(function.parameters):
            if parameter.dtype == dtypes.resource:
                self._handles.append((i, *_type_of(parameter), parameter.id in updated))
            else:
                self._arrays.append((i, *_type_of(parameter)))
        self._results = [_result_maker(r) for r in function.results]
        self._packers = packers(plan.prepacked, self.libraries, self.threads)
        self._free: list[_Instance] = []
        self.constants: dict[int, np.ndarray] = {}

    def __call__(self, *arguments: Any) -> list[np.ndarray]:
        """Runs the function; returns its results."""
        return self.run(arguments)

    def run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        """The same, of arguments in a sequence."""
        if not self._updated:
            return self._run(arguments)
        with resources.UPDATING:
            try:
                return self._run(arguments)
            finally:
                for i in self._updated:
                    arguments[i].version += 1

    def _run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        arrays = self._arguments(arguments)
        if self.is_watched:
            return self._run_watched(arguments, arrays)
        outputs = [make(shape, dtype) for make, shape, dtype in self._results]
        packed = self._prepacked(arguments, arrays) if self._packers else ()
        instance = self._take()
        try:
            code = instance.call.run(*arrays, *outputs, *packed)
            if code:
                self._fail(code, instance.call.status)
            if instance.checks:
                instance.look_at_checks([*arrays, *outputs])
        finally:
            self._give_back(instance)
        return outputs

    def _prepacked(self, arguments: Sequence[Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The packed weights, packed again of variables that have changed."""
        return [p.of(arguments[p.variable], arrays[p.variable]) for p in self._packers]

    def _run_watched(self, arguments: Sequence[Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
        """A run that is logged, or whose buffers are looked at."""
        guards = [_Guarded(shape, dtype) for _, shape, dtype in self._results] if self.guard else []
        outputs = [guarded.array for guarded in guards]
        if not self.guard:
            outputs = [make(shape, dtype) for make, shape, dtype in self._results]
        packed = self._prepacked(arguments, arrays)
        instance = self._take()
        if self.is_poisoned:
            for output in outputs:
                poison(output)
            instance.poison()
        try:
            start = time.perf_counter()
            code = instance.call.run(*arrays, *outputs, *packed)
            if self.is_logged:
                self._log(time.perf_counter() - start)
            if code:
                self._fail(code, instance.call.status)
            if self.guard:
                instance.look_at_sentinels()
                for i, guarded in enumerate(guards):
                    guarded.look(f"result {i}")
            instance.look_at_checks([*arrays, *outputs])
        finally:
            self._give_back(instance)
        return outputs

    def _log(self, seconds: float) -> None:
        count = len(self.plan.launches)
        print(
            f"ran {self.function.name}: {count} launches, {seconds * 1e6:.0f} us", file=sys.stderr
        )

    def profile(self, *arguments: Any, runs: int = 10) -> list[tuple[str, int, float]]:
        """Runs the function `runs` times: (label, tasks, microseconds at best) of each launch; variables change."""
        outputs = [empty_aligned(shape, dtype) for _, shape, dtype in self._results]
        arrays = self._arguments(arguments)
        packed = self._prepacked(arguments, arrays)
        instance = self._take()
        try:
            run, _ = instance.call.timed()
            table, times = instance.call.table, time_words(self.plan.launches)
            best = [math.inf] * len(times)
            for _ in range(runs):
                run(*arrays, *outputs, *packed)
                for i, (_, word) in enumerate(times):
                    best[i] = min(best[i], int(table[word]) / 1e3)
                    table[word] = 0
        finally:
            self._give_back(instance)
        return [(r.label, r.tasks, us) for (r, _), us in zip(times, best, strict=True)]

    def _fail(self, code: int, status: np.ndarray) -> None:
        if not 0 < code <= len(self.plan.errors):
            raise InternalError(None, None, f"The program stopped with status {code}.")
        raise self.plan.errors[code - 1].error(status)

    def _arguments(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        """The arrays of a call. Types and shapes are looked at: a wrong array must not reach native code."""
        if len(arguments) != len(self.function.parameters):
            count = len(self.function.parameters)
            raise InvalidArgumentError(
                None,
                None,
                f"Program: {count} arguments are required. Received {len(arguments)}.",
            )
        arrays = list(arguments)
        for i, dtype, shape in self._arrays:
            x = arrays[i]
            if not (
                type(x) is np.ndarray and x.flags.carray and x.dtype == dtype and x.shape == shape
            ):
                arrays[i] = _usable(x, i, dtype, shape)
        for i, dtype, shape, updated in self._handles:
            handle = arguments[i]
            if updated and _references(handle) > _ALONE:  # a tensor or a view holds it, too
                handle.value = aligned_copy(handle.value)
            x = handle.value
            if not (
                type(x) is np.ndarray and x.flags.carray and x.dtype == dtype and x.shape == shape
            ):
                x = _usable(x, i, dtype, shape)
                if updated and not x.flags.writeable:
                    x = aligned_copy(x)
                if updated:
                    handle.value = x
            arrays[i] = x
        return arrays

    def _take(self) -> _Instance:
        """A table whose arena nobody is using. Lists' own methods are atomic: most calls take no lock but the arena's."""
        free = self._free
        for _ in range(len(free)):
            try:
                instance = free.pop()
            except IndexError:  # another thread has taken the last
                break
            if instance.claim(False):
                return instance
            free.insert(0, instance)  # another program uses its arena
        return _Instance(self, _free_block(self.plan.arena_bytes + 64, alone=self.guard))

    def _give_back(self, instance: _Instance) -> None:
        instance.release()
        self._free.append(instance)


class _Block:
    """Memory for one running program's temporaries; programs that do not run at once share it. Whoever uses it holds
    the lock."""

    def __init__(self, size: int):
        self.array = empty_aligned((size,), np.dtype(np.uint8))
        self.lock = threading.Lock()
        self.lock.acquire()


_blocks: weakref.WeakSet[_Block] = weakref.WeakSet()  # programs' tables keep them alive
_blocks_lock = threading.Lock()


def _free_block(size: int, alone: bool) -> _Block:
    """A block that is not in use and large enough, the smallest there is; else a new one. The caller holds its lock."""
    if alone:
        return _Block(size)
    with _blocks_lock:
        fitting = [b for b in _blocks if b.array.size >= size]
        for block in sorted(fitting, key=lambda b: b.array.size):
            if block.lock.acquire(False):
                return block
        block = _Block(_room(size))
        _blocks.add(block)
        return block


def _room(size: int) -> int:
    """How large a block is made for so many bytes: programs for growing lengths shall find one that holds them all.

    What nobody writes to takes no memory; of large ones an eighth is enough to grow by.
    """
    size = max(size, 1 << 12)
    step = 1 << (size - 1).bit_length() - (1 if size <= LARGE_BLOCK else 4)
    return -(-size // step) * step


def _result_maker(node: Node) -> tuple[Any, tuple[int, ...], np.dtype]:
    """What makes the array of a result, called with its shape and type: aligned if that matters for its size."""
    shape, dtype = tuple(map(int, node.shape)), node.dtype.np
    return np.empty if math.prod(shape) * dtype.itemsize < SMALL else empty_aligned, shape, dtype


def _usable(x: Any, number: int, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """An argument as a contiguous array of the type and shape that the code was made for."""
    if x is None:
        raise FailedPreconditionError(None, None, "Could not find variable: it has no value yet.")
    x = np.asarray(x, order="C")
    if x.dtype != dtype or x.shape != shape:
        raise InvalidArgumentError(
            None,
            None,
            f"Program: argument {number} must be {dtype}{list(shape)}."
            f" Received {x.dtype}{list(x.shape)}.",
        )
    return x if x.flags.aligned else x.copy()


def _references(handle: Any) -> int:
    array = handle.value
    return sys.getrefcount(array)


class _Probe:
    """A handle that alone holds its array: tells what `_references` gives then, which differs between Pythons."""

    def __init__(self) -> None:
        self.value = np.empty(1)


_ALONE = _references(_Probe())


def _type_of(parameter: Node) -> tuple[np.dtype, tuple[int, ...]]:
    """NumPy's type and the shape of an argument, or of the variable that it is a handle of."""
    shape, dtype = parameter.shape, parameter.dtype
    if dtype == dtypes.resource:
        shape, dtype = parameter.attrs["variable"]
    return dtype.np, tuple([int(d) for d in shape])


def _expect_sentinels(stretch: np.ndarray, name: str) -> None:
    wrong = np.flatnonzero(stretch != SENTINEL)
    if len(wrong):
        raise InternalError(None, None, f"A kernel wrote {wrong[0]} bytes past {name}.")


class _Guarded:
    """In guard mode: a result's array between two stretches that nobody may write."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype):
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self.block = empty_aligned((GUARD + size + GUARD,), np.dtype(np.uint8))
        self.block[:] = SENTINEL
        self.end = GUARD + size
        self.array = self.block[GUARD : self.end].view(dtype).reshape(shape)

    def look(self, name: str) -> None:
        """Raises InternalError if something was written beside the array."""
        _expect_sentinels(self.block[:GUARD], f"the start of {name}")
        _expect_sentinels(self.block[self.end :], name)


class _Instance:
    """A program with an arena and a launch table of its own."""

    def __init__(self, program: Program, block: _Block):
        plan = program.plan
        self.arena = block.array
        self.claim, self.release = block.lock.acquire, block.lock.release
        if program.guard:
            self.arena[:] = SENTINEL
            self.gaps = gaps(plan.buffers, plan.arena_bytes)
        self.temporaries = [b for b in plan.buffers if b.place == "arena" and b.last >= 0]
        self.constants = program.constants
        self.patches: list[tuple[int, int, int]] = []
        self.inputs, results = len(program.function.parameters), len(program.function.results)
        self.before = {
            "input": 0,
            "variable": 0,
            "output": self.inputs,
            "prepacked": self.inputs + results,
        }
        self.status_words: list[int] = []
        words = encode(
            plan.launches,
            lambda launch: program.libraries[launch.code.key][launch.function],
            self._word,
        )
        count = self.inputs + results + len(plan.prepacked)
        self.call = Call(
            np.array(words, np.int64), count, self.patches, threads=program.threads,
            keep=(block, self.constants, program.libraries),
        )  # fmt: skip
        for at in self.status_words:
            self.call.table[at] = self.call.status.ctypes.data
        self.checks = plan.conditions

    def _word(self, arg: Any, at: int) -> int:
        """The number that an argument is in the table; notes a patch where it is an address known at the call."""
        offset = 0
        if isinstance(arg, tuple):
            arg, offset = arg
        if arg is STATUS:
            self.status_words.append(at)
            return 0
        if not isinstance(arg, Buffer):
            return int(arg) + offset
        while arg.inside is not None:
            offset += arg.offset
            arg = arg.inside
        if arg.place == "arena":
            return self.arena.ctypes.data + arg.offset + offset
        if arg.place == "constant":
            return self._constant(arg) + offset
        number = arg.number + self.before[arg.place]
        self.patches.append((number, at, offset))
        return 0

    def _constant(self, buffer: Buffer) -> int:
        if id(buffer) not in self.constants:
            self.constants[id(buffer)] = aligned_copy(np.asarray(buffer.array))
        return self.constants[id(buffer)].ctypes.data

    def _condition(self, buffer: Buffer, arrays: Sequence[np.ndarray]) -> bool:
        """The bool that lies in a buffer after a run."""
        if buffer.place == "arena":
            return bool(self.arena[buffer.offset])
        if buffer.place == "constant":
            return bool(buffer.array)
        return bool(arrays[buffer.number + (self.inputs if buffer.place == "output" else 0)])

    def look_at_checks(self, arrays: Sequence[np.ndarray]) -> None:
        """Raises the message of the first condition that does not hold; `arrays` are arguments, then results."""
        for check, buffer in self.checks:
            if not self._condition(buffer, arrays):
                raise InvalidArgumentError(None, None, check.message)

    def poison(self) -> None:
        """Makes what the last run left in the arena unusable."""
        for buffer in self.temporaries:
            poison(self.arena[buffer.offset : buffer.offset + buffer.size])

    def look_at_sentinels(self) -> None:
        """In guard mode: names the buffer past whose end something was written."""
        for start, end, name in self.gaps:
            _expect_sentinels(self.arena[start:end], name)
