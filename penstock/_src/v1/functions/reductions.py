"""Reductions, with `reduction_indices` for `axis` and `keep_dims` for `keepdims`."""

from penstock._src.api.math import counting, reduction
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


def _reduce(function, x, axis, keepdims, name, reduction_indices, keep_dims):
    axis = either("axis", axis, "reduction_indices", reduction_indices)
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return function(x, axis, bool(keep), name)


@export(v1=["reduce_sum", "math.reduce_sum"])
def reduce_sum(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """The sum over `axis`."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_sum, *given)


@export(v1=["reduce_mean", "math.reduce_mean"])
def reduce_mean(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """The mean over `axis`."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_mean, *given)


@export(v1=["reduce_prod", "math.reduce_prod"])
def reduce_prod(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """The product over `axis`."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_prod, *given)


@export(v1=["reduce_max", "math.reduce_max"])
def reduce_max(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """The greatest value over `axis`."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_max, *given)


@export(v1=["reduce_min", "math.reduce_min"])
def reduce_min(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """The least value over `axis`."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_min, *given)


@export(v1=["reduce_any", "math.reduce_any"])
def reduce_any(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """Whether any value over `axis` is true."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_any, *given)


@export(v1=["reduce_all", "math.reduce_all"])
def reduce_all(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """Whether all values over `axis` are true."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_all, *given)


@export(v1=["reduce_logsumexp", "math.reduce_logsumexp"])
def reduce_logsumexp(
    input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None
):
    """The logarithm of the sum of exponentials over `axis`."""
    given = (input_tensor, axis, keepdims, name, reduction_indices, keep_dims)
    return _reduce(reduction.reduce_logsumexp, *given)


@export(v1=["count_nonzero", "math.count_nonzero"])
def count_nonzero(
    input_tensor=None,
    axis=None,
    keepdims=None,
    dtype=dtypes.int64,
    name=None,
    reduction_indices=None,
    keep_dims=None,
    input=None,
):
    """How many values over `axis` are not zero."""
    x = either("input", input, "input_tensor", input_tensor)
    axis = either("axis", axis, "reduction_indices", reduction_indices)
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return reduction.count_nonzero(x, axis, bool(keep), dtype, name)


@export(v1=["norm", "linalg.norm"])
def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None, keep_dims=None):
    """The norm over `axis`."""
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return reduction.norm(tensor, ord, axis, bool(keep), name)


@export(v1=["argmax", "math.argmax"])
def argmax(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):
    """Where along `axis` the greatest value stands."""
    axis = either("axis", axis, "dimension", dimension)
    return reduction.argmax(input, 0 if axis is None else axis, output_type, name)


@export(v1=["argmin", "math.argmin"])
def argmin(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):
    """Where along `axis` the least value stands."""
    axis = either("axis", axis, "dimension", dimension)
    return reduction.argmin(input, 0 if axis is None else axis, output_type, name)


@export(v1=["arg_max"])
def arg_max(input, dimension, output_type=dtypes.int64, name=None):
    """Where along `dimension` the greatest value stands."""
    return reduction.argmax(input, dimension, output_type, name)


@export(v1=["arg_min"])
def arg_min(input, dimension, output_type=dtypes.int64, name=None):
    """Where along `dimension` the least value stands."""
    return reduction.argmin(input, dimension, output_type, name)


@export(v1=["math.l2_normalize", "nn.l2_normalize", "linalg.l2_normalize"])
def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    """`x` divided by its norm over `axis`."""
    return reduction.l2_normalize(x, either("axis", axis, "dim", dim), epsilon, name)


@export(v1=["bincount", "math.bincount"])
def bincount(arr, weights=None, minlength=None, maxlength=None, dtype=dtypes.int32):
    """How often each number comes, or the sum of its weights."""
    return counting.bincount(arr, weights, minlength, maxlength, dtype)


@export(v1=["confusion_matrix", "math.confusion_matrix"])
def confusion_matrix(
    labels, predictions, num_classes=None, dtype=dtypes.int32, name=None, weights=None
):
    """How often each class was taken for each."""
    return counting.confusion_matrix(labels, predictions, num_classes, weights, dtype, name)


@export(v1=["to_float"])
def to_float(x, name="ToFloat"):
    """`x` as float32."""
    return cast(x, dtypes.float32, name)


@export(v1=["to_double"])
def to_double(x, name="ToDouble"):
    """`x` as float64."""
    return cast(x, dtypes.float64, name)


@export(v1=["to_int32"])
def to_int32(x, name="ToInt32"):
    """`x` as int32."""
    return cast(x, dtypes.int32, name)


@export(v1=["to_int64"])
def to_int64(x, name="ToInt64"):
    """`x` as int64."""
    return cast(x, dtypes.int64, name)


@export(v1=["to_bfloat16"])
def to_bfloat16(x, name="ToBFloat16"):
    """`x` as bfloat16."""
    return cast(x, dtypes.bfloat16, name)


@export(v1=["to_complex64"])
def to_complex64(x, name="ToComplex64"):
    """`x` as complex64."""
    return cast(x, dtypes.complex64, name)


@export(v1=["to_complex128"])
def to_complex128(x, name="ToComplex128"):
    """`x` as complex128."""
    return cast(x, dtypes.complex128, name)


@export(v1=["div"])
def div(x, y, name=None):
    """`x / y`; of integers as Python 2 has it, rounded down."""
    x = convert_to_tensor(x)
    divide = raw.FloorDiv if x.dtype.is_integer else raw.RealDiv
    return divide(x=x, y=y, name=name)


@export(v1=["floor_div"])
def floor_div(x, y, name=None):
    """`x / y`, rounded down."""
    return raw.FloorDiv(x=x, y=y, name=name)
