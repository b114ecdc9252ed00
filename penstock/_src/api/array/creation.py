"""Creates tensors from values, shapes and ranges."""

import builtins
import math

import numpy as np

from penstock._src.api.extending.dispatch import (
    NOT_SUPPORTED,
    dispatchable,
    first_match,
    unary,
)
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.calls.refusals import refusal_of_call
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.convert import convert_to_tensor, leaves_int32
from penstock._src.core.dispatch import OBSERVED, STATE, scope_in_graph
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.arrays import to_array
from penstock._src.eager.compiled import LARGE
from penstock._src.eager.constants import integers
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util import slots
from penstock._src.util.export import export, export_constant

newaxis = None
export_constant("newaxis", newaxis)


@export("constant", v1=[])
def constant(value, dtype=None, shape=None, name="Const"):
    """A tensor of `value`: a number, string, nested list or array.

    Args:
      value: the elements.
      dtype: by default inferred (float32 and int32 for Python numbers).
      shape: a single value is broadcast to it.
      name: a name for the operation.
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


# What `tf.constant` is while dtypes are converted (api/numpy_behavior).
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
    """A constant; in graphs `in_shape(array, extents)` decides what a given shape makes of the value."""
    kind = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    if isinstance(value, Tensor) and kind is not None and value.dtype != kind:
        if STATE.graph is None:
            raise TypeError(
                f"Expected tensor {value.numpy()} with dtype {kind!r}, but got dtype {value.dtype!r}."
            )
        value = value.numpy()
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
    """The elements for a constant of a graph; a shape without elements needs none, and is of floats by default."""
    if 0 in extents:
        kind = kind or dtypes.float32
        return np.zeros(extents, kind.np), kind
    return to_array(value.numpy() if isinstance(value, Tensor) else value, kind, in_graph=True)


def _whole_or_single(array, extents):
    """The elements in a shape of as many; a single one fills any shape."""
    if array.shape in ((), (1,)):
        return np.full(extents, array.reshape(()), array.dtype)
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
    return EagerTensor(np.full(shape, value, kind.np), kind)


def _is_small(dims):
    """Whether a tensor of this shape becomes a constant in graphs, as in TensorFlow."""
    return (
        isinstance(dims, np.ndarray)
        and bool((dims >= 0).all())
        and math.prod(dims.reshape(-1).tolist()) < 1000
    )


def _filled(shape, value, kind, name):
    if STATE.graph is None and kind != dtypes.string and not OBSERVED:
        made = _filled_now(shape, value, kind)
        if made is not None:
            return made
    if not isinstance(shape, (Tensor, TensorShape)) and _has_no_extents(shape):
        shape = convert_to_tensor(shape, dtype=dtypes.int32)
    if STATE.graph is not None and _has_tensors(shape):
        return _filled_in_graph(shape, value, kind, name)
    dims = shape_input(shape)
    if STATE.graph is not None and _is_small(dims) and not kind.is_quantized:
        small = np.full(dims.reshape(-1), value, object if kind == dtypes.string else kind.np)
        return convert_to_tensor(small, kind, name)
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
    """A tensor of zeros (False, empty strings)."""
    kind = dtypes.as_dtype(dtype).base_dtype
    return _filled(shape, b"" if kind == dtypes.string else 0, kind, name or "zeros")


@dispatchable("ones", v1=[])
def ones(shape, dtype=dtypes.float32, name=None, layout=None):
    """A tensor of ones (True)."""
    kind = dtypes.as_dtype(dtype).base_dtype
    return _filled(shape, 1, kind, name or "ones")


@dispatchable("fill", v1=[])
def fill(dims, value, name=None, layout=None):
    """A tensor of shape `dims` with `value` everywhere."""
    extents = dims if STATE.graph is not None and _has_tensors(dims) else shape_vector(dims)
    return raw.Fill(dims=extents, value=value, name=name)


def _like(op, number, input, dtype, name):
    if not isinstance(input, Tensor):
        input = convert_to_tensor(input, name="input")
    kind = input.dtype.base_dtype if dtype is None else dtypes.as_dtype(dtype).base_dtype
    folds = STATE.graph is not None and input.shape.is_fully_defined()
    if kind == input.dtype.base_dtype and not (folds and kind.is_numpy_compatible):
        return op(x=input, name=name)
    value = b"" if kind == dtypes.string and not number else number
    if input.shape.is_fully_defined():
        return _filled(input.shape, value, kind, name)
    with scope_in_graph(name, "") as scope:
        return _filled(raw.Shape(input=input), value, kind, scope or name)


@unary("zeros_like", v1=[])
def zeros_like(input, dtype=None, name=None, layout=None):
    """Zeros in the shape of `input`."""
    return _like(raw.ZerosLike, 0, input, dtype, name or "zeros_like")


@unary("ones_like", v1=[])
def ones_like(input, dtype=None, name=None, layout=None):
    """Ones in the shape of `input`."""
    return _like(raw.OnesLike, 1, input, dtype, name or "ones_like")


_RANKED = (
    dtypes.int32,
    dtypes.int64,
    dtypes.float16,
    dtypes.bfloat16,
    dtypes.float32,
    dtypes.float64,
)


@dispatchable("range", named="range")
def range(start, limit=None, delta=1, dtype=None, name="range"):
    """start, start + delta, ... up to but excluding `limit`; `range(n)` begins at 0.

    Args:
      start: the first number; or the limit, if `limit` is None.
      limit: the exclusive end.
      delta: the step.
      dtype: by default the widest dtype of the arguments.
      name: a name for the operation.
    """
    if limit is None:
        start, limit = 0, start
    given = ((start, "start"), (limit, "limit"), (delta, "delta"))
    if dtype is not None:
        kind = dtypes.as_dtype(dtype)
        parts = [_range_part(v, kind, label) for v, label in given]
    else:
        parts = [convert_to_tensor(v, name=label) for v, label in given]
        kinds = {p.dtype.base_dtype for p in parts}
        for k in kinds:
            if k not in _RANKED:
                raise AssertionError(f"range: numbers are required. Received type {k.name}.")
        kind = max(kinds, key=_RANKED.index)
        parts = [p if p.dtype.base_dtype == kind else cast(p, kind) for p in parts]
    return raw.Range(start=parts[0], limit=parts[1], delta=parts[2], name=name)


def _range_part(value, kind, label):
    if isinstance(value, Tensor):
        return cast(value, kind)
    return convert_to_tensor(value, dtype=kind, name=label)


@dispatchable("linspace", v1=["linspace", "lin_space"], scope="linspace")
def linspace(start, stop, num, name=None, axis=0):
    """`num` evenly spaced numbers from `start` to `stop`, both included, along a new axis."""
    start = convert_to_tensor(start, name="start")
    stop = convert_to_tensor(stop, name="stop", dtype=start.dtype)
    num = convert_to_tensor(num, name="num")
    if not num.dtype.is_integer:
        raise TypeError(
            f"Argument `tensor` (name: num) must be of type integer. Received `tensor` = {num} of "
            f"dtype: {num.dtype!r}"
        )
    known = get_static_value(num)
    if known is None and start.shape.rank == 0 == stop.shape.rank and start.dtype.is_floating:
        return raw.LinSpace(start=start, stop=stop, num=num, name=name)
    kind = start.dtype
    if kind.is_integer:
        # The result dtype of an integer division.
        kind = dtypes.float32 if kind.size <= 2 else dtypes.float64
        start, stop = cast(start, kind), cast(stop, kind)
    shape = raw.BroadcastArgs(s0=raw.Shape(input=start), s1=raw.Shape(input=stop))
    start = raw.BroadcastTo(input=start, shape=shape)
    stop = raw.BroadcastTo(input=stop, shape=shape)
    wanted = None if known is None else int(known.reshape(-1)[0])
    if wanted is not None and wanted < 0:
        raise InvalidArgumentError(
            f"Requires start <= limit when delta > 0: 1/{wanted + 1} [Op:Range]"
        )
    first = raw.ExpandDims(input=start, axis=axis)
    last = raw.ExpandDims(input=stop, axis=axis)
    if wanted is not None and wanted < 2:
        # include `stop`, so that it gets a gradient of zeros
        both = raw.ConcatV2(values=[first, last], axis=axis)
        return cast(raw.GatherV2(both, np.arange(wanted, dtype=np.int32), axis), kind)
    if wanted is None:
        gaps = raw.Maximum(x=cast(num, dtypes.int64), y=np.int64(2)) - 1
        steps = cast(raw.Range(start=np.int64(1), limit=gaps, delta=np.int64(1)), kind)
        gaps = cast(gaps, kind)
    else:
        steps = np.arange(1, wanted - 1, dtype=kind.as_numpy_dtype)
        gaps = np.asarray(wanted - 1, kind.as_numpy_dtype)
    rank = raw.Rank(input=first)
    at = raw.OneHot(raw.FloorMod(x=axis, y=rank), rank, np.int32(-1), np.int32(1))
    steps = raw.Reshape(tensor=steps, shape=at)
    delta = (last - first) / gaps
    whole = raw.ConcatV2(values=[first, first + delta * steps, last], axis=axis)
    if wanted is None:  # fewer than the two ends
        whole = raw.GatherV2(
            whole, raw.Range(start=0, limit=cast(num, dtypes.int32), delta=1), axis
        )
    return cast(whole, kind, name=name)


@dispatchable("one_hot", named="one_hot")
def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """A new axis of length `depth` that holds `on_value` at each index, `off_value` elsewhere.

    Args:
      indices: integers.
      depth: the length of the new axis.
      on_value: 1 by default.
      off_value: 0 by default.
      axis: where the new axis goes; by default last.
      dtype: the result's type; by default the values', or float32.
      name: a name for the operation.
    """
    if on_value is not None:
        on_value = convert_to_tensor(on_value, dtype_hint=dtype, name="on_value")
    if off_value is not None:
        off_value = convert_to_tensor(off_value, dtype_hint=dtype, name="off_value")
    on_dtype = None if on_value is None else on_value.dtype
    off_dtype = None if off_value is None else off_value.dtype
    found = on_dtype if on_dtype is not None else off_dtype
    if dtype is None:
        kind = found if found is not None else dtypes.float32
    else:
        kind = dtypes.as_dtype(dtype)
        for label, have in (("on_value", on_dtype), ("off_value", off_dtype)):
            if have is not None and have.base_dtype != kind:
                raise TypeError(f"dtype {have} of {label} does not match dtype parameter {kind}")
    if on_dtype is not None and off_dtype is not None and on_dtype != off_dtype:
        raise TypeError(
            f"dtype {on_dtype} of on_value does not match dtype {off_dtype} of off_value"
        )
    on = convert_to_tensor(1 if on_value is None else on_value, dtype=kind, name="on_value")
    off = convert_to_tensor(0 if off_value is None else off_value, dtype=kind, name="off_value")
    place = -1 if axis is None else axis
    return raw.OneHot(
        indices=indices, depth=depth, on_value=on, off_value=off, axis=place, name=name
    )


@dispatchable("sequence_mask", scope="SequenceMask")
def sequence_mask(lengths, maxlen=None, dtype=dtypes.bool_, name=None):
    """True at the first `lengths[i]` of `maxlen` positions of each row."""
    lengths = convert_to_tensor(lengths, name="lengths")
    if maxlen is None:
        flat = raw.Reshape(tensor=lengths, shape=[-1])
        maxlen = raw.Max(input=flat, axis=[0])
        maxlen = raw.Maximum(x=maxlen, y=np.zeros((), maxlen.dtype.as_numpy_dtype))
    else:
        maxlen = convert_to_tensor(maxlen, name="maxlen")
    if maxlen.shape.rank not in (None, 0):
        raise ValueError(
            "Argument `maxlen` must be scalar for sequence_mask, received `maxlen` = "
            f"{maxlen} with shape '{maxlen.shape}' instead"
        )
    one = np.ones((), maxlen.dtype.as_numpy_dtype)
    row = raw.Range(start=one - one, limit=maxlen, delta=one)
    column = cast(raw.ExpandDims(input=lengths, axis=-1), maxlen.dtype)
    kind = dtypes.as_dtype(dtype)
    mask = row < column
    return mask if kind.is_bool else cast(mask, kind, name=name)


@dispatchable("meshgrid", scope="meshgrid")
def meshgrid(*args, **kwargs):
    """The coordinates of all points of a grid, one tensor for each axis.

    Args:
      *args: the axes' vectors.
      **kwargs: `indexing` "xy" (default) or "ij"; `name`.
    """
    indexing = kwargs.pop("indexing", "xy")
    kwargs.pop("name", None)
    if kwargs:
        key = list(kwargs)[0]
        raise TypeError(f"'{key}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError(
            f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'"
        )
    axes = [convert_to_tensor(a) for a in args]
    rank = len(axes)
    order = list(builtins.range(rank))
    if indexing == "xy" and rank > 1:
        order[0], order[1] = 1, 0
    lengths = [raw.Size(input=a) for a in axes]
    shape = raw.Pack(values=[lengths[i] for i in order]) if rank else None
    grids = []
    for i, axis in enumerate(axes):
        place = order[i]
        column = [-1 if j == place else 1 for j in builtins.range(rank)]
        if axes[0].dtype.is_bool:
            axis = cast(axis, dtypes.bool_)
        elif axis.dtype != axes[0].dtype and not axis.dtype.is_bool:
            raise InvalidArgumentError(
                f"meshgrid: the axes should have one type. Received {axes[0].dtype!r} and "
                f"{axis.dtype!r} [Op:Mul]"
            )
        column = raw.Reshape(tensor=axis, shape=np.array(column, np.int32))
        grids.append(raw.BroadcastTo(input=column, shape=shape))
    return grids
