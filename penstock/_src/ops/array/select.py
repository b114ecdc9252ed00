"""Selection by conditions, indices of true elements, and one-hot vectors."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, SLOWEST, Definition, Elements, HostKernel, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape
from penstock._src.core.typesets import ANY, BOOL, INDEX, NUMBER
from penstock._src.core.values.arrays import empty_pooled
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.rules import dims_of, show, unbroadcast, where, zeros_like

_INDICES_AT_ONCE = 1 << 14  # elements whose indices are computed together, within the L2 cache


def choose(condition, x, y, dtype):
    """Returns x where the condition holds and y elsewhere; resources and variants by the scalar."""
    if not isinstance(x, np.ndarray):
        return x if bool(condition) else y
    return np.asarray(np.where(condition, x, y), dtype.np)


class SelectV2(Op):
    """x where the condition holds and y elsewhere; all three broadcast."""

    signature = "condition: bool, t: T, e: T -> output: T"
    host_kernel = HostKernel(compiles_from=SLOW)
    T = ANY
    elements = Elements(is_elementwise=True)
    values = Values(eager_is_exact=True)

    def shape(self, condition, t, e):
        return infer.broadcast(condition, t, e)

    def gradient(self, condition, t, e, _output, dy):
        zeros = zeros_like(dy)
        return (
            None,
            unbroadcast(where(condition, dy, zeros), t),
            unbroadcast(where(condition, zeros, dy), e),
        )

    def eager(self, condition, t, e):
        try:
            return choose(condition, t, e, self.T)
        except ValueError:
            raise self.invalid(
                f"condition {show(condition.shape)}, then {show(t.shape)}, and else "
                f"{show(e.shape)} must be broadcastable"
            ) from None

    def lower(self, p, condition, t, e):
        if self.T.np.hasobject:
            raise NotLowerable(f"elements of type {self.T.name}")
        return p.select(condition, t, e)


class Select(Op):
    """x where the condition holds and y elsewhere; a vector of conditions chooses whole rows."""

    host_kernel = HostKernel(compiles_from=SLOW)
    signature = "condition: bool, x: T, y: T -> output: T"
    definition = Definition(input_names={"x": "t", "y": "e"})
    T = ANY

    def shape(self, condition, x, y):
        merged = infer.merged(x, y)
        if condition.rank in (None, 0):
            return merged
        if condition.rank == 1 and merged.rank is not None:  # whole rows
            condition.merge_with(merged[:1])
            return merged
        return merged if merged.rank is None else merged.merge_with(condition)

    def gradient(self, condition, _x, _y, _output, dy):
        zeros = zeros_like(dy)
        return None, raw.Select(condition, dy, zeros), raw.Select(condition, zeros, dy)

    def eager(self, condition, x, y):
        if not isinstance(x, np.ndarray):
            return choose(condition, x, y, self.T)
        if x.shape != y.shape:
            raise self.invalid(
                "Inputs to operation Select of type Select must have the same size and shape.  "
                f"Input 0: {show(condition.shape)} != input 2: {show(y.shape)}"
            )
        if condition.ndim == 1 and x.ndim != 1:
            if not x.ndim or condition.shape[0] != x.shape[0]:
                raise self.invalid(
                    "Number of batches of 'then' must match size of 'cond', but saw: "
                    f"{x.shape[0] if x.ndim else 0} vs. {condition.shape[0]}"
                )
            condition = condition.reshape(-1, *[1] * (x.ndim - 1))
        elif condition.ndim and condition.shape != x.shape:
            raise self.invalid(
                "Inputs to operation Select of type Select must have the same size and shape.  "
                f"Input 0: {show(condition.shape)} != input 1: {show(x.shape)}"
            )
        return choose(condition, x, y, self.T)

    def lower(self, p, condition, x, y):
        if self.T.np.hasobject or tuple(x.shape) != tuple(y.shape):
            raise NotLowerable("operands of different shapes, or not numbers")
        if len(condition.shape) == 1 and len(x.shape) != 1:
            if not x.shape or condition.shape[0] != x.shape[0]:
                raise NotLowerable("a vector of conditions of another length")
            condition = p.reshape(condition, (condition.shape[0], *[1] * (len(x.shape) - 1)))
        elif condition.shape and tuple(condition.shape) != tuple(x.shape):
            raise NotLowerable("conditions of another shape")
        return p.select(condition, x, y)


class Where(Op):
    """The indices of the true (or non-zero) elements, one row each."""

    signature = "condition: T -> index: int64[?, rank(condition)]"
    definition = Definition(input_names={"condition": "input"})
    T: NUMBER | BOOL = dtypes.bool_
    elements = Elements(has_dynamic_rows=True)

    def eager(self, condition):
        if not condition.ndim:
            raise self.invalid("WhereOp : Unhandled input dimensions: 0")
        return _places(condition)


def _places(condition):
    """The indices of nonzero elements, computed from flat indices, which NumPy finds several times faster than index rows."""
    # NumPy finds true elements several times faster than nonzero numbers.
    (rest,) = (condition if condition.dtype == np.bool_ else condition != 0).ravel().nonzero()
    if condition.ndim == 1:
        return rest.astype(np.int64, copy=False)[:, None]
    rows = np.empty((rest.size, condition.ndim), np.int64)
    for first in range(0, rest.size, _INDICES_AT_ONCE):
        some = slice(first, first + _INDICES_AT_ONCE)
        _split_indices(rest[some], condition.shape, rows[some])
    return rows


def _split_indices(rest: np.ndarray, shape: tuple[int, ...], rows: np.ndarray) -> None:
    """Write the indices along each axis of a shape, for elements numbered in row-major order."""
    for axis in range(len(shape) - 1, 0, -1):
        extent = max(shape[axis], 1)
        quotient = rest // extent
        rows[:, axis] = rest - quotient * extent
        rest = quotient
    rows[:, 0] = rest


class OneHot(Op):
    """A new axis with on_value at the index and off_value elsewhere."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    signature = "indices: TI, depth: int32, on_value: T, off_value: T -> output: T"
    values = Values(rounds_nothing=True)
    T = ANY
    TI: INDEX | {dtypes.int8, dtypes.uint8} = dtypes.int64
    axis: int = -1
    differentiable = False
    vectorize = "rows, shared, shared, shared"

    def shape(self, indices, depth, on_value, off_value):
        for scalar in (depth, on_value, off_value):
            scalar.with_rank(0)
        size = infer.counted(depth, 1)
        if self.axis < -1:
            raise ValueError("axis must be >= -1")
        if indices.rank is None:
            return UNKNOWN
        at = indices.rank if self.axis == -1 else self.axis
        dims = indices.as_list()
        return TensorShape(dims[:at] + [size] + dims[at:])

    def eager(self, indices, depth, on_value, off_value):
        rank = indices.ndim
        if not -1 <= self.axis <= rank:
            raise self.invalid(
                f"Expected axis to be -1 or between [0, {rank + 1}).  But received: {self.axis}"
            )
        for name, scalar in (("depth", depth), ("on_value", on_value), ("off_value", off_value)):
            if scalar.ndim:
                raise self.invalid(f"{name} must be a scalar, but got: {show(scalar.shape)}")
        size = int(depth)
        if size < 0:
            raise self.invalid(f"depth must be non-negative, got: {size}")
        at = rank if self.axis == -1 else self.axis
        out = empty_pooled((indices.size * size,), self.T.np)
        out[:] = off_value
        if out.size:
            flat = indices.reshape(-1).astype(np.int64)
            places = np.arange(0, out.size, size) + flat
            # As unsigned numbers, negative ones are larger than any size.
            if np.maximum.reduce(flat.view(np.uint64)) >= size:
                places = places[(flat >= 0) & (flat < size)]
            out[places] = on_value
        rows = out.reshape(*indices.shape, size)
        return rows if at == rank else np.ascontiguousarray(np.moveaxis(rows, -1, at))

    def lower(self, p, indices, depth, on_value, off_value):
        (size,) = dims_of(p, depth, "the depth")
        rank = len(indices.shape)
        if self.T.np.hasobject or size < 0 or not -1 <= self.axis <= rank:
            raise NotLowerable("not numbers, or an axis or depth out of range")
        at = rank if self.axis == -1 else self.axis
        shape = (*indices.shape[:at], size, *indices.shape[at:])
        wide = indices if self.TI in INDEX else p.cast(indices, dtypes.int32)
        places = p.iota(shape, at, wide.dtype)
        chosen = p.eq(p.expand_dims(wide, at), places)
        return p.select(chosen, on_value, off_value)
