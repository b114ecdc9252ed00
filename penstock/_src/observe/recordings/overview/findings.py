"""Values of a run that are suspicious by themselves."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence

import numpy as np

from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger.conditions import Conditions
from penstock._src.observe.recordings.files import RecordedRun
from penstock._src.observe.recordings.overview.events import Event
from penstock._src.observe.recordings.overview.ranges import in_words, largest_of, numbers_of
from penstock._src.util.locations import Location

_RECTIFIERS = {"Relu", "Relu6"}
_OF_LOGITS = {
    "LogSoftmax",
    "Softmax",
    "SoftmaxCrossEntropyWithLogits",
    "SparseSoftmaxCrossEntropyWithLogits",
}
_PAIRWISE = {"Sub", "AddV2", "Add", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference"}
# A value of a loop grows if it does so by at least this factor, over at least this number of rounds.
_GROWTH, _ROUNDS = 1e3, 5
# This share of a layer's units is suspicious if they are 0 for all examples.
_DEAD = 0.5


def findings(events: Sequence[Event], run: RecordedRun) -> Iterator[str]:
    """Say what is suspicious in a run."""
    yield from _first_bad(events)
    yield from _outer(events)
    yield from _dead(events)
    yield from _growing(events)
    yield from _probabilities_as_logits(events)
    yield from _random_without_gradients(events)
    yield from _constants(events, run)


def _first_bad(events: Sequence[Event]) -> Iterator[str]:
    """The operation that makes the first NaN or infinity of finite operands."""
    looked_for = Conditions(frozenset({"nan", "infinity"}))
    for event in events:
        if any(looked_for.bad_element(each)[0] for each in event.arguments):
            continue
        for result in event.results:
            kind, index = looked_for.bad_element(result)
            if kind and event.arguments:  # an operation without operands reads a variable
                where = f" at {list(index)}" if index else ""
                operands = "; ".join(_operand(each, index) for each in event.arguments)
                yield f"first {kind}{where}: {event.where()}; operands {operands}"
                return


def _operand(value: object, index: tuple[int, ...]) -> str:
    """An operand in words, with the element at an index if it has one."""
    if isinstance(value, np.ndarray) and index and value.ndim == len(index):
        if all(i < n for i, n in zip(index, value.shape, strict=True)):
            return f"{in_words(value)} ({value[index]} there)"
    return in_words(value)


def _outer(events: Sequence[Event]) -> Iterator[str]:
    """Sums and products of two tensors of other ranks that are larger than each of them."""
    seen = set()
    for event in events:
        shapes = [each.shape for each in event.arguments if isinstance(each, np.ndarray)]
        if event.op.type not in _PAIRWISE or event.is_backward or len(shapes) != 2:
            continue
        sizes = [int(np.prod(shape)) for shape in shapes]
        result = event.results[0]
        differ = len(shapes[0]) != len(shapes[1]) and min(map(len, shapes)) > 0
        if differ and result.size > max(sizes) and event.key not in seen:
            seen.add(event.key)
            first, second = (str(list(shape)) for shape in shapes)
            yield f"{first} and {second} make {list(result.shape)}: {event.where()}"


def _dead(events: Sequence[Event]) -> Iterator[str]:
    """Rectified units that are 0 for all examples."""
    of_units: dict[tuple[str, str], list[Event]] = collections.defaultdict(list)
    for event in events:
        if event.op.type in _RECTIFIERS and event.results[0].ndim > 1 and event.results[0].size:
            of_units[event.key].append(event)
    for group in of_units.values():
        if len({each.results[0].shape[-1] for each in group}) != 1:
            continue
        are_dead = np.all([_are_zero(event.results[0]) for event in group], axis=0)
        count = int(are_dead.sum())
        if count > _DEAD * are_dead.size:
            yield f"{count} of {are_dead.size} units are 0 for all examples: {group[0].where()}"


def _are_zero(value: np.ndarray) -> np.ndarray:
    return np.all(value == 0, axis=tuple(range(value.ndim - 1)))


def _growing(events: Sequence[Event]) -> Iterator[str]:
    """The values of loops that grow or shrink most, forward and backward."""
    rounds: dict[tuple[str, str], list[Event]] = collections.defaultdict(list)
    for event in events:
        if event.origin.location is not None and event.results:
            rounds[event.key].append(event)
    best: dict[bool, tuple[float, str]] = {}
    for group in rounds.values():
        if len(group) < _ROUNDS:
            continue
        sizes = [largest_of(event.results[0]) for event in group]
        known = [size for size in sizes if size]
        if len(known) < _ROUNDS:
            continue
        factor = known[-1] / known[0]
        is_backward, strength = group[0].is_backward, max(factor, 1 / factor)
        if strength >= _GROWTH and strength > best.get(is_backward, (0.0, ""))[0]:
            verb = "grows" if factor > 1 else "shrinks"
            text = f"{verb} from {known[0]:.3g} to {known[-1]:.3g} in {len(known)} rounds"
            best[is_backward] = strength, f"{text}: {group[0].where()}"
    for _, text in best.values():
        yield text


def _probabilities_as_logits(events: Sequence[Event]) -> Iterator[str]:
    """A softmax of rows that are probabilities, such as a loss from logits of a model that ends with a softmax."""
    seen = set()
    for event in events:
        if event.op.type not in _OF_LOGITS or event.is_backward or event.key in seen:
            continue
        if _are_probabilities(event.arguments[0]):
            seen.add(event.key)
            yield f"logits that are probabilities (each row adds up to 1): {event.where()}"


def _are_probabilities(value: object) -> bool:
    """True for at least two rows of several positive numbers that add up to 1."""
    if not isinstance(value, np.ndarray) or value.ndim < 2 or value.shape[-1] < 2:
        return False
    rows = value.astype(np.float64).reshape(-1, value.shape[-1])
    return bool(len(rows) > 1 and (rows > 0).all() and np.allclose(rows.sum(1), 1, atol=1e-3))


def _random_without_gradients(events: Sequence[Event]) -> Iterator[str]:
    """Random numbers in a run that takes no gradient, such as dropout in an evaluation."""
    if any(event.is_backward for event in events):
        return
    seen = set()
    for event in events:
        if "Random" in event.op.type and event.key not in seen and event.results:
            numbers = numbers_of(event.results[0])
            if numbers is not None and numbers.size > 1:
                seen.add(event.key)
                yield f"random numbers in a run without gradients: {event.where()}"


def _constants(events: Sequence[Event], run: RecordedRun) -> Iterator[str]:
    """Names of numbers that are computed from Python's numbers alone, such as a rate from a step that Python counts."""
    named: dict[tuple[str, str], tuple[str, Location]] = {}
    for location, bound in run.function.lines:
        for name, (function, op, _) in bound.items():
            named.setdefault((function, op), (name, location))
    for event in events:
        is_number = len(event.results) == 1 and largest_of(event.results[0]) is not None
        if event.key not in named or not is_number or event.results[0].ndim:
            continue
        if event.op.type != "Const" and _is_constant(event.op):
            name, location = named.pop(event.key)
            value = float(event.results[0])
            place = location.in_user_code().removeprefix("in user code: ")
            yield f"{name} is {value:.6g} in each run: it was computed from Python's numbers while the function was traced, {place}"


def _is_constant(op: Operation) -> bool:
    """True if an operation depends on constants alone."""
    pending, seen = [op], {id(op)}
    while pending:
        current = pending.pop()
        if current.raw_op.stateful or not current._inputs and current.type != "Const":
            return False
        for maker in (tensor.op for tensor in current._inputs):
            if id(maker) not in seen:
                seen.add(id(maker))
                pending.append(maker)
    return True
