"""Creates tensors from values, shapes and ranges."""

import math

import numpy as np

from penstock._src.api.extending.dispatch import (
    NOT_SUPPORTED,
    dispatchable,
    first_match,
    unary,
)
from penstock._src.core import convert, dtypes
from penstock._src.core.calls.facts import LARGE
from penstock._src.core.calls.refusals import refusal_of_call
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.convert import (
    NUMBERS,
    convert_to_tensor,
    is_tensor_message,
    leaves_int32,
)
from penstock._src.core.dispatch import OBSERVED, STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.arrays import to_array
from penstock._src.eager.constants import integers
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.operation import in_graph_of
from penstock._src.util import slots
from penstock._src.util.export import export, export_constant

newaxis = None
export_constant("newaxis", newaxis)


@export("constant", v1=[])
def constant(value, dtype=None, shape=None, name="Const"):
    """Returns a tensor of `value`: a number, a string, a nested list or an array.

    Unlike `tf.convert_to_tensor` it can fill a shape with one value, and it takes no symbolic
    tensors.

    Args:
      value: a Python or NumPy value. Nested lists must be rectangular.
      dtype: the dtype of the result; by default inferred (float32 and int32 for Python numbers).
      shape: the shape of the result. As many elements are reshaped to it, a single one fills it.
      name: a name for the operation.

    Returns:
      A tensor of shape `shape`, or of the shape of `value`.

    Raises:
      TypeError: `value` does not convert to `dtype`, is a symbolic tensor, or has a number of
        elements that `shape` does not take.
      ValueError: the nested lists of `value` differ in length.

    >>> tf.constant([1.5, 2.5])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1.5, 2.5], dtype=float32)>
    >>> tf.constant(-1, shape=[2, 2]).numpy()
    array([[-1, -1],
           [-1, -1]], dtype=int32)
    """
    try:
        try:
            if _CONSTANT_TARGETS:
                result = first_match(_CONSTANT_TARGETS, constant, (value, dtype, shape, name), {})
                if result is not NOT_SUPPORTED:
                    return result
            return plain_constant(value, dtype, shape, name)
        except (MemoryError, OverflowError) as error:
            raise refusal_of_call("constant", error, (value,), {"dtype": dtype, "shape": shape})  # noqa: B904 - it is the cause
    except Exception as error:
        shorten(error)
        raise


# The implementation of `tf.constant` while dtypes are converted (api/numpy_behavior).
_CONSTANT_TARGETS: list = []
constant._dispatch_targets = _CONSTANT_TARGETS  # type: ignore[attr-defined]


def plain_constant(value, dtype=None, shape=None, name="Const"):
    """`tf.constant` of a value whose dtype is not converted."""
    if type(value) is float and dtype is None and shape is None:
        return convert_to_tensor(value, name=name)
    if isinstance(value, Tensor) and not hasattr(value, "numpy"):
        raise TypeError("Expected any non-tensor type, but got a tensor instead.")
    return constant_of_shape(value, dtype, shape, name)


def constant_of_shape(value, dtype, shape, name, in_shape=None):
    """A constant; in graphs `in_shape(array, extents)` applies a given shape to the value."""
    if STATE.graph is not None and is_tensor_message(value):  # it says its dtype and shape
        return convert_to_tensor(value, name=name)
    kind = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    if isinstance(value, Tensor) and kind is not None and value.dtype != kind:
        if STATE.graph is None:
            raise TypeError(
                f"Expected tensor {value.numpy()} with dtype {kind!r}, but got dtype {value.dtype!r}."
            )
        value = value.numpy()
    elif isinstance(value, Tensor) and STATE.graph is not None:
        if not STATE.graph.building_function:
            # A plain graph captures nothing, but its constants may have an eager tensor's value.
            kind, value = value.dtype, value.numpy()
    if shape is None:
        return convert_to_tensor(value, dtype=kind, name=name)
    if STATE.graph is not None:
        array, kind = _array(value, kind, extents := [int(extent) for extent in shape])
        return slots.MAKE_CONSTANT((in_shape or _whole_or_single)(array, extents), kind, name)
    tensor = convert_to_tensor(value, dtype=kind, name=name)
    wanted = TensorShape(shape)
    if tensor.shape == wanted:
        return tensor
    count = tensor.shape.num_elements()
    if count == wanted.num_elements():
        return raw.Reshape(tensor=tensor, shape=np.array(wanted.as_list(), np.int64))
    if count == 1:
        scalar = raw.Reshape(tensor=tensor, shape=np.zeros(0, np.int32))
        return raw.Fill(dims=np.array(wanted.as_list(), np.int64), value=scalar)
    raise TypeError(
        f"Eager execution of tf.constant with unsupported shape. Tensor {tensor} (converted from "
        f"{value}) has {count:d} elements, but got `shape` {wanted} with "
        f"{wanted.num_elements()} elements)."
    )


def _array(value, kind, extents):
    """The elements for a constant of a graph; a shape without elements needs none, and lists are of floats then."""
    if 0 in extents:
        has_type = isinstance(value, np.ndarray | np.generic | Tensor)
        kind = kind or (dtypes.as_dtype(value.dtype) if has_type else dtypes.float32)
        return np.zeros(extents, kind.np), kind
    return to_array(value.numpy() if isinstance(value, Tensor) else value, kind, in_graph=True)


def _whole_or_single(array, extents):
    """The elements in a shape of as many; a single one fills any shape."""
    if array.shape in ((), (1,)):
        return np.broadcast_to(array.reshape(()), extents)  # kept, and written to files, as one
    if array.size != math.prod(extents):
        raise TypeError(f"Expected Tensor's shape: {tuple(extents)}, but got {array.shape}.")
    return array.reshape(extents)


def shape_vector(shape, dtype=dtypes.int32, name=None):
    """A shape given as ints, tensors or TensorShape, as an integer vector."""
    if isinstance(shape, Tensor):
        return shape
    if isinstance(shape, TensorShape):
        if not shape.is_fully_defined():
            raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
        shape = shape.as_list()
    if isinstance(shape, (int, np.integer)):
        return np.array(shape, np.int64 if leaves_int32(shape) else np.int32)
    if isinstance(shape, (list, tuple)) and all(isinstance(n, (int, np.integer)) for n in shape):
        return np.array(shape, np.int64 if leaves_int32(shape) else dtype.as_numpy_dtype)
    hint = dtypes.int64 if leaves_int32(shape) else dtype
    return convert_to_tensor(shape, dtype_hint=hint, name=name)


def shape_input(shape):
    """A shape as an op input: an integer vector, which is cached in eager execution."""
    if STATE.graph is None:
        try:
            return integers(*shape) if type(shape) in (list, tuple) else shape_vector(shape)
        except TypeError:
            # Its entries are not plain ints and may be unhashable.
            return shape_vector(shape)
    return shape_vector(shape)


def _filled_now(shape, value, kind):
    """Fast path for small constant tensors in eager execution; None for cases that need `raw.Fill`."""
    if type(shape) not in (list, tuple) or not kind.is_numpy_compatible or kind.is_quantized:
        return None
    if not all([type(n) is int and 0 <= n < LARGE for n in shape]) or math.prod(shape) >= LARGE:
        return None
    if not value and str(value) != "-0.0":
        return EagerTensor(np.zeros(shape, kind.np), kind)
    array = np.empty(shape, kind.np)  # np.full takes three times as long for a few
    array.fill(value)
    return EagerTensor(array, kind)


def _is_small(dims):
    """True if a tensor of this shape becomes a constant in graphs, as in TensorFlow."""
    return (
        isinstance(dims, np.ndarray)
        and bool((dims >= 0).all())
        and math.prod(dims.reshape(-1).tolist()) < 1000
    )


def _filled(shape, value, kind, name):
    if STATE.graph is None and kind != dtypes.string and not OBSERVED:
        eager = _filled_now(shape, value, kind)
        if eager is not None:
            return eager
    if not isinstance(shape, (Tensor, TensorShape)) and _has_no_extents(shape):
        shape = convert_to_tensor(shape, dtype=dtypes.int32)
    if STATE.graph is not None and _has_tensors(shape):
        return _filled_in_graph(shape, value, kind, name)
    dims = shape_input(shape)
    if STATE.graph is not None and _is_small(dims) and not kind.is_quantized:
        one = np.full((), value, object if kind == dtypes.string else kind.np)
        # Kept, and written to files, as one value.
        return slots.MAKE_CONSTANT(np.broadcast_to(one, dims.reshape(-1)), kind, name)
    if STATE.graph is not None:
        return _filled_in_graph(dims, value, kind, name)
    if getattr(dims, "ndim", 1) == 0 or (isinstance(dims, Tensor) and dims.shape.rank == 0):
        dims = raw.Reshape(tensor=dims, shape=[-1])
    return raw.Fill(dims=dims, value=number(value, kind), name=name)


def _has_tensors(shape):
    return isinstance(shape, (list, tuple)) and any(isinstance(n, Tensor) for n in shape)


def _filled_in_graph(dims, value, kind, name):
    with STATE.graph.name_scope(name) as scope:
        if _has_tensors(dims):
            dims = shape_vector(dims, name="packed")
        dims = convert_to_tensor(dims, name="shape_as_tensor")
        if dims.shape.rank == 0:
            dims = raw.Reshape(tensor=dims, shape=[-1])
        return raw.Fill(dims=dims, value=number(value, kind), name=scope)


def number(value, kind):
    """A scalar constant, also of the types that Python numbers are not converted to."""
    plain = kind != dtypes.string and not kind.is_quantized
    filler = np.asarray(value, kind.as_numpy_dtype) if plain else value
    return convert_to_tensor(filler, dtype=kind)


def _has_no_extents(shape):
    entries = shape if isinstance(shape, (list, tuple)) else (shape,)
    return any(isinstance(n, (float, str, bytes)) for n in entries)


@dispatchable("zeros", v1=[])
def zeros(shape, dtype=dtypes.float32, name=None, layout=None):
    """Returns a tensor of zeros (False for bool, empty strings for string).

    Args:
      shape: a list, tuple, `TensorShape` or an integer vector.
      dtype: the dtype of the elements.
      name: a name for the operation.
      layout: a `tf.experimental.dtensor.Layout`: the result is then a DTensor in it.

    Returns:
      A tensor of `shape` and `dtype`.

    >>> tf.zeros([2, 3], tf.int32).numpy()
    array([[0, 0, 0],
           [0, 0, 0]], dtype=int32)
    """
    kind = dtypes.as_dtype(dtype).base_dtype
    result = _filled(shape, b"" if kind == dtypes.string else 0, kind, name or "zeros")
    return result if layout is None else slots.above("relayout")(result, layout)


@dispatchable("ones", v1=[])
def ones(shape, dtype=dtypes.float32, name=None, layout=None):
    """Returns a tensor of ones (True for bool).

    Args:
      shape: a list, tuple, `TensorShape` or an integer vector.
      dtype: the dtype of the elements: a number or bool.
      name: a name for the operation.
      layout: a `tf.experimental.dtensor.Layout`: the result is then a DTensor in it.

    Returns:
      A tensor of `shape` and `dtype`.

    >>> tf.ones([2, 2]).numpy()
    array([[1., 1.],
           [1., 1.]], dtype=float32)
    """
    kind = dtypes.as_dtype(dtype).base_dtype
    result = _filled(shape, 1, kind, name or "ones")
    return result if layout is None else slots.above("relayout")(result, layout)


@dispatchable("fill", v1=[])
def fill(dims, value, name=None, layout=None):
    """Returns a tensor of shape `dims` with `value` everywhere.

    The dtype is that of `value`. Unlike `tf.constant`, the shape may be a tensor that only the
    run computes.

    Args:
      dims: an int32 or int64 vector.
      value: a scalar of any dtype.
      name: a name for the operation.
      layout: a `tf.experimental.dtensor.Layout`: the result is then a DTensor in it.

    Returns:
      A tensor of shape `dims` and the dtype of `value`.

    Raises:
      InvalidArgumentError: `value` is not a scalar, or a number in `dims` is negative.

    >>> tf.fill([2, 3], 9).numpy()
    array([[9, 9, 9],
           [9, 9, 9]], dtype=int32)
    """
    if STATE.graph is None and not OBSERVED and layout is None and type(value) in (float, int):
        kind = NUMBERS[type(value)]
        now = None if convert.number(value, kind) is None else _filled_now(dims, value, kind)
        if now is not None:
            return now
    extents = dims if STATE.graph is not None and _has_tensors(dims) else shape_vector(dims)
    result = raw.Fill(dims=extents, value=value, name=name)
    return result if layout is None else slots.above("relayout")(result, layout)


def _like(op, number, input, dtype, name):
    if not isinstance(input, Tensor):
        input = convert_to_tensor(input, name="input")
    kind = input.dtype.base_dtype if dtype is None else dtypes.as_dtype(dtype).base_dtype
    folds = STATE.graph is not None and input.shape.is_fully_defined()
    if kind == input.dtype.base_dtype and not (folds and kind.is_numpy_compatible):
        return op(x=input, name=name)
    value = b"" if kind == dtypes.string and not number else number
    if input.shape.is_fully_defined():
        with in_graph_of((input,)):
            return _filled(input.shape, value, kind, name)
    with scope_in_graph(name, "") as scope:
        return _filled(raw.Shape(input=input), value, kind, scope or name)


@unary("zeros_like", v1=[])
def zeros_like(input, dtype=None, name=None, layout=None):
    """Returns zeros in the shape of `input`, and in its dtype unless another is given.

    Args:
      input: a tensor, or a ragged or sparse one.
      dtype: the dtype of the result, if it is to differ from that of `input`.
      name: a name for the operation.
      layout: a `tf.experimental.dtensor.Layout`: the result is then a DTensor in it.

    Returns:
      A tensor of zeros.

    >>> tf.zeros_like([[1, 2], [3, 4]]).numpy()
    array([[0, 0],
           [0, 0]], dtype=int32)
    """
    result = _like(raw.ZerosLike, 0, input, dtype, name or "zeros_like")
    return result if layout is None else slots.above("relayout")(result, layout)


@unary("ones_like", v1=[])
def ones_like(input, dtype=None, name=None, layout=None):
    """Returns ones in the shape of `input`, and in its dtype unless another is given.

    Args:
      input: a tensor, or a ragged or sparse one.
      dtype: the dtype of the result, if it is to differ from that of `input`.
      name: a name for the operation.
      layout: a `tf.experimental.dtensor.Layout`: the result is then a DTensor in it.

    Returns:
      A tensor of ones.

    >>> tf.ones_like([1, 2, 3], dtype=tf.float32).numpy()
    array([1., 1., 1.], dtype=float32)
    """
    result = _like(raw.OnesLike, 1, input, dtype, name or "ones_like")
    return result if layout is None else slots.above("relayout")(result, layout)
