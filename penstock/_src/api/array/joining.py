"""Concatenates, splits, repeats, pads and reverses tensors."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, index_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import Dimension
from penstock._src.core.tensor import Tensor
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.static_values import constant_value

from .creation import sequence_mask


@dispatchable("concat")
def concat(values, axis, name="concat"):
    """The tensors concatenated along an existing axis.

    Args:
      values: a list of tensors with equal sizes along the other axes.
      axis: a Python or int32 scalar.
      name: a name for the operation.
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        if not isinstance(axis, (int, np.integer)):
            axis = convert_to_tensor(axis, dtype=dtypes.int32, name="concat_dim")
            axis.shape.assert_has_rank(0)
        one = convert_to_tensor(values[0])
        return raw.Identity(input=one, name=name)
    return raw.ConcatV2(values=list(values), axis=axis, name=name)


@dispatchable("stack")
def stack(values, axis=0, name="stack"):
    """Tensors of equal shape stacked along a new axis."""
    if isinstance(values, Tensor):
        values = unstack(values)
    values = list(values)
    if not values:
        if axis == 0:
            return convert_to_tensor([], name=name)
        raise ValueError("stack: at least one tensor is required. Received an empty list.")
    first = next((v for v in values if isinstance(v, Tensor)), None)
    if first is None:
        # Python numbers of several types get one dtype, as in any list.
        numbers = all(isinstance(v, (int, float)) for v in values)
        kind = convert_to_tensor(values).dtype if numbers else None
        first = convert_to_tensor(values[0], dtype=kind)
        values[0] = first
    rank = first.shape.rank
    if rank is not None and not -rank - 1 <= axis <= rank:
        raise ValueError(f"Argument `axis` = {axis} not in range [{-rank - 1}, {rank + 1})")
    return raw.Pack(values=values, axis=axis, name=name)


@dispatchable("unstack")
def unstack(value, num=None, axis=0, name="unstack"):
    """The list of slices of `value` along `axis`, which is removed."""
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


@dispatchable("split")
def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """`value` split along `axis` into equal parts, or parts of given sizes.

    Args:
      value: a tensor.
      num_or_size_splits: the number of parts, or a list of sizes (one may be -1).
      axis: the axis to split.
      num: the number of sizes, if it cannot be inferred from the shape of their tensor.
      name: a name for the operation.
    """
    if isinstance(num_or_size_splits, Dimension):
        num_or_size_splits = num_or_size_splits.value
    if isinstance(num_or_size_splits, (int, np.integer)) and not isinstance(
        num_or_size_splits, bool
    ):
        count = int(num_or_size_splits)
        return list(raw.Split(axis=axis, value=value, num_split=count, name=name))
    sizes = convert_to_tensor(num_or_size_splits)
    if sizes.shape.rank == 0:
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
    """Each entry along `axis` repeated `repeats` times (None: of the flattened input).

    Args:
      input: a tensor.
      repeats: one count, or a count for each entry.
      axis: the axis to repeat along.
      name: a name for the operation.
    """
    input = convert_to_tensor(input)
    if axis is None:
        input = raw.Reshape(tensor=input, shape=[-1])
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
    if known is not None and input.shape.rank is not None and input.shape[axis] is not None:
        if known.size == 1 and known.min() < 0:
            raise InvalidArgumentError(
                f"Expected multiples[{axis + 1}] >= 0, but got {known.min()} [Op:Tile]"
            )
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


def _picked(input, picks, axis, name):
    """Gathers entries along an axis; the gradient is always dense, even for axis 0."""
    if axis == 0:  # the reshape makes the gradient dense
        input = raw.Reshape(tensor=input, shape=raw.Shape(input=input))
    return raw.GatherV2(params=input, indices=picks, axis=axis, name=name)


@dispatchable("pad", v1=[])
def pad(tensor, paddings, mode="CONSTANT", constant_values=0, name=None):
    """`tensor` with entries added before and after.

    Args:
      tensor: a tensor of rank n.
      paddings: `[n, 2]` integers: how many before and after along each axis.
      mode: "CONSTANT", "REFLECT" (without the border) or "SYMMETRIC" (with it).
      constant_values: the padding value in mode "CONSTANT".
      name: a name for the operation.
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
    """Sets the static sizes of axes whose paddings are static although others are not."""
    if not isinstance(padded, SymbolicTensor) or padded.shape.is_fully_defined():
        return padded
    given, paddings = padded.op.inputs[:2]
    if paddings.op.type != "Pack" or given.shape.rank != len(paddings.op.inputs):
        return padded
    extents = []
    for extent, row in zip(given.shape.as_list(), paddings.op.inputs):
        known = constant_value(row)
        extents.append(None if extent is None or known is None else extent + int(known.sum()))
    padded.set_shape(extents)
    return padded


@dispatchable("reverse_sequence", v1=[])
def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None):
    """The first `seq_lengths[i]` entries along `seq_axis` of each batch entry i reversed."""
    return raw.ReverseSequence(
        input=input,
        seq_lengths=seq_lengths,
        seq_dim=seq_axis,
        batch_dim=0 if batch_axis is None else batch_axis,
        name=name,
    )


@dispatchable("dynamic_partition")
def dynamic_partition(data, partitions, num_partitions, name=None):
    """The entries of `data` split into `num_partitions` tensors by their partition numbers."""
    return list(
        raw.DynamicPartition(
            data=data, partitions=partitions, num_partitions=num_partitions, name=name
        )
    )


__getattr__ = op_functions(
    globals(),
    dispatchable="""
tile +manip.tile = Tile(input, multiples)
    `input` repeated `multiples[i]` times along axis i.
reverse +manip.reverse +reverse_v2 = ReverseV2(tensor, axis)
    `tensor` turned round along the axes in the list `axis`.
roll +manip.roll = Roll(input, shift, axis)
    `input` shifted along axes, what leaves at one end entering at the other.
dynamic_stitch = DynamicStitch(indices, data)
    One tensor whose entry `indices[m][i]` is `data[m][i]`; later ones win.
unique = Unique(x, out_idx=dtypes.int32)
    The distinct entries y of a vector in order of appearance, and idx with y[idx] = x.
unique_with_counts = UniqueWithCounts(x, out_idx=dtypes.int32)
    `tf.unique` with the count of each distinct entry.
""",
)
