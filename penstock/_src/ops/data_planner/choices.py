"""Chooses the iterators that run the steps of a pipeline; all these decisions are made here.

A step of `ops/data` says what its elements are. Where there is one way to compute them, it makes the iterator itself. Where there are
several it is `Planned`, and a function of `ITERATORS` decides, when an iteration opens the step:

    step            ways, the first that can be taken
    map             for rows at once by NumPy (vectorized.py); for stacks of rows by one program (stacked.py); for groups, as far as
                    only the host computes it (grouped.py); a call for each element
    call for each   one after the other; in threads; in threads if that is found to be faster (threads.py)
    filter          a call for each element
    batch           of rows; of stacks that a map or a reader gives; of elements
    interleave      in turn, or as elements are ready (interleaved.py)
    prefetch        in a thread; in a thread if elements are slow

All ways give the same elements and errors.
"""

from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.data.batch import AlignedBatches, Batches, _Batch
from penstock._src.ops.data.calls import bound
from penstock._src.ops.data.functional import _Filter, _Map
from penstock._src.ops.data.iteration.resume import Applied, Chosen, Element
from penstock._src.ops.data.iteration.rows import Rows, Stacks
from penstock._src.ops.data.iteration.stacking import stack_elements
from penstock._src.ops.data.nested import _Interleave
from penstock._src.ops.data.pipeline import AUTOTUNE, Pipeline, Run, external_state
from penstock._src.ops.data.prefetch import _Prefetch
from penstock._src.ops.data_planner import stacked, vectorized
from penstock._src.ops.data_planner.call_times import CallTime
from penstock._src.ops.data_planner.group_functions import GroupCall, first_part, may_read_ahead
from penstock._src.ops.data_planner.grouped import Grouped
from penstock._src.ops.data_planner.grouped_batches import GroupedBatches
from penstock._src.ops.data_planner.interleaved import AsReady, InTurn
from penstock._src.ops.data_planner.measures import Measured
from penstock._src.ops.data_planner.rules import is_noop
from penstock._src.ops.data_planner.stacked import StackedBatches, StackedElements
from penstock._src.ops.data_planner.threads import (
    Mapped,
    MappedInParallel,
    Prefetched,
    PrefetchedIfSlow,
    Several,
    Tuned,
)
from penstock._src.ops.data_planner.vectorized import MappedRows

Call = Callable[..., list[Any]]

_TUNED_SIZE = 4  # elements, at first; the buffer grows where it is too small


def iterator_of(step: Pipeline, run: Run) -> Iterator[Element]:
    """Returns a new iterator over the elements of a step that can be computed in several ways."""
    return next(ITERATORS[kind] for kind in type(step).__mro__ if kind in ITERATORS)(step, run)


def _calls(
    step: Any, source: Iterator[Element], call: Call, run: Run, several: Several | None = None
) -> Iterator[Element]:
    """The results of a call for each element, or for several at once.

    Args:
      step: the step, with the number of concurrent calls; with AUTOTUNE, threads make them if the first ones are slow.
      source: the elements.
      call: the function.
      run: the iteration.
      several: the function of a list of elements, or None.
    """
    width, in_order = step.width, run.in_order(step.deterministic)
    if width in (0, 1):
        return Mapped(source, call)
    # Nobody sees that more elements are read than there are calls.
    may_group = external_state(step) is None
    if width == AUTOTUNE and in_order and run.settings.tunes:
        return Tuned(source, call, run, may_group, step.known_width, several)
    most = run.settings.cores if width == AUTOTUNE else width
    return MappedInParallel(source, call, most, run, in_order, may_group, several)


def _map(step: _Map, run: Run) -> Iterator[Element]:
    at_once = _rows_at_once(step)
    if at_once is not None:
        return MappedRows(*at_once, run)
    call = bound(step.function, step.captured, run, step)
    compiled = _rows_in_stacks(step, run)
    if compiled is not None:
        return StackedElements(*compiled, call, run)
    source, group = step.inputs[0].iterate(run), _groups(step, run)
    if group is None:
        return _calls(step, source, call, run)
    rest = None
    if group.part.rest is not None:
        rest = bound(group.part.rest, step.captured, run, step)
    several = group.several(rest)
    return Grouped(source, group, call, rest, lambda rows: _calls(step, rows, call, run, several))


def _rows_at_once(step: _Map) -> tuple[Rows, vectorized.Stacked] | None:
    """The rows of the elements and the function vectorized over them, or None if unavailable."""
    call = vectorized.vectorized(step.function, step.captured)
    rows = None if call is None else step.inputs[0].rows()
    return None if call is None or rows is None or not vectorized.serves(rows) else (rows, call)


def _rows_in_stacks(step: _Map, run: Run) -> tuple[Rows, Call] | None:
    """The rows of the elements and the function compiled for stacks of them, or None if unavailable."""
    rows = step.inputs[0].rows()
    if rows is None or not stacked.serves(rows) or step.synchronous:
        return None
    call = stacked.compiled_for_stacks(step.function, step.captured)
    if call is not None and run.measures is not None:
        call = run.measures.function(step, call)
    return None if call is None else (rows, call)


def _groups(step: _Map, run: Run) -> GroupCall | None:
    """The first part of the function for groups of elements, or None if there is none."""
    part = None if step.synchronous else first_part(step.function, step.captured)
    if part is None or not may_read_ahead(step.inputs[0]):
        return None
    call = GroupCall(part, step.captured)
    if run.measures is not None:
        call.compute = run.measures.function(step, call.compute)
    return call


def stacks_of(step: Pipeline, run: Run, size: int, aligned: bool) -> Iterator[Element] | None:
    """Returns a new iterator over stacks of `size` elements of a step, as `Pipeline.stacks` does; None if there is none."""
    if isinstance(step, Measured):
        stacks = stacks_of(step.step, run, size, aligned)
        return None if stacks is None else step.clocked_stacks(stacks)
    if isinstance(step, _Map):
        return _stacks_of_map(step, run, size, aligned)
    return step.stacks(run, size, aligned)


def _stacks_of_map(step: _Map, run: Run, size: int, aligned: bool) -> Iterator[Element] | None:
    at_once = _rows_at_once(step)
    if at_once is not None:
        rows, call = at_once
        return Stacks(rows, run, size, 1, call)
    compiled, single = _rows_in_stacks(step, run), bound(step.function, step.captured, run, step)
    if compiled is not None:
        return StackedBatches(*compiled, single, run, size, aligned)
    group = _groups(step, run)
    if group is None or group.part.rest is not None:
        return None
    settings, in_order = run.settings, run.in_order(step.deterministic)

    def width(call: CallTime) -> int:
        if step.width != AUTOTUNE:
            return max(1, step.width)
        tunes = in_order and settings.tunes
        return call.width(settings.cores, settings.most_waiting) if tunes else settings.cores

    source = step.inputs[0].iterate(run)
    return GroupedBatches(source, group, single, run, size, width, aligned)


def _filter(step: _Filter, run: Run) -> Iterator[Element]:
    call = bound(step.function, step.captured, run, step)
    source = step.inputs[0].iterate(run)
    if step.width in (0, 1):
        return Chosen(source, lambda element: call(*element)[0])

    def marked(*element: Any) -> Any:
        return call(*element)[0], *element

    elements = _calls(step, source, marked, run)
    return Applied(Chosen(elements, lambda element: element[0]), lambda element: element[1:])


def _batch(step: _Batch, run: Run) -> Iterator[Element]:
    source, least = step.inputs[0], step.size if step.drop_remainder else 1
    rows = source.rows()
    if rows is not None:
        return Stacks(rows, run, step.size, least)
    aligned = step.is_aligned or _is_one_step(step, run)
    stacks = stacks_of(source, run, step.size, aligned)
    if stacks is not None:
        return Chosen(stacks, lambda stack: len(stack[0]) >= least)
    elements = source.iterate(run)
    if aligned:
        return AlignedBatches(elements, step.size, step.drop_remainder, _of_a_map)
    return Batches(elements, step.size, step.drop_remainder)


def _is_one_step(step: _Batch, run: Run) -> bool:
    """True if TensorFlow makes one step of a batch and the map before it, so that an error in an element fails its whole batch."""
    source = step.inputs[0]
    while is_noop(source) or isinstance(source, Measured):
        source = source.inputs[0]
    return not step.is_parallel and run.settings.map_and_batch_fusion and type(source) is _Map


def _of_a_map(elements: list[Element]) -> Element:
    try:
        return stack_elements(elements)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            f"Cannot add tensor to the batch: number of elements does not match. {error.message}"
        ) from error


def _interleave(step: _Interleave, run: Run) -> Iterator[Element]:
    source, opened = step.inputs[0].iterate(run), step.opener(run)
    kind = InTurn if run.in_order(step.deterministic) else AsReady
    return kind(step, source, opened, run)


def _prefetch(step: _Prefetch, run: Run) -> Iterator[Element]:
    is_tuned = step.size == AUTOTUNE
    size = _TUNED_SIZE if is_tuned else step.size
    source = step.inputs[0].iterate(run)
    if size == 0:
        return source
    # With external state, reading ahead would be visible.
    if run.settings.starts_early or external_state(step) is not None:
        prefetched = Prefetched(source, size, run, is_tuned=is_tuned)
        if run.settings.starts_early:
            run.on_start(prefetched.started)
        return prefetched
    return PrefetchedIfSlow(source, size, run, is_tuned=is_tuned)


# {class of steps: the function that chooses their iterator}
ITERATORS: dict[type[Pipeline], Callable[[Any, Run], Iterator[Element]]] = {
    _Map: _map,
    _Filter: _filter,
    _Batch: _batch,
    _Interleave: _interleave,
    _Prefetch: _prefetch,
}
