"""Datasets that group elements by keys: group_by_window and group_by_reducer."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import CODE_NAMES, InternalError, InvalidArgumentError, OpError
from penstock._src.ops.data.batch import Elements
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import Element, Resumable, State
from penstock._src.ops.data.nested import dataset_of
from penstock._src.ops.data.occurrences import made_within
from penstock._src.ops.data.pipeline import (
    INFINITE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Run,
    UnnamedDatasetOp,
)

Call = Callable[..., list[Any]]


class _GroupByWindow(Pipeline):
    def __init__(self, source: Pipeline, functions: Any, captured: Any) -> None:
        self.inputs, self.functions, self.captured = (source,), functions, captured

    def cardinality(self) -> int:
        return INFINITE if self.inputs[0].cardinality() == INFINITE else UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        run.opaque_step = self.kind
        key_of, reduce, size_of = (
            bound(function, captured, run, occurrence=self.occurrence)
            for function, captured in zip(self.functions, self.captured, strict=True)
        )
        source = self.inputs[0].iterate(run)

        def opened(key: int, group: list[Element]) -> Iterator[Element]:
            return self.reduced(reduce, key, group, run)

        return WindowsByKey(source, key_of, size_of, opened)

    def reduced(self, reduce: Any, key: int, group: list[Element], run: Run) -> Iterator[Element]:
        source = self.inputs[0]
        window = Elements(group, source.types, source.shapes)
        try:
            (dataset,) = reduce(np.array(key, np.int64), window)
        except OpError as error:
            code, name = CODE_NAMES[error.error_code], self.functions[1].name
            raise InternalError(
                f"Got error code {code} and message: {{{error.message}}} from running user-defined "
                f"function {name}."
            ) from error
        made = dataset_of(dataset)
        return made_within(self, [window, *self.captured[1]], made).iterate(run)


class WindowsByKey(Resumable):
    """Iterates over the elements of the datasets made of windows of elements with equal keys."""

    plain = ("groups", "sizes", "key", "group", "has_ended")
    sources = ("source", "current")

    def __init__(
        self,
        source: Iterator[Element],
        key_of: Call,
        size_of: Call,
        opened: Callable[[int, list[Element]], Iterator[Element]],
    ) -> None:
        self.source, self.key_of, self.size_of, self.opened = source, key_of, size_of, opened
        # By key: the elements of its window so far, and the size of the window.
        self.groups: dict[int, list[Element]] = {}
        self.sizes: dict[int, int] = {}
        # The window whose dataset is open.
        self.current: Iterator[Element] | None = None
        self.key, self.group = 0, []
        self.has_ended = False

    def __next__(self) -> Element:
        while True:
            if self.current is not None:
                element = next(self.current, None)
                if element is not None:
                    return element
                self.current = None
            key = self.full_key()
            self.key, self.group = key, self.groups.pop(key)
            del self.sizes[key]
            self.current = self.opened(self.key, self.group)

    def full_key(self) -> int:
        """The key of the next full window; once the source has ended, that of a remaining window."""
        while not self.has_ended:
            element = next(self.source, None)
            if element is None:
                self.has_ended = True
                break
            key = int(self.key_of(*element)[0])
            if key not in self.sizes:
                self.sizes[key] = self.size_for(key)
            self.groups.setdefault(key, []).append(element)
            if len(self.groups[key]) == self.sizes[key]:
                return key
        if not self.groups:
            raise StopIteration
        return min(self.groups)

    def size_for(self, key: int) -> int:
        size = int(self.size_of(np.array(key, np.int64))[0])
        if size <= 0:
            raise InvalidArgumentError(f"Window size must be greater than zero, but got {size}.")
        return size

    def restore(self, state: State) -> None:
        if state["current"] is not None:
            self.current = self.opened(state["key"], state["group"])
        super().restore(state)


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
            bound(function, captured, run, occurrence=self.occurrence)
            for function, captured in zip(self.functions, self.captured, strict=True)
        )
        return Reduced(self.inputs[0].iterate(run), *calls)


class Reduced(Resumable):
    """Iterates over the reductions of all elements with equal keys, by key."""

    plain = ("states", "is_complete")

    def __init__(
        self, source: Iterator[Element], key_of: Call, start: Call, reduce: Call, finish: Call
    ) -> None:
        self.source, self.key_of = source, key_of
        self.start, self.reduce, self.finish = start, reduce, finish
        # By key; once complete, those that are left.
        self.states: dict[int, list[Any]] = {}
        self.is_complete = False

    def __next__(self) -> Element:
        states = self.states
        while not self.is_complete:
            element = next(self.source, None)
            if element is None:
                self.is_complete = True
                break
            key = int(self.key_of(*element)[0])
            if key not in states:
                states[key] = list(self.start(np.array(key, np.int64)))
            states[key] = list(self.reduce(*states[key], *element))
        if not states:
            raise StopIteration
        return tuple(self.finish(*states.pop(min(states))))


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
