"""Rows of a batch: the axis along which a node has something for each row, where each row's part depends on that row alone.

`infer_rows` follows the rows from a function's parameters to nodes, such as its results. Each kind of node says by its method `rows` how they pass
through it; it raises `MixedRows` where a part of the result may depend on several rows, on a row's index, or on the number of rows.
`conjuncts` splits a check's condition into nodes to follow.

The axis of an array may have more than the rows: its index is `(o * count + row) * inner + i`, with `o < outer` and `i < inner`, as after a reshape
of [rows, heads, n] to [rows * heads, n].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Dim, Extent
from penstock._src.ir.function import reachable
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass

# The number of rows of inputs for which proofs are looked for (compiler/blocks/row_independence.py), which hold for other numbers as well.
ROWS = 5


@dataclass(frozen=True, eq=False)
class Rows:
    """The axis of an array that has the rows.

    axis        its number
    outer       how often all rows are repeated along it
    inner       elements of a row that lie next to each other along it
    is_uniform  True if all elements along the axis are equal: they fit rows with any `outer` and `inner`
    """

    axis: int
    outer: Extent = 1
    inner: Extent = 1
    is_uniform: bool = False

    def at(self, axis: int) -> Rows:
        """The same rows along another axis."""
        return Rows(axis, self.outer, self.inner, self.is_uniform)

    def is_like(self, other: Rows) -> bool:
        """True if another array has its rows at the same places."""
        return (
            self.axis == other.axis
            and self.is_uniform == other.is_uniform
            and (
                self.is_uniform
                or (dims.same(self.outer, other.outer) and dims.same(self.inner, other.inner))
            )
        )


# What is known of a node: its rows; None if it depends on no row, nor on their number; a list for a node with several results.
State = Any


class MixedRows(Exception):
    """The rows of a batch are not independent; the message says where."""


class RowFlow:
    """The rows of the nodes of a function.

    Args:
      count: the symbol of the number of rows.
      states: of parameters, by their ids.
    """

    def __init__(self, count: Dim, states: Mapping[int, State]) -> None:
        self.count = count
        self._name = next(iter(dims.symbols(count)))
        self._states: dict[int, State] = dict(states)

    def of(self, node: Any) -> State:
        """The state of a node, whose arguments have theirs."""
        return self._states[node.id]

    def set(self, node: Any, state: State) -> None:
        """Keeps the state of a node.

        Raises:
          MixedRows: an extent depends on the number of rows where the state says that it does not.
        """
        if node.results is None:
            self._check(node.shape, state)
        else:
            for (shape, _), each in zip(node.results, state, strict=True):
                self._check(shape, each)
        self._states[node.id] = state

    def depends(self, extent: Extent) -> bool:
        """True if an extent depends on the number of rows."""
        return type(extent) is Dim and self._name in dims.symbols(extent)

    def axis_of(self, shape: Sequence[Extent]) -> int | None:
        """The only axis whose extent depends on the number of rows, or None.

        Raises:
          MixedRows: there are several.
        """
        axes = [axis for axis, extent in enumerate(shape) if self.depends(extent)]
        if len(axes) > 1:
            raise MixedRows("several extents depend on the number of rows")
        return axes[0] if axes else None

    def joined(self, states: Iterable[State]) -> Rows | None:
        """The state of a result that takes from arrays of one shape.

        Raises:
          MixedRows: they have rows at different places.
        """
        known = [state for state in states if state is not None]
        exact = [state for state in known if not state.is_uniform]
        if not known:
            return None
        first: Rows = (exact or known)[0]
        if any(state.axis != first.axis for state in known) or not all(map(first.is_like, exact)):
            raise MixedRows("combines different rows")
        return first

    def along(self, state: Rows | None, axes: Iterable[int]) -> Rows | None:
        """The state of an argument that is computed along axes.

        Raises:
          MixedRows: its rows are along one of them.
        """
        if state is not None and state.axis in axes:
            raise MixedRows("works along the axis of the rows")
        return state

    def check_attributes(self, node: Node) -> None:
        """Checks that a node's attributes do not depend on the number of rows, but for bounds that are the extent of the axis of the rows.

        A start, a stride or an amount of padding may depend on it although no extent of the result does: `x[:, n : n + 3]` for n rows.

        Raises:
          MixedRows: one does.
        """
        x = node.args[0] if node.args and node.args[0].results is None else None
        state = None if x is None else self.of(x)
        for name, value in node.attrs.items():
            if name == "shape":  # that of the result, which `set` has checked
                continue
            numbers = value if isinstance(value, tuple | list) else (value,)
            for axis, number in enumerate(numbers):
                is_whole = (
                    isinstance(state, Rows)
                    and x is not None
                    and (len(numbers), axis) == (x.rank, state.axis)
                    and dims.same(number, x.shape[axis])
                )
                if self.depends(number) and not is_whole:
                    raise MixedRows(f"`{name}` depends on the number of rows")

    def _check(self, shape: Sequence[Extent], state: Rows | None) -> None:
        axis = self.axis_of(shape)
        if axis is None and state is None:
            return
        if axis is None or state is None or axis != state.axis:
            raise MixedRows("an extent depends on the number of rows")
        extent = state.outer * self.count * state.inner
        if not state.is_uniform and not dims.same(shape[axis], extent):
            raise MixedRows("an extent is not a multiple of the number of rows")


def reshaped(
    flow: RowFlow, state: Rows | None, before: Sequence[Extent], after: Sequence[Extent]
) -> Rows | None:
    """The rows of an array in another shape, with the same elements in row-major order.

    Raises:
      MixedRows: an axis of the new shape has parts of rows, or rows and other axes in another order.
    """
    if state is None:
        return None
    axis, old = flow.axis_of(after), state.axis
    if axis is None:
        raise MixedRows("a reshape hides the rows")
    outside, inside = dims.product(before[:old]), dims.product(before[old + 1 :])
    new_outside, new_inside = dims.product(after[:axis]), dims.product(after[axis + 1 :])
    if state.is_uniform and dims.same(outside, new_outside) and dims.same(inside, new_inside):
        return state.at(axis)
    outer, inner = state.outer, state.inner
    if state.is_uniform:
        outer, inner = 1, _quotient(before[old], flow.count)
    outer = _quotient(outer * outside, new_outside)
    inner = _quotient(inner * inside, new_inside)
    return Rows(axis, outer, inner)


def _quotient(a: Extent, b: Extent) -> Extent:
    """a / b.

    Raises:
      MixedRows: the division leaves a remainder for some sizes.
    """
    if dims.same(a, b):
        return 1
    quotient = a // b
    if not dims.same(quotient * b, a):
        raise MixedRows("a reshape cuts rows into parts")
    return quotient


# Kinds whose result has the elements of the argument, perhaps several times.
_SAME_ELEMENTS = ("reshape", "transpose", "broadcast")


def conjuncts(condition: Node) -> list[Node]:
    """Nodes for each of which it is decided row by row whether the condition holds.

    A condition holds for joined rows exactly if it holds for each row alone where it is a conjunction over rows, as `reduce_all(x > 0)` and
    `not reduce_any(is_nan(x))` are. So only the parts below such reductions need be independent.
    """
    found: list[Node] = []
    pending = [(condition, "and", "all")]  # the second and third: what combines conditions
    while pending:
        node, both, every = pending.pop()
        if node.kind == "unary" and node.op == "not":
            dual = ("or", "any") if both == "and" else ("and", "all")
            pending.append((node.args[0], *dual))
        elif (
            node.kind in _SAME_ELEMENTS
            or (node.kind == "binary" and node.op == both)
            or (node.kind == "reduce" and node.op == every)
        ):
            pending += [(arg, both, every) for arg in node.args]
        else:
            found.append(node)
    return found


def infer_rows(
    nodes: Sequence[Node], primitives: Mapping[str, Any], count: Dim, states: Mapping[int, State]
) -> list[State]:
    """The states of nodes of a function.

    Args:
      nodes: such as the function's results.
      primitives: the kinds of nodes, by name.
      count: the symbol of the number of rows.
      states: those of the parameters, by the ids of their nodes.

    Raises:
      MixedRows: rows are not independent, or a kind of node is not known to keep them so.
    """
    flow = RowFlow(count, states)
    for node in reachable(nodes):
        if node.kind == "parameter":
            flow.set(node, flow.of(node))
            continue
        try:
            primitive = primitives.get(node.kind)
            if primitive is None:
                raise MixedRows(f"`{node.kind}` may combine rows")
            flow.set(node, primitive.rows(flow, node))
            flow.check_attributes(node)
        except MixedRows as error:
            raise MixedRows(_message(node, error)) from error
    return [flow.of(node) for node in nodes]


def _message(node: Any, error: MixedRows) -> str:
    """The message with the operation that a node comes from, that of the innermost function first."""
    text = str(error)
    if ": " in text:
        return text
    return f"{getattr(node.origin, 'name', None) or node.kind}: {text}"
