"""Memory for lists that a loop fills."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.trip_count import growth_range
from penstock._src.compiler.lower.values import ListValue, Lowered, known_length
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node, Shape
from penstock._src.util.dataclass import dataclass

# Items by which a list may grow in a step, where it is written to at data-dependent indices.
_MOST_ADDED = 16


@dataclass(frozen=True)
class Memory:
    """The buffer that a list gets before a loop.

    `item`: the loop-invariant value that every step pushes, if the list holds nothing else; `place` is its
    index among the loop's arguments, if it is one.
    """

    items: Any
    shape: Shape
    item: Node | None = None
    place: int | None = None

    @property
    def is_lasting(self) -> bool:
        """True if the memory is valid when the loop is lowered again, with other values."""
        return self.item is None or self.item.depth == 0 or self.place is not None

    def given_to(
        self, p: LoweringContext, tensor_list: Any, arguments: Sequence[Lowered]
    ) -> ListValue:
        """The list with this memory; `arguments` are the loop's arguments."""
        item: Any = self.item if self.place is None else arguments[self.place]
        if item is not None:
            # the list repeats the value
            memory = p.broadcast_to(item, (self.items, *item.shape))
            tensor_list = replace(tensor_list, pushed=item)
        elif tensor_list.buffer is None:
            # Elements that were never set are zeros.
            memory = p.full((self.items, *self.shape), 0, tensor_list.dtype)
        else:
            extra = self.items - tensor_list.buffer.shape[0]
            zeros = p.full((extra, *tensor_list.buffer.shape[1:]), 0, tensor_list.dtype)
            memory = p.concat([tensor_list.buffer, zeros], 0)
        result: ListValue = tensor_list.with_buffer(memory)
        return result


def memory_for(
    p: LoweringContext,
    arg: ListValue,
    inside: Lowered,
    after: Lowered,
    trips: Any,
    arguments: Sequence[Lowered],
) -> Memory | None:
    """The memory that a list needs in a loop, or None if it has memory. `inside` and `after` are the list before and after
    a step.

    Raises:
      NotLowerable: the size is not known.
    """
    if not isinstance(after, ListValue) or not isinstance(inside, ListValue):
        raise NotLowerable("a list becomes something else in the loop")
    needed = _needed(p, arg, inside, after, trips)
    if arg.buffer is not None and (needed is None or arg.buffer.shape[0] >= needed):
        return None
    shape = arg.element_shape if arg.element_shape is not None else after.element_shape
    if shape is None:
        return None  # nothing is ever written: it needs no memory
    if needed is None:
        raise NotLowerable("the length of a list is not bounded")
    item = after.pushed
    # A node of the step (deeper than the loop) differs between steps; and items that were there before are others.
    if arg.buffer is not None or item is None or item.depth > p.depth or known_length(p, arg) != 0:
        return Memory(needed, shape)
    return Memory(
        needed, shape, item, next((i for i, x in enumerate(arguments) if x is item), None)
    )


def _needed(
    p: LoweringContext, arg: ListValue, inside: ListValue, after: ListValue, trips: Any
) -> Any:
    """The maximum number of items of a list in a loop; None for a list that does not grow and has no bound."""
    ends, length = growth_range(p, inside.length, after.length), known_length(p, arg)
    if ends is not None and ends[1] <= 0:
        return arg.capacity
    if trips is None or length is None:
        raise NotLowerable("a list grows in a loop whose number of steps is not known")
    # Uneven steps take the largest addition for all, up to a limit: a bound far above the real length would waste
    # memory.
    if ends is not None and (ends[0] == ends[1] or ends[1] <= _MOST_ADDED):
        return length + trips * ends[1]
    reached = [p.bounds(term) for term in _lengths(p, inside.length, after.length)]
    most = max([length, *[ends[1] for ends in reached if ends is not None]])
    if None in reached or most > length + _MOST_ADDED * trips:
        raise NotLowerable("a list grows by a number that is not known")
    return most


def _lengths(p: LoweringContext, inside: Node, after: Node) -> list[Node]:
    """The numbers whose maximum is a list's length after a step, besides the length before it."""
    if after is inside:
        return []
    if after.kind == "item" and after.args[0].kind == "case":
        case, index = after.args[0], after.attrs["index"]
        return [
            number
            for branch in case.attrs["branches"]
            for number in _lengths(p, _within(p, branch, case, inside), branch.results[index])
        ]
    if after.kind != "binary" or after.op != "maximum":
        return [after]
    parts = [part for part in after.args if part is not inside]
    nested = [part for part in parts if part.kind == "binary" and part.op == "maximum"]
    rest = [part for part in parts if part not in nested]
    return rest + [number for part in nested for number in _lengths(p, inside, part)]


def _within(p: LoweringContext, branch: Function, case: Node, number: Node) -> Node:
    """The parameter of a branch that is a number of outside, or the number itself. The ranges of numbers of outside hold in the branch."""
    pairs = list(zip(branch.parameters, case.args[1:], strict=True))
    for parameter, operand in pairs:
        p.assume_like(parameter, operand)
    return next((parameter for parameter, operand in pairs if operand is number), number)
