"""Pipeline: the host value of a dataset, and the base class of the ops that make one.

An element is a tuple of host values, one per component. `Pipeline.iterate` returns a new iterator over the elements. If the
elements are rows of arrays, possibly permuted, `rows` describes them: batching then gathers whole batches by index, without
handling single elements.
"""

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    FailedPreconditionError,
    OpError,
    OutOfRangeError,
    UnimplementedError,
)
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values import kernel_state
from penstock._src.ops.data.iteration.callers import callers
from penstock._src.ops.data.iteration.resume import Element
from penstock._src.ops.data.iteration.rows import Access, Rows
from penstock._src.ops.data.iteration.seeds import SeedGenerator
from penstock._src.ops.data.iteration.settings import Memory, Settings, settings_of
from penstock._src.proto.dataset import Options
from penstock._src.util.process import forks
from penstock._src.util.slots import above

INFINITE, UNKNOWN = -1, -2
AUTOTUNE = -1


class Run:
    """One iteration over a pipeline; it signals its threads to stop."""

    def __init__(
        self, options: dict[str, Any] | None = None, root: "Pipeline | None" = None
    ) -> None:
        self.options, self.root = options or {}, root
        # The aggregator for statistics of elements, or None.
        self.aggregator: Any = None
        # Clock of each step, or None.
        self.measures: Any = None
        self.canceled = threading.Event()
        # True if threads work for it, and the id of the process that has them.
        self.has_threads, self.process = False, forks.count()
        # Objects that end with the iteration, by number, the latest last.
        self._closers: dict[int, Callable[[], Any]] = {}
        self._numbers = itertools.count()
        self.closes_at_exit = False
        self._starters: list[Callable[[], Any]] = []
        # What stateful kernels remember in this iteration: {(occurrence, id of the function): (function, states)}.
        self._states: dict[tuple[Any, int], tuple[Any, kernel_state.ApartStates]] = {}
        # True if functions go on with the random numbers of the last such run, as those of a single element do.
        self.goes_on = False
        # Random seeds drawn when the iteration was created, for each pipeline in order of use.
        self.drawn: dict[int, list[Any]] = {}
        # {what computes elements from state outside of the iteration: the operation that has this state}
        self._stateful: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._stateful_lock = threading.Lock()
        # The step begun last whose state a symbolic checkpoint, as TensorFlow defines it, cannot hold.
        self.opaque_step: str | None = None

    @forks.cached_property
    def _options(self) -> Any:
        return Options.FromString(self.options.get("serialized", b""))

    @forks.cached_property
    def settings(self) -> Settings:
        """The settings from the options."""
        return settings_of(self.options.get("serialized", b""))

    @forks.cached_property
    def memory(self) -> Memory:
        """The memory for buffers whose sizes are tuned."""
        return Memory(self.settings.memory)

    @forks.cached_property
    def _pool(self) -> Executor:
        pool = callers(self.settings.pool, "penstock-private")
        self.on_close(lambda: pool.shutdown(wait=False, cancel_futures=True))
        return pool

    def pool(self, width: int) -> Executor:
        """Threads for `width` calls at a time; those of the private pool if options ask for one."""
        self.has_threads = True
        return self._pool if self.settings.pool else callers(width, "penstock-map")

    def check_saving(self) -> None:
        """Raises UnimplementedError if symbolic checkpoints are enabled and a step does not support them."""
        if self.opaque_step and self._options.symbolic_checkpoint:
            raise UnimplementedError(f"{self.opaque_step} does not support symbolic checkpointing.")

    def note_state(self, owner: Any, operation: str) -> None:
        """Records that elements depend on the state of an operation while `owner`, a function or an iterator, is alive."""
        with self._stateful_lock:
            self._stateful[owner] = operation

    def external_state(self) -> str | None:
        """An operation outside of the iteration whose state open iterators need, if there is one.

        As in TensorFlow, steps count that have begun and whose elements have not all been taken by the next step.
        """
        with self._stateful_lock:
            return next(iter(self._stateful.values()), None)

    def in_order(self, deterministic: str) -> bool:
        """True if a step with this attribute keeps the order of its elements."""
        return deterministic == "true" or (
            deterministic == "default" and not self.settings.may_reorder
        )

    def states_of(self, function: Any, occurrence: Any) -> kernel_state.ApartStates:
        """The state of a function's stateful kernels in one occurrence of a step; initially empty."""
        made = function, kernel_state.ApartStates()
        return self._states.setdefault((occurrence, id(function)), made)[1]

    def on_close(self, closer: Callable[[], None], at_exit: bool = False) -> None:
        """Calls `closer` when the iteration ends or is abandoned; `at_exit`: by the end of the interpreter, too."""
        self._closers[next(self._numbers)] = closer
        self.closes_at_exit |= at_exit

    def ends_with(self, owner: Any, end: Callable[[], None]) -> Callable[[], Any]:
        """Calls `end` once: when the iteration ends, or earlier when `owner` is dropped or the returned function is called.

        Neither the iteration nor `end` may hold `owner`: iterators that a step opens anew in every pass go when it drops them.

        Args:
          owner: an iterator.
          end: stops the threads that work for it.

        Returns:
          A function that ends it now.
        """
        number = next(self._numbers)

        def finish() -> None:
            if self.process == forks.count():  # otherwise threads and locks are the parent's
                self._closers.pop(number, None)
                end()

        finisher = weakref.finalize(owner, finish)
        finisher.atexit = False
        self._closers[number] = finisher
        return finisher

    def on_start(self, starter: Callable[[], Any]) -> None:
        """Calls `starter` once the iterator has its position."""
        self._starters.append(starter)

    def start(self) -> None:
        """Starts the threads that do not wait for the first element."""
        while self._starters:
            self._starters.pop()()

    def close(self) -> None:
        """Stops the threads of this iteration."""
        if self.process != forks.count():
            return  # threads and locks are the parent's
        self.canceled.set()
        self._starters.clear()
        while self._closers:
            closers, self._closers = self._closers, {}
            for closer in reversed(list(closers.values())):
                closer()


class _Effort(threading.local):
    """The effort that this thread may spend to find a cardinality."""

    # True if functions that create datasets are called to count their elements.
    calls_functions = False


EFFORT = _Effort()


# Operations with state that functions of datasets may contain: of tables, and those that only tell.
_ALLOWED = ("Assert", "Print", "PrintV2", "StringFormat", "Timestamp", "LogicalAnd")


def stateful_operation(function: Any) -> str | None:
    """The first operation of a function, or of one that it calls, that depends on state."""
    for op in function.graph._operations:
        inner = [value for value in op.raw_op.attrs.values() if hasattr(value, "graph")]
        names = [stateful_operation(part) for part in inner]
        if any(names):
            return next(filter(None, names))
        is_allowed = inner or op.type in _ALLOWED or "Table" in op.type or "Dataset" in op.type
        if op.raw_op.stateful and not is_allowed:
            return op.type
    return None


class Pipeline:
    """A dataset on the host: the value of its variant tensor."""

    types: tuple[DType, ...] = ()
    shapes: tuple[TensorShape, ...] = ()
    inputs: tuple["Pipeline", ...] = ()
    # True if elements pass through unchanged, so that the batch size is that of the inputs.
    keeps_batches = False
    # True if a step that repeats it reshuffles for each pass.
    shuffles = False
    # True if its own time is time spent waiting for other threads.
    is_buffer = False
    # True if it only marks its input.
    passes_on = False
    # The graph functions that it calls, and its source of seeds.
    function: Any = None
    functions: Any = ()
    seeds: Any = None
    # The op that made it, and the host values of the op's inputs: see data/graph_defs.py.
    made_by: "tuple[Op, tuple[Any, ...]] | None" = None
    # Which occurrence of a dataset this step is, as seen by the random numbers of its functions; see occurrences.py.
    occurrence: Any = None
    # True if the pipeline must run step by step, without rewrites.
    is_fixed = False
    # The pipeline that runs instead of it (None: itself), once it is planned; see ops/data_planner/plan.py.
    plan: "tuple[Pipeline | None] | None" = None

    def batch_size(self) -> int:
        """The number of rows of full batches; -1 if unknown."""
        if not self.keeps_batches:
            return -1
        sizes = {source.batch_size() for source in self.inputs}
        return sizes.pop() if len(sizes) == 1 else -1

    def explained(self, error: OpError, run: Run | None) -> OpError:
        """An error of one of its functions, with its position in the pipeline."""
        steps = [self.kind]
        if run is not None and run.root is not None:
            steps = _steps_to(self, run.root) or steps
        place = "::".join(step.removesuffix("Dataset") for step in ("Iterator::Root", *steps))
        return type(error)(
            f"Error in user-defined function passed to {self.kind} transformation with iterator: "
            f"{place}: {error.message}"
        )

    def external_state(self) -> str | None:
        """The operation whose state outside of the dataset elements depend on, if there is one."""
        called = [self.function, *self.functions] if self.function is not None else self.functions
        states = (stateful_operation(function) for function in called)
        return next(filter(None, states), None)

    def begin(self, run: Run) -> None:
        """Draws the random seeds that an iteration draws on creation, before its first element.

        This covers only the first pass: inputs that are iterated later or repeatedly draw when they begin.
        """
        for source in self.inputs:
            source.begin(run)

    def iterate(self, run: Run) -> Iterator[Element]:
        """Returns a new iterator over the elements."""
        rows = self.rows()
        if rows is None:
            raise NotImplementedError(type(self).__name__)
        return rows.elements(run)

    def cardinality(self) -> int:
        """The number of elements, INFINITE or UNKNOWN."""
        return self.inputs[0].cardinality() if len(self.inputs) == 1 else UNKNOWN

    def rows(self) -> Rows | None:
        """The elements as rows of arrays, or None if they are not."""
        return None

    def stacks(self, run: Run, size: int, aligned: bool = False) -> Iterator[Element] | None:
        """Returns a new iterator over stacks of `size` elements if they can be made without the elements, else None.

        The last stack may be smaller. Behind an error in an element a stack begins with the next one; if `aligned`, where it
        would have begun without the error.
        """
        return None

    def access(self, run: Run) -> Access:
        """Returns a function from a position to the element there, for positions below the cardinality.

        Raises:
          UnimplementedError: elements are only made in order.
        """
        raise UnimplementedError(f"Random access is not implemented for dataset {self.kind}")

    def accesses(self, sources: Sequence["Pipeline"], run: Run) -> list[Access]:
        """The functions of `access` of several inputs."""
        return [source.access(run) for source in sources]

    def at(self, position: int, run: Run) -> Element:
        """The element at a position.

        Raises:
          UnimplementedError: elements are only made in order.
          FailedPreconditionError: their number is unknown or infinite.
          OutOfRangeError: there are fewer.
        """
        element, count = self.access(run), self.cardinality()
        if count < 0:
            kind = "infinite" if count == INFINITE else "unknown"
            raise FailedPreconditionError(
                f"Dataset of type {self.kind} has {kind} cardinality, which does not support random "
                "access."
            )
        if not 0 <= position < count:
            raise OutOfRangeError(f"Index out of range [0, {count}):{position}")
        return element(position)

    def why_in_order(self) -> str | None:
        """Why the elements cannot be permuted globally, or None if they can."""
        if type(self).access is Pipeline.access:
            return f"{self.kind} does not support random access."
        return next(filter(None, (source.why_in_order() for source in self.inputs)), None)

    @property
    def kind(self) -> str:
        """The name of the dataset op, for messages."""
        return type(self).__name__.lstrip("_") + "Dataset"

    def options(self) -> dict[str, Any]:
        """The options set in the pipeline up to here."""
        parts = [source.options() for source in self.inputs]
        serialized = b"".join(part["serialized"] for part in parts if part)
        return {"serialized": serialized} if serialized else {}


class Planned(Pipeline):
    """A step whose elements can be computed in several ways, of which the planner chooses one."""

    def iterate(self, run: Run) -> Iterator[Element]:
        elements: Iterator[Element] = above("iterator_of")(self, run)
        return elements


class Seeded(Pipeline):
    """A step that draws two seeds when an iterator over it is created."""

    seeds: SeedGenerator

    def begin(self, run: Run) -> None:
        # An input begins later, such as when a buffer is filled.
        run.drawn.setdefault(id(self), []).append(self.seeds.next())

    def seeds_of(self, run: Run) -> tuple[int, int]:
        """The seeds drawn when the iteration was created; new ones for later passes."""
        drawn = run.drawn.get(id(self))
        return drawn.pop(0) if drawn else self.seeds.next()


def external_state(dataset: Pipeline) -> str | None:
    """The operation whose state outside of a dataset its elements depend on, if there is one."""
    states = (external_state(source) for source in dataset.inputs)
    return dataset.external_state() or next(filter(None, states), None)


def sources_of_seeds(dataset: Pipeline) -> list[SeedGenerator]:
    """The generators of seeds in a pipeline, in order."""
    generators = [dataset.seeds] if isinstance(dataset.seeds, SeedGenerator) else []
    for source in dataset.inputs:
        generators += [seeds for seeds in sources_of_seeds(source) if seeds not in generators]
    return generators


def _steps_to(step: Pipeline, root: Pipeline) -> list[str] | None:
    """The kinds of the steps from the end of a pipeline to one of them, without those that pass on."""
    own = [] if root.passes_on else [root.kind]
    if root is step:
        return own
    for source in root.inputs:
        rest = _steps_to(step, source)
        if rest is not None:
            return own + rest
    return None


class PipelineOp(Op):
    """Base of the ops that make a dataset; a subclass defines `pipeline(inputs...)`."""

    ranks = {
        "transformations": (1,),
        "buffer_size": (0,),
        "header": (0,),
        "field_delim": (0,),
        "use_quote_delim": (0,),
        "na_value": (0,),
        "select_cols": (1,),
        "filename": (0,),
        "row_shape": (1,),
        "patterns": (0, 1),
        "seed": (0,),
        "seed2": (0,),
        "sleep_microseconds": (0,),
        "window_size": (0,),
        "window_shift": (0,),
        "window_stride": (0,),
        "driver_name": (0,),
        "data_source_name": (0,),
        "query": (0,),
        "header_bytes": (0,),
        "record_bytes": (0,),
        "footer_bytes": (0,),
        "count": (0,),
    }

    minimum = {"output_types": 1, "output_shapes": 1}

    def shape(self, *_inputs: Any) -> TensorShape:
        return TensorShape([])

    def eager(self, *values: Any) -> Any:
        dataset = self.pipeline(*values)
        if not dataset.types:
            attrs = self.attrs
            dataset.types = attrs.get("output_types") or attrs.get("Toutput_types") or ()
            dataset.shapes = attrs.get("output_shapes", ())
        if dataset.made_by is None:  # an op may return its input
            dataset.made_by = self, values
        return dataset

    def pipeline(self, *values: Any) -> Pipeline:
        """The host object of the dataset."""
        raise NotImplementedError(f"{self.op_type}: this operation is not implemented.")


class DatasetOp(PipelineOp):
    """Base of the dataset ops with attributes for the types and shapes of elements."""

    output_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""


class UnnamedDatasetOp(PipelineOp):
    """The same without the metadata attribute."""

    ranks = {"compression_type": (0,), "batch_size": (0,)}

    output_types: list[DType]
    output_shapes: list[TensorShape]


def scalar(value: Any) -> Any:
    """The Python value of a host scalar.

    Raises:
      ValueError: it has another shape.
    """
    if not isinstance(value, np.ndarray):
        return value
    if value.ndim:
        raise ValueError(f"must be a scalar, got shape {list(value.shape)}")
    return value[()]


def text(value: Any) -> str:
    """The text of a host string scalar."""
    content = scalar(value)
    return content.decode() if isinstance(content, bytes) else str(content)


def positive(op: Op, name: str, value: Any) -> int:
    """The integer held by `value`.

    Raises:
      InvalidArgumentError: it is not positive.
    """
    number = int(scalar(value))
    if number <= 0:
        raise op.invalid(f"{name} must be greater than zero. Received {name}={number}")
    return number
