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


@binary("add", "math.add", "__operators__.add", named="Add")
def add(x, y, name=None):
    """x + y; strings are concatenated."""
    if type(x) is not EagerTensor or type(y) is not EagerTensor:
        x, y = pair(x, y)
    if x.dtype.base_dtype is dtypes.string:
        return raw.Add(x=x, y=y, name=name)
    return raw.AddV2(x=x, y=y, name=name or "Add")


@binary("divide", "math.divide", named="truediv")
def divide(x, y, name=None):
    """x / y as in Python: the quotient of integers is a float."""
    if name is not None:
        return truediv(x, y, name=name)
    if not is_tensor_like(x) and not is_tensor_like(y):
        x = convert_to_tensor(x)
    return x / y


@binary("truediv", "math.truediv", named="truediv")
def truediv(x, y, name=None):
    """x / y; integers are divided as float32 (up to 16 bits) or float64."""
    x, y = _pair_of_one_type(x, y)
    wide = TRUE_DIVISION.get(x.dtype.base_dtype)
    if wide is not None:
        x, y = cast(x, wide), cast(y, wide)
    elif x.dtype.is_bool or not (x.dtype.is_floating or x.dtype.is_complex):
        raise TypeError(f"Invalid dtype {x.dtype!r} in __truediv__. Expected a numeric type.")
    return raw.RealDiv(x=x, y=y, name=name)


@binary("math.divide_no_nan", v1=["math.divide_no_nan", "div_no_nan"])
def divide_no_nan(x, y, name=None):
    """x / y, and 0 where `y` is 0."""
    if is_tensor_like(y) and not is_tensor_like(x):
        x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
    x, y = _pair_of_one_type(x, y)
    wide = TRUE_DIVISION.get(x.dtype.base_dtype)
    if wide is not None:
        x, y = cast(x, wide), cast(y, wide)
    elif not (x.dtype.is_floating or x.dtype.is_complex):
        raise TypeError(f"Invalid dtype {x.dtype!r} in tf.math.divide_no_nan.")
    return raw.DivNoNan(x=x, y=y, name=name or "div_no_nan")


@binary("math.multiply_no_nan", named="multiply_no_nan")
def multiply_no_nan(x, y, name=None):
    """x * y, and 0 where `y` is 0 even if `x` is infinite or NaN."""
    x, y = strict_pair(x, y)
    return raw.MulNoNan(x=x, y=y, name=name)


@binary("math.logical_xor", v1=["math.logical_xor", "logical_xor"])
def logical_xor(x, y, name="LogicalXor"):
    """True where exactly one is true."""
    both = raw.LogicalAnd(x=x, y=y)
    return raw.LogicalAnd(x=raw.LogicalOr(x=x, y=y), y=raw.LogicalNot(x=both), name=name)


@binary("scalar_mul", "math.scalar_mul", v1=["scalar_mul", "math.scalar_mul"], named="scalar_mul")
def scalar_mul(scalar, x, name=None):
    """scalar * x; for IndexedSlices, the values are scaled."""
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
    """The sum of a list of tensors of one shape and type."""
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
    """The sum of a list of tensors; `shape` and `tensor_dtype` are checked."""
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
    """The polynomial with these coefficients, the highest power first, at `x` (Horner's rule)."""
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
    x - y.
multiply math.multiply = Mul(x, y)
    x * y.
realdiv = RealDiv(x, y)
    x / y of real types.
math.floordiv +floordiv = FloorDiv(x, y) as floordiv
    floor(x / y), rounding towards minus infinity.
math.floormod +floormod math.mod +mod = FloorMod(x, y)
    The remainder of `floordiv`, with `y`'s sign.
truncatediv = TruncateDiv(x, y)
    x / y of integers, rounded towards zero.
truncatemod = TruncateMod(x, y)
    The remainder of `truncatediv`, with `x`'s sign.
pow math.pow = Pow(x, y)
    x ** y.
maximum math.maximum = Maximum(x, y)
    The greater of both.
minimum math.minimum = Minimum(x, y)
    The smaller of both.
math.squared_difference +squared_difference = SquaredDifference(x, y)
    (x - y) ** 2; for complex numbers the squared modulus of the difference.
atan2 math.atan2 = Atan2(y, x)
    The angle of the point (x, y), in (-pi, pi].
math.nextafter = NextAfter(x1, x2)
    The next representable number after `x1` towards `x2`.
math.xdivy = Xdivy(x, y) in xdivy
    x / y, and 0 where `x` is 0.
math.xlogy = Xlogy(x, y)
    x * log(y), and 0 where `x` is 0.
math.xlog1py = Xlog1py(x, y) in xlog1py
    x * log1p(y), and 0 where `x` is 0.
equal math.equal = Equal(x, y)
    Where `x` equals `y`.
not_equal math.not_equal = NotEqual(x, y)
    Where `x` differs from `y`.
greater math.greater = Greater(x, y)
    Where x > y.
greater_equal math.greater_equal = GreaterEqual(x, y)
    Where x >= y.
less math.less = Less(x, y)
    Where x < y.
less_equal math.less_equal = LessEqual(x, y)
    Where x <= y.
logical_and math.logical_and = LogicalAnd(x, y)
    Where both are true.
logical_or math.logical_or = LogicalOr(x, y)
    Where one of them is true.
bitwise.bitwise_and = BitwiseAnd(x, y)
    The bits set in both.
bitwise.bitwise_or = BitwiseOr(x, y)
    The bits set in one of them.
bitwise.bitwise_xor = BitwiseXor(x, y)
    The bits set in exactly one of them.
bitwise.left_shift = LeftShift(x, y)
    `x` with its bits moved up by `y`.
bitwise.right_shift = RightShift(x, y)
    `x` with its bits moved down by `y`; signed types keep their sign.
""",
)
