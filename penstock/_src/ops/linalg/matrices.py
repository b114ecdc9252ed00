"""Helpers for ops on batches of matrices: shape rules, checks, and products for gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, broadcast_shapes
from penstock._src.ops.rules import part, rank_of, reshape, show, sum_over


def square(shape: TensorShape) -> TensorShape:
    """The static shape of a batch of square matrices."""
    if shape.rank is None:
        return TensorShape(None)
    shape = shape.with_rank_at_least(2)
    side = TensorShape([shape[-1]]).merge_with([shape[-2]])[0]
    return shape[:-2].concatenate([side, side])


def require_matrices(op: Any, x: np.ndarray, name: str = "input") -> None:
    """Raises InvalidArgumentError unless `x` is a batch of matrices."""
    if x.ndim < 2:
        raise op.invalid(f"{name} must have rank >= 2, got {x.ndim}. Received {show(x.shape)}")


def require_square(op: Any, x: np.ndarray) -> None:
    """Raises InvalidArgumentError unless `x` is a batch of square matrices."""
    require_matrices(op, x)
    if x.shape[-1] != x.shape[-2]:
        raise op.invalid(f"Input matrix must be square, got {x.shape[-2]} != {x.shape[-1]}")


def of_finite(
    function: Callable[..., tuple[np.ndarray, ...]], x: np.ndarray, *others: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The results of a function of a stack of matrices: NaN for those with infinities or NaN, on which no decomposition converges.

    Args:
      function: takes stacks and returns stacks, as it does for stacks of no matrix.
      x: the matrices.
      others: further arguments, stacks of as many.
    """
    finite = np.isfinite(x).all((-2, -1))
    if finite.all():
        return function(x, *others)
    results = []
    for stack in function(x[finite], *[other[finite] for other in others]):
        result = np.full((*x.shape[:-2], *stack.shape[1:]), np.nan, stack.dtype)
        result[finite] = stack
        results.append(result)
    return tuple(results)


def adjoint_array(x: np.ndarray) -> np.ndarray:
    """The conjugate transpose of an array's matrices."""
    swapped = np.swapaxes(x, -1, -2)
    return swapped.conj() if np.iscomplexobj(x) else swapped


# -- for gradients ------------------------------------------------------------------------------------


def mm(a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False) -> Any:
    """The product of batches of matrices."""
    return raw.BatchMatMulV2(x=a, y=b, adj_x=adjoint_a, adj_y=adjoint_b)


def adjoint(x: Any) -> Any:
    """The conjugate transpose of each matrix."""
    swapped = raw.Transpose(x=x, perm=_swapped_axes(x))
    return raw.Conj(input=swapped) if x.dtype.is_complex else swapped


def _swapped_axes(x: Any) -> Any:
    """The permutation of axes that swaps the last two."""
    rank = x.shape.rank
    if rank is not None:
        return np.array([*range(rank - 2), rank - 1, rank - 2], np.int32)
    rank = raw.Rank(input=x)
    ends = [raw.ExpandDims(input=rank - back, axis=0) for back in (1, 2)]
    return raw.ConcatV2(values=[raw.Range(start=0, limit=rank - 2, delta=1), *ends], axis=0)


def band(x: Any, lower: int, upper: int) -> Any:
    """Each matrix with only `lower` sub- and `upper` superdiagonals kept, the rest set to zero; -1 keeps all."""
    return raw.MatrixBandPart(input=x, num_lower=np.int64(lower), num_upper=np.int64(upper))


def diagonal(x: Any) -> Any:
    """The main diagonal of each matrix."""
    return raw.MatrixDiagPart(input=x)


def diagonal_matrix(x: Any) -> Any:
    """Matrices with the given main diagonals."""
    return raw.MatrixDiag(diagonal=x)


def with_diagonal(x: Any, diagonal: Any) -> Any:
    """Each matrix with another main diagonal."""
    return raw.MatrixSetDiag(input=x, diagonal=diagonal)


def zeros(x: Any) -> Any:
    """Zeros like `x`."""
    return raw.ZerosLike(x=x)


def half(x: Any) -> Any:
    """x / 2 in any type."""
    return x * np.array(0.5, x.dtype.as_numpy_dtype)


def expand(x: Any, axis: int) -> Any:
    """`x` with an axis of extent one."""
    return raw.ExpandDims(input=x, axis=axis)


def cut(x: Any, axis: int, begin: int | None, end: int | None) -> Any:
    """x[..., begin:end, ...] at a negative axis, of a tensor of any rank."""
    count = 1 - axis  # an ellipsis for the leading axes, the axis, and the following ones
    behind = ((1 << count) - 1) & ~3
    begins, ends = np.zeros(count, np.int32), np.zeros(count, np.int32)
    begins[1], ends[1] = begin or 0, end or 0
    return raw.StridedSlice(
        input=x,
        begin=begins,
        end=ends,
        strides=np.ones(count, np.int32),
        begin_mask=behind | (2 if begin is None else 0),
        end_mask=behind | (2 if end is None else 0),
        ellipsis_mask=1,
    )


def safe_reciprocal(x: Any) -> Any:
    """x / (x^2 + eps): 1 / x that stays finite at zero."""
    return x * raw.Reciprocal(x=raw.Square(x=x) + np.array(1e-20, x.dtype.as_numpy_dtype))


def sum_to_batch(gradient: Any, x: Any) -> Any:
    """The gradient of a batch of matrices that was broadcast: its sum over the repeated batch axes."""
    if x.shape.rank is None or gradient.shape.rank is None:
        batches = [part(raw.Shape(input=t), 0, rank_of(t) - 2) for t in (x, gradient)]
        axes = raw.BroadcastGradientArgs(s0=batches[0], s1=batches[1])[0]
        return reshape(sum_over(gradient, axes), raw.Shape(input=x))
    to, of = x.shape.as_list()[:-2], gradient.shape.as_list()[:-2]
    lead = len(of) - len(to)
    axes = [*range(lead), *(lead + i for i, n in enumerate(to) if n == 1 and of[lead + i] != 1)]
    if not axes:
        return gradient
    total = raw.Sum(input=gradient, axis=np.array(axes, np.int32))
    return raw.Reshape(tensor=total, shape=raw.Shape(input=x))


def batch_of(shapes: Sequence[TensorShape]) -> TensorShape | None:
    """The batch dimensions to which shapes broadcast, None if unknown."""
    if any(s.rank is None for s in shapes):
        return None
    from_first = shapes[0][:-2]
    for shape in shapes[1:]:
        from_first = broadcast_shapes(from_first, shape[:-2])
    return from_first


def _shift(x: Any, step: int, axis: int) -> Any:
    """`x` shifted by `step` towards the front along one of the last axes, filled with zeros."""
    if step == 0:
        return x
    kept = cut(x, axis, *((step, None) if step > 0 else (None, step)))
    lost = cut(x, axis, *((None, step) if step > 0 else (step, None)))
    zeros = raw.ZerosLike(x=lost)
    return raw.ConcatV2(values=[kept, zeros] if step > 0 else [zeros, kept], axis=np.int32(axis))


def shifted(x: Any, step: int) -> Any:
    """`x` shifted by `step` columns towards the front, filled with zeros."""
    return _shift(x, step, -1)


def shifted_rows(x: Any, step: int) -> Any:
    """`x` shifted by `step` rows towards the front, filled with zeros."""
    return _shift(x, step, -2)
