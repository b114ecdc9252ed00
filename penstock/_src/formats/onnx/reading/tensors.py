"""Functions on tensors that readers of operators share."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.static_values import constant_value


def constant(value: Any, dtype: DType) -> Any:
    """A constant tensor."""
    return convert_to_tensor(np.asarray(value, dtype.np))


def like(value: Any, x: Any) -> Any:
    """A constant of the dtype of x."""
    return constant(value, x.dtype)


def int64(value: Any) -> Any:
    """A constant of integers."""
    return constant(value, dtypes.int64)


def cast(x: Any, dtype: DType) -> Any:
    """x as another dtype."""
    return x if x.dtype is dtype else raw.Cast(x, DstT=dtype)


def known(x: Any) -> np.ndarray | None:
    """The value of x if it is the same in every run, else None."""
    return None if x is None else constant_value(x)


def required(x: Any, what: str) -> np.ndarray:
    """The value of x.

    Raises:
      UnimplementedError: it is not known before the model runs.
    """
    value = known(x)
    if value is None:
        raise UnimplementedError(f"{what} must be constant.")
    return value


def rank(x: Any) -> int:
    """The number of dimensions.

    Raises:
      UnimplementedError: it is not known before the model runs.
    """
    static_rank = x.shape.rank
    if static_rank is None:
        raise UnimplementedError("an input of unknown rank is not supported.")
    return static_rank


def axis_of(axis: int, dimensions: int) -> int:
    """An axis counted from the front.

    Raises:
      InvalidArgumentError: there is no such axis.
    """
    if not -dimensions <= axis < dimensions:
        raise InvalidArgumentError(f"axis {axis} is out of range for {dimensions} dimensions.")
    return axis % dimensions


def axes_of(axes: Iterable[Any], dimensions: int) -> list[int]:
    """Axes counted from the front."""
    return [axis_of(int(a), dimensions) for a in axes]


def axes_from(axes: Iterable[Any], x: Any, new: int = 0) -> list[int]:
    """Axes of x counted from the front; unchanged, for operations that accept negative axes, if the rank is only known at run time.

    Args:
      axes: what a model says.
      x: the tensor.
      new: the number of dimensions that x gets before they are counted.
    """
    dimensions = x.shape.rank
    positions = [int(a) for a in axes]
    return positions if dimensions is None else axes_of(positions, dimensions + new)


def of_rank(x: Any, dimensions: int) -> Any:
    """x, for an operation on tensors of this rank only: checked at run time if the model does not declare it."""
    return raw.EnsureShape(x, shape=[None] * dimensions) if x.shape.rank is None else x


def shape(x: Any) -> Any:
    """The shape as a vector of int64."""
    return raw.Shape(x, out_type=dtypes.int64)


def extents(x: Any) -> list[Any]:
    """The extent of every dimension: a number if it is known, else a scalar of int64."""
    sizes = x.shape.as_list()
    if None not in sizes:
        return sizes
    vector = shape(x)
    return [element(vector, i) if n is None else n for i, n in enumerate(sizes)]


def extent(x: Any, axis: int) -> Any:
    """The extent of a dimension, as a scalar of int64."""
    size = x.shape.as_list()[axis]
    return element(shape(x), axis) if size is None else int64(size)


def element(vector: Any, index: int) -> Any:
    """One element of a vector, as a scalar."""
    at = np.array([index], np.int32)
    return raw.StridedSlice(vector, at, at + 1, np.array([1], np.int32), shrink_axis_mask=1)


def vector(parts: Sequence[Any]) -> Any:
    """A vector of int64 of numbers and scalars."""
    if all(isinstance(p, (int, np.integer)) for p in parts):
        return int64([int(p) for p in parts])
    scalars = [int64(int(p)) if isinstance(p, (int, np.integer)) else p for p in parts]
    return raw.Pack([cast(s, dtypes.int64) for s in scalars], axis=0)


def reshape(x: Any, sizes: Any) -> Any:
    """x with another shape: numbers, scalars and at most one -1, or a vector."""
    if isinstance(sizes, (list, tuple)):
        sizes = vector(sizes)
    return raw.Reshape(x, sizes)


def transpose(x: Any, permutation: Sequence[int]) -> Any:
    """x with its dimensions in another order."""
    order = [int(p) for p in permutation]
    before = turned(x)
    if before is not None:
        x, order = before[0], [before[1][p] for p in order]
    if order == list(range(len(order))):
        return x
    return raw.Transpose(x, np.array(order, np.int32))


def turned(x: Any) -> tuple[Any, tuple[int, ...]] | None:
    """(x's source, permutation) if x is a transpose, else None."""
    op = x.op if isinstance(x, SymbolicTensor) else None
    if op is None or op.type != "Transpose":
        return None
    order = constant_value(op.inputs[1])
    return None if order is None else (op.inputs[0], tuple(int(p) for p in order))


def product(parts: Sequence[Any]) -> Any:
    """The product of extents, a number if all are known."""
    total: Any = 1
    for part in parts:
        if isinstance(part, (int, np.integer)) and isinstance(total, (int, np.integer)):
            total = int(total) * int(part)
        else:
            scalars = [
                int64(int(v)) if isinstance(v, (int, np.integer)) else v for v in (total, part)
            ]
            total = raw.Mul(*scalars)
    return total


def at_least(x: Any, least: int) -> Any:
    """The greater of a number or scalar of int64, and a number."""
    return max(x, least) if isinstance(x, (int, np.integer)) else raw.Maximum(x, int64(least))


def as_number(condition: Any) -> Any:
    """1 for True and 0 for False: a number for a bool, else a scalar of int64."""
    is_known = isinstance(condition, (bool, np.bool_))
    return int(condition) if is_known else cast(condition, dtypes.int64)


def expand_dims(x: Any, axes: Sequence[int]) -> Any:
    """x with dimensions of one; axes are those of the result.

    Raises:
      UnimplementedError: some are counted from the front, some from the end, and only a run knows the rank.
    """
    if x.shape.rank is None and len({axis < 0 for axis in axes}) == 2:
        axes = axes_of(axes, rank(x) + len(axes))
    # From the end that they are counted from, an axis stays where it is when the next one is added.
    for axis in sorted(axes, reverse=bool(axes) and axes[0] < 0):
        x = raw.ExpandDims(x, np.int32(axis))
    return x


def reduced(kind: str, x: Any, axes: Sequence[int], keep_dims: bool = False) -> Any:
    """A reduction by the raw op `kind`."""
    return getattr(raw, kind)(x, np.array(axes, np.int32), keep_dims=keep_dims)


def aligned(values: Any, dimensions: int, axis: int) -> Any:
    """A vector along one axis of tensors of some dimensions."""
    sizes = [1] * dimensions
    sizes[axis] = -1
    return reshape(values, sizes)


def concat(parts: Sequence[Any], axis: int) -> Any:
    """Tensors one after the other along an axis."""
    if len(parts) == 1:
        return parts[0]
    return raw.ConcatV2(list(parts), np.int32(axis))


def slice_along(x: Any, axis: int, begin: int | None, end: int | None, step: int = 1) -> Any:
    """x[begin:end:step] along one axis."""
    dimensions = rank(x)
    begins, ends, steps = [0] * dimensions, [0] * dimensions, [1] * dimensions
    mask = ((1 << dimensions) - 1) & ~(1 << axis)
    begins[axis], ends[axis], steps[axis] = begin or 0, end or 0, step
    return raw.StridedSlice(
        x,
        np.array(begins, np.int64),
        np.array(ends, np.int64),
        np.array(steps, np.int64),
        begin_mask=mask | ((begin is None) << axis),
        end_mask=mask | ((end is None) << axis),
    )


def batched_gather(x: Any, indices: Any, axis: int, batch_dims: int = 0) -> Any:
    """Rows of x along an axis."""
    return raw.GatherV2(x, indices, np.int32(axis), batch_dims=batch_dims)


def filled_up(x: Any, axis: int, size: Any, value: Any) -> Any:
    """x with a value behind it along an axis, so that it has at least `size` entries, a scalar of int64."""
    lacking = raw.Maximum(raw.Sub(size, extent(x, axis)), int64(0))
    at = int64([[axis, 1]])
    amounts = raw.ScatterNd(at, expand_dims(lacking, [0]), int64([rank(x), 2]))
    return raw.PadV2(x, amounts, like(value, x))


def numbers(limit: Any) -> Any:
    """The integers 0, 1, ... below a limit, as int64."""
    if isinstance(limit, (int, np.integer)):
        return int64(np.arange(int(limit)))
    return raw.Range(int64(0), cast(limit, dtypes.int64), int64(1))


def matmul(a: Any, b: Any, adj_y: bool = False) -> Any:
    """Products of stacks of matrices, whose leading dimensions broadcast."""
    return raw.BatchMatMulV2(a, b, adj_y=adj_y)


def wide(x: Any) -> Any:
    """x in float32 if it is a narrower float."""
    return cast(x, dtypes.float32) if x.dtype.is_floating and x.dtype.size < 4 else x
