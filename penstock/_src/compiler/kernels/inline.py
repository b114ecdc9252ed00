"""Nodes of the primitive graph -> values of a kernel.

`Inliner.value(node, position)` is the node's element at a position, written down to loads of stored arrays:
elementwise nodes become operations, movements become index arithmetic (slice, transpose, reshape, broadcast, pad,
reverse, concat, windows cost nothing but that), reductions and contractions become loops of their own.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.compiler.kernels.index import (
    ZERO,
    Index,
    Position,
    Var,
    constant,
    extent_key,
    of_atom,
)
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.kernels.values import Scope, Value
from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.typesets import NARROW
from penstock._src.ir.extents.dims import is_one, is_repeated
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import ELEMENTWISE

RULES: dict[str, Callable[..., Value]] = {}


def rule(*kinds: str):
    """Registers the function that writes nodes of some kinds."""

    def register(function):
        for kind in kinds:
            RULES[kind] = function
        return function

    return register


class Inliner:
    """Writes nodes as values of one kernel; `is_leaf(node)` is True for nodes read from memory."""

    def __init__(self, is_leaf: Callable[[Node], bool], slots: list[Node] | None = None):
        self.scope = Scope()
        self.is_leaf = is_leaf
        self.slots: list[Node] = [] if slots is None else slots
        self._on_tiles = slots is not None
        self._numbers = {node.id: i for i, node in enumerate(self.slots)}
        self._memo: dict[Any, Value] = {}
        self._reduction_vars: dict[Any, list[tuple[Var, ...]]] = {}

    def slot(self, node: Node) -> int:
        """The number of the buffer that holds a leaf."""
        if node.id not in self._numbers:
            self._numbers[node.id] = len(self.slots)
            self.slots.append(node)
        return self._numbers[node.id]

    def value(self, node: Node, position: Position, guard: Value | None = None) -> Value:
        """The node's element at a position; where `guard` is false it may be anything, but reads nothing."""
        # The guard too: a load under one guard must not serve where that does not hold.
        key = node.id, position.key, None if guard is None else guard.number
        known = self._memo.get(key)
        if known is None and node.kind in ELEMENTWISE:
            return self._elementwise(node, position, guard)
        if known is None:
            known = self._memo[key] = self._value(node, position, guard)
        return known

    def _value(self, node: Node, position: Position, guard: Value | None) -> Value:
        """The element, computed at first use."""
        load = self.read(node, position, guard)
        return self._written(node, position, guard) if load is None else load

    def _written(self, node: Node, position: Position, guard: Value | None) -> Value:
        """The element of a node that is computed."""
        if node.kind not in RULES:
            raise UnimplementedError(
                None, None, f"{node.kind}: not inlined in a loop nest. Received {node!r}."
            )
        result: Value = RULES[node.kind](self, node, position, guard)
        return result

    def read(self, node: Node, position: Position, guard: Value | None) -> Value | None:
        """The element of a node that is read from memory; None for others.

        An array without elements is not read: a value may be computed outside of a loop that has no iterations.
        """
        if type(node.size) is int and node.size == 0 and not self._on_tiles:
            return self.scope.const(zero_of(node.dtype), node.dtype)
        return self.load(node, position.linear, guard) if self.is_leaf(node) else None

    def _elementwise(self, node: Node, position: Position, guard: Value | None) -> Value:
        """The value of an elementwise node; expressions are deeper than Python's stack."""
        memo, where = self._memo, position.key
        condition = None if guard is None else guard.number
        pending = [(node, False)]  # nodes, and True if their arguments are known
        while pending:
            current, is_ready = pending.pop()
            key = current.id, where, condition
            if key in memo:
                continue
            if is_ready:
                memo[key] = RULES[current.kind](self, current, position, guard)
                continue
            load = self.read(current, position, guard)
            if load is not None:
                memo[key] = load
            elif current.kind in ELEMENTWISE:
                pending.append((current, True))
                pending += [(a, False) for a in reversed(current.args)]
            else:
                memo[key] = self._written(current, position, guard)
        return memo[node.id, where, condition]

    def define(self, node: Node, position: Position) -> Value:
        """The node computed at a position, though elsewhere it is read from memory."""
        return RULES[node.kind](self, node, position, None)

    def load(self, node: Node, offset: Index, guard: Value | None, dtype=None) -> Value:
        """A load from the buffer of a leaf."""
        dtype = dtype or node.dtype
        args = () if guard is None else (guard,)
        return self.scope.value("load", args, dtype, (self.slot(node), offset))

    def at(self, node: Node, coordinates, guard: Value | None = None) -> Value:
        """The node's element at coordinates."""
        return self.value(node, Position(self.scope, node.shape, coordinates), guard)

    def number(self, index: Index, dtype) -> Value:
        """An index as a value."""
        # Known while compiling: constants join in simplification, an index does not.
        if not index.terms and type(index.const) is int:
            return self.scope.const(index.const, dtype)
        return self.scope.value("index", (), dtype, (index,))

    def inside(self, index: Index, low: int, limit: int) -> Value | None:
        """A bool value: low <= index < limit; None if always so."""
        if index.within(low, limit):
            return None
        return self.scope.value("inside", (), dtypes.bool_, (index, low, limit))

    def both(self, a: Value | None, b: Value | None) -> Value | None:
        """The conjunction of two guards."""
        if a is None or a is b:
            return b
        if b is None:
            return a
        return self.scope.value("and", (a, b), dtypes.bool_)

    def offer(self, variable: Var) -> None:
        # In front: a reduction takes the row's own loop before any other.
        """Makes reductions over the extent of a loop variable use that variable if it is free, as along a row."""
        self._reduction_vars.setdefault((extent_key(variable.extent),), []).insert(0, (variable,))

    def reduction_vars(self, extents: tuple[int, ...], taken: frozenset[Var]) -> tuple[Var, ...]:
        """Loop variables over extents: those of another reduction if they are free, so that equal loops become one."""
        pool = self._reduction_vars.setdefault(tuple([extent_key(e) for e in extents]), [])
        for candidate in pool:
            if not taken.intersection(candidate):
                return candidate
        pool.append(tuple([self.scope.var(e) for e in extents]))
        return pool[-1]


def _free(position: Position, guard: Value | None) -> frozenset[Var]:
    return position.vars if guard is None else position.vars | guard.vars


# -- leaves
@rule("constant")
def _constant(k: Inliner, node: Node, position: Position, guard):
    value = np.asarray(node.attrs["value"]).reshape(-1)[0]
    return k.scope.const(value.item() if hasattr(value, "item") else value, node.dtype)


@rule("size")
def _size(k: Inliner, node: Node, position: Position, guard):
    extents = node.attrs["dims"]
    extents = tuple(extents) if isinstance(extents, (tuple, list)) else (extents,)
    where = position.linear
    if len(extents) == 1:
        return k.number(constant(extents[0]), node.dtype)
    if not where.terms and type(where.const) is int:
        return k.number(constant(extents[where.const]), node.dtype)
    # A choice by comparison: extents are not an array in memory.
    result = k.number(constant(extents[-1]), node.dtype)
    for i in range(len(extents) - 2, -1, -1):
        here = k.scope.value("inside", (), dtypes.bool_, (where, i, i + 1))
        result = k.scope.value(
            "select", (here, k.number(constant(extents[i]), node.dtype), result), node.dtype
        )
    return result


@rule("iota")
def _iota(k: Inliner, node: Node, position: Position, guard):
    return k.number(position.coordinates[node.attrs["axis"]], node.dtype)


# -- elementwise
@rule("unary", "binary", "compare", "select", "cast")
def _operation(k: Inliner, node: Node, position: Position, guard):
    name = node.kind if node.kind in ("select", "cast") else node.op
    return k.scope.value(name, [k.value(a, position, guard) for a in node.args], node.dtype)


@rule("iterate")
def _iterate(k: Inliner, node: Node, position: Position, guard):
    args = [k.value(a, position, guard) for a in node.args]
    return k.scope.value(
        "iterate", args, node.dtype, (node.attrs["recurrence"], node.attrs["index"])
    )


@rule("bitcast")
def _bitcast(k: Inliner, node: Node, position: Position, guard):
    (x,) = node.args
    if x.dtype.size == node.dtype.size:
        return k.scope.value("bitcast", (k.value(x, position, guard),), node.dtype)
    # fusion/storing.py keeps it in memory.
    return k.load(home(x), position.linear, guard, node.dtype)


# -- movement
@rule("reshape")
def _reshape(k: Inliner, node: Node, position: Position, guard):
    return k.value(node.args[0], position.reshaped(node.args[0].shape), guard)


@rule("transpose")
def _transpose(k: Inliner, node: Node, position: Position, guard):
    (x,) = node.args
    coordinates: list[Any] = [None] * len(x.shape)
    for axis, source in enumerate(node.attrs["perm"]):
        coordinates[source] = position.coordinates[axis]
    return k.at(x, coordinates, guard)


@rule("broadcast")
def _broadcast(k: Inliner, node: Node, position: Position, guard):
    (x,) = node.args
    coordinates = []
    for axis, extent in zip(node.attrs["axes"], x.shape):
        is_first = is_one(extent) or is_repeated(extent, node.shape[axis])
        coordinates.append(ZERO if is_first else position.coordinates[axis])
    return k.at(x, coordinates, guard)


@rule("slice")
def _slice(k: Inliner, node: Node, position: Position, guard):
    (x,) = node.args
    strides = node.attrs["strides"] or (1,) * len(x.shape)
    coordinates = [
        c * stride + start
        for c, start, stride in zip(position.coordinates, node.attrs["starts"], strides)
    ]
    return k.at(x, coordinates, guard)


@rule("reverse")
def _reverse(k: Inliner, node: Node, position: Position, guard):
    (x,) = node.args
    axes = node.attrs["axes"]
    coordinates = [
        constant(extent - 1) - c if axis in axes else c
        for axis, (c, extent) in enumerate(zip(position.coordinates, x.shape))
    ]
    return k.at(x, coordinates, guard)


def _dilated(k: Inliner, index: Index, extent: int, dilation: int):
    """(index into x, guard) for an index into an array with x's elements `dilation` apart."""
    if dilation == 1:
        return index, k.inside(index, 0, extent)
    guard = k.inside(index, 0, (extent - 1) * dilation + 1)
    rest = k.scope.remainder(index, dilation)
    on = k.inside(rest, 0, 1)
    return k.scope.quotient(index, dilation), k.both(guard, on)


def _padded(
    k: Inliner, x: Node, fill: Node, coordinates, inside: Value | None, guard: Value | None
):
    """x where `inside`, else the scalar `fill`."""
    if inside is None:
        return k.at(x, coordinates, guard)
    value = k.at(x, coordinates, k.both(guard, inside))
    return k.scope.value("select", (inside, value, k.at(fill, ())), x.dtype)


@rule("pad")
def _pad(k: Inliner, node: Node, position: Position, guard):
    x, fill = node.args
    interior = node.attrs.get("interior") or (0,) * len(x.shape)
    inside, coordinates = None, []
    for c, low, between, extent in zip(position.coordinates, node.attrs["low"], interior, x.shape):
        c, here = _dilated(k, c - low, extent, between + 1)
        coordinates.append(c)
        inside = k.both(inside, here)
    return _padded(k, x, fill, coordinates, inside, guard)


@rule("windows")
def _windows(k: Inliner, node: Node, position: Position, guard):
    x, fill = node.args
    a = node.attrs
    rank = len(x.shape)
    coordinates, inside = list(position.coordinates[:rank]), None
    for i, axis in enumerate(a["axes"]):
        at = (
            coordinates[axis] * a["strides"][i] + position.coordinates[rank + i] * a["dilations"][i]
        )
        at, here = _dilated(k, at - a["low"][i], x.shape[axis], a["base_dilations"][i])
        coordinates[axis] = at
        inside = k.both(inside, here)
    return _padded(k, x, fill, coordinates, inside, guard)


@rule("concat")
def _concat(k: Inliner, node: Node, position: Position, guard):
    axis, start, result = node.attrs["axis"], 0, None
    c = position.coordinates[axis]
    pieces = []
    for piece in node.args:
        limit = start + piece.shape[axis]
        pieces.append((piece, start, limit))
        start = limit
    # The last piece is the default, so that n pieces take n - 1 selections.
    for piece, start, limit in reversed(pieces):
        here = k.inside(c, start, limit)
        coordinates = list(position.coordinates)
        coordinates[axis] = c - start
        value = k.at(piece, coordinates, k.both(guard, here))
        if result is None or here is None:
            result = value
        else:
            result = k.scope.value("select", (here, value, result), node.dtype)
    return result


# -- indices known when the program runs
def start_index(k: Inliner, node: Node, most: int) -> Index:
    """A scalar node as an index, clamped to 0 ... most."""
    number = k.at(node, ())
    number = k.scope.value("cast", (number,), dtypes.int64)
    # The clamp gives the index a range, by which later checks of bounds are known to hold.
    number = _clamped(k, number, most)
    return k.scope.dynamic(number, most + 1)


def _clamped(k: Inliner, number: Value, most: int) -> Value:
    least = k.scope.const(0, dtypes.int64)
    number = k.scope.value(
        "minimum", (number, k.number(constant(most), dtypes.int64)), dtypes.int64
    )
    return k.scope.value("maximum", (number, least), dtypes.int64)


@rule("optimization_barrier")
def _optimization_barrier(k: Inliner, node: Node, position: Position, guard):
    return k.at(node.args[0], position.coordinates, guard)


@rule("dynamic_slice")
def _dynamic_slice(k: Inliner, node: Node, position: Position, guard):
    x, *starts = node.args
    coordinates = [
        c + start_index(k, start, extent - size)
        for c, start, extent, size in zip(position.coordinates, starts, x.shape, node.shape)
    ]
    return k.at(x, coordinates, guard)


@rule("dynamic_update_slice")
def _dynamic_update_slice(k: Inliner, node: Node, position: Position, guard):
    x, update, *starts = node.args
    inside, coordinates = None, []
    for c, start, extent, size in zip(position.coordinates, starts, x.shape, update.shape):
        c = c - start_index(k, start, extent - size)
        # An update of the whole extent can only start at 0: it replaces every element.
        if extent_key(extent) == extent_key(size):
            coordinates.append(c)
            continue
        inside = k.both(inside, k.inside(c, 0, size))
        coordinates.append(c)
    new = k.at(update, coordinates, k.both(guard, inside))
    if inside is None:
        return new
    return k.scope.value("select", (inside, new, k.value(x, position, guard)), node.dtype)


@rule("gather")
def _gather(k: Inliner, node: Node, position: Position, guard):
    x, indices = node.args
    axis, batch, mode = node.attrs["axis"], node.attrs["batch_dims"], node.attrs["mode"]
    own = len(indices.shape) - batch
    c = position.coordinates
    number = k.at(indices, [*c[:batch], *c[axis : axis + own]], guard)
    number = k.scope.value("cast", (number,), dtypes.int64)
    extent = x.shape[axis]
    inside = None
    if mode != "clamp":
        # The number is compared before it becomes an index: it may lie anywhere.
        inside = k.scope.value("inside", (), dtypes.bool_, (k.scope.dynamic(number), 0, extent))
        where = k.scope.dynamic(number)
    else:
        where = k.scope.dynamic(_clamped(k, number, extent - 1), extent)
    coordinates = [*c[:axis], where, *c[axis + own :]]
    value = k.at(x, coordinates, k.both(guard, inside))
    if inside is None:
        return value
    return k.scope.value(
        "select", (inside, value, k.scope.const(zero_of(node.dtype), node.dtype)), node.dtype
    )


def zero_of(dtype) -> Any:
    """Python's zero of a type."""
    return False if dtype.is_bool else 0.0 if dtype.is_floating else 0j if dtype.is_complex else 0


# -- loops of their own
def _along(variable: Var) -> Index:
    """The position of a loop on its axis: 0 on an axis of extent 1, so that broadcast elements have equal indices."""
    return ZERO if is_one(variable.extent) else of_atom(variable)


@rule("reduce")
def _reduce(k: Inliner, node: Node, position: Position, guard):
    (x,) = node.args
    axes = sorted(node.attrs["axes"])
    variables = k.reduction_vars(tuple([x.shape[a] for a in axes]), _free(position, guard))
    inner, outer = iter(variables), iter(position.coordinates)
    coordinates = [_along(next(inner)) if a in axes else next(outer) for a in range(len(x.shape))]
    body = k.at(x, coordinates, guard)
    return k.scope.value("reduce", (body,), node.dtype, (node.op, variables))


@rule("arg_reduce")
def _arg_reduce(k: Inliner, node: Node, position: Position, guard):
    (x,) = node.args
    axis = node.attrs["axis"]
    (variable,) = k.reduction_vars((x.shape[axis],), _free(position, guard))
    coordinates = list(position.coordinates)
    coordinates.insert(axis, _along(variable))
    body = k.at(x, coordinates, guard)
    return k.scope.value("arg_reduce", (body,), node.dtype, (node.op, variable))


@rule("contract")
def _contract(k: Inliner, node: Node, position: Position, guard):
    (left, right), out = operands_of(node)
    a, b = node.args
    place = dict(zip(out, position.coordinates))
    extents = dict(zip(left, a.shape)) | dict(zip(right, b.shape))
    summed = [letter for letter in dict.fromkeys(left + right) if letter not in out]
    variables = k.reduction_vars(
        tuple([extents[letter] for letter in summed]), _free(position, guard)
    )
    place.update({letter: _along(v) for letter, v in zip(summed, variables)})
    x = k.at(a, [place[letter] for letter in left], guard)
    y = k.at(b, [place[letter] for letter in right], guard)
    wide = accumulator(node.dtype)
    if wide is not node.dtype:  # half-precision products are summed, and multiplied, in float32
        x, y = (k.scope.value("cast", (v,), wide) for v in (x, y))
    total = k.scope.value("mul", (x, y), wide)
    if summed:
        total = k.scope.value("reduce", (total,), wide, ("sum", variables))
    return total if wide is node.dtype else k.scope.value("cast", (total,), node.dtype)


def accumulator(dtype):
    """The type in which sums of a type are kept."""
    return dtypes.float32 if dtype in NARROW else dtype


def operands_of(node: Node) -> tuple[list[str], str]:
    """Letters of a contraction's operands and of its result."""
    operands, out = node.attrs["spec"].replace(" ", "").split("->")
    return operands.split(","), out
