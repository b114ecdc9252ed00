"""Functions of two arrays, as NumPy has them: arithmetic, logic, closeness, and choices between arrays."""

import builtins

import numpy as np

from penstock._src.api.array import indexing
from penstock._src.api.linalg.products import matmul as _matmul
from penstock._src.api.math import arithmetic, elementwise, logic
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.ops.rules import rank_of, span

from .promotion import (
    RULES,
    inexact,
    number,
    numbers,
    over_number,
    promoted,
    promoted_pair,
    result_type,
    to_array,
)
from .shaping import atleast_1d, nonzero
from .weakness import public


@public("multiply")
def multiply(x1, x2):
    """x1 * x2; of bools their conjunction.

    Args:
      x1: an array-like.
      x2: an array-like. The shapes broadcast.

    Returns:
      A tensor of the broadcast shape, in the dtype to which both are promoted.
    """
    x1, x2 = promoted_pair(x1, x2)
    return logic.logical_and(x1, x2) if x1.dtype.is_bool else arithmetic.multiply(x1, x2)


@public("floor_divide")
def floor_divide(x1, x2):
    """floor(x1 / x2).

    Args:
      x1: an array-like.
      x2: an array-like. The shapes broadcast.

    Returns:
      A tensor of the broadcast shape; bools are divided as int8.
    """
    return arithmetic.floordiv(*numbers(x1, x2, dtypes.int8))


@public("divmod")
def divmod(x1, x2):
    """floor(x1 / x2) and the remainder.

    Args:
      x1: an array-like.
      x2: an array-like. The shapes broadcast.

    Returns:
      A pair of tensors of the broadcast shape: quotients and remainders; bools are divided as int8.
    """
    x1, x2 = numbers(x1, x2, dtypes.int8)
    return arithmetic.floordiv(x1, x2), arithmetic.floormod(x1, x2)


@public("float_power")
def float_power(x1, x2):
    """x1 ** x2.

    Args:
      x1: an array-like.
      x2: the exponents. The shapes broadcast.

    Returns:
      A tensor of the broadcast shape, in the dtype to which both are promoted.
    """
    return arithmetic.pow(*promoted_pair(x1, x2))


def _extreme(x1, x2, of_bools, op):
    """`op` of two arrays, or another function of bools."""
    x1, x2 = promoted_pair(x1, x2)
    return of_bools(x1, x2) if x1.dtype.is_bool else op(x=x1, y=x2)


@public("maximum")
def maximum(x1, x2):
    """Returns the greater of both, element by element, by NumPy's rules of promotion.

    Args:
      x1: an array or what converts to one.
      x2: an array or what converts to one. The shapes broadcast.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.experimental.numpy.maximum([1, 5], 3).numpy()
    array([3, 5])
    """
    return _extreme(x1, x2, logic.logical_or, raw.Maximum)


@public("minimum")
def minimum(x1, x2):
    """The smaller of both; of bools their conjunction.

    Args:
      x1: an array-like.
      x2: an array-like. The shapes broadcast.

    Returns:
      A tensor of the broadcast shape, in the dtype to which both are promoted. A NaN of either is a NaN.
    """
    return _extreme(x1, x2, logic.logical_and, raw.Minimum)


def _truth(x):
    return elementwise.cast(to_array(x), dtypes.bool_)


@public("logical_and")
def logical_and(x1, x2):
    """True where both are true.

    Args:
      x1: an array; numbers are true unless zero.
      x2: an array; the shapes broadcast.

    Returns:
      A bool tensor of the broadcast shape.
    """
    return raw.LogicalAnd(x=_truth(x1), y=_truth(x2))


@public("logical_or")
def logical_or(x1, x2):
    """True where one of them is true.

    Args:
      x1: an array; numbers are true unless zero.
      x2: an array; the shapes broadcast.

    Returns:
      A bool tensor of the broadcast shape.
    """
    return raw.LogicalOr(x=_truth(x1), y=_truth(x2))


@public("logical_xor")
def logical_xor(x1, x2):
    """True where exactly one of them is true.

    Args:
      x1: an array; numbers are true unless zero.
      x2: an array; the shapes broadcast.

    Returns:
      A bool tensor of the broadcast shape.
    """
    return logic.logical_xor(_truth(x1), _truth(x2))


@public("logical_not")
def logical_not(x):
    """True where `x` is false.

    Args:
      x: an array; numbers are true unless zero.

    Returns:
      A bool tensor of the shape of `x`.
    """
    return raw.LogicalNot(x=_truth(x))


@public("bitwise_not")
def bitwise_not(x):
    """All bits flipped.

    Args:
      x: integers or bools.

    Returns:
      A tensor of the shape and dtype of `x`.
    """
    x = to_array(x)
    return raw.LogicalNot(x=x) if x.dtype.is_bool else raw.Invert(x=x)


@public("hypot")
def hypot(x1, x2):
    """sqrt(x1 ** 2 + x2 ** 2).

    Args:
      x1: an array-like.
      x2: an array-like. The shapes broadcast.

    Returns:
      A tensor of floats, of the broadcast shape.
    """
    squares = [raw.Square(x=to_array(x)) for x in (x1, x2)]
    kind = result_type(*(squares if RULES.mode == "legacy" else (x1, x2)))
    return raw.Sqrt(x=inexact(to_array(squares[0], kind) + to_array(squares[1], kind)))


@public("heaviside")
def heaviside(x1, x2):
    """0 below zero, `x2` at zero, 1 above.

    Args:
      x1: an array-like.
      x2: the values at zero. The shapes broadcast.

    Returns:
      A tensor of floats, of the broadcast shape.
    """
    x1, x2 = promoted_pair(x1, x2, inexact=True)
    above = raw.SelectV2(condition=x1 > number(0, x1), t=number(1, x1), e=x2)
    return inexact(raw.SelectV2(condition=x1 < number(0, x1), t=number(0, x1), e=above))


@public("logaddexp")
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)).

    Args:
      x1: an array-like.
      x2: an array-like. The shapes broadcast.

    Returns:
      A tensor of floats, of the broadcast shape.
    """
    x1, x2 = promoted_pair(x1, x2, inexact=True)
    distance = inexact(raw.Abs(x=x1 - x2))
    return _above_greater(x1, x2, raw.Log1p(x=raw.Exp(x=-distance)))


@public("logaddexp2")
def logaddexp2(x1, x2):
    """log2(2 ** x1 + 2 ** x2).

    Args:
      x1: an array-like.
      x2: an array-like. The shapes broadcast.

    Returns:
      A tensor of floats, of the broadcast shape.
    """
    x1, x2 = promoted_pair(x1, x2, inexact=True)
    distance = inexact(raw.Abs(x=x1 - x2))
    tail = raw.Log1p(x=raw.Pow(x=number(2, distance), y=-distance))
    return _above_greater(x1, x2, over_number(tail, np.log(2)))


def _above_greater(x1, x2, distance):
    """The greater number plus a distance; the sum of both where they differ by no number."""
    differs = raw.IsNan(x=x1 - x2)
    greater, distance, total = promoted(raw.Maximum(x=x1, y=x2), distance, x1 + x2)
    return raw.SelectV2(condition=differs, t=total, e=greater + distance)


@public("gcd")
def gcd(x1, x2):
    """The greatest common divisor.

    Args:
      x1: integers.
      x2: integers. The shapes broadcast.

    Returns:
      A tensor of integers that are not negative, of the broadcast shape.

    Raises:
      ValueError: the arguments are not integers.
    """
    x1, x2 = promoted_pair(x1, x2)
    if not x1.dtype.is_integer:
        raise ValueError(f"Arguments of gcd must be integers. Received {x1.dtype}.")
    a, b = raw.Abs(x=x1), raw.Abs(x=x2)
    a, b = a + raw.ZerosLike(x=b), b + raw.ZerosLike(x=a)
    # Euclid's algorithm; the numbers fall at least by half every two steps
    for _ in builtins.range(2 * 8 * x1.dtype.size):
        zero = raw.Equal(x=b, y=number(0, b))
        if hasattr(zero, "numpy") and zero.numpy().all():
            break
        safe = raw.SelectV2(condition=zero, t=number(1, b), e=b)
        rest = raw.SelectV2(condition=zero, t=b, e=raw.FloorMod(x=a, y=safe))
        a, b = raw.SelectV2(condition=zero, t=a, e=b), rest
    return a


@public("lcm")
def lcm(x1, x2):
    """The least common multiple.

    Args:
      x1: integers.
      x2: integers. The shapes broadcast.

    Returns:
      A tensor of integers that are not negative, of the broadcast shape; 0 where both are 0.

    Raises:
      ValueError: the arguments are not integers.
    """
    x1, x2 = promoted_pair(x1, x2)
    divisor = gcd(x1, x2)
    zero = raw.Equal(x=divisor, y=number(0, divisor))
    safe = raw.SelectV2(condition=zero, t=number(1, divisor), e=divisor)
    return raw.Abs(x=raw.FloorDiv(x=x1, y=safe) * x2)


@public("matmul")
def matmul(x1, x2):
    """Returns the product of matrices, with NumPy's rules for vectors.

    Args:
      x1: an array of rank 1 or more.
      x2: an array of rank 1 or more. Leading axes broadcast.

    Returns:
      A tensor.

    Raises:
      ValueError: one is a scalar.

    >>> tf.experimental.numpy.matmul([[1, 2], [3, 4]], [1, 1]).numpy()
    array([3, 7])
    """
    x1, x2 = promoted(x1, x2)
    first, second = x1.shape.rank, x2.shape.rank
    if first == 0 or second == 0:
        raise ValueError("matmul: scalars are not allowed.")
    if x1.dtype.is_bool:
        wide = elementwise.cast(x1, dtypes.int32), elementwise.cast(x2, dtypes.int32)
        return elementwise.cast(matmul(*wide), dtypes.bool_)
    if first == 1 and second == 1:
        return raw.Sum(input=x1 * x2, axis=[0])
    if second == 1:
        return raw.Squeeze(input=_matmul(x1, raw.ExpandDims(input=x2, axis=1)), axis=[-1])
    if first == 1:
        return raw.Squeeze(input=_matmul(raw.ExpandDims(input=x1, axis=0), x2), axis=[-2])
    return _matmul(x1, x2)


@public("isclose")
def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """True where |a - b| <= atol + rtol * |b|; integers have to be equal.

    Args:
      a: an array-like.
      b: an array-like. The shapes broadcast.
      rtol: the relative tolerance.
      atol: the absolute tolerance.
      equal_nan: whether two NaNs are close.

    Returns:
      A bool tensor of the broadcast shape.
    """
    a, b = promoted_pair(a, b)
    if not np.issubdtype(a.dtype.as_numpy_dtype, np.inexact):
        return raw.Equal(x=a, y=b, incompatible_shape_error=False)
    size = elementwise.abs(b)
    near = elementwise.abs(a - b) <= number(atol, size) + number(rtol, size) * size
    if equal_nan:
        both = raw.LogicalAnd(x=elementwise.is_nan(a), y=elementwise.is_nan(b))
        near = raw.LogicalOr(x=near, y=both)
    return near


@public("allclose")
def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """True if `isclose` holds everywhere.

    Args:
      a: an array-like.
      b: an array-like. The shapes broadcast.
      rtol: the relative tolerance.
      atol: the absolute tolerance.
      equal_nan: whether two NaNs are close.

    Returns:
      A scalar bool tensor.
    """
    near = isclose(a, b, rtol, atol, equal_nan)
    return raw.All(input=near, axis=np.arange(near.shape.rank, dtype=np.int32))


@public("array_equal")
def array_equal(a1, a2):
    """True if both arrays have the same shape and equal entries.

    Args:
      a1: an array-like.
      a2: an array-like.

    Returns:
      A scalar bool tensor.
    """
    a1, a2 = promoted_pair(a1, a2)
    if not a1.shape.is_compatible_with(a2.shape):
        return to_array(False)
    same = raw.Equal(x=a1, y=a2)
    return raw.All(input=same, axis=span(0, rank_of(same)))


@public("where")
def where(condition, x=None, y=None):
    """`x` where `condition` holds, else `y`; with neither, the coordinates where it holds.

    Args:
      condition: an array; numbers are true unless zero.
      x: an array, or None.
      y: an array, or None. All shapes broadcast.

    Returns:
      A tensor of the broadcast shape; without `x` and `y` a vector of indices for each axis.

    Raises:
      ValueError: only one of `x` and `y` is given.
    """
    condition = _truth(condition)
    if x is None and y is None:
        return nonzero(condition)
    if x is None or y is None:
        raise ValueError("Both x and y must be ndarrays, or both must be None.")
    x, y = promoted(x, y)
    return indexing.where(condition, x, y)


@public("select")
def select(condlist, choicelist, default=0):
    """Returns, for each element, the first choice with a true condition.

    Args:
      condlist: a list of bool arrays.
      choicelist: a list of as many arrays.
      default: what stands where no condition holds.

    Returns:
      A tensor of the broadcast shape.

    Raises:
      ValueError: the lists differ in length or are empty.

    >>> x = np.array([1, 2, 3])
    >>> tf.experimental.numpy.select([x < 2, x > 2], [x, x * 10], default=0).numpy()
    array([ 1,  0, 30])
    """
    if len(condlist) != len(choicelist):
        raise ValueError(
            f"condlist must have the same length as choicelist ({len(condlist)} vs "
            f"{len(choicelist)})"
        )
    choices = promoted(*choicelist, default)
    result = choices[-1]
    for condition, choice in zip(condlist[::-1], choices[-2::-1], strict=True):
        result = indexing.where(_truth(condition), choice, result)
    return result


@public("polyval")
def polyval(p, x):
    """The polynomial with coefficients `p`, the highest power first, at `x`.

    Args:
      p: a vector of coefficients.
      x: an array-like.

    Returns:
      A tensor of the shape of `x`.
    """
    kind = result_type(p, x)
    coefficients, x = atleast_1d(to_array(p, kind)), to_array(x, kind)
    result = raw.ZerosLike(x=x)
    for i in builtins.range(coefficients.shape[0]):
        result = result * x + coefficients[i]
    return result
