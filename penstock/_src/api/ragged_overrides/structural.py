"""Products, splits and partitions of ragged tensors."""

import numpy as np

from penstock._src.api.array import joining, shaping
from penstock._src.api.control.conditionals import cond
from penstock._src.api.control.scopes import name_scope
from penstock._src.api.image.resizing import resize
from penstock._src.api.linalg.products import matmul
from penstock._src.api.mapping.functional import map_fn
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged import indexing as rows
from penstock._src.api.ragged.construction import stack_dynamic_partitions
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.ragged.row_checks import depending, positive_axis, require, scalar
from penstock._src.api.ragged.shapes.arguments import require_equal
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.graph.static_values import constant_value_as_shape, get_static_value

NOT_UNIFORM = "The matrices in `a` and `b` may not be ragged in their innermost dimension."


def _matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, **rest):
    """Products of matrices with ragged rows or batches.

    The matrices are padded with zeros for one batched product, whose rows are then truncated.
    """
    a, b = (x if isinstance(x, RaggedTensor) else convert_to_tensor(x) for x in (a, b))
    if a.dtype != b.dtype:
        raise ValueError("`a` and `b` must have the same dtype.")
    if a.shape.rank is None or a.shape.rank != b.shape.rank:
        raise ValueError("`a` and `b` must have the same rank.")
    flags = {
        "transpose_a": transpose_a,
        "transpose_b": transpose_b,
        "adjoint_a": adjoint_a,
        "adjoint_b": adjoint_b,
    }
    if a.shape.rank == 2:
        return matmul(_uniform(a), _uniform(b), **flags, **rest)
    if a.shape.rank > 3:
        raise ValueError(f"Ragged matrices must have rank 2 or 3. Received rank {a.shape.rank}.")
    rows_a, columns_a = _extents(a, transpose_a or adjoint_a)
    rows_b, columns_b = _extents(b, transpose_b or adjoint_b)
    if get_static_value(columns_a) is not None and get_static_value(rows_b) is not None:
        pairs = np.broadcast_arrays(get_static_value(columns_a), get_static_value(rows_b))
        if not np.array_equal(*pairs):
            raise errors.InvalidArgumentError(
                f"Matrix size-incompatible: inner dimensions {pairs[0]} and {pairs[1]}"
            )
    product = matmul(_dense(a), _dense(b), **flags, **rest)
    return _cut(product, rows_a, columns_b)


def _uniform(x):
    """A matrix stored with ragged rows, which must have equal lengths."""
    if not isinstance(x, RaggedTensor):
        return x
    dense = x.to_tensor()
    size = raw.Size(input=dense)
    same = raw.Equal(x=raw.Size(input=x.flat_values), y=size)
    return depending(dense, require(same, NOT_UNIFORM))


def _dense(x):
    return x.to_tensor() if isinstance(x, RaggedTensor) else x


def _extents(x, swapped):
    """The numbers of rows and of columns of each matrix of a batch, or of all."""
    if not isinstance(x, RaggedTensor):
        shape = raw.Shape(input=x, out_type=dtypes.int64)
        extents = shape[1], shape[2]
    elif x.ragged_rank == 1:
        inner = raw.Shape(input=x.flat_values, out_type=dtypes.int64)[1]
        extents = cast(x.row_lengths(), dtypes.int64), inner
    else:
        lengths = x.values.row_lengths()
        widest = raw.SegmentMax(data=lengths, segment_ids=x.value_rowids())
        as_widest = raw.Equal(
            x=raw.GatherV2(params=widest, indices=x.value_rowids(), axis=0), y=lengths
        )
        widest = depending(widest, require(as_widest, NOT_UNIFORM))
        extents = cast(x.row_lengths(), dtypes.int64), cast(widest, dtypes.int64)
    return extents[::-1] if swapped else extents


def _cut(product, row_counts, column_counts):
    """Truncates a batch of padded matrices to their numbers of rows and columns."""
    count = raw.Shape(input=product, out_type=dtypes.int64)
    if row_counts.shape.rank == 0:
        row_counts = raw.Fill(dims=count[:1], value=row_counts)
    result = RaggedTensor.from_tensor(product, lengths=row_counts)
    if column_counts.shape.rank == 0:
        return result
    widths = raw.GatherV2(params=column_counts, indices=result.value_rowids(), axis=0)
    return result.with_values(RaggedTensor.from_tensor(result.values, lengths=widths))


def _split(value, num_or_size_splits, axis=0, num=None, name="split"):
    if isinstance(num_or_size_splits, int) and num_or_size_splits == 1:
        return [value]  # whatever the axis is, as in TensorFlow
    axis = positive_axis(axis, value.shape.rank)
    if 1 <= axis <= value.ragged_rank:
        raise ValueError(
            f"Cannot split a ragged dimension. Got `value` of shape {value.shape} and `axis` {axis}."
        )
    if axis > 0:
        within = axis - value.ragged_rank
        parts = joining.split(value.flat_values, num_or_size_splits, within, num, name)
        return [value.with_flat_values(p) for p in parts]
    if isinstance(num_or_size_splits, int):
        if num_or_size_splits < 1:
            raise ValueError(
                f"`num_or_size_splits` must be >=1 if it is an `int`. Received {num_or_size_splits}"
            )
        count = num_or_size_splits
        size = raw.FloorDiv(x=value.nrows(), y=convert_to_tensor(count, value.row_splits.dtype))
        sizes = [size] * count
    else:
        sizes = convert_to_tensor(num_or_size_splits)
        if not sizes.dtype.is_integer or sizes.shape.rank not in (None, 1):
            raise TypeError(
                "`num_or_size_splits` must be an `int` or 1-D list or `Tensor`. "
                f"Received {num_or_size_splits}."
            )
        if num is not None and sizes.shape.rank and sizes.shape[0] not in (None, num):
            raise ValueError(
                "`num` does not match the size of `num_or_size_split`. "
                f"Received `num`: {num} and size of `num_or_size_split`: {sizes.shape[0]}."
            )
        known = get_static_value(sizes)
        if known is not None and (known < 0).any():
            raise errors.InvalidArgumentError("`num_or_size_splits` must be non-negative.")
        count = sizes.shape[0] if num is None else num
        sizes = [cast(sizes[i], value.row_splits.dtype) for i in range(count)]
    end = convert_to_tensor(0, value.row_splits.dtype)
    ends = [end]
    for size in sizes:
        end = end + size
        ends.append(end)
    message = (
        "Cannot exactly split the `axis` dimension of `value` with the given `num_or_size_split`."
    )
    checks = require_equal(value.nrows(), end, message)
    ends = [depending(end, checks) for end in ends]
    return [rows.rows_between(value, ends[i], ends[i + 1]) for i in range(count)]


def _dynamic_partition(data, partitions, num_partitions, name=None):
    parts = stack_dynamic_partitions(data, partitions, num_partitions, name)
    return [parts[i] for i in range(num_partitions)]


def resizing_each(resize):
    """The resizing function of single images for ragged batches of images of different sizes."""

    def run(images, size, *args, **kwargs):
        if images.shape.rank != 4:
            raise ValueError("tf.image.resize: images.shape.rank must be 4 if images is ragged.")
        with name_scope(kwargs.pop("name", None) or "RaggedResizeImages"):
            size = convert_to_tensor(size, dtype=dtypes.int32, name="size")
            extents = constant_value_as_shape(size).with_rank(2)
            shape = extents + images.shape[-1:]

            def resize_each():
                return map_fn(
                    lambda image: resize(_dense(image), size, *args, **kwargs),
                    images,
                    fn_output_signature=TensorSpec(shape, dtypes.float32),
                )

            def no_images():
                channels = raw.Shape(input=images.flat_values)[-1:]
                made_of = raw.ConcatV2(values=[[0], size, channels], axis=0)
                return raw.Fill(dims=made_of, value=0.0)

            if shape.is_fully_defined():
                return resize_each()
            # The shape of images that are stacked is known by the first of them.
            return cond(images.nrows() > 0, resize_each, no_images)

    return run


def _squeeze(input, axis=None, name=None):
    """Remove axes with rows of length 1. The lengths are checked when the graph runs."""
    if axis is None:
        raise ValueError("Ragged.squeeze must have an axis argument.")
    axes = [axis] if isinstance(axis, int) else axis
    if not isinstance(axes, (list, tuple)) or not all(isinstance(a, int) for a in axes):
        raise TypeError("Axis must be a list or tuple of integers.")
    rank, depth = input.shape.rank, input.ragged_rank
    axes = {positive_axis(a, rank, f"axis[{i}]", "rank(input)") for i, a in enumerate(axes)}
    checks, splits = [], []
    for place, partition in enumerate(input._nested_row_partitions, 1):
        if place not in axes:
            splits.append(partition.row_splits())
            continue
        lengths = partition.row_lengths()
        is_one = raw.Equal(x=lengths, y=scalar(1, lengths.dtype))
        checks += require(is_one, f"the given axis (axis = {place}) is not squeezable!")
    if 0 in axes:
        one = scalar(1, input.row_splits.dtype)
        is_one = raw.Equal(x=input.nrows(), y=one)
        checks += require(is_one, "the given axis (axis = 0) is not squeezable!")
        splits = splits[1:]
    flat = depending(input.flat_values, checks)
    within = [a - depth for a in axes if a > depth]
    if within:
        flat = raw.Squeeze(input=flat, axis=within)
    result = RaggedTensor.from_nested_row_splits(flat, splits)
    if axes.issuperset(range(depth + 1)):
        result = raw.Squeeze(input=result, axis=[0], name=name)
    return result


STRUCTURAL = {
    shaping.squeeze: _squeeze,
    matmul: _matmul,
    joining.split: _split,
    joining.dynamic_partition: _dynamic_partition,
    resize: resizing_each(resize),
}
