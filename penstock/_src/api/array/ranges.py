"""Creates ranges, grids, and one-hot and sequence masks."""

import builtins

import numpy as np

from penstock._src.api.extending.dispatch import (
    dispatchable,
)
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import RANKED_FLOATS
from penstock._src.eager.constants import index_input, integer
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import get_static_value

_RANKED = (dtypes.int32, dtypes.int64, *RANKED_FLOATS)


@dispatchable("range", named="range", direct=True)
def range(start, limit=None, delta=1, dtype=None, name="range"):
    """Returns `start`, `start + delta`, and so on, up to but excluding `limit`.

    With one argument, the numbers from 0 up to it: `tf.range(n)` is `0, 1, ..., n - 1`. A
    negative `delta` counts down. The result is empty if `limit` does not lie in the direction of
    `delta`.

    Args:
      start: a scalar: the first number, or the limit if `limit` is None.
      limit: a scalar: where the numbers end.
      delta: a scalar other than 0: the step.
      dtype: the dtype of the result; by default the widest one among the arguments.
      name: a name for the operation.

    Returns:
      A vector of `ceil((limit - start) / delta)` numbers.

    Raises:
      InvalidArgumentError: `delta` is 0, or `start` and `limit` stand in the wrong order for its
        sign.
      AssertionError: an argument is not a real number.

    >>> tf.range(3, 18, 5).numpy()
    array([ 3,  8, 13], dtype=int32)
    >>> tf.range(3, 0, -1.0).numpy()
    array([3., 2., 1.], dtype=float32)
    """
    if limit is None:
        start, limit = 0, start
    labelled = ((start, "start"), (limit, "limit"), (delta, "delta"))
    if dtype is not None:
        kind = dtypes.as_dtype(dtype)
        parts = [_range_part(v, kind, label) for v, label in labelled]
    else:
        parts = [convert_to_tensor(v, name=label) for v, label in labelled]
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
    """Returns `num` evenly spaced numbers from `start` to `stop`, both included.

    Integers give float64, as a division does. Tensors give a new axis of length `num` between
    their elements.

    Args:
      start: a tensor: the first number.
      stop: a tensor of the same dtype: the last number. The shapes broadcast.
      num: how many numbers; with 1, only `start`.
      name: a name for the operation.
      axis: where the new axis goes in the result.

    Returns:
      A tensor of the broadcast shape with a new axis of length `num`.

    Raises:
      TypeError: `num` is not an integer.
      InvalidArgumentError: `num` is not positive.

    >>> tf.linspace(0.0, 1.0, 5).numpy()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    >>> tf.linspace([0.0, 10.0], [1.0, 20.0], 3).numpy()
    array([[ 0. , 10. ],
           [ 0.5, 15. ],
           [ 1. , 20. ]], dtype=float32)
    """
    start = convert_to_tensor(start, name="start")
    stop = convert_to_tensor(stop, name="stop", dtype=start.dtype)
    num, wanted = _count_of(num)
    kind = start.dtype
    if kind.is_integer:
        # The result dtype of an integer division.
        kind = dtypes.float32 if kind.size <= 2 else dtypes.float64
        start, stop = cast(start, kind), cast(stop, kind)
    is_eager = STATE.graph is None
    if not (is_eager and start.shape == stop.shape):
        shape = raw.BroadcastArgs(s0=raw.Shape(input=start), s1=raw.Shape(input=stop))
        start = raw.BroadcastTo(input=start, shape=shape)
        stop = raw.BroadcastTo(input=stop, shape=shape)
    if wanted is not None and wanted < 0:
        raise InvalidArgumentError("Requires start <= limit when delta > 0: 1/-1 [Op:Range]")
    along = index_input(axis) if type(axis) is int else axis
    first = raw.ExpandDims(input=start, axis=along)
    last = raw.ExpandDims(input=stop, axis=along)
    if wanted is not None and wanted < 2:
        # include `stop`, so that it gets a gradient of zeros
        both = raw.ConcatV2(values=[first, last], axis=axis)
        return cast(raw.GatherV2(both, np.arange(wanted, dtype=np.int32), axis), kind)
    if wanted is None:
        gaps = raw.Maximum(x=cast(num, dtypes.int64), y=np.int64(2)) - 1
        steps = cast(raw.Range(start=np.int64(1), limit=gaps, delta=np.int64(1)), kind)
        gaps = cast(gaps, kind)
    else:
        steps = _constant(np.arange(1, wanted - 1, dtype=kind.as_numpy_dtype), kind)
        gaps = _constant(np.asarray(wanted - 1, kind.as_numpy_dtype), kind)
    if is_eager and type(axis) is int:
        at = [1] * first.shape.rank
        at[axis] = -1
        at = index_input(at)
    else:
        rank = raw.Rank(input=first)
        at = raw.OneHot(raw.FloorMod(x=axis, y=rank), rank, np.int32(-1), np.int32(1))
    steps = raw.Reshape(tensor=steps, shape=at)
    delta = (last - first) / gaps
    whole = raw.ConcatV2(values=[first, first + delta * steps, last], axis=along)
    if wanted is None:  # fewer than the two ends
        whole = raw.GatherV2(
            whole, raw.Range(start=0, limit=cast(num, dtypes.int32), delta=1), axis
        )
    return cast(whole, kind, name=name)


def _count_of(num):
    """Returns the number of entries: as a tensor, unless it is an int outside of graphs, and as an int, or None if it is unknown."""
    if STATE.graph is None and type(num) is int and -(2**31) <= num < 2**31:
        return num, num
    num = convert_to_tensor(num, name="num")
    if not num.dtype.is_integer:
        raise TypeError(
            f"Argument `tensor` (name: num) must be of type integer. Received `tensor` = {num} of "
            f"dtype: {num.dtype!r}"
        )
    known = get_static_value(num)
    return num, None if known is None else int(known.reshape(-1)[0])


def _constant(array, dtype):
    """Returns an array as an input of an op: in eager execution a tensor, since native code makes calls of tensors alone."""
    return EagerTensor(array, dtype) if STATE.graph is None else array


@dispatchable("one_hot", named="one_hot", direct=True)
def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """Returns `indices` with a new axis that holds `on_value` at the index, `off_value` elsewhere.

    An index below 0, or of at least `depth`, gives a row of `off_value` alone.

    Args:
      indices: integers of any shape.
      depth: an int32 scalar: the length of the new axis.
      on_value: a scalar, 1 by default.
      off_value: a scalar of the same dtype, 0 by default.
      axis: where the new axis goes; by default last.
      dtype: the dtype of the result; by default that of the values, or float32.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `indices` with the new axis.

    Raises:
      TypeError: `on_value`, `off_value` and `dtype` are not of one dtype.

    >>> tf.one_hot([0, 2, -1], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 0., 0.]], dtype=float32)
    """
    if on_value is not None:
        on_value = convert_to_tensor(on_value, dtype_hint=dtype, name="on_value")
    if off_value is not None:
        off_value = convert_to_tensor(off_value, dtype_hint=dtype, name="off_value")
    on_dtype = None if on_value is None else on_value.dtype
    off_dtype = None if off_value is None else off_value.dtype
    value_dtype = on_dtype if on_dtype is not None else off_dtype
    if dtype is None:
        kind = value_dtype if value_dtype is not None else dtypes.float32
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
    """Returns a mask that is True at the first `lengths[i]` positions of row i.

    Args:
      lengths: integers of any shape.
      maxlen: an integer scalar: the length of the new last axis; by default the greatest of
        `lengths`.
      dtype: the dtype of the result; numbers are 1 where the mask is True.
      name: a name for the operation.

    Returns:
      A tensor of shape `lengths.shape + [maxlen]`.

    Raises:
      ValueError: `maxlen` is not a scalar.

    >>> tf.sequence_mask([1, 3, 2], maxlen=3).numpy()
    array([[ True, False, False],
           [ True,  True,  True],
           [ True,  True, False]])
    """
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
    if STATE.graph is None:
        zero, one = integer(0, maxlen.dtype), integer(1, maxlen.dtype)
    else:
        one = np.ones((), maxlen.dtype.as_numpy_dtype)
        zero = one - one
    row = raw.Range(start=zero, limit=maxlen, delta=one)
    column = cast(raw.ExpandDims(input=lengths, axis=index_input(-1)), maxlen.dtype)
    kind = dtypes.as_dtype(dtype)
    mask = row < column
    return mask if kind.is_bool else cast(mask, kind, name=name)


@dispatchable("meshgrid", scope="meshgrid")
def meshgrid(*args, **kwargs):
    """Returns the coordinates of all points of a grid, one tensor for each axis.

    Args:
      *args: vectors: the coordinates along each axis.
      **kwargs: `indexing`: "xy" (the default; the first two axes of the results change places, as
        for plots) or "ij"; and `name`.

    Returns:
      A list of as many tensors as vectors, all of the shape of the grid.

    Raises:
      TypeError: there is another keyword.
      ValueError: `indexing` is another word.

    >>> x, y = tf.meshgrid([1, 2, 3], [10, 20])
    >>> x.numpy()
    array([[1, 2, 3],
           [1, 2, 3]], dtype=int32)
    >>> y.numpy()
    array([[10, 10, 10],
           [20, 20, 20]], dtype=int32)
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
    if STATE.graph is None and all([type(a) is EagerTensor and a._is_array() for a in axes]):
        shape = index_input([axes[i]._value.size for i in order])
    else:
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
        column = raw.Reshape(tensor=axis, shape=index_input(column))
        grids.append(raw.BroadcastTo(input=column, shape=shape))
    return grids
