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
from penstock._src.ops.data.batch import _Batch, stack_elements
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.pipeline import (
    AUTOTUNE,
    UNKNOWN,
    Access,
    DatasetOp,
    Element,
    Failure,
    Pipeline,
    Raising,
    Rows,
    Run,
    UnnamedDatasetOp,
    attempt,
    available_cores,
    positive,
)
from penstock._src.ops.data.vectorized import (
    Stacked,
    mapped_elements,
    mapped_stacks,
    serves,
    vectorized,
)

Call = Callable[..., list[Any]]
_WORTH_A_THREAD = 3e-4  # minimum seconds per call for which threads pay off
_PROBES = 3


class Mapped:
    """Iterates over the results of a function on each element; continues after an error in one."""

    def __init__(self, source: Iterator[Element], call: Call) -> None:
        self.source, self.call = source, call

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        return tuple(self.call(*next(self.source)))


class MappedInParallel:
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

    def __iter__(self) -> Iterator[Element]:
        return self

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
                failed: Future = Future()
                failed.set_exception(error)
                self.pending.append(failed)
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
    return Raising(_tuned(source, call, run))


def _tuned(source: Iterator[Element], call: Call, run: Run) -> Iterator[Element | Failure]:
    cores = available_cores()
    fastest = float("inf")
    one_by_one = Mapped(source, call)
    for _ in range(_PROBES):
        begin = time.perf_counter()
        result = attempt(next, one_by_one, None)
        if result is None:
            return
        fastest = min(fastest, time.perf_counter() - begin)
        yield result
    in_threads = fastest >= _WORTH_A_THREAD and (cores or 1) > 1
    rest = MappedInParallel(source, call, cores or 1, run) if in_threads else one_by_one
    while (result := attempt(next, rest, None)) is not None:
        yield result


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
            return mapped_elements(*at_once, run)
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
        return None if at_once is None else mapped_stacks(*at_once, run, size)

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
        return Raising(self.aligned(run))

    def aligned(self, run: Run) -> Iterator[Element | Failure]:
        source = self.inputs[0].iterate(run)
        least = self.size if self.drop_remainder else 1
        items = iter(lambda: attempt(next, source, None), None)
        while len(batch := list(itertools.islice(items, self.size))) >= least:
            failed = next((item for item in batch if type(item) is Failure), None)
            yield failed or attempt(self.stacked, batch)

    def stacked(self, elements: list[Element]) -> Element:
        try:
            return stack_elements(elements)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                f"Cannot copy slice: number of elements does not match. {error.message}"
            ) from error


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
        return Filtered(self.inputs[0].iterate(run), call)


class Filtered:
    """Iterates over the elements for which a function is true."""

    def __init__(self, source: Iterator[Element], call: Call) -> None:
        self.source, self.call = source, call

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        while True:
            element = next(self.source)
            if bool(self.call(*element)[0]):
                return element


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
        for *element, keep in self.inputs[0].iterate(run):
            if keep:
                yield tuple(element)


class _TakeWhile(_Filter):
    def iterate(self, run: Run) -> Iterator[Element]:
        call = bound(self.function, self.captured, run)
        for element in self.inputs[0].iterate(run):
            if not call(*element)[0]:
                return
            yield element


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
        state, count = self.state, len(self.state)
        for element in self.inputs[0].iterate(run):
            try:
                results = call(*state, *element)
            except OutOfRangeError as error:
                raise _not_the_end(error) from error
            state = results[:count]
            yield tuple(results[count:])


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
        source = self.inputs[0].iterate(run)
        while True:
            try:
                element = next(source)
            except StopIteration:
                return
            except (OpError, ValueError, ArithmeticError) as error:
                if self.log:
                    _LOG.warning("Error raised with error message %s", error)
                continue
            yield element


class IgnoreErrorsDataset(UnnamedDatasetOp):
    """The elements that can be computed without an error."""

    signature = "input_dataset: variant -> handle: variant"
    log_warning: bool = False

    def pipeline(self, input_dataset):
        return _IgnoreErrors(input_dataset, self.log_warning)
