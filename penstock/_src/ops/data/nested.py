"""Datasets whose function returns a dataset for each element: flat_map, interleave, grouping."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import CODE_NAMES, InternalError, InvalidArgumentError, OpError
from penstock._src.ops.data.batch import Elements
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    EFFORT,
    INFINITE,
    UNKNOWN,
    Chained,
    DatasetOp,
    Element,
    Failure,
    Pipeline,
    Raising,
    Run,
    UnnamedDatasetOp,
    attempt,
    available_cores,
    positive,
    stateful_operation,
)
from penstock._src.ops.data.prefetch import Prefetched

Open = Callable[[], Iterator[Element] | None]


def _dataset(value: Any) -> Pipeline:
    held = value[()] if isinstance(value, np.ndarray) else value
    if not isinstance(held, Pipeline):
        raise InvalidArgumentError(f"Expected the function to return a dataset. Received {held!r}")
    return held


class _FlatMap(Pipeline):
    def __init__(self, source: Pipeline, function: Any, captured: list[Any]) -> None:
        self.inputs, self.function, self.captured = (source,), function, captured

    def cardinality(self) -> int:
        count = self.inputs[0].cardinality()
        if count == 0:
            return 0 if EFFORT.calls_functions else UNKNOWN
        if count < 0 or not EFFORT.calls_functions or stateful_operation(self.function):
            return UNKNOWN
        return self.counted()

    def counted(self) -> int:
        """The number of elements of all datasets that the function returns."""
        run, total = Run(), 0
        call = bound(self.function, self.captured, run, self)
        try:
            for element in self.inputs[0].iterate(run):
                count = _dataset(call(*element)[0]).cardinality()
                if count < 0:
                    return count
                total += count
        finally:
            run.close()
        return total

    def iterate(self, run: Run) -> Iterator[Element]:
        call = bound(self.function, self.captured, run, self)
        source = self.inputs[0].iterate(run)
        return Chained(map(lambda element: _dataset(call(*element)[0]).iterate(run), source))


class FlatMapDataset(DatasetOp):
    """The concatenated elements of the datasets that `f` returns for each element."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    f: Function
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments):
        return _FlatMap(input_dataset, self.f, other_arguments)


class _Interleave(_FlatMap):
    def __init__(
        self,
        source: Pipeline,
        function: Any,
        captured: Any,
        cycle: int,
        block: int,
        width: int,
        deterministic: str = "true",
    ) -> None:
        super().__init__(source, function, captured)
        self.cycle, self.block, self.width = cycle, block, width
        self.deterministic = deterministic

    def iterate(self, run: Run) -> Iterator[Element]:
        call = bound(self.function, self.captured, run, self)
        source = self.inputs[0].iterate(run)

        def opened() -> Iterator[Element] | None:
            arguments = next(source, None)
            return None if arguments is None else _dataset(call(*arguments)[0]).iterate(run)

        in_order = run.in_order(self.deterministic)
        return Raising(self.in_order(opened, run) if in_order else self.as_ready(opened, run))

    def as_ready(self, opened: Open, run: Run) -> Iterator[Element | Failure]:
        """The elements of the open datasets as they become ready."""
        changed, slots, is_open = threading.Condition(), [], True
        while slots or is_open:
            if is_open and len(slots) < self.cycle:
                elements = attempt(opened)
                is_open = elements is not None
                if isinstance(elements, Failure):
                    yield elements
                elif is_open:
                    slots.append(Prefetched(elements, 2 * self.block, run, changed).started())
                continue
            with changed:
                while not any(slot.ready for slot in slots):
                    changed.wait()
            chosen = next(slot for slot in slots if slot.ready)
            slots.remove(chosen)
            block = [attempt(next, chosen, None) for _ in range(self.block)]
            yield from filter(None, block)
            if None not in block:
                slots.append(chosen)

    def in_order(self, opened: Open, run: Run) -> Iterator[Element | Failure]:
        """Blocks of elements of the open datasets in turn."""
        slots: list[Iterator[Element] | None] = [None] * self.cycle
        count, is_open = 0, True
        at = taken = 0
        while count or is_open:
            current = slots[at]
            if current is not None:
                element = attempt(next, current, None)
                if element is not None:
                    yield element
                    taken += 1
                    if taken < self.block:
                        continue
                else:
                    slots[at] = None
                    count -= 1
            elif is_open:
                elements = attempt(opened)
                is_open = elements is not None
                if isinstance(elements, Failure):
                    yield elements
                elif is_open:
                    slots[at] = self.read_ahead(elements, run)
                    count += 1
                continue
            at, taken = (at + 1) % self.cycle, 0

    def read_ahead(self, elements: Iterator[Element], run: Run) -> Iterator[Element]:
        """The same elements, which a thread may read ahead."""
        if self.width in (0, 1, AUTOTUNE):
            return elements
        return Prefetched(elements, 2 * self.block, run)


def _cycle(op: Any, cycle_length: Any, width: int | None = None) -> int:
    cycle, cores = int(cycle_length), available_cores()
    if cycle == AUTOTUNE:
        return (
            cores if width is None else -(-cores // 3) if width == AUTOTUNE else min(width, cores)
        )
    if cycle <= 0:
        raise InvalidArgumentError(f"`cycle_length` must be > 0. Received {cycle}")
    return cycle


class InterleaveDataset(DatasetOp):
    """`block_length` elements at a time from each of `cycle_length` datasets that `f` returns."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64 -> handle: variant"""
    f: Function
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments, cycle_length, block_length):
        block = positive(self, "`block_length`", block_length)
        cycle = _cycle(self, cycle_length)
        return _Interleave(input_dataset, self.f, other_arguments, cycle, block, 1)


class ParallelInterleaveDatasetV2(DatasetOp):
    """The same order as InterleaveDataset, the datasets read ahead by threads."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64, num_parallel_calls: int64 -> handle: variant"""
    f: Function
    Targuments: list[DType]
    sloppy: bool = False

    def pipeline(
        self, input_dataset, other_arguments, cycle_length, block_length, num_parallel_calls
    ):
        block = positive(self, "`block_length`", block_length)
        cycle, width = _cycle(self, cycle_length), int(num_parallel_calls)
        order = "false" if self.sloppy else "default"
        return _Interleave(input_dataset, self.f, other_arguments, cycle, block, width, order)


class ParallelInterleaveDatasetV4(DatasetOp):
    """The same order as InterleaveDataset, the datasets read ahead by threads."""

    signature = """input_dataset: variant, other_arguments: *Targuments, cycle_length: int64,
        block_length: int64, buffer_output_elements: int64, prefetch_input_elements: int64,
        num_parallel_calls: int64 -> handle: variant"""
    f: Function
    deterministic: str = "default"
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments, cycle_length, block_length, *rest):
        block = positive(self, "`block_length`", block_length)
        width, order = int(rest[-1]), self.deterministic
        cycle = _cycle(self, cycle_length, width)
        return _Interleave(input_dataset, self.f, other_arguments, cycle, block, width, order)


class _GroupByWindow(Pipeline):
    def __init__(self, source: Pipeline, functions: Any, captured: Any) -> None:
        self.inputs, self.functions, self.captured = (source,), functions, captured

    def cardinality(self) -> int:
        return INFINITE if self.inputs[0].cardinality() == INFINITE else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        run.opaque_step = self.kind
        key_of, reduce, size_of = (
            bound(function, captured, run)
            for function, captured in zip(self.functions, self.captured, strict=True)
        )
        groups: dict[int, list[Element]] = {}
        sizes: dict[int, int] = {}
        for element in self.inputs[0].iterate(run):
            key = int(key_of(*element)[0])
            group = groups.setdefault(key, [])
            if key not in sizes:
                sizes[key] = int(size_of(np.array(key, np.int64))[0])
                if sizes[key] <= 0:
                    raise InvalidArgumentError(
                        f"Window size must be greater than zero, but got {sizes[key]}."
                    )
            group.append(element)
            if len(group) == sizes[key]:
                del groups[key], sizes[key]
                yield from self.reduced(reduce, key, group, run)
        for key in sorted(groups):
            yield from self.reduced(reduce, key, groups[key], run)

    def reduced(self, reduce: Any, key: int, group: list[Element], run: Run) -> Iterator[Element]:
        source = self.inputs[0]
        window = Elements(group, source.types, source.shapes)
        try:
            (made,) = reduce(np.array(key, np.int64), window)
        except OpError as error:
            code, name = CODE_NAMES[error.error_code], self.functions[1].name
            raise InternalError(
                f"Got error code {code} and message: {{{error.message}}} from running user-defined "
                f"function {name}."
            ) from error
        return _dataset(made).iterate(run)


class GroupByWindowDataset(DatasetOp):
    """The results of `reduce_func` on windows of elements with equal keys."""

    signature = """input_dataset: variant, key_func_other_arguments: *Tkey_func_other_arguments,
        reduce_func_other_arguments: *Treduce_func_other_arguments,
        window_size_func_other_arguments: *Twindow_size_func_other_arguments -> handle: variant"""
    key_func: Function
    reduce_func: Function
    window_size_func: Function
    Tkey_func_other_arguments: list[DType]
    Treduce_func_other_arguments: list[DType]
    Twindow_size_func_other_arguments: list[DType]

    def pipeline(self, input_dataset, *captured):
        functions = (self.key_func, self.reduce_func, self.window_size_func)
        return _GroupByWindow(input_dataset, functions, captured)


class _GroupByReducer(Pipeline):
    def __init__(self, source: Pipeline, functions: Any, captured: Any) -> None:
        self.inputs, self.functions, self.captured = (source,), functions, captured

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        calls = (
            bound(function, captured, run)
            for function, captured in zip(self.functions, self.captured, strict=True)
        )
        key_of, start, reduce, finish = calls
        states: dict[int, list[Any]] = {}
        for element in self.inputs[0].iterate(run):
            key = int(key_of(*element)[0])
            if key not in states:
                states[key] = start(np.array(key, np.int64))
            states[key] = reduce(*states[key], *element)
        for key in sorted(states):
            yield tuple(finish(*states[key]))


class GroupByReducerDataset(UnnamedDatasetOp):
    """One element per key: the reduction of all elements with that key."""

    signature = """input_dataset: variant, key_func_other_arguments: *Tkey_func_other_arguments,
        init_func_other_arguments: *Tinit_func_other_arguments,
        reduce_func_other_arguments: *Treduce_func_other_arguments,
        finalize_func_other_arguments: *Tfinalize_func_other_arguments -> handle: variant"""
    key_func: Function
    init_func: Function
    reduce_func: Function
    finalize_func: Function
    Tkey_func_other_arguments: list[DType]
    Tinit_func_other_arguments: list[DType]
    Treduce_func_other_arguments: list[DType]
    Tfinalize_func_other_arguments: list[DType]
    stateful = True

    def pipeline(self, input_dataset, *captured):
        functions = (self.key_func, self.init_func, self.reduce_func, self.finalize_func)
        return _GroupByReducer(input_dataset, functions, captured)
