"""Elementwise functions of two tensors: arithmetic, comparison, logic and bits."""

from penstock._src.api.extending.dispatch import add_dispatch_support, binary, dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.registry import raw
from penstock._src.core.shapes import as_shape
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util.export import export

from .elementwise import cast

TRUE_DIVISION = {
    dtypes.uint8: dtypes.float32,
    dtypes.int8: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.uint32: dtypes.float64,
    dtypes.int32: dtypes.float64,
    dtypes.uint64: dtypes.float64,
    dtypes.int64: dtypes.float64,
}


def pair(x, y):
    """Converts both to tensors; `y` takes the dtype of `x` if possible."""
    x = convert_to_tensor(x, name="x")
    return x, convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")


def strict_pair(x, y):
    """Converts both to tensors of the first one's dtype; another dtype is an error."""
    x = convert_to_tensor(x, name="x")
    return x, convert_to_tensor(y, dtype=x.dtype.base_dtype, name="y")


def _pair_of_one_type(x, y):
    x, y = pair(x, y)
    if x.dtype.base_dtype != y.dtype.base_dtype:
        raise TypeError(f"`x` and `y` must have the same dtype, got {x.dtype!r} != {y.dtype!r}.")
    return x, y


@binary("add", "math.add", named="Add", direct=True)
def add(x, y, name=None):
    """Returns x + y element by element; strings are concatenated.

    Args:
      x: a tensor of numbers or strings.
      y: a tensor of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape. Integers that overflow wrap around.

    Raises:
      InvalidArgumentError: the shapes do not broadcast, or the dtypes differ.

    >>> tf.add([1, 2, 3], [[10], [20]]).numpy()
    array([[11, 12, 13],
           [21, 22, 23]], dtype=int32)
    """
    if type(x) is not EagerTensor or type(y) is not EagerTensor:
        x, y = pair(x, y)
    if x.dtype.base_dtype is dtypes.string:
        return raw.Add(x=x, y=y, name=name)
    return raw.AddV2(x=x, y=y, name=name or "Add")


@binary("divide", "math.divide", named="truediv", direct=True)
def divide(x, y, name=None):
    """Returns x / y as Python divides: the quotient of integers is a float.

    Args:
      x: numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape; for integers of at most 16 bits float32, for wider ones
      float64. Division by 0 gives an infinity or NaN.

    Raises:
      TypeError: the dtypes differ.

    >>> tf.divide([7, 8], 2).numpy()
    array([3.5, 4. ])
    """
    if name is not None:
        return truediv(x, y, name=name)
    if not is_tensor_like(x) and not is_tensor_like(y):
        x = convert_to_tensor(x)
    return x / y


@binary("truediv", "math.truediv", named="truediv", direct=True)
def truediv(x, y, name=None):
    """x / y; integers are divided as float32 (up to 16 bits) or float64.

    Args:
      x: numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: of the operation.

    Returns:
      Floats or complex numbers.

    Raises:
      TypeError: the dtypes differ, or are not numeric.
    """
    x, y = _pair_of_one_type(x, y)
    wide = TRUE_DIVISION.get(x.dtype.base_dtype)
    if wide is not None:
        x, y = cast(x, wide), cast(y, wide)
    elif x.dtype.is_bool or not (x.dtype.is_floating or x.dtype.is_complex):
        raise TypeError(f"Invalid dtype {x.dtype!r} in __truediv__. Expected a numeric type.")
    return raw.RealDiv(x=x, y=y, name=name)


@binary("math.divide_no_nan", v1=["math.divide_no_nan", "div_no_nan"], direct=True)
def divide_no_nan(x, y, name=None):
    """Returns x / y, and 0 wherever `y` is 0.

    The gradient is 0 as well where `y` is 0.

    Args:
      x: float, complex or integer numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape; for integers, a float as from `tf.divide`.

    Raises:
      TypeError: the dtypes differ, or are not numeric.

    >>> tf.math.divide_no_nan([1.0, 2.0], [0.0, 4.0]).numpy()
    array([0. , 0.5], dtype=float32)
    """
    if is_tensor_like(y) and not is_tensor_like(x):
        x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
    x, y = _pair_of_one_type(x, y)
    wide = TRUE_DIVISION.get(x.dtype.base_dtype)
    if wide is not None:
        x, y = cast(x, wide), cast(y, wide)
    elif not (x.dtype.is_floating or x.dtype.is_complex):
        raise TypeError(f"Invalid dtype {x.dtype!r} in tf.math.divide_no_nan.")
    return raw.DivNoNan(x=x, y=y, name=name or "div_no_nan")


@binary("math.multiply_no_nan", named="multiply_no_nan", direct=True)
def multiply_no_nan(x, y, name=None):
    """Returns x * y, and 0 wherever `y` is 0, even if `x` is infinite or NaN.

    Args:
      x: float or complex numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.math.multiply_no_nan([float("inf"), 2.0], [0.0, 3.0]).numpy()
    array([0., 6.], dtype=float32)
    """
    x, y = strict_pair(x, y)
    return raw.MulNoNan(x=x, y=y, name=name)


@binary("scalar_mul", "math.scalar_mul", v1=["scalar_mul", "math.scalar_mul"], named="scalar_mul")
def scalar_mul(scalar, x, name=None):
    """Returns scalar * x; of an `IndexedSlices`, the values are scaled.

    Args:
      scalar: a scalar, converted to the dtype of `x`.
      x: a tensor or an `IndexedSlices`.
      name: a name for the operation.

    Returns:
      What `x` is, of the same shape and dtype.

    Raises:
      ValueError: `scalar` is not a scalar.

    >>> tf.scalar_mul(2.0, tf.constant([1.0, 3.0])).numpy()
    array([2., 6.], dtype=float32)
    """
    dtype = dtypes.as_dtype(x.dtype).base_dtype
    scalar = convert_to_tensor(scalar, dtype=dtype, name="scalar")
    if scalar.shape.rank not in (None, 0):
        raise ValueError(f"The input scalar must be a 0-D value. Received shape {scalar.shape}.")
    if hasattr(x, "indices") and hasattr(x, "values"):
        scaled = raw.Mul(x=scalar, y=x.values, name=name)
        return type(x)(scaled, x.indices, x.dense_shape)
    return raw.Mul(x=scalar, y=x, name=name)


@export("add_n", "math.add_n")
@add_dispatch_support(iterable_parameters=["inputs"])
def add_n(inputs, name=None):
    """Returns the sum of a list of tensors of one shape and dtype.

    Unlike `tf.add`, shapes do not broadcast.

    Args:
      inputs: a list (or other iterable) of tensors or `IndexedSlices`.
      name: a name for the operation.

    Returns:
      A tensor of their shape and dtype.

    Raises:
      ValueError: the list is empty.
      InvalidArgumentError: the shapes or dtypes differ.

    >>> tf.add_n([[1, 2], [10, 20], [100, 200]]).numpy()
    array([111, 222], dtype=int32)
    """
    tensors = [convert_to_tensor(v) for v in inputs]
    if not tensors:
        raise ValueError(
            "Inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype "
            "and shape."
        )
    if len(tensors) == 1:
        return raw.Identity(input=tensors[0], name=name) if name else tensors[0]
    return raw.AddN(inputs=tensors, name=name)


@dispatchable("math.accumulate_n", v1=["math.accumulate_n", "accumulate_n"])
def accumulate_n(inputs, shape=None, tensor_dtype=None, name=None):
    """The sum of a list of tensors; `shape` and `tensor_dtype` are checked.

    Args:
      inputs: a list of tensors of one dtype and shape.
      shape: theirs, if the program knows more than they do.
      tensor_dtype: theirs.
      name: of the operation.

    Returns:
      A tensor of their shape and dtype.

    Raises:
      ValueError: the list is empty, or dtypes or shapes differ.
      TypeError: they have another dtype than `tensor_dtype`.
    """
    tensors = [convert_to_tensor(v) for v in inputs or []]
    if not tensors or any(t.dtype != tensors[0].dtype for t in tensors):
        raise ValueError(
            "inputs must be a list of at least one Tensor with the same dtype and shape"
        )
    if tensor_dtype is not None and dtypes.as_dtype(tensor_dtype) != tensors[0].dtype:
        raise TypeError(
            f"The `tensor_dtype` argument is {tensor_dtype}, but `input` is of type "
            f"{tensors[0].dtype}. These must be equal."
        )
    common = as_shape(shape)
    for tensor in tensors:
        tensor.shape.assert_is_compatible_with(common)
        common = common.merge_with(tensor.shape)
    return add_n(tensors, name=name)


@dispatchable("math.polyval", scope="polyval")
def polyval(coeffs, x, name=None):
    """Returns the value of a polynomial at `x`, by Horner's rule.

    Args:
      coeffs: a list of tensors, the coefficient of the highest power first.
      x: a tensor.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape; zeros if the list is empty.

    Raises:
      ValueError: `coeffs` is not a list.

    >>> tf.math.polyval([1.0, 0.0, -2.0], [1.0, 3.0]).numpy()
    array([-1.,  7.], dtype=float32)
    """
    if not isinstance(coeffs, list):
        raise ValueError(f"Argument coeffs must be list type. Received type {type(coeffs)}.")
    x = convert_to_tensor(x, name="x")
    if not coeffs:
        return raw.ZerosLike(x=x, name=name)
    result = convert_to_tensor(coeffs[0])
    for c in coeffs[1:]:
        result = convert_to_tensor(c) + result * x
    return result


__getattr__ = op_functions(
    globals(),
    binary="""
subtract math.subtract = Sub(x, y)
    Returns x - y element by element.

    Args:
      x: numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape. Integers that overflow wrap around.

    Raises:
      InvalidArgumentError: the shapes do not broadcast, or the dtypes differ.

    >>> tf.subtract([5, 7], 2).numpy()
    array([3, 5], dtype=int32)
multiply math.multiply = Mul(x, y)
    Returns x * y element by element; `tf.matmul` is the product of matrices.

    Args:
      x: numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape. Integers that overflow wrap around.

    Raises:
      InvalidArgumentError: the shapes do not broadcast, or the dtypes differ.

    >>> tf.multiply([1, 2, 3], [[1], [10]]).numpy()
    array([[ 1,  2,  3],
           [10, 20, 30]], dtype=int32)
realdiv = RealDiv(x, y)
    x / y of real types.

    Args:
      x: floats or complex numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: of the operation.

    Returns:
      A tensor of the same dtype.
math.floordiv +floordiv = FloorDiv(x, y) as floordiv
    Returns x / y rounded towards minus infinity.

    Args:
      x: integers or floats.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape and the dtype of `x`.

    Raises:
      InvalidArgumentError: an integer is divided by 0.

    >>> tf.math.floordiv([7, -7], 2).numpy()
    array([ 3, -4], dtype=int32)
math.floormod +floormod math.mod +mod = FloorMod(x, y)
    Returns the remainder of `tf.math.floordiv`, which has the sign of `y`.

    Args:
      x: integers or floats.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape with `floordiv(x, y) * y + floormod(x, y) == x`.

    Raises:
      InvalidArgumentError: an integer is divided by 0.

    >>> tf.math.floormod([7, -7], 3).numpy()
    array([1, 2], dtype=int32)
truncatediv = TruncateDiv(x, y)
    x / y of integers, rounded towards zero.

    Args:
      x: integers, or floats, whose quotients are rounded as well.
      y: numbers of the same dtype. The shapes broadcast.
      name: of the operation.

    Returns:
      A tensor of the same dtype.
truncatemod = TruncateMod(x, y)
    The remainder of `truncatediv`, with `x`'s sign.

    Args:
      x: integers or floats.
      y: numbers of the same dtype. The shapes broadcast.
      name: of the operation.

    Returns:
      A tensor of the same dtype.
pow math.pow = Pow(x, y)
    Returns x ** y element by element.

    Args:
      x: numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape and the dtype of `x`. A negative float to a power that is no
      integer is NaN.

    Raises:
      InvalidArgumentError: an integer is raised to a negative power.

    >>> tf.pow([2, 3], [3, 2]).numpy()
    array([8, 9], dtype=int32)
maximum math.maximum = Maximum(x, y)
    Returns the greater of `x` and `y`, element by element.

    Where one is NaN the result is NaN. Where both are equal, the gradient goes to `x`.

    Args:
      x: real numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.math.maximum([1, 5, 3], 2).numpy()
    array([2, 5, 3], dtype=int32)
minimum math.minimum = Minimum(x, y)
    Returns the smaller of `x` and `y`, element by element.

    Where one is NaN the result is NaN. Where both are equal, the gradient goes to `x`.

    Args:
      x: real numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.math.minimum([1, 5, 3], 2).numpy()
    array([1, 2, 2], dtype=int32)
math.squared_difference +squared_difference = SquaredDifference(x, y)
    Returns (x - y) ** 2; for complex numbers, the squared modulus of the difference.

    Args:
      x: numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.math.squared_difference([1.0, 5.0], 3.0).numpy()
    array([4., 4.], dtype=float32)
atan2 math.atan2 = Atan2(y, x)
    Returns the angle of the point (x, y), between -pi and pi.

    Args:
      y: float numbers.
      x: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of angles in radians, with the quadrant by the signs of both.

    >>> tf.math.atan2([1.0, -1.0], [1.0, -1.0]).numpy().round(4)
    array([ 0.7854, -2.3562], dtype=float32)
math.nextafter = NextAfter(x1, x2)
    Returns the next number after `x1` that its dtype can hold, in the direction of `x2`.

    Args:
      x1: float32 or float64.
      x2: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape; where both are equal, `x1`.

    >>> tf.math.nextafter(tf.constant([0.0, 1.0], tf.float64), tf.constant(2.0, tf.float64)).numpy()
    array([5.e-324, 1.e+000])
math.xdivy = Xdivy(x, y) in xdivy
    Returns x / y, and 0 wherever `x` is 0.

    Args:
      x: float or complex numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.math.xdivy([0.0, 1.0], [0.0, 4.0]).numpy()
    array([0.  , 0.25], dtype=float32)
math.xlogy = Xlogy(x, y)
    Returns x * log(y), and 0 wherever `x` is 0.

    Args:
      x: float or complex numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.math.xlogy([0.0, 2.0], [0.0, 1.0]).numpy()
    array([0., 0.], dtype=float32)
math.xlog1py = Xlog1py(x, y) in xlog1py
    Returns x * log(1 + y), and 0 wherever `x` is 0.

    Args:
      x: float or complex numbers.
      y: numbers of the same dtype. The shapes broadcast.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape.

    >>> tf.math.xlog1py([0.0, 2.0], [-1.0, 0.0]).numpy()
    array([0., 0.], dtype=float32)
""",
)
