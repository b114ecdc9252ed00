"""The state of an iteration over a dataset."""

import functools
import threading
import time
import weakref
from collections.abc import Iterator as PythonIterator
from typing import Any

from penstock._src.core.errors import (
    FailedPreconditionError,
    InternalError,
    NotFoundError,
    OutOfRangeError,
)
from penstock._src.core.values.resources import Resource
from penstock._src.ops.data.iteration.resume import (
    Element,
    NotResumable,
    State,
    attempt,
    restored,
    saved,
)
from penstock._src.ops.data.pipeline import Pipeline, Run, external_state, sources_of_seeds
from penstock._src.ops.data_planner.measures import Measures, measured
from penstock._src.ops.data_planner.plan import planned
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
        # The number of consumed elements, and True if the iterator is exhausted.
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
        # Threads end with the process; their calls may take long.
        self._close.atexit = run.closes_at_exit
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

    def external_state(self, is_repeated: bool) -> str | None:
        """The operation whose state the next elements depend on beside the state of the iteration, if there is one.

        Args:
          is_repeated: True if the position is restored by repeating the iteration, which needs all functions again.
        """
        assert self.dataset is not None and self._current is not None
        return external_state(self.dataset) if is_repeated else self._current.external_state()

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
            continue  # other elements were errors

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
