"""Iterators over datasets, and optional elements."""

import functools
import threading
import time
import weakref
from collections.abc import Iterator as PythonIterator
from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import Effects, Flow
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
)
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values.resources import Resource, shared
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.iteration.optional import OptionalValue
from penstock._src.ops.data.iteration.resume import (
    Element,
    NotResumable,
    State,
    attempt,
    restored,
    saved,
)
from penstock._src.ops.data.pipeline import EFFORT, Pipeline, Run, sources_of_seeds
from penstock._src.ops.data_planner.measures import Measures, measured
from penstock._src.ops.data_planner.plan import planned
from penstock._src.ops.rules import show
from penstock._src.proto.dataset import CardinalityOptions
from penstock._src.util.process import forks
from penstock._src.util.run_observers import WORK_OBSERVERS

END = "End of sequence"


def steps_of(dataset: Pipeline) -> list[Pipeline]:
    """The steps of a pipeline, without those that pass on their input as it is."""
    own = [] if dataset.passes_on else [dataset]
    return own + [step for source in dataset.inputs for step in steps_of(source)]


class IteratorHandle(Resource):
    """The state of an iteration over a dataset."""

    def __init__(self, name: str = "", container: str = "") -> None:
        super().__init__(name, container)
        self._elements: PythonIterator[Element] | None = None
        self._lock = threading.Lock()
        self._close: weakref.finalize | None = None
        self._current: Run | None = None
        self._process = forks.count()
        self.dataset: Pipeline | None = None
        # The number of elements taken, and whether there are no more.
        self.position, self.has_ended = 0, False
        # Elements taken by `peek`.
        self._ahead: list[Element | None] = []
        # The states of the dataset's sources of seeds at the start.
        self._seeds: list[list[int]] = []

    def start(self, dataset: Pipeline) -> None:
        """Begins a new iteration."""
        dataset = planned(dataset)
        self._seeds = [source.state() for source in sources_of_seeds(dataset)]
        run = Run(dataset.options(), dataset)
        root = _clocked(dataset, run) if WORK_OBSERVERS else dataset
        root.begin(run)
        self._go_on(dataset, run, iter(root.iterate(run)))

    def _go_on(self, dataset: Pipeline, run: Run, elements: PythonIterator[Element]) -> None:
        self.close()
        self.dataset, self._current, self._elements = dataset, run, elements
        self._process = run.process
        self.position, self.has_ended = 0, False
        self._ahead.clear()
        self._close = weakref.finalize(self, run.close)
        self._close.atexit = (
            run.closes_at_exit
        )  # threads end with the process; their calls may take long
        run.start()

    def peek(self, at: int = 0) -> Element | None:
        """The element that `next` will return, or its later call after `at` others."""
        while len(self._ahead) <= at:
            if self._ahead and self._ahead[-1] is None:
                return None
            self._ahead.append(self._taken())
        return self._ahead[at]

    def next(self) -> Element | None:
        """The next element, or None at the end."""
        if not WORK_OBSERVERS:
            return self._ahead.pop(0) if self._ahead else self._taken()
        begin = time.perf_counter()
        try:
            return self._ahead.pop(0) if self._ahead else self._taken()
        finally:
            for observer in WORK_OBSERVERS:
                observer.waited(time.perf_counter() - begin)

    def _taken(self) -> Element | None:
        """The next element of the dataset, or None at the end."""
        if self._process != forks.count():
            self._go_on_in_child()
        with self._lock:
            if self._elements is None:
                raise FailedPreconditionError(
                    "GetNext() failed because the iterator has not been initialized. Ensure that "
                    "you have run the initializer operation for this iterator before getting the "
                    "next element."
                )
            try:
                element = next(self._elements, None)
            except OutOfRangeError as error:
                # To the caller it would be the end of the dataset.
                raise InternalError(
                    f'Iterator "Iterator::Root" returned `OutOfRange`, which only the end of a dataset '
                    f"does. A function of the dataset raised: {error.message}"
                ) from error
        if element is None:
            self.has_ended = True
            self._elements = iter(())  # buffers and open sources are not needed any more
            self.close()
        else:
            self.position += 1
        return element

    def _go_on_in_child(self) -> None:
        """Lets an iterator be used in a forked child, which it can be if it has no threads.

        Raises:
          FailedPreconditionError: its threads are in the parent.
        """
        if self._lock.locked() or (self._current is not None and self._current.has_threads):
            raise FailedPreconditionError(
                "IteratorGetNext: the threads of this iterator are in the process that was forked. Make an "
                "iterator of the dataset in the child; it begins with the first element."
            )
        self._process = forks.count()

    def state(self) -> State:
        """The state for `restore`; its value for "elements" is None if the position within them cannot be saved.

        Raises:
          UnimplementedError: the dataset's options ask for symbolic checkpoints, and a step does not support them.
        """
        assert self.dataset is not None and self._current is not None
        run, steps = self._current, steps_of(self.dataset)
        run.check_saving()
        with self._lock:
            return {
                "steps": _names(steps),
                "position": self.position,
                "has_ended": self.has_ended,
                "seeds": self._seeds,
                "next_seeds": [source.state() for source in sources_of_seeds(self.dataset)],
                "drawn": [run.drawn.get(id(step)) for step in steps],
                "elements": None if self.has_ended else _saved_or_none(self._elements),
            }

    def restore(self, state: State) -> None:
        """Continues an iteration over an equal dataset where it was saved.

        If the position within the elements is not known, the iteration is repeated up to the number of elements taken.

        Raises:
          NotFoundError: the state is that of another dataset.
        """
        assert self.dataset is not None
        steps = _names(steps_of(self.dataset))
        if state["steps"] != steps:
            raise NotFoundError(
                f"Failed to restore an iterator over {steps} from the state of one over {state['steps']}. "
                "Make sure the dataset definition has not changed between the process that saved the "
                "checkpoint and the process that is restoring it."
            )
        self.close()  # closes its files: the new iteration may write the same one
        try:
            self._resume(self.dataset, state)
        except NotResumable:
            self._repeat(self.dataset, state)

    def _resume(self, dataset: Pipeline, state: State) -> None:
        run = Run(dataset.options(), dataset)
        elements: PythonIterator[Element] = iter(())
        try:
            if not state["has_ended"]:
                dataset.begin(run)
                elements = _restored(iter(dataset.iterate(run)), state["elements"])
        except NotResumable:
            run.close()
            raise
        self._go_on(dataset, run, elements)
        self.position, self.has_ended = state["position"], state["has_ended"]
        _restore_seeds(dataset, state["next_seeds"])
        self._seeds = state["seeds"]
        drawn = zip(steps_of(dataset), state["drawn"], strict=True)
        run.drawn = {id(step): seeds for step, seeds in drawn if seeds is not None}

    def _repeat(self, dataset: Pipeline, state: State) -> None:
        _restore_seeds(dataset, state["seeds"])
        self.start(dataset)
        while self.position < state["position"] and attempt(self.next) is not None:
            continue  # errors came in the place of other elements

    def close(self) -> None:
        """Stops the threads of the iteration."""
        if self._close is not None:
            self._close()
            self._close = None


def _clocked(dataset: Pipeline, run: Run) -> Pipeline:
    """The pipeline with a clock behind each step, which observers read."""
    run.measures = measures = Measures()
    root = measured(dataset, measures)
    for observer in WORK_OBSERVERS:
        observer.iterates(root, measures)
        run.on_close(functools.partial(observer.iterated, root, measures))
    return root


def _names(steps: list[Pipeline]) -> list[str]:
    return [type(step).__name__.lstrip("_") for step in steps]


def _saved_or_none(elements: PythonIterator[Element] | None) -> Any:
    try:
        return saved(elements)
    except NotResumable:
        return None


def _restored(elements: PythonIterator[Element], state: Any) -> PythonIterator[Element]:
    """The iterator moved to a saved position.

    Raises:
      NotResumable: there is none, or it is not one of this iterator.
    """
    if state is None:
        raise NotResumable("The position was not saved.")
    return restored(elements, state)


def _restore_seeds(dataset: Pipeline, states: list[list[int]]) -> None:
    for source, state in zip(sources_of_seeds(dataset), states, strict=True):
        source.restore(*state)


class _IteratorOp(Op):
    """Base of the ops that create an iterator."""

    signature = "-> handle: resource[]"
    flow = Flow(iteration="iterator")

    output_types: list[DType]
    output_shapes: list[TensorShape]


class AnonymousIteratorV3(_IteratorOp):
    """An iterator that lives as long as it is referenced."""

    def eager(self):
        return IteratorHandle()


class AnonymousIteratorV2(_IteratorOp):
    """An iterator and its deleter."""

    signature = "-> handle: resource[], deleter: variant[]"

    def eager(self):
        handle = IteratorHandle()
        return handle, handle


class IteratorV2(_IteratorOp):
    """An iterator with a name."""

    shared_name: str
    container: str

    def eager(self):
        name, container = self.shared_name, self.container

        def make() -> IteratorHandle:
            return IteratorHandle(name, container)

        return shared(IteratorHandle, container, name, make)


class OneShotIterator(_IteratorOp):
    """An iterator over the dataset that a function returns on first use."""

    dataset_factory: Function
    container: str = ""
    shared_name: str = ""

    def eager(self):
        def make() -> IteratorHandle:
            handle = IteratorHandle(self.shared_name, self.container)
            handle.start(bound(self.dataset_factory, [])()[0])
            return handle

        return shared(IteratorHandle, self.container, self.shared_name, make)


class MakeIterator(Op):
    """Begins an iteration over a dataset."""

    flow = Flow(iteration="begin")
    signature = "dataset: variant, iterator: resource -> "

    def eager(self, dataset, iterator):
        iterator.start(dataset)
        return ()


class DeleteIterator(Op):
    """Ends an iteration."""

    signature = "handle: resource, deleter: variant -> "

    def eager(self, handle, deleter):
        handle.close()
        return ()


_OBJECTS = np.dtype(object)


def of_types(op: Any, element: Element) -> list[Any]:
    """The components of an element, which have the types that an op declares.

    Raises:
      InvalidArgumentError: they have others, or are of another number.
    """
    types = op.output_types
    if len(element) != len(types):
        raise op.invalid(
            f"Number of components does not match: expected {len(types)} types but got {len(element)}."
        )
    for at, (value, dtype) in enumerate(zip(element, types)):
        kind = _OBJECTS if type(value) is bytes else getattr(value, "dtype", None)
        if kind != dtype.np and isinstance(kind, np.dtype):
            raise op.invalid(
                f"Data type mismatch at component {at}: expected {dtype.name} but got {kind}."
            )
    return list(element)


def of_types_and_shapes(op: Any, element: Element) -> list[Any]:
    """As `of_types`; the shapes must be those that the op declares, too."""
    tensors = of_types(op, element)
    for at, (value, shape) in enumerate(zip(tensors, op.output_shapes)):
        if isinstance(value, np.ndarray) and not shape.is_compatible_with(TensorShape(value.shape)):
            raise op.invalid(
                f"Incompatible shapes at component {at}: expected {shape} but got {show(value.shape)}."
            )
    return tensors


class _GetNext(Op):
    """Base of the ops that take the next element."""

    signature = "iterator: resource -> components: *output_types[*output_shapes]"
    effects = Effects(may_end=True)
    flow = Flow(iteration="elements")
    minimum = {"output_types": 1, "output_shapes": 1}

    output_types: list[DType]
    output_shapes: list[TensorShape]
    # Loops over an iterator carry its handle, which needs no gradient.
    differentiable = False

    def eager(self, iterator):
        element = iterator.next()
        if element is None:
            raise OutOfRangeError(END)
        return of_types(self, element)


class IteratorGetNext(_GetNext):
    """The components of the next element."""


class IteratorGetNextSync(_GetNext):
    """The components of the next element."""


class IteratorGetNextAsOptional(Op):
    """The next element, or none at the end."""

    flow = Flow(iteration="elements")
    signature = "iterator: resource -> optional: variant[]"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    differentiable = False

    def eager(self, iterator):
        return OptionalValue(iterator.next())


class IteratorToStringHandle(Op):
    """The string handle of an iterator."""

    signature = "resource_handle: resource -> string_handle: string[]"

    def eager(self, resource_handle):
        name = f"iterator-{id(resource_handle)}"
        _NAMED[name] = resource_handle
        return name.encode()


class IteratorFromStringHandleV2(Op):
    """The iterator of a string handle."""

    signature = "string_handle: string -> resource_handle: resource[]"
    output_types: list[DType] = []
    output_shapes: list[TensorShape] = []

    def eager(self, string_handle):
        if string_handle.ndim:
            raise self.invalid("string_handle must be a scalar")
        name = string_handle[()].decode()
        handle = _NAMED.get(name)
        if handle is None:
            raise InvalidArgumentError(f"There is no iterator with the handle '{name}'.")
        if handle.dataset is not None:
            self._check(handle.dataset)
        return handle

    def _check(self, dataset: Pipeline) -> None:
        """Raises InvalidArgumentError unless elements of the dataset are of the types and shapes that are expected."""
        types = self.output_types
        if types and len(types) != len(dataset.types):
            raise InvalidArgumentError(
                f"Number of components does not match: expected {len(types)} types but got "
                f"{len(dataset.types)}."
            )
        for at, (wanted, actual) in enumerate(zip(types, dataset.types)):
            if wanted != actual:
                raise InvalidArgumentError(
                    f"Data type mismatch at component {at}: expected {wanted.name} but got {actual.name}."
                )
        for at, (shape, other) in enumerate(zip(self.output_shapes, dataset.shapes)):
            if not TensorShape(shape).is_compatible_with(other):
                raise InvalidArgumentError(
                    f"Incompatible shapes at component {at}: expected {shape} but got {other}."
                )


_NAMED: Any = weakref.WeakValueDictionary()


class OptionalFromValue(Op):
    """An optional with the given components."""

    signature = "components: *Toutput_types -> optional: variant[]"
    Toutput_types: list[DType]

    def gradient(self, components, _optional, dy):
        shapes = [component.shape for component in components]
        return list(
            raw.OptionalGetValue(
                optional=dy, output_types=list(self.Toutput_types), output_shapes=shapes
            )
        )

    def eager(self, components):
        return OptionalValue(tuple(components))


class OptionalNone(Op):
    """An empty optional."""

    signature = "-> optional: variant[]"

    def eager(self):
        return OptionalValue(None)


class OptionalHasValue(Op):
    """True if an optional has a value."""

    signature = "optional: variant -> has_value: bool[]"

    def eager(self, optional):
        return np.array(optional.components is not None)


class OptionalGetValue(Op):
    """The components of an optional."""

    signature = "optional: variant -> components: *output_types[*output_shapes]"
    output_types: list[DType]
    output_shapes: list[TensorShape]

    def gradient(self, _optional, _components, dy):
        return raw.OptionalFromValue(components=dy)

    def eager(self, optional):
        if optional.components is None:
            raise InvalidArgumentError("The given optional does not have a value.")
        return of_types_and_shapes(self, optional.components)


class DatasetCardinality(Op):
    """The number of elements; -1 if infinite, -2 if unknown."""

    signature = "input_dataset: variant -> cardinality: int64[]"
    cardinality_options: str = ""

    def eager(self, input_dataset):
        options = self.cardinality_options.encode("utf-8", "surrogateescape")
        level = CardinalityOptions.FromString(options).compute_level
        EFFORT.calls_functions = level == CardinalityOptions.CARDINALITY_COMPUTE_MODERATE
        try:
            return np.array(input_dataset.cardinality(), np.int64)
        finally:
            EFFORT.calls_functions = False


class ComputeBatchSize(Op):
    """The number of rows of a dataset's full batches; -1 if unknown."""

    signature = "input_dataset: variant -> batch_size: int64[]"

    def eager(self, input_dataset):
        return np.array(input_dataset.batch_size(), np.int64)


class DatasetToSingleElement(Op):
    """The components of the only element of a dataset."""

    flow = Flow(iteration="elements")
    signature = "dataset: variant -> components: *output_types[*output_shapes]"
    output_types: list[DType]
    output_shapes: list[TensorShape]
    metadata: str = ""
    stateful = True

    def eager(self, dataset):
        run = Run(dataset.options(), dataset)
        try:
            elements = iter(dataset.iterate(run))
            first = next(elements, None)
            if first is None:
                raise InvalidArgumentError("Dataset was empty.")
            if next(elements, None) is not None:
                raise InvalidArgumentError("Dataset had more than one element.")
        finally:
            run.close()
        return of_types_and_shapes(self, first)


class GetElementAtIndex(Op):
    """The components of the element at a position."""

    signature = "dataset: variant, index: int64 -> components: *output_types[*output_shapes]"
    output_types: list[DType]
    output_shapes: list[TensorShape]

    def eager(self, dataset, index):
        run = Run(dataset.options(), dataset)
        try:
            return of_types_and_shapes(self, dataset.at(int(index), run))
        finally:
            run.close()


class WrapDatasetVariant(Op):
    """A dataset handle that survives copies between devices: the same handle here."""

    signature = "input_handle: variant -> output_handle: variant[]"

    def eager(self, input_handle):
        return input_handle


class UnwrapDatasetVariant(Op):
    """The handle inside a wrapped one: the same handle here."""

    signature = "input_handle: variant -> output_handle: variant[]"

    def eager(self, input_handle):
        return input_handle
