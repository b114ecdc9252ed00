"""Concatenates, splits, repeats, pads and reverses tensors."""

from collections.abc import Mapping

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, index_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import Dimension
from penstock._src.core.tensor import Tensor
from penstock._src.eager.constants import index_input
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.static_values import constant_value

from .ranges import sequence_mask


@dispatchable("concat", direct=True)
def concat(values, axis, name="concat"):
    """Returns the tensors of a list joined along an existing axis.

    Args:
      values: a list of tensors of one dtype, with equal extents along all other axes.
      axis: a Python or int32 scalar; negative numbers count from the end.
      name: a name for the operation.

    Returns:
      A tensor whose extent along `axis` is the sum of theirs.

    Raises:
      InvalidArgumentError: the ranks or the other extents differ, the dtypes differ, or `axis` is
        out of range.

    >>> tf.concat([[[1, 2]], [[3, 4], [5, 6]]], axis=0).numpy()
    array([[1, 2],
           [3, 4],
           [5, 6]], dtype=int32)
    >>> tf.concat([[[1], [2]], [[3], [4]]], axis=-1).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        if not isinstance(axis, (int, np.integer)):
            axis = convert_to_tensor(axis, dtype=dtypes.int32, name="concat_dim")
            if axis.shape.rank not in (None, 0):
                raise ValueError(
                    f"Shape {axis.shape} must have rank 0: `axis` of tf.concat is a scalar, and the tensors come first."
                )
        one = convert_to_tensor(values[0])
        return raw.Identity(input=one, name=name)
    return raw.ConcatV2(values=list(values), axis=axis, name=name)


@dispatchable("stack", direct=True)
def stack(values, axis=0, name="stack"):
    """Returns tensors of equal shape put together along a new axis.

    Args:
      values: a list of tensors of one shape and dtype, or a tensor, whose entries are stacked.
      axis: where the new axis goes, from `-(rank + 1)` to `rank`.
      name: a name for the operation.

    Returns:
      A tensor of rank one more than theirs.

    Raises:
      ValueError: the list is empty, or `axis` is out of range.
      InvalidArgumentError: the shapes or dtypes differ.

    >>> tf.stack([[1, 2], [3, 4]], axis=1).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    if axis == 0 and isinstance(values, (Tensor, np.ndarray, int, float, str, bytes)):
        return convert_to_tensor(values, name=name)
    if isinstance(values, Tensor):
        values = unstack(values)
    if not hasattr(values, "__getitem__"):
        raise TypeError(f"{type(values).__name__!r} object is not subscriptable")
    if isinstance(values, Mapping):
        raise TypeError(f"Expected list for 'values' argument to 'pack' Op, not {values}.")
    values = list(values)
    if not values:
        if axis == 0:
            return convert_to_tensor([], name=name)
        raise ValueError("stack: at least one tensor is required. Received an empty list.")
    first = next((v for v in values if isinstance(v, Tensor)), None)
    # Graphs have no constants of lists that begin with an array, so the arrays keep their dtype.
    of_arrays = STATE.graph is not None and isinstance(values[0], np.ndarray) and values[0].ndim
    if first is None and axis == 0 and not of_arrays:
        try:
            return convert_to_tensor(values, name=name)  # a constant, as in TensorFlow's graphs
        except (TypeError, ValueError):
            pass
    if first is None:
        # Python numbers of several types get one dtype, as in any list; NumPy's keep theirs in graphs.
        numbers = all(
            isinstance(v, (int, float)) and not (STATE.graph and isinstance(v, np.generic))
            for v in values
        )
        kind = convert_to_tensor(values).dtype if numbers else None
        first = convert_to_tensor(values[0], dtype=kind)
        values[0] = first
    rank = first._rank()
    if rank is not None and not -rank - 1 <= axis <= rank:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-rank - 1}, {rank + 1})")
    return raw.Pack(values=values, axis=axis, name=name)


@dispatchable("unstack", direct=True)
def unstack(value, num=None, axis=0, name="unstack"):
    """Returns the list of slices of `value` along `axis`, which is removed.

    Args:
      value: a tensor of rank 1 or more.
      num: the extent of `axis`, if the static shape does not tell it.
      axis: the axis to take apart.
      name: a name for the operation.

    Returns:
      A list of tensors of rank one less.

    Raises:
      ValueError: `axis` is out of range, or the extent is neither known nor given.
      InvalidArgumentError: `num` is not the extent.

    >>> [t.numpy() for t in tf.unstack([[1, 2], [3, 4]], axis=1)]
    [array([1, 3], dtype=int32), array([2, 4], dtype=int32)]
    """
    value = convert_to_tensor(value)
    if num is None:
        rank = value.shape.rank
        if rank is not None:
            if not -rank <= axis < rank:
                raise ValueError(f"Argument `axis` = {axis} not in range [{-rank}, {rank})")
            num = value.shape[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {value.shape}")
    return list(raw.Unpack(value=value, num=int(num), axis=axis, name=name))


@dispatchable("split", direct=True)
def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """Returns the list of parts of `value` along `axis`, of equal or of given sizes.

    Args:
      value: a tensor.
      num_or_size_splits: the number of equal parts, or a list of sizes; one size may be -1
        for the rest.
      axis: the axis to split.
      num: the number of sizes, if they come as a tensor whose length is unknown.
      name: a name for the operation.

    Returns:
      A list of tensors.

    Raises:
      ValueError: the sizes are a tensor of rank 0, or their number is unknown.
      InvalidArgumentError: the parts are not equal, or the sizes do not add up to the extent.

    >>> [t.numpy() for t in tf.split([1, 2, 3, 4, 5, 6], 3)]
    [array([1, 2], dtype=int32), array([3, 4], dtype=int32), array([5, 6], dtype=int32)]
    >>> [t.numpy() for t in tf.split([1, 2, 3, 4, 5, 6], [1, -1, 2])]
    [array([1], dtype=int32), array([2, 3, 4], dtype=int32), array([5, 6], dtype=int32)]
    """
    if isinstance(num_or_size_splits, Dimension):
        num_or_size_splits = num_or_size_splits.value
    if isinstance(num_or_size_splits, (int, np.integer)) and not isinstance(
        num_or_size_splits, bool
    ):
        count = int(num_or_size_splits)
        return list(raw.Split(axis=axis, value=value, num_split=count, name=name))
    sizes = convert_to_tensor(num_or_size_splits)
    if sizes._rank() == 0:
        raise ValueError(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. "
            f"Argument provided: {num_or_size_splits}"
        )
    if num is None:
        num = sizes.shape[0] if sizes.shape.rank is not None else None
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {sizes.shape}")
    return list(
        raw.SplitV(value=value, size_splits=sizes, axis=axis, num_split=int(num), name=name)
    )


@dispatchable("repeat")
def repeat(input, repeats, axis=None, name=None):
    """Returns `input` with each entry along `axis` repeated.

    Args:
      input: a tensor or a ragged tensor.
      repeats: integers: one count for all entries, or one for each.
      axis: the axis to repeat along; None repeats the elements of the flattened input.
      name: a name for the operation.

    Returns:
      A tensor of the rank of `input`, or a vector if `axis` is None.

    Raises:
      TypeError: `axis` is not a Python integer, or `repeats` are not integers.
      ValueError: `axis` is out of range, or `repeats` have more than one dimension.
      InvalidArgumentError: there are not as many counts as entries.

    >>> tf.repeat(["a", "b"], [2, 1]).numpy()
    array([b'a', b'a', b'b'], dtype=object)
    >>> tf.repeat([[1, 2], [3, 4]], 2, axis=1).numpy()
    array([[1, 1, 2, 2],
           [3, 3, 4, 4]], dtype=int32)
    """
    input = convert_to_tensor(input)
    if axis is None:
        input = raw.Reshape(tensor=input, shape=index_input([-1]))
        axis = 0
    if not isinstance(axis, int):
        raise TypeError(
            f"Argument `axis` must be an int. Received `axis` = {axis} of type {type(axis).__name__}"
        )
    input = _with_an_axis(input)
    rank = input.shape.rank
    if rank is None and axis < 0:
        raise ValueError(f"axis={axis} may only be negative if rank(data) is statically known.")
    if rank is not None:
        if not -rank <= axis < rank:
            raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
        axis = axis % rank
    repeats = index_tensor(repeats, name="repeats")
    if not repeats.dtype.is_integer:
        raise TypeError(
            "Argument `tensor` (name: repeats) must be of type integer. Received `tensor` = "
            f"{repeats} of dtype: {repeats.dtype!r}"
        )
    repeats.shape.with_rank_at_most(1)
    if rank is not None and repeats.shape.rank == 1 and repeats.shape[0] != 1:
        Dimension(input.shape[axis]).assert_is_compatible_with(repeats.shape[0])
    known = constant_value(repeats)
    if known is not None and known.size == 1 and known.min() < 0:
        raise InvalidArgumentError(
            f"Expected multiples[{axis + 1}] >= 0, but got {known.min()} [Op:Tile]"
        )
    if known is not None and known.size == 1 and rank is not None:
        return _repeated_alike(input, int(known.item()), axis, name)
    if known is not None and rank is not None and input.shape[axis] is not None:
        counts = np.maximum(np.broadcast_to(known.reshape(-1), [input.shape[axis]]), 0)
        picks = np.repeat(np.arange(input.shape[axis], dtype=np.int32), counts)
        return _picked(input, picks, axis, name)
    if rank is not None and repeats.shape.num_elements() == 1:
        return _all_repeated(input, repeats, axis, name)
    length = raw.Shape(input=input)[axis]
    counts = raw.Reshape(tensor=cast(repeats, dtypes.int32), shape=[-1])
    counts = raw.BroadcastTo(input=counts, shape=raw.Pack(values=[length]))
    longest = raw.Maximum(x=raw.Max(input=counts, axis=[0]), y=np.int32(0))
    mask = sequence_mask(counts, longest)
    grid = raw.Range(start=0, limit=length, delta=1)
    grid = raw.BroadcastTo(input=raw.ExpandDims(input=grid, axis=1), shape=raw.Shape(input=mask))
    places = raw.Where(condition=mask)
    picks = raw.GatherNd(params=grid, indices=places)
    return _picked(input, picks, axis, name)


def _with_an_axis(tensor):
    """The tensor, with one axis if it is a scalar."""
    if tensor.shape.rank is None:
        shape = raw.Shape(input=tensor)
        missing = raw.Maximum(x=1 - raw.Rank(input=tensor), y=0)
        ones = raw.Fill(dims=raw.ExpandDims(input=missing, axis=0), value=1)
        return raw.Reshape(tensor=tensor, shape=raw.ConcatV2(values=[ones, shape], axis=0))
    return raw.Reshape(tensor=tensor, shape=[1]) if tensor.shape.rank == 0 else tensor


def _all_repeated(input, repeats, axis, name):
    """Returns every entry along an axis repeated the same number of times."""
    times = raw.Reshape(tensor=cast(repeats, dtypes.int32), shape=[1])
    rank = input.shape.rank
    ones = [np.ones(n, np.int32) for n in (axis + 1, rank - axis - 1)]
    multiples = raw.ConcatV2(values=[ones[0], times, ones[1]], axis=0)
    tiled = raw.Tile(input=raw.ExpandDims(input=input, axis=axis + 1), multiples=multiples)
    shape = raw.Shape(input=input)
    count = raw.Mul(x=shape[axis : axis + 1], y=times)
    whole = raw.ConcatV2(values=[shape[:axis], count, shape[axis + 1 :]], axis=0)
    return raw.Reshape(tensor=tiled, shape=whole, name=name)


def _repeated_alike(input, times, axis, name):
    """`_all_repeated` for a known number: extents that are known stay so."""
    extents = input.shape.as_list()
    index = np.int32 if times < 2**31 else np.int64
    multiples = [1] * (len(extents) + 1)
    multiples[axis + 1] = times
    multiples = index_input(multiples) if STATE.graph is None else np.array(multiples, index)
    expanded = raw.ExpandDims(input=input, axis=index_input(axis + 1))
    tiled = raw.Tile(input=expanded, multiples=multiples)
    if None in extents:
        sizes = raw.Shape(input=input, out_type=dtypes.as_dtype(index))
        extents = [sizes[i] if n is None else index(n) for i, n in enumerate(extents)]
        extents[axis] = raw.Mul(x=extents[axis], y=index(times))
        return raw.Reshape(tensor=tiled, shape=raw.Pack(values=extents), name=name)
    extents[axis] *= times
    return raw.Reshape(tensor=tiled, shape=index_input(extents), name=name)


def _picked(input, picks, axis, name):
    """Gathers entries along an axis; the gradient is always dense, even for axis 0."""
    if axis == 0:  # the reshape makes the gradient dense
        input = raw.Reshape(tensor=input, shape=raw.Shape(input=input))
    return raw.GatherV2(params=input, indices=picks, axis=axis, name=name)


@dispatchable("pad", v1=[], direct=True)
def pad(tensor, paddings, mode="CONSTANT", constant_values=0, name=None):
    """Returns `tensor` with entries added before and after each axis.

    Args:
      tensor: a tensor of rank n.
      paddings: `[n, 2]` integers, not negative: how many entries before and after along each
        axis.
      mode: "CONSTANT", "REFLECT" (mirrored without the border: at most extent - 1 entries) or
        "SYMMETRIC" (mirrored with it: at most the extent). Case does not matter.
      constant_values: a scalar of the dtype of `tensor`: what is added in mode "CONSTANT".
      name: a name for the operation.

    Returns:
      A tensor of the dtype of `tensor`.

    Raises:
      ValueError: `mode` is another word.
      InvalidArgumentError: the shape of `paddings` does not fit, or mirrored padding is too long.

    >>> tf.pad([[1, 2], [3, 4]], [[0, 1], [1, 0]], constant_values=9).numpy()
    array([[9, 1, 2],
           [9, 3, 4],
           [9, 9, 9]], dtype=int32)
    >>> tf.pad([1, 2, 3], [[2, 0]], mode="REFLECT").numpy()
    array([3, 2, 1, 2, 3], dtype=int32)
    """
    how = mode.upper()
    if how == "CONSTANT":
        plain = isinstance(constant_values, (int, float)) and constant_values == 0
        if plain:
            return _with_known_extents(raw.Pad(input=tensor, paddings=paddings, name=name))
        tensor = convert_to_tensor(tensor)
        return _with_known_extents(
            raw.PadV2(input=tensor, paddings=paddings, constant_values=constant_values, name=name)
        )
    if how in ("REFLECT", "SYMMETRIC"):
        result = raw.MirrorPad(input=tensor, paddings=paddings, mode=how, name=name)
        return _with_known_extents(result)
    raise ValueError(
        "Value of argument `mode` expected to be one of 'CONSTANT', 'REFLECT', or 'SYMMETRIC'. "
        f"Received `mode` = {mode}"
    )


def _with_known_extents(padded):
    """Set the static sizes of axes with static paddings, even if other axes' paddings are dynamic."""
    if not isinstance(padded, SymbolicTensor) or padded.shape.is_fully_defined():
        return padded
    source, paddings = padded.op.inputs[:2]
    if paddings.op.type != "Pack" or source.shape.rank != len(paddings.op.inputs):
        return padded
    extents = []
    for extent, row in zip(source.shape.as_list(), paddings.op.inputs):
        known = constant_value(row)
        extents.append(None if extent is None or known is None else extent + int(known.sum()))
    padded.set_shape(extents)
    return padded


@dispatchable("reverse_sequence", v1=[])
def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None):
    """Returns `input` with the first `seq_lengths[i]` entries of each batch entry i reversed.

    Args:
      input: a tensor of rank 2 or more.
      seq_lengths: int32 or int64, one for each entry along `batch_axis`, at most the extent of
        `seq_axis`.
      seq_axis: the axis along which entries are reversed.
      batch_axis: the axis of the batch; by default 0.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `input`.

    Raises:
      InvalidArgumentError: a length exceeds the extent, or there are not as many as batch
        entries.

    >>> tf.reverse_sequence([[1, 2, 3, 4], [5, 6, 7, 8]], [3, 2], seq_axis=1).numpy()
    array([[3, 2, 1, 4],
           [6, 5, 7, 8]], dtype=int32)
    """
    return raw.ReverseSequence(
        input=input,
        seq_lengths=seq_lengths,
        seq_dim=seq_axis,
        batch_dim=0 if batch_axis is None else batch_axis,
        name=name,
    )


@dispatchable("dynamic_partition")
def dynamic_partition(data, partitions, num_partitions, name=None):
    """Returns the entries of `data` sorted into `num_partitions` tensors by their numbers.

    Within each tensor entries keep their order; `tf.dynamic_stitch` puts them together again.

    Args:
      data: a tensor.
      partitions: int32 numbers from 0 to `num_partitions - 1`; its shape is the beginning of the
        shape of `data`.
      num_partitions: a Python integer, at least 1.
      name: a name for the operation.

    Returns:
      A list of `num_partitions` tensors, some of which may be empty.

    Raises:
      InvalidArgumentError: a number is out of range, or the shapes do not fit.

    >>> [t.numpy() for t in tf.dynamic_partition([10, 20, 30], [1, 0, 1], 2)]
    [array([20], dtype=int32), array([10, 30], dtype=int32)]
    """
    return list(
        raw.DynamicPartition(
            data=data, partitions=partitions, num_partitions=num_partitions, name=name
        )
    )


__getattr__ = op_functions(
    globals(),
    dispatchable="""
tile +manip.tile = Tile(input, multiples)
    Returns `input` repeated `multiples[i]` times along axis i.

    Args:
      input: a tensor of rank n.
      multiples: n integers, not negative; 0 gives an empty axis.
      name: a name for the operation.

    Returns:
      A tensor of shape `input.shape * multiples`.

    Raises:
      InvalidArgumentError: there are not n multiples, or one is negative.

    >>> tf.tile([[1, 2]], [2, 2]).numpy()
    array([[1, 2, 1, 2],
           [1, 2, 1, 2]], dtype=int32)
reverse +manip.reverse +reverse_v2 = ReverseV2(tensor, axis)
    Returns `tensor` with the order of entries reversed along some axes.

    Args:
      tensor: a tensor of any dtype.
      axis: a list of axes.
      name: a name for the operation.

    Returns:
      A tensor of the same shape.

    Raises:
      InvalidArgumentError: an axis is out of range or occurs twice.

    >>> tf.reverse([[1, 2], [3, 4]], axis=[1]).numpy()
    array([[2, 1],
           [4, 3]], dtype=int32)
roll +manip.roll = Roll(input, shift, axis)
    Returns `input` shifted along axes; what leaves at one end enters at the other.

    Args:
      input: a tensor of rank 1 or more.
      shift: an integer, or one for each of `axis`: how far towards higher indices.
      axis: an axis, or a list of axes; shifts for an axis that occurs twice add up.
      name: a name for the operation.

    Returns:
      A tensor of the same shape.

    Raises:
      InvalidArgumentError: an axis is out of range, or there are not as many shifts as axes.

    >>> tf.roll([1, 2, 3, 4], shift=1, axis=0).numpy()
    array([4, 1, 2, 3], dtype=int32)
dynamic_stitch = DynamicStitch(indices, data)
    Returns one tensor whose entry `indices[m][i]` is `data[m][i]`.

    If an index occurs more than once, the last one wins. Entries that no index names are not
    defined.

    Args:
      indices: a list of int32 tensors.
      data: a list of as many tensors; the shape of each begins with that of its indices.
      name: a name for the operation.

    Returns:
      A tensor of `1 + max(indices)` entries.

    Raises:
      InvalidArgumentError: an index is negative, or the shapes do not fit.

    >>> tf.dynamic_stitch([[0, 2], [1]], [[10, 30], [20]]).numpy()
    array([10, 20, 30], dtype=int32)
unique = Unique(x, out_idx=dtypes.int32)
    Returns the distinct entries of a vector, and for each entry which of them it is.

    Args:
      x: a vector.
      out_idx: the dtype of the indices: int32 or int64.
      name: a name for the operation.

    Returns:
      A pair `(y, idx)`: the distinct entries in order of their first appearance, and indices of
      the length of `x` with `y[idx] == x`.

    Raises:
      InvalidArgumentError: `x` is not a vector.

    >>> y, idx = tf.unique([3, 1, 3, 2])
    >>> y.numpy(), idx.numpy()
    (array([3, 1, 2], dtype=int32), array([0, 1, 0, 2], dtype=int32))
unique_with_counts = UniqueWithCounts(x, out_idx=dtypes.int32)
    Returns the distinct entries of a vector, which of them each entry is, and how often they occur.

    Args:
      x: a vector.
      out_idx: the dtype of the indices and counts: int32 or int64.
      name: a name for the operation.

    Returns:
      A triple `(y, idx, count)`: the distinct entries in order of their first appearance, indices
      with `y[idx] == x`, and the number of times that each of `y` occurs.

    Raises:
      InvalidArgumentError: `x` is not a vector.

    >>> y, idx, count = tf.unique_with_counts([3, 1, 3, 2])
    >>> y.numpy(), count.numpy()
    (array([3, 1, 2], dtype=int32), array([2, 1, 1], dtype=int32))
""",
)
