"""Datasets that apply a function to elements: map, filter, scan, take_while, and reduce."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import Effects, Flow
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, OpError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.batch import _Batch
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import (
    Applied,
    Chosen,
    Element,
    Resumable,
)
from penstock._src.ops.data.iteration.rows import Access
from penstock._src.ops.data.occurrences import in_own_steps
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Planned,
    Run,
    UnnamedDatasetOp,
    positive,
)

Call = Callable[..., list[Any]]


def _not_the_end(error: OutOfRangeError) -> OpError:
    """The error for a function that raised OutOfRangeError, which would otherwise end the dataset."""
    return InvalidArgumentError(f"Function invocation produced OutOfRangeError: {error.message}")


class _Map(Planned):
    def __init__(
        self,
        source: Pipeline,
        function: Any,
        captured: list[Any],
        width: int,
        deterministic: str = "true",
    ) -> None:
        self.inputs, self.function, self.captured = (source,), function, captured
        self.width, self.deterministic = width, deterministic
        self.is_parallel, self.synchronous = False, False
        # The number of threads that paid off in an earlier iteration, if it was more than one.
        self.known_width: list[int] = []

    def explained(self, error: OpError, run: Run | None) -> OpError:
        if isinstance(error, OutOfRangeError):  # not the end of the dataset
            error = _not_the_end(error)
        return super().explained(error, run)

    def access(self, run: Run) -> Access:
        (element,), call = (
            self.accesses(self.inputs, run),
            bound(self.function, self.captured, run, self),
        )
        return lambda number: tuple(call(*element(number)))


class MapDataset(DatasetOp):
    """The results of `f` on each element."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    f: Function
    Targuments: list[DType]
    use_inter_op_parallelism: bool = True
    preserve_cardinality: bool = False
    force_synchronous: bool = False

    def pipeline(self, input_dataset, other_arguments):
        dataset = _Map(input_dataset, self.f, other_arguments, 1)
        dataset.synchronous = self.force_synchronous
        return dataset


def _calls(op: Op, value: Any) -> int:
    """The number of calls at the same time, or AUTOTUNE."""
    number = int(value)
    return number if number == AUTOTUNE else positive(op, "num_parallel_calls", value)


class ParallelMapDataset(DatasetOp):
    """The results of `f` on each element, computed in parallel."""

    signature = """input_dataset: variant, other_arguments: *Targuments, num_parallel_calls: int32
        -> handle: variant"""
    f: Function
    Targuments: list[DType]
    use_inter_op_parallelism: bool = True
    sloppy: bool = False
    preserve_cardinality: bool = False

    def pipeline(self, input_dataset, other_arguments, num_parallel_calls):
        order, width = "false" if self.sloppy else "default", _calls(self, num_parallel_calls)
        dataset = _Map(input_dataset, self.f, other_arguments, width, order)
        dataset.is_parallel = True
        return dataset


class ParallelMapDatasetV2(DatasetOp):
    """The results of `f` on each element, computed in parallel."""

    signature = """input_dataset: variant, other_arguments: *Targuments, num_parallel_calls: int64
        -> handle: variant"""
    f: Function
    Targuments: list[DType]
    use_inter_op_parallelism: bool = True
    deterministic: str = "default"
    preserve_cardinality: bool = False
    use_unbounded_threadpool: bool = False

    def pipeline(self, input_dataset, other_arguments, num_parallel_calls):
        width = _calls(self, num_parallel_calls)
        dataset = _Map(input_dataset, self.f, other_arguments, width, self.deterministic)
        dataset.is_parallel = True
        return dataset


class _MapAndBatch(_Batch):
    """Batches that end where they would without errors; a batch with an error in an element is one error."""

    is_aligned = True


class MapAndBatchDataset(DatasetOp):
    """Batches of the results of `f` on each element."""

    signature = """input_dataset: variant, other_arguments: *Targuments, batch_size: int64,
        num_parallel_calls: int64, drop_remainder: bool -> handle: variant"""
    f: Function
    Targuments: list[DType]
    preserve_cardinality: bool = False

    def pipeline(
        self, input_dataset, other_arguments, batch_size, num_parallel_calls, drop_remainder
    ):
        elements = _Map(input_dataset, self.f, other_arguments, int(num_parallel_calls))
        elements.is_parallel = True
        size = positive(self, "batch_size", batch_size)
        return _MapAndBatch(elements, size, bool(drop_remainder))


class _Filter(Planned):
    keeps_batches = True

    def __init__(
        self, source: Pipeline, function: Any, captured: list[Any], width: int = 1
    ) -> None:
        self.inputs, self.function, self.captured = (source,), function, captured
        self.width, self.deterministic, self.is_parallel = width, "true", False
        # As that of `_Map`.
        self.known_width: list[int] = []

    def cardinality(self) -> int:
        return UNKNOWN

    def explained(self, error: OpError, run: Run | None) -> OpError:
        if isinstance(error, OutOfRangeError) and self.width not in (0, 1):
            error = _not_the_end(error)
        return super().explained(error, run)


class FilterDataset(DatasetOp):
    """The elements for which `predicate` is true."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    predicate: Function
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments):
        return _Filter(input_dataset, self.predicate, other_arguments)


class ParallelFilterDataset(DatasetOp):
    """The elements for which `predicate` is true."""

    signature = """input_dataset: variant, other_arguments: *Targuments, num_parallel_calls: int64
        -> handle: variant"""
    predicate: Function
    deterministic: str = "default"
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments, num_parallel_calls):
        dataset = _Filter(input_dataset, self.predicate, other_arguments, int(num_parallel_calls))
        dataset.deterministic, dataset.is_parallel = self.deterministic, True
        return dataset


class FilterByLastComponentDataset(UnnamedDatasetOp):
    """The elements whose last component is true, without that component."""

    signature = "input_dataset: variant -> output: variant"

    def pipeline(self, input_dataset):
        return _ByLast(input_dataset)


class _ByLast(Pipeline):
    def __init__(self, source: Pipeline) -> None:
        self.inputs = (source,)

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        chosen = Chosen(self.inputs[0].iterate(run), lambda element: element[-1])
        return Applied(chosen, lambda element: element[:-1])


class _TakeWhile(_Filter):
    def iterate(self, run: Run) -> Iterator[Element]:
        call = bound(self.function, self.captured, run, occurrence=self.occurrence)
        return WhileTrue(self.inputs[0].iterate(run), call)


class WhileTrue(Resumable):
    """Iterates over elements up to the first for which a function is false."""

    plain = ("has_ended",)

    def __init__(self, source: Iterator[Element], call: Call) -> None:
        self.source, self.call, self.has_ended = source, call, False

    def __next__(self) -> Element:
        if not self.has_ended:
            element = next(self.source)
            self.has_ended = not self.call(*element)[0]
        if self.has_ended:
            raise StopIteration
        return element


class TakeWhileDataset(DatasetOp):
    """The elements up to the first for which `predicate` is false."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    predicate: Function
    Targuments: list[DType]

    def pipeline(self, input_dataset, other_arguments):
        return _TakeWhile(input_dataset, self.predicate, other_arguments)


class _Scan(Pipeline):
    def __init__(self, source: Pipeline, state: list[Any], function: Any, captured: Any) -> None:
        self.inputs, self.state = (source,), state
        self.function, self.captured = function, captured

    def iterate(self, run: Run) -> Iterator[Element]:
        call = bound(self.function, self.captured, run, occurrence=self.occurrence)
        return Scanned(self.inputs[0].iterate(run), call, self.state)


class Scanned(Resumable):
    """Iterates over the outputs of a function on a state and each element."""

    plain = ("state",)

    def __init__(self, source: Iterator[Element], call: Call, state: list[Any]) -> None:
        self.source, self.call, self.state = source, call, list(state)

    def __next__(self) -> Element:
        element, count = next(self.source), len(self.state)
        try:
            results = self.call(*self.state, *element)
        except OutOfRangeError as error:
            raise _not_the_end(error) from error
        self.state = list(results[:count])
        return tuple(results[count:])


class ScanDataset(DatasetOp):
    """The outputs of `f` on a state and each element; `f` also returns the next state."""

    signature = """input_dataset: variant, initial_state: *Tstate, other_arguments: *Targuments
        -> handle: variant"""
    f: Function
    Tstate: list[DType]
    Targuments: list[DType]
    preserve_cardinality: bool = False
    use_default_device: bool = True

    def pipeline(self, input_dataset, initial_state, other_arguments):
        return _Scan(input_dataset, initial_state, self.f, other_arguments)


class ReduceDataset(Op):
    """The final state after folding all elements with `f`."""

    signature = """input_dataset: variant, initial_state: *Tstate, other_arguments: *Targuments
        -> components: *output_types[*output_shapes]"""
    flow = Flow(iteration="elements")
    f: Function
    Tstate: list[DType]
    Targuments: list[DType]
    output_types: list[DType]
    output_shapes: list[TensorShape]
    use_inter_op_parallelism: bool = True
    metadata: str = ""
    stateful = True
    effects = Effects(has_own_effect=True)  # that of the dataset, maybe
    differentiable = False

    def eager(self, input_dataset, initial_state, other_arguments):
        call, input_dataset = bound(self.f, other_arguments), in_own_steps(input_dataset)
        run = Run(input_dataset.options(), input_dataset)
        state = list(initial_state)
        try:
            for element in input_dataset.iterate(run):
                state = call(*state, *element)
        finally:
            run.close()
        return state


_LOG = logging.getLogger("tensorflow")


class _IgnoreErrors(Pipeline):
    def __init__(self, source: Pipeline, log: bool) -> None:
        self.inputs, self.log = (source,), log

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return WithoutErrors(self.inputs[0].iterate(run), self.log)


class WithoutErrors(Resumable):
    """Iterates over the elements that can be computed."""

    def __init__(self, source: Iterator[Element], log: bool) -> None:
        self.source, self.log = source, log

    def __next__(self) -> Element:
        while True:
            try:
                return next(self.source)
            except (OpError, ValueError, ArithmeticError) as error:
                if self.log:
                    _LOG.warning("Error raised with error message %s", error)


class IgnoreErrorsDataset(UnnamedDatasetOp):
    """The elements that can be computed without an error."""

    signature = "input_dataset: variant -> handle: variant"
    log_warning: bool = False

    def pipeline(self, input_dataset):
        return _IgnoreErrors(input_dataset, self.log_warning)
