"""Datasets that apply a function to elements: map, filter, scan, take_while, and reduce."""

import collections
import itertools
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, OpError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.data.batch import Batches, _Batch, stack_elements
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.resume import (
    Applied,
    Chosen,
    Element,
    Failure,
    Resumable,
    State,
    attempt,
    unless_failed,
)
from penstock._src.ops.data.iteration.rows import Access, Rows, Stacks
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    UNKNOWN,
    DatasetOp,
    Pipeline,
    Run,
    UnnamedDatasetOp,
    available_cores,
    positive,
)
from penstock._src.ops.data.vectorized import MappedRows, Stacked, serves, vectorized

Call = Callable[..., list[Any]]
_WORTH_A_THREAD = 3e-4  # minimum seconds per call for which threads pay off
_PROBES = 3


class Mapped(Resumable):
    """Iterates over the results of a function on each element; continues after an error in one."""

    def __init__(self, source: Iterator[Element], call: Call) -> None:
        self.source, self.call = source, call

    def __next__(self) -> Element:
        return tuple(self.call(*next(self.source)))


class MappedInParallel(Resumable):
    """The same with up to `width` concurrent calls; results are in order, unless that is not asked for.

    While calls are shorter than the cost of handing them to threads, they run one by one.
    """

    def __init__(
        self, source: Iterator[Element], call: Call, width: int, run: Run, in_order: bool = True
    ) -> None:
        self.source, self.call, self.width = source, call, width
        self.in_order = in_order
        self.pool = ThreadPoolExecutor(width, "penstock-map")
        self.pending: collections.deque[Future] = collections.deque()
        self.exhausted = False
        self.quick_calls = 0  # number of consecutive short calls
        run.on_close(self.close)

    def timed(self, *element: Any) -> list[Any]:
        begin = time.perf_counter()
        result = self.call(*element)
        quick = time.perf_counter() - begin < _WORTH_A_THREAD
        self.quick_calls = self.quick_calls + 1 if quick else 0
        return result

    def __next__(self) -> Element:
        if self.quick_calls > self.width + _PROBES and not self.exhausted:
            if not self.pending:
                return tuple(self.timed(*next(self.source)))
            return tuple(self.first().result())
        while not self.exhausted and len(self.pending) < self.width:
            try:
                element = next(self.source)
            except StopIteration:
                self.exhausted = True
                break
            except Exception as error:
                self.pending.append(_done(Failure(error)))
                break
            self.pending.append(self.pool.submit(self.timed, *element))
        if not self.pending:
            self.close()
            raise StopIteration
        return tuple(self.first().result())

    def first(self) -> Future:
        """The next result, or that which is ready first."""
        if not self.in_order:
            done = wait(self.pending, return_when=FIRST_COMPLETED).done
            self.pending.rotate(-next(at for at, p in enumerate(self.pending) if p in done))
        return self.pending.popleft()

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def save(self) -> State:
        results = [attempt(future.result) for future in self.pending]
        return super().save() | {"results": results, "exhausted": self.exhausted}

    def restore(self, state: State) -> None:
        super().restore(state)
        self.pending = collections.deque(map(_done, state["results"]))
        self.exhausted = state["exhausted"]


def _done(result: Any) -> Future:
    """A future whose result, or Failure, is known."""
    made: Future = Future()
    if type(result) is Failure:
        made.set_exception(result.error)
    else:
        made.set_result(result)
    return made


def mapped(
    source: Iterator[Element], call: Call, width: int, run: Run, in_order: bool = True
) -> Iterator[Element]:
    """Applies `call` to the elements; with AUTOTUNE, in threads if the first calls are slow."""
    if width in (0, 1):
        return Mapped(source, call)
    if width != AUTOTUNE:
        return MappedInParallel(source, call, width, run, in_order)
    if not in_order:
        return MappedInParallel(source, call, available_cores(), run, in_order)
    return Tuned(source, call, run)


class Tuned(Resumable):
    """Applies a function to elements, in threads if the first calls are slow."""

    sources = ("results",)

    def __init__(self, source: Iterator[Element], call: Call, run: Run) -> None:
        self.source, self.call, self.run = source, call, run
        self.results: Iterator[Element] = Mapped(source, call)
        self.probes, self.fastest = 0, float("inf")

    def __next__(self) -> Element:
        if self.probes >= _PROBES:
            return next(self.results)
        self.probes += 1
        begin = time.perf_counter()
        try:
            return next(self.results)
        finally:
            self.fastest = min(self.fastest, time.perf_counter() - begin)
            if self.probes == _PROBES and self.fastest >= _WORTH_A_THREAD and available_cores() > 1:
                self.results = self.in_threads()

    def in_threads(self) -> MappedInParallel:
        """Returns the same results from several threads."""
        return MappedInParallel(self.source, self.call, available_cores(), self.run)

    def restore(self, state: State) -> None:
        if state["results"]["kind"] == MappedInParallel.__name__:
            self.results, self.probes = self.in_threads(), _PROBES
        super().restore(state)


def _not_the_end(error: OutOfRangeError) -> OpError:
    """The error for a function that raised OutOfRangeError, which by itself would end the dataset."""
    return InvalidArgumentError(f"Function invocation produced OutOfRangeError: {error.message}")


class _Map(Pipeline):
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

    def iterate(self, run: Run) -> Iterator[Element]:
        at_once = self.at_once()
        if at_once is not None:
            return MappedRows(*at_once, run)
        call = bound(self.function, self.captured, run, self)
        source, in_order = self.inputs[0].iterate(run), run.in_order(self.deterministic)
        return mapped(source, call, self.width, run, in_order)

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

    def stacks(self, run: Run, size: int) -> Iterator[Element] | None:
        at_once = self.at_once()
        if at_once is None:
            return None
        rows, call = at_once
        return Stacks(rows, run, size, 1, call)

    def at_once(self) -> tuple[Rows, Stacked] | None:
        """The rows behind the elements and the function vectorized over them, or None if unavailable."""
        call = vectorized(self.function, self.captured)
        rows = None if call is None else self.inputs[0].rows()
        return None if rows is None or not serves(rows) else (rows, call)  # type: ignore[return-value]


class MapDataset(DatasetOp):
    """The results of `f` on each element."""

    signature = "input_dataset: variant, other_arguments: *Targuments -> handle: variant"
    f: Function
    Targuments: list[DType]
    use_inter_op_parallelism: bool = True
    preserve_cardinality: bool = False
    force_synchronous: bool = False

    def pipeline(self, input_dataset, other_arguments):
        made = _Map(input_dataset, self.f, other_arguments, 1)
        made.synchronous = self.force_synchronous
        return made


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
        order = "false" if self.sloppy else "default"
        return _Map(input_dataset, self.f, other_arguments, int(num_parallel_calls), order)


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
        width = int(num_parallel_calls)
        made = _Map(input_dataset, self.f, other_arguments, width, self.deterministic)
        made.is_parallel = True
        return made


class _MapAndBatch(_Batch):
    """Batches that end where they would without errors; a batch with an error in an element is one error."""

    def iterate(self, run: Run) -> Iterator[Element]:
        if self.inputs[0].stacks(run, self.size) is not None:
            return super().iterate(run)
        source = self.inputs[0].iterate(run)
        return AlignedBatches(source, self.size, self.drop_remainder, self.stacked)

    def stacked(self, elements: list[Element]) -> Element:
        try:
            return stack_elements(elements)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                f"Cannot copy slice: number of elements does not match. {error.message}"
            ) from error


class AlignedBatches(Batches):
    """Iterates over stacks of `size` elements, those that raise errors counted."""

    def __next__(self) -> Element:
        items = iter(lambda: attempt(next, self.source, None), None)
        batch = list(itertools.islice(items, self.size))
        if not batch or (self.drop_remainder and len(batch) < self.size):
            raise StopIteration
        return self.stacked([unless_failed(item) for item in batch])


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
        size = positive(self, "batch_size", batch_size)
        return _MapAndBatch(elements, size, bool(drop_remainder))


class _Filter(Pipeline):
    keeps_batches = True

    def __init__(self, source: Pipeline, function: Any, captured: list[Any]) -> None:
        self.inputs, self.function, self.captured = (source,), function, captured

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        call = bound(self.function, self.captured, run, self)
        return Chosen(self.inputs[0].iterate(run), lambda element: call(*element)[0])


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
        return _Filter(input_dataset, self.predicate, other_arguments)


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
        call = bound(self.function, self.captured, run)
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
        call = bound(self.function, self.captured, run)
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
    iteration = "elements"
    f: Function
    Tstate: list[DType]
    Targuments: list[DType]
    output_types: list[DType]
    output_shapes: list[TensorShape]
    use_inter_op_parallelism: bool = True
    metadata: str = ""
    stateful = True
    has_own_effect = True  # that of the dataset, maybe
    differentiable = False

    def eager(self, input_dataset, initial_state, other_arguments):
        call = bound(self.f, other_arguments)
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
