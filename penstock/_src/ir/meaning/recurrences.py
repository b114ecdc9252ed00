"""Recurrences: scalar functions that `iterate` nodes apply to each element until it has converged, and their meaning in NumPy.

A recurrence is not part of the graph: its instructions are a flat list that no pass reads. So an element's whole computation is one node,
and a kernel runs it in registers.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType

# Of a kind, its arguments and an object like its node.
Evaluate = Callable[[str, Sequence[Any], Any], Any]

# Share of active elements below which those that are done are dropped from the arrays.
COMPRESSED = 0.5


@dataclass(frozen=True)
class Instruction:
    """One operation on scalars: a constant or an elementwise kind of node.

    args          indices of values: first the arguments of the recurrence, then the results of its instructions
    op            the operation of a unary, binary or compare
    value         the bytes of a constant
    recurrence    that of an iterate, with the index of its result
    """

    kind: str
    dtype: DType
    args: tuple[int, ...] = ()
    op: str = ""
    value: bytes = b""
    recurrence: "Recurrence | None" = None
    index: int = 0

    @property
    def name(self) -> str:
        """The name of the operation in kernels."""
        return self.op or self.kind

    def number(self) -> np.generic:
        """The value of a constant."""
        result: np.generic = np.frombuffer(self.value, self.dtype.np)[0]
        return result


@dataclass(frozen=True)
class Recurrence:
    """A loop over a few scalars.

    types         of the arguments: first those carried from step to step, then constant ones
    carried       the number of carried arguments
    instructions  of a step, in the order of evaluation
    goes_on       the index of the value that is true if an element takes a further step; None: exactly one step
    following     the indices of the carried values after the step
    """

    types: tuple[DType, ...]
    carried: int
    instructions: tuple[Instruction, ...]
    goes_on: int | None
    following: tuple[int, ...]

    def dtype_of(self, index: int) -> DType:
        """The type of a carried value."""
        number = self.following[index] - len(self.types)
        return self.types[number] if number < 0 else self.instructions[number].dtype

    def needed(self, values: Iterable[int]) -> list[int]:
        """The positions of the instructions on which values depend, in order."""
        first = len(self.types)
        pending = [v - first for v in values if v >= first]
        positions: set[int] = set()
        while pending:
            at = pending.pop()
            if at not in positions:
                positions.add(at)
                pending += [v - first for v in self.instructions[at].args if v >= first]
        return sorted(positions)

    def operations(self) -> int:
        """The number of instructions, including those of nested recurrences."""
        inner = [i.recurrence.operations() for i in self.instructions if i.recurrence is not None]
        return len(self.instructions) + sum(inner)

    def __str__(self) -> str:
        return f"<{self.operations()} operations>"


def results(recurrence: Recurrence, args: Sequence[Any], evaluate: Evaluate) -> list[Any]:
    """The carried values of all elements after their last steps."""
    if recurrence.goes_on is None:
        return evaluated(recurrence, recurrence.following, list(args), evaluate)
    shape = np.broadcast_shapes(*[np.shape(a) for a in args])
    whole = [np.broadcast_to(a, shape).reshape(-1) for a in args]
    final = [np.array(a) for a in whole[: recurrence.carried]]
    # `state` has the elements with these indices. Elements that are done are dropped from it from time to time.
    indices = np.arange(final[0].size)
    state, rest = [np.array(a) for a in final], whole[recurrence.carried :]
    while indices.size:
        (goes_on,) = evaluated(recurrence, (recurrence.goes_on,), [*state, *rest], evaluate)
        goes_on = np.broadcast_to(goes_on, indices.shape)
        if not goes_on.any():
            break
        following = evaluated(recurrence, recurrence.following, [*state, *rest], evaluate)
        state = [np.where(goes_on, new, old) for new, old in zip(following, state, strict=True)]
        if goes_on.mean() < COMPRESSED:
            for array, of_active in zip(final, state, strict=True):
                array[indices] = of_active
            indices = indices[goes_on]
            state, rest = [a[goes_on] for a in state], [a[goes_on] for a in rest]
    for array, of_active in zip(final, state, strict=True):
        array[indices] = of_active
    return [array.reshape(shape) for array in final]


def evaluated(
    recurrence: Recurrence, wanted: Sequence[int], args: list[Any], evaluate: Evaluate
) -> list[Any]:
    """Evaluates values of one step, for arrays of elements."""
    first = len(recurrence.types)
    values = dict(enumerate(args))
    for at in recurrence.needed(wanted):
        instruction = recurrence.instructions[at]
        if instruction.kind == "constant":
            values[first + at] = np.asarray(instruction.number())
            continue
        inputs = [values[v] for v in instruction.args]
        values[first + at] = evaluate(instruction.kind, inputs, as_node(instruction))
    return [values[v] for v in wanted]


def as_node(instruction: Instruction, shape: tuple[int, ...] = ()) -> Any:
    """An object with the attributes of a node that the meanings of primitives read."""
    attrs = {"recurrence": instruction.recurrence, "index": instruction.index}
    return SimpleNamespace(
        kind=instruction.kind, op=instruction.op, dtype=instruction.dtype, shape=shape, attrs=attrs
    )
