"""The first operations of a function of an element, computed by the host for many elements at once.

Reading records, splitting strings and looking up keys costs little for an element, a call costs more. So the operations that
only the host runs, and those before them, are computed for a group, where their ops know how (`Op.eager_each`); what remains is
a function of their results, called for each element.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import flatten_arguments, group_arguments
from penstock._src.core.values.groups import (
    Deferred,
    Group,
    NotGrouped,
    Ragged,
    Stacked,
    elementwise,
    group_of,
    is_group,
)
from penstock._src.ops.data.pipeline import Pipeline, external_state
from penstock._src.ops.data_planner.vectorized import is_exact
from penstock._src.ops.lookup.table_resources import Table
from penstock._src.ops.rules import maps_elements
from penstock._src.util.dataclass import dataclass

_FIRST_PART = "first part for groups of elements"  # key of `GraphFunction.derived`


@dataclass(frozen=True, eq=False)
class _Step:
    """An operation of the first part: its op, and the ids of its inputs and outputs."""

    op: Any
    reads: list[int]
    writes: list[int]


@dataclass(eq=False)
class FirstPart:
    """The first operations of a function, and a function of the remaining ones.

    Args:
      inputs: the ids of the function's inputs.
      constants: the values of constants by id.
      steps: the operations, in order.
      results: the ids of the tensors that they hand on.
      rest: the function of these tensors and of what is captured that gives the results; None if they are the results.
      is_quick: whether calls of the function were found to be short; None if that is not known yet.
      threads: how many threads compute stacks; 0 if that is not known yet.
      seconds: the time for an element of a stack, once the number of threads is known.
    """

    inputs: list[int]
    constants: dict[int, Any]
    steps: list[_Step]
    results: list[int]
    rest: Any
    is_quick: bool | None = None
    threads: int = 0
    seconds: float = 0.0


def first_part(function: Any, captured: Sequence[Any]) -> FirstPart | None:
    """Returns the operations of a function that the host can run for a group, or None if that gains nothing.

    Args:
      function: a function of an element, and of what it captures.
      captured: the values of its captures, which are its last inputs.
    """
    if _has_mutable(captured):
        return None
    if _FIRST_PART not in function.derived:
        function.derived[_FIRST_PART] = _made(function, len(captured))
    return function.derived[_FIRST_PART]


def may_read_ahead(source: Pipeline) -> bool:
    """True if nobody can observe when a pipeline computes its elements."""
    return external_state(source) is None and _has_fixed_tables(source)


def _has_fixed_tables(step: Pipeline) -> bool:
    has_mutable = _has_mutable(getattr(step, "captured", ()))
    return not has_mutable and all(map(_has_fixed_tables, step.inputs))


def _has_mutable(captured: Sequence[Any]) -> bool:
    """True if there are tables that may change between elements."""
    return any(isinstance(value, Table) and value.mutable for value in captured)


def _made(function: Any, captured: int) -> FirstPart | None:
    graph, inputs = function.graph, [t._id for t in function.inputs]
    needed = _needed(function)
    if function.why_host or graph.control_outputs or any(op._control_inputs for op in needed):
        return None
    if any(map(_are_many, function.inputs)):
        return None
    own = set(inputs[: len(inputs) - captured])
    constants, steps, rest = _divided(needed, inputs, own.copy(), may_defer=True)
    if not any(step.op.host_kernel.takes_deferred for step in steps):
        constants, steps, rest = _divided(needed, inputs, own, may_defer=False)
    if not steps:
        return None
    return _parted(function, inputs, captured, constants, steps, rest)


def _divided(
    needed: list[Any], inputs: list[int], own: set[int], may_defer: bool
) -> tuple[dict[int, Any], list[_Step], list[Any]]:
    """The constants and steps of the first part, and the remaining steps; no steps if they gain nothing.

    Args:
      needed: the operations.
      inputs: the ids of the function's inputs.
      own: the ids of those that elements do not share; those of results are added.
      may_defer: whether ops that only defer their work are steps.
    """
    known, deferred = set(inputs), set[int]()
    constants: dict[int, Any] = {}
    steps: list[_Step] = []
    rest: list[Any] = []
    for operation in needed:
        op, reads = operation.raw_op, [t._id for t in operation._inputs]
        writes = [t._id for t in operation._outputs]
        if op.op_type == "Const":
            constants[writes[0]] = op.eager()
        elif (
            not known.issuperset(reads)
            or (op.host_kernel.defers_each and not may_defer)
            or not _is_for_groups(operation, own, deferred)
        ):
            rest.append(operation)
            continue
        else:
            steps.append(_Step(op, reads, writes))
            if own.intersection(reads):
                own.update(writes)
            if _defers(op, bool(deferred.intersection(reads))):
                deferred.update(writes)
        known.update(writes)
    if not any(not step.op.has_lowering and own.intersection(step.reads) for step in steps):
        return constants, [], rest
    return constants, steps, rest


def _are_many(tensor: Any) -> bool:
    """True if a tensor holds more than a string: computing for many elements at once does not pay off for more."""
    return tensor.dtype == dtypes.string and tensor.shape.rank != 0


def _needed(function: Any) -> list[Any]:
    """The operations on which the results depend, in order."""
    inputs = {t._id for t in function.inputs}
    wanted = {t._id for t in function.outputs}
    needed = []
    for operation in reversed(function.graph._operations):
        output_ids = {t._id for t in operation._outputs}
        if wanted & output_ids and not output_ids & inputs:
            needed.append(operation)
            wanted.update(t._id for t in operation._inputs)
    return needed[::-1]


def _parted(
    function: Any,
    inputs: list[int],
    captured: int,
    constants: dict[int, Any],
    steps: list[_Step],
    rest: list[Any],
) -> FirstPart:
    kind = type(function)
    results = list(function.outputs)
    shared = function.inputs[len(inputs) - captured :]
    if not rest:
        ids = [t._id for t in results]
        return FirstPart(inputs, constants, steps, ids, None)
    left_out = {t._id for t in shared} | {t._id for op in rest for t in op._outputs}
    read = [t for op in rest for t in op._inputs] + results
    between = list({t._id: t for t in read if t._id not in left_out | constants.keys()}.values())
    remaining = kind(function.graph, [*between, *shared], results)
    return FirstPart(inputs, constants, steps, [t._id for t in between], remaining)


def _defers(op: Any, reads_deferred: bool) -> bool:
    """True if the result of an operation of the first part has another shape for each element."""
    return op.host_kernel.defers_each or reads_deferred and op.host_kernel.is_view


def _is_for_groups(operation: Any, own: set[int], deferred: set[int]) -> bool:
    """True if an operation belongs to a group.

    Args:
      operation: one whose inputs are known in a group.
      own: the ids of tensors that elements do not share.
      deferred: the ids of those that have a shape for each element.
    """
    op = operation.raw_op
    if any(t._id in deferred for t in operation._inputs):
        first, *others = operation._inputs
        kernel = op.host_kernel
        takes = op.eager_each is not None and (kernel.takes_deferred or kernel.defers_each)
        return (kernel.is_view or takes) and not any(t._id in own for t in others)
    if op.host_kernel.takes_deferred:
        return False
    depends = any(t._id in own for t in operation._inputs)
    if depends and op.eager_each is not None:
        return True
    if op.flow.runs_functions or op.stateful or not _has_bits_of_programs(operation):
        return False
    # Lists of tensors and other handles are not arrays.
    if any(t.dtype in (dtypes.variant, dtypes.resource) for t in operation._outputs):
        return False
    return not depends or maps_elements(operation) or _takes_rows(op)


def _has_bits_of_programs(operation: Any) -> bool:
    """True if the host computes the same bits as a program."""
    op = operation.raw_op
    has_strings = any(t.dtype == dtypes.string for t in (*operation._inputs, *operation._outputs))
    is_copy = op.elements.is_movement or op.values.rounds_nothing
    return is_exact(op) or is_copy or has_strings or not op.has_lowering


def _takes_rows(op: Any) -> bool:
    """True if an op gives stacked results for stacked inputs."""
    return bool(op.vectorize) and set(op.vectorize.split(", ")) <= {"rows", "shared"}


class AsGiven:
    """The values of a component that no operation of the first part reads."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values

    def elements(self) -> Sequence[Any]:
        """The value of each element."""
        return self.values


class GroupCall:
    """Computes the first part of a function for groups of elements.

    Args:
      part: the first part.
      captured: the values of the function's captures.
    """

    def __init__(self, part: FirstPart, captured: Sequence[Any]) -> None:
        self.part = part
        read = {key for step in part.steps for key in step.reads}
        own = part.inputs[: len(part.inputs) - len(captured)]
        # The components that are wanted, and whether as groups.
        self.components = [
            (at, key, key in read)
            for at, key in enumerate(own)
            if key in read or key in part.results
        ]
        self.shared = dict(part.constants)
        self.shared.update(zip(part.inputs[len(own) :], captured))
        # Computes groups; with a clock if the pipeline is measured.
        self.compute: Callable[[Sequence[Any]], list[Any]] = self._compute

    def _compute(self, elements: Sequence[Any]) -> list[Any]:
        """The results for elements: for each a group, the argument itself, or an array that they share.

        Raises:
          NotGrouped: ops have no form for these elements.
          Exception: an error of an element.
        """
        columns = list(zip(*elements))
        values: dict[int, Any] = dict(self.shared)
        for at, key, is_read in self.components:
            values[key] = group_of(columns[at]) if is_read else AsGiven(columns[at])
        for step in self.part.steps:
            values.update(zip(step.writes, _computed(step.op, [values[key] for key in step.reads])))
        return [values[key] for key in self.part.results]

    def several(self, rest: Callable[..., list[Any]] | None) -> Callable[[list[Any]], list[Any]]:
        """The function of a list of elements that gives the list of the results of the whole function.

        Args:
          rest: the function of the results of the first part, or None if they are the results.
        """

        def results(elements: list[Any]) -> list[Any]:
            parts = elements_of(self.compute(elements), len(elements))
            return parts if rest is None else [rest(*part) for part in parts]

        return results


def elements_of(results: Sequence[Any], count: int) -> list[Any]:
    """The results for each of `count` elements."""
    columns = [_column(result, count) for result in results]
    return list(zip(*columns)) if columns else [()] * count


def _column(result: Any, count: int) -> Sequence[Any]:
    if is_group(result) or type(result) is AsGiven:
        return result.elements()
    return [result] * count


def stacks_of(results: Sequence[Any], count: int) -> list[np.ndarray]:
    """The results for `count` elements, stacked.

    Raises:
      NotGrouped: elements have different shapes.
    """
    return [_stack(result, count) for result in results]


def _stack(result: Any, count: int) -> np.ndarray:
    group: Group | AsGiven = result
    if type(result) is AsGiven or isinstance(result, Deferred):
        group = group_of(result.elements())
    if type(group) is Ragged:
        group = group.stacked()
    if type(group) is Stacked:
        return group.array
    stack = np.empty((count, *result.shape), result.dtype)
    stack[...] = result
    return stack


def _computed(op: Any, inputs: list[Any]) -> list[Any]:
    """The outputs of an op for a group, flat."""
    if not any(map(is_group, inputs)):
        return _flat(op, op.compute(*_as_arguments(op, inputs)))
    first = inputs[0]
    if isinstance(first, Deferred) and op.host_kernel.is_view:
        others = inputs[1:]
        return [first.viewed(lambda value: _flat(op, op.eager(value, *others))[0])]
    if op.eager_each is not None:
        return _flat(op, op.eager_each(*_as_arguments(op, inputs)))
    if op.elements.is_elementwise:
        return _flat(
            op, elementwise(lambda *arrays: op.compute(*_as_arguments(op, arrays)), inputs)
        )
    return _flat(op, [Stacked(stack) for stack in _stacks(op, inputs)])


def _stacks(op: Any, inputs: list[Any]) -> list[Any]:
    """The outputs of an op that takes rows."""
    count = next(len(value) for value in inputs if is_group(value))
    words = _words(op, inputs)
    arrays = [_rows(value, word, count) for value, word in zip(inputs, words, strict=True)]
    if op.attrs.get("axis", -1) >= 0:  # rows are another axis in front
        op = op.instance({**op.attrs, "axis": op.attrs["axis"] + 1})
    return _listed(op.compute(*_as_arguments(op, arrays)))


def _rows(value: Any, word: str, count: int) -> np.ndarray:
    """An input for all elements."""
    if is_group(value):
        if type(value) is Ragged or word == "shared":
            raise NotGrouped
        return value.array
    return value if word == "shared" else np.broadcast_to(value, (count, *value.shape))


def _as_arguments(op: Any, inputs: Sequence[Any]) -> Sequence[Any]:
    return group_arguments(op.inputs, op, inputs) if op.traits.takes_lists else inputs


def _words(op: Any, inputs: list[Any]) -> list[str]:
    """The word of `Op.vectorize` for each input."""
    words = op.vectorize.split(", ")
    at = group_arguments(op.inputs, op, range(len(inputs)))
    counts = [len(places) if isinstance(places, list) else 1 for places in at]
    return [word for word, count in zip(words, counts, strict=True) for _ in range(count)]


def _flat(op: Any, result: Any) -> list[Any]:
    """The results of an op, one value for each output, in the declared types."""
    types = flatten_arguments(op.output_dtypes)
    return [_typed(value, dtype.np) for value, dtype in zip(_listed(result), types, strict=True)]


def _listed(result: Any) -> list[Any]:
    return flatten_arguments(result if isinstance(result, (list, tuple)) else [result])


def _typed(value: Any, kind: np.dtype) -> Any:
    if type(value) is Stacked and value.array.dtype != kind:
        return Stacked(value.array.astype(kind))
    if is_group(value):
        return value
    return np.asarray(value, kind)
