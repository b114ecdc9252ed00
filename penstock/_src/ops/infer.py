"""Shape rules shared by families of ops, for partially known shapes.


An argument is the static shape of an input (core/op.py's InputShape, with `.dtype`, `.value`, and `.as_shape()` for shape
vectors). Rules raise ValueError on a mismatch.
"""

from typing import Any

import numpy as np

from penstock._src.core.shapes import SCALAR, UNKNOWN, TensorShape, broadcast_shapes, unknown_shape
from penstock._src.ir.extents.dims import is_symbolic, same


def broadcast(*shapes: TensorShape) -> TensorShape:
    """Returns the shape to which all of them broadcast."""
    result = shapes[0]
    for shape in shapes[1:]:
        result = broadcast_shapes(result, shape)
    return result


def merged(*shapes: TensorShape) -> TensorShape:
    """Returns the merge of compatible shapes."""
    result: TensorShape = TensorShape(shapes[0])
    for shape in shapes[1:]:
        result = result.merge_with(shape)
    return result


def scalar(shape: TensorShape) -> TensorShape:
    """Returns the shape of a scalar; raises ValueError if this cannot be one."""
    return shape.with_rank(0)


def axis_in(axis: int, rank: int) -> int:
    """Returns an axis counted from the front; raises ValueError if it is out of range."""
    if not -rank <= axis < rank:
        raise ValueError(f"Invalid axis: {axis}; must be in [{-rank},{rank})")
    return axis % rank


def split_axis_in(axis: int, rank: int) -> int:
    """Returns the axis of a split counted from the front; raises ValueError if it is out of range."""
    if not -rank <= axis < rank:
        raise ValueError(
            f"Dimension size, given by scalar input {axis} must be in range [{-rank}, {rank})"
        )
    return axis % rank


def prefix(shape: TensorShape, lead: TensorShape) -> TensorShape:
    """Returns the dimensions of `shape` after those of `lead`, with which it has to begin.

    Raises:
      ValueError: it begins otherwise.
    """
    if shape.rank is None or lead.rank is None:
        return UNKNOWN
    for mine, other in zip(shape.with_rank_at_least(lead.rank).as_list(), lead.as_list()):
        if None not in (mine, other) and mine != other:
            raise ValueError(f"Dimensions must be equal, but are {mine} and {other}")
    return shape[lead.rank :]


def counted(number: Any, at: int) -> int | None:
    """Returns the length that scalar input `at` gives, None if it is unknown.

    Raises:
      ValueError: it is negative.
    """
    if number.value is None:
        return None
    rank = np.ndim(number.value)
    if rank:
        raise ValueError(f"Shape must be rank 0 but is rank {rank}")
    count = np.asarray(number.value).item()
    if count < 0:
        raise ValueError(
            f"Dimension size, given by scalar input {at}, must be non-negative but is {count}"
        )
    return count


def size(dims: list[int | None]) -> int | None:
    """Returns the product of dimensions, None if it is unknown."""
    if any(same(d, 0) for d in dims if d is not None):
        return 0
    if None in dims:
        return None
    total = 1
    for d in dims:
        total *= d  # type: ignore[operator]
    return total


def add(a: int | None, b: int | None) -> int | None:
    """Returns a + b, None if either is unknown."""
    return None if a is None or b is None else a + b


def times(a: int | None, b: int | None) -> int | None:
    """Returns a * b, None if it is unknown."""
    if any(same(d, 0) for d in (a, b) if d is not None):
        return 0
    return None if a is None or b is None else a * b


def reduced(shape: TensorShape, axes: Any, keep_dims: bool) -> TensorShape:
    """Returns the shape of a reduction; `axes` is the static shape of the input that holds them."""
    value = axes.value
    if shape.rank is None:
        return UNKNOWN
    if value is None:
        return unknown_shape(shape.rank) if keep_dims else UNKNOWN
    gone = set()
    for axis in np.ravel(value).tolist():
        if not -shape.rank <= axis < shape.rank:
            raise ValueError(
                f"Invalid reduction dimension {axis} for input with {shape.rank} dimensions"
            )
        gone.add(int(axis) % shape.rank)
    dims = shape.as_list()
    if keep_dims:
        return TensorShape([1 if i in gone else d for i, d in enumerate(dims)])
    return TensorShape([d for i, d in enumerate(dims) if i not in gone])


def without_axis(shape: TensorShape, axis: Any) -> TensorShape:
    """Returns the shape without one axis; `axis` is the static shape of the input that holds it."""
    if shape.rank is None:
        return UNKNOWN
    if axis.value is None:
        return unknown_shape(max(shape.rank - 1, 0))
    at, dims = int(axis.value), shape.as_list()
    if not -shape.rank <= at < shape.rank:  # refused when the op runs
        return unknown_shape(max(shape.rank - 1, 0))
    at %= shape.rank
    return TensorShape(dims[:at] + dims[at + 1 :])


def matmul(a: TensorShape, b: TensorShape, transpose_a: bool, transpose_b: bool) -> TensorShape:
    """Returns the shape of the product of two matrices."""
    a, b = a.with_rank(2), b.with_rank(2)
    rows, inner = (a[1], a[0]) if transpose_a else (a[0], a[1])
    inner_b, columns = (b[1], b[0]) if transpose_b else (b[0], b[1])
    if inner is not None and inner_b is not None and inner != inner_b:
        raise ValueError(f"Dimensions must be equal, but are {inner} and {inner_b}")
    return TensorShape([rows, columns])


def batch_matmul(x: TensorShape, y: TensorShape, adj_x: bool, adj_y: bool) -> TensorShape:
    """Return the shape of products of matrices with leading dimensions that broadcast."""
    x, y = x.with_rank_at_least(2), y.with_rank_at_least(2)
    if x.rank is None or y.rank is None:
        return UNKNOWN
    batch = broadcast_shapes(x[:-2], y[:-2])
    return batch.concatenate(matmul(x[-2:], y[-2:], adj_x, adj_y))


def held(vector: Any) -> TensorShape:
    """Returns the shape in a shape vector input."""
    shape = vector.as_shape()
    return UNKNOWN if shape is None else shape


def vector_length(vector: TensorShape) -> int | None:
    """Returns the number of entries of a vector input, None if unknown."""
    return None if vector.rank != 1 else vector[0]


def value_or_none(value: Any) -> list[int] | None:
    """Returns the static integers of an input as a flat list, None if unknown."""
    known = value.value
    return None if known is None else [v if is_symbolic(v) else int(v) for v in np.ravel(known)]


__all__ = [
    "SCALAR",
    "UNKNOWN",
    "add",
    "axis_in",
    "batch_matmul",
    "broadcast",
    "counted",
    "held",
    "matmul",
    "merged",
    "prefix",
    "reduced",
    "scalar",
    "size",
    "split_axis_in",
    "times",
    "value_or_none",
    "vector_length",
    "without_axis",
]
