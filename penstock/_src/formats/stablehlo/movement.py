"""Movements: index maps without arithmetic."""

from collections.abc import Sequence
from typing import Any

from penstock._src.formats.stablehlo.writer import Value, Writer, integers, writes
from penstock._src.ir.node import Node


@writes("reshape")
def _reshape(w: Writer, node: Node, x: Value) -> Value:
    return w.reshape(x, node.shape)


@writes("transpose")
def _transpose(w: Writer, node: Node, x: Value) -> Value:
    return w.transpose(x, node.attrs["perm"])


@writes("broadcast")
def _broadcast(w: Writer, node: Node, x: Value) -> Value:
    return w.broadcast(x, node.shape, node.attrs["axes"])


@writes("slice")
def _slice(w: Writer, node: Node, x: Value) -> Value:
    return sliced(w, x, *[node.attrs[name] for name in ("starts", "limits", "strides")])


def sliced(w: Writer, x: Value, starts: Any, limits: Any, strides: Any) -> Value:
    """x[start:limit:stride] along every axis."""
    bounds = zip(starts, limits, strides, strict=True)
    shape = [-(-(int(high) - int(low)) // int(step)) for low, high, step in bounds]
    names = {"start_indices": starts, "limit_indices": limits, "strides": strides}
    attrs = ", ".join(f"{name} = {integers(values)}" for name, values in names.items())
    return w.op("slice", [x], shape, x.dtype, attrs)


@writes("pad")
def _pad(w: Writer, node: Node, x: Value, fill: Value) -> Value:
    return padded(w, x, fill, *[node.attrs[name] for name in ("low", "high", "interior")])


def padded(w: Writer, x: Value, fill: Value, low: Any, high: Any, interior: Any) -> Value:
    """x with `fill` around it and between its elements; negative amounts cut."""
    spread = [n + max(n - 1, 0) * int(i) for n, i in zip(x.shape, interior, strict=True)]
    shape = [n + int(a) + int(b) for n, a, b in zip(spread, low, high, strict=True)]
    amounts = {"edge_padding_low": low, "edge_padding_high": high, "interior_padding": interior}
    attrs = ", ".join(f"{name} = {integers(values)}" for name, values in amounts.items())
    return w.op("pad", [x, fill], shape, x.dtype, attrs)


@writes("optimization_barrier")
def _optimization_barrier(w: Writer, node: Node, x: Value, *after: Value) -> Value:
    operands = [x, *after]
    results = [(each.shape, each.dtype) for each in operands]
    return w.op_of_many("optimization_barrier", operands, results)[0]


@writes("reverse")
def _reverse(w: Writer, node: Node, x: Value) -> Value:
    return reversed_along(w, x, node.attrs["axes"])


def reversed_along(w: Writer, x: Value, axes: Any) -> Value:
    """x backwards along axes."""
    return w.op("reverse", [x], x.shape, x.dtype, f"dimensions = {integers(axes)}")


@writes("concat")
def _concat(w: Writer, node: Node, *pieces: Value) -> Value:
    return concatenated(w, pieces, node.attrs["axis"])


def concatenated(w: Writer, pieces: Sequence[Value], axis: int) -> Value:
    """Pieces one after the other along an axis."""
    shape = list(pieces[0].shape)
    shape[axis] = sum(piece.shape[axis] for piece in pieces)
    return w.op("concatenate", pieces, shape, pieces[0].dtype, f"dimension = {int(axis)} : i64")
