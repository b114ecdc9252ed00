"""Sharded updates of variables: each process updates its shard, then all gather the whole."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.tensor import Tensor
from penstock._src.distribute.context import CONTEXTS
from penstock._src.distribute.mirrored.variables import updating
from penstock._src.distribute.values import DistributedValues
from penstock._src.distribute.workers.parts.options import STAGES, ShardingOptions
from penstock._src.distribute.workers.parts.variables import (
    DividedVariable,
    Division,
    PartOfVariable,
    UpdatedVariable,
)
from penstock._src.distribute.workers.parts.weights import DividedWeight
from penstock._src.eager.variable import Variable
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation
from penstock._src.util import nest


@dataclasses.dataclass(frozen=True)
class Update:
    """The updated shard of this process, in a graph; None: eagerly."""

    variable: UpdatedVariable
    part: PartOfVariable
    graph: Any


class PartialUpdates:
    """Sharded updates of a strategy's variables.

    Args:
      options: what is divided.
      division: among whom.
      pack_bytes: parts travel together in packs of about this size.
    """

    def __init__(self, options: ShardingOptions, division: Division, pack_bytes: int) -> None:
        self._options, self._division, self._pack_bytes = options, division, pack_bytes
        self._updated: dict[int, Update] = {}
        self._graphs: list[Any] = []  # those that `together` was entered in
        self._checked: dict[Any, Any] = {}

    @property
    def divides_weights(self) -> bool:
        """True if weights are sharded."""
        return self._options.stage == STAGES

    def is_large(self, shape: Any) -> bool:
        """True if variables of this shape are large enough to be sharded."""
        least = max(self._options.smallest, self._division.size)
        return bool(shape.is_fully_defined() and shape.num_elements() >= least)

    def divides(self, variable: Any) -> bool:
        """True if the update of a variable is sharded, and with it the optimizer's slots."""
        if isinstance(variable, DividedWeight):
            return True
        is_updated = isinstance(variable, UpdatedVariable) and variable.trainable
        return is_updated and self.is_large(variable.shape)

    def applies(self, variable: Any, fn: Callable[..., Any], args: Any, kwargs: Any) -> bool:
        """True if an update runs sharded: it takes a tensor of the variable's shape, such as a gradient.

        An update without such an argument (weight decay) also does, if the weight is sharded and its elements are independent.
        """
        if not self.divides(variable):
            return False
        arguments = nest.flatten((args, kwargs))
        if arguments or not isinstance(variable, DividedWeight):
            return any(self._is_like(variable, value) for value in arguments)
        try:
            self._check(variable, fn, args, kwargs)
        except UnimplementedError:
            return False
        return True

    def _is_like(self, variable: Any, value: Any) -> bool:
        is_tensor = isinstance(value, Tensor) and not isinstance(value, Variable)
        return is_tensor and value.shape == variable.shape

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Within, parts of several variables wait for each other until they are gathered."""
        self._graphs.append(STATE.graph)
        try:
            yield
            self.gather()
        finally:
            self._graphs.pop()

    def gather_for(self, variable: UpdatedVariable) -> None:
        """Gathers the updated values if this variable was updated."""
        update = self._updated.get(id(variable))
        if update is None:
            return
        if update.graph is not STATE.graph:
            raise UnimplementedError(
                None,
                None,
                f"{variable.name} is read before the merge call of its sharded update, which is in another function.",
            )
        self.gather()

    def gather(self) -> None:
        """Gathers the updated values."""
        here = {key: one for key, one in self._updated.items() if one.graph is STATE.graph}
        if not here:
            return
        for key in here:
            del self._updated[key]
        parts = [one.part._read() for one in here.values()]
        shapes = [one.variable.shape for one in here.values()]
        wholes = self._division.whole(parts, shapes, self._pack_bytes)
        for one, whole in zip(here.values(), wholes, strict=True):
            one.variable.values[0].assign(whole)

    def run(self, variable: Any, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Returns the result of `fn(part, *args, **kwargs)` for this process's shard of a variable.

        Args:
          variable: the variable.
          fn: an optimizer's function.
          args, kwargs: its further arguments; of tensors of the variable's shape it gets the parts.

        Raises:
          UnimplementedError: an element of the result depends on others.
        """
        if isinstance(variable, UpdatedVariable):
            self.gather_for(variable)
        if STATE.graph is None:
            self._check(variable, fn, args, kwargs)
            result, part = self._run(variable, fn, args, kwargs)
        else:
            graph = STATE.graph
            before = len(graph._operations)
            result, part = self._run(variable, fn, args, kwargs)
            _require_elementwise(graph._operations[before:], part, variable)
        if isinstance(variable, DividedWeight):
            variable.set_own_part(part._read())
            return result
        self._updated[id(variable)] = Update(variable, part, STATE.graph)
        if not self._graphs or self._graphs[-1] is not STATE.graph:
            self.gather()
        return result

    def _run(
        self, variable: Any, fn: Callable[..., Any], args: Any, kwargs: Any
    ) -> tuple[Any, PartOfVariable]:
        copy = variable.values[0]
        scatters = self._options.stage > 1

        def own(value: Any) -> Any:
            if self._is_like(variable, value):
                return self._division.part(value, scatters)
            return _own_value(value)

        arguments = nest.map_structure(own, (tuple(args), dict(kwargs)))
        is_held = isinstance(variable, DividedWeight)
        value = variable.own_part() if is_held else self._division.part(copy._read())
        part = PartOfVariable(copy, value, variable.shape)
        with updating(0), _in_parts():
            try:
                return fn(part, *arguments[0], **arguments[1]), part
            except (ValueError, InvalidArgumentError) as error:
                raise _refused(variable, str(error)) from error

    def _check(self, variable: Any, fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Traces an update once, without effect, to find out what it computes."""
        cells = [cell.cell_contents for cell in fn.__closure__ or ()]
        key = (fn.__code__, tuple(map(id, cells)), variable._unique_id)
        if key in self._checked:
            return
        graph = FuncGraph("update")
        with graph.as_default():
            _, part = self._run(variable, fn, args, kwargs)
        _require_elementwise(graph._operations, part, variable)
        self._checked[key] = cells


def select_whole(structure: Any) -> Any:
    """Returns the structure of this process, with its own copies of variables; divided ones act as whole."""
    return nest.map_structure(_own_value, structure)


def _own_value(value: Any) -> Any:
    if isinstance(value, DividedVariable | DividedWeight) or not isinstance(
        value, DistributedValues
    ):
        return value
    return value.values[0]


@contextlib.contextmanager
def _in_parts() -> Iterator[None]:
    before, CONTEXTS.in_parts = CONTEXTS.in_parts, True
    try:
        yield
    finally:
        CONTEXTS.in_parts = before


def _require_elementwise(
    operations: Sequence[Operation], part: PartOfVariable, variable: Any
) -> None:
    """Raises UnimplementedError if an operation on a shard computes an element from other elements.

    Shards are recognized by their shape: vectors of one length.
    """
    length = part._read().shape
    for op in operations:
        tensors = [t for t in op._inputs if t.dtype.name != "resource"]
        if op.type == "_OwnPart" or not any(t.shape == length for t in tensors):
            continue
        others = [t for t in tensors if t.shape != length]
        if not _passes(op.raw_op) or any(t.shape.num_elements() != 1 for t in others):
            raise _refused(variable, f"elements depend on each other in the operation {op.type}")


def _refused(variable: Any, why: str) -> UnimplementedError:
    return UnimplementedError(
        None,
        None,
        f"tf.distribute.experimental.ShardingOptions: the update of {variable.name} by this optimizer cannot be sharded: {why}",
    )


def _passes(op: Op) -> bool:
    return op.elements.is_elementwise or op.elements.keeps_places
