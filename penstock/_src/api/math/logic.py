"""Comparisons, logic and bits of two tensors."""

from penstock._src.api.extending.dispatch import binary
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core.registry import raw


@binary("math.logical_xor", v1=["math.logical_xor", "logical_xor"])
def logical_xor(x, y, name="LogicalXor"):
    """Returns True where exactly one of `x` and `y` is True.

    Args:
      x: bool.
      y: bool. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    >>> tf.math.logical_xor([True, True, False], [True, False, False]).numpy()
    array([False,  True, False])
    """
    both = raw.LogicalAnd(x=x, y=y)
    return raw.LogicalAnd(x=raw.LogicalOr(x=x, y=y), y=raw.LogicalNot(x=both), name=name)


__getattr__ = op_functions(
    globals(),
    binary="""
equal math.equal = Equal(x, y)
    Returns True where `x` equals `y`, element by element.

    NaN equals nothing, itself included. Unlike `==` on tensors, dtypes must agree.

    Args:
      x: a tensor of any dtype.
      y: a tensor of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    Raises:
      InvalidArgumentError: the shapes do not broadcast.

    >>> tf.equal([1, 2, 3], [1, 5, 3]).numpy()
    array([ True, False,  True])
not_equal math.not_equal = NotEqual(x, y)
    Returns True where `x` differs from `y`, element by element.

    NaN differs from everything, itself included.

    Args:
      x: a tensor of any dtype.
      y: a tensor of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    Raises:
      InvalidArgumentError: the shapes do not broadcast.

    >>> tf.not_equal(["a", "b"], "a").numpy()
    array([False,  True])
greater math.greater = Greater(x, y)
    Returns True where x > y; comparisons with NaN are False.

    Args:
      x: real numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    >>> tf.math.greater([1, 2, 3], 2).numpy()
    array([False, False,  True])
greater_equal math.greater_equal = GreaterEqual(x, y)
    Returns True where x >= y; comparisons with NaN are False.

    Args:
      x: real numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    >>> tf.math.greater_equal([1, 2, 3], 2).numpy()
    array([False,  True,  True])
less math.less = Less(x, y)
    Returns True where x < y; comparisons with NaN are False.

    Args:
      x: real numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    >>> tf.math.less([1, 2, 3], 2).numpy()
    array([ True, False, False])
less_equal math.less_equal = LessEqual(x, y)
    Returns True where x <= y; comparisons with NaN are False.

    Args:
      x: real numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    >>> tf.math.less_equal([1, 2, 3], 2).numpy()
    array([ True,  True, False])
logical_and math.logical_and = LogicalAnd(x, y)
    Returns True where both `x` and `y` are True.

    Args:
      x: bool.
      y: bool. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    >>> tf.math.logical_and([True, True, False], [True, False, False]).numpy()
    array([ True, False, False])
logical_or math.logical_or = LogicalOr(x, y)
    Returns True where `x` or `y` is True, or both.

    Args:
      x: bool.
      y: bool. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.

    >>> tf.math.logical_or([True, True, False], [True, False, False]).numpy()
    array([ True,  True, False])
bitwise.bitwise_and = BitwiseAnd(x, y)
    Returns the bits that are set in both `x` and `y`.

    Args:
      x: integers.
      y: integers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape and the same dtype.

    >>> tf.bitwise.bitwise_and([12, 7], 10).numpy()
    array([8, 2], dtype=int32)
bitwise.bitwise_or = BitwiseOr(x, y)
    Returns the bits that are set in `x` or in `y`.

    Args:
      x: integers.
      y: integers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape and the same dtype.

    >>> tf.bitwise.bitwise_or([12, 7], 10).numpy()
    array([14, 15], dtype=int32)
bitwise.bitwise_xor = BitwiseXor(x, y)
    Returns the bits that are set in exactly one of `x` and `y`.

    Args:
      x: integers.
      y: integers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape and the same dtype.

    >>> tf.bitwise.bitwise_xor([12, 7], 10).numpy()
    array([ 6, 13], dtype=int32)
bitwise.left_shift = LeftShift(x, y)
    Returns `x` with its bits moved up by `y` places; those that leave are lost.

    Args:
      x: integers.
      y: integers of the same dtype, from 0 to one less than the number of bits. The shapes
        broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape and the same dtype.

    >>> tf.bitwise.left_shift([1, 3], [4, 1]).numpy()
    array([16,  6], dtype=int32)
bitwise.right_shift = RightShift(x, y)
    Returns `x` with its bits moved down by `y` places; negative numbers stay negative.

    Args:
      x: integers.
      y: integers of the same dtype, from 0 to one less than the number of bits. The shapes
        broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape and the same dtype.

    >>> tf.bitwise.right_shift([16, -16], 2).numpy()
    array([ 4, -4], dtype=int32)
""",
)
