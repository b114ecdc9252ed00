"""Making, shaping and indexing of tensors with TensorFlow 1's arguments."""

from penstock._src.api.array import creation, indexing, joining, shaping
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


@export(v1=["constant"])
def constant(value, dtype=None, shape=None, name="Const", verify_shape=False):
    """A tensor of `value`; `shape` may say how often a last value is repeated.

    Raises:
      TypeError: with `verify_shape`, the value has another shape than `shape`.
    """
    tensor = creation.constant(value, dtype)
    if shape is None:
        return creation.constant(value, dtype, name=name)
    if verify_shape and tensor.shape.as_list() != list(shape):
        raise TypeError(f"Expected Tensor's shape: {tuple(shape)}, got {tensor.shape}.")
    missing = _size(shape) - tensor.shape.num_elements()
    if missing <= 0 or tensor.shape.num_elements() == 1:
        return creation.constant(value, dtype, shape, name)
    flat = raw.Reshape(tensor=tensor, shape=[-1])
    last = raw.Fill(dims=[missing], value=flat[-1])
    return raw.Reshape(
        tensor=raw.ConcatV2(values=[flat, last], axis=0), shape=list(shape), name=name
    )


def _size(shape):
    count = 1
    for extent in shape:
        count *= int(extent)
    return count


@export(v1=["zeros"])
def zeros(shape, dtype=dtypes.float32, name=None, layout=None):
    """A tensor of zeros."""
    return creation.zeros(shape, dtype, name, layout)


@export(v1=["ones"])
def ones(shape, dtype=dtypes.float32, name=None, layout=None):
    """A tensor of ones."""
    return creation.ones(shape, dtype, name, layout)


@export(v1=["zeros_like"])
def zeros_like(tensor, dtype=None, name=None, optimize=True):
    """Zeros of the shape and type of `tensor`."""
    del optimize
    return creation.zeros_like(tensor, dtype, name)


@export(v1=["ones_like"])
def ones_like(tensor, dtype=None, name=None, optimize=True):
    """Ones of the shape and type of `tensor`."""
    del optimize
    return creation.ones_like(tensor, dtype, name)


@export(v1=["fill"])
def fill(dims, value, name=None, layout=None):
    """A tensor of `value`."""
    return creation.fill(dims, value, name, layout)


@export(v1=["shape"])
def shape(input, name=None, out_type=None):
    """The shape of `input` as a vector."""
    return shaping.shape(input, out_type or dtypes.int32, name)


@export(v1=["size"])
def size(input, name=None, out_type=None):
    """The number of elements of `input`."""
    return shaping.size(input, out_type or dtypes.int32, name)


@export(v1=["expand_dims"])
def expand_dims(input, axis=None, name=None, dim=None):
    """`input` with a dimension of 1 at `axis`."""
    axis = either("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return shaping.expand_dims(input, axis, name)


@export(v1=["squeeze"])
def squeeze(input, axis=None, name=None, squeeze_dims=None):
    """`input` without dimensions of 1."""
    return shaping.squeeze(input, either("axis", axis, "squeeze_dims", squeeze_dims), name)


@export(v1=["where"])
def where(condition, x=None, y=None, name=None):
    """Where `condition` holds: `x`, elsewhere `y`; without both, the indices where it holds.

    `condition` may be a vector, which chooses among the rows of `x` and `y`.
    """
    if x is None and y is None:
        return indexing.where(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return raw.Select(condition=condition, x=x, y=y, name=name)


@export(v1=["gather"])
def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
    """Slices of `params` along `axis`."""
    return indexing.gather(params, indices, validate_indices, axis, batch_dims, name)


@export(v1=["gather_nd", "manip.gather_nd"])
def gather_nd(params, indices, name=None, batch_dims=0, bad_indices_policy=""):
    """Slices of `params` at index vectors."""
    return indexing.gather_nd(params, indices, batch_dims, name, bad_indices_policy)


@export(v1=["batch_gather"])
def batch_gather(params, indices, name=None):
    """Slices of `params` along the last axis of `indices`, batch by batch."""
    indices = convert_to_tensor(indices)
    batch = indices.shape.rank - 1
    return indexing.gather(params, indices, None, batch, batch, name)


@export(v1=["boolean_mask"])
def boolean_mask(tensor, mask, name="boolean_mask", axis=None):
    """The values of `tensor` where `mask` holds."""
    return indexing.boolean_mask(tensor, mask, axis, name)


@export(v1=["transpose"])
def transpose(a, perm=None, name="transpose", conjugate=False):
    """`a` with its axes in the order `perm`."""
    return shaping.transpose(a, perm, conjugate, name)


@export(v1=["pad"])
def pad(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
    """`tensor` with values added at its borders."""
    return joining.pad(tensor, paddings, mode, constant_values, name)


@export(v1=["reverse_sequence"])
def reverse_sequence(
    input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None, batch_dim=None
):
    """`input` with the first `seq_lengths` steps of each sequence turned round."""
    along = either("seq_axis", seq_axis, "seq_dim", seq_dim)
    batch = either("batch_axis", batch_axis, "batch_dim", batch_dim)
    return joining.reverse_sequence(input, seq_lengths, along, batch, name)


@export(v1=["space_to_batch", "nn.space_to_batch"])
def space_to_batch(input, paddings, block_size=None, name=None, block_shape=None):
    """Blocks of the spatial dimensions moved to the batch."""
    block = either("block_shape", block_shape, "block_size", block_size)
    return shaping.space_to_batch(input, _block(block), paddings, name)


@export(v1=["batch_to_space"])
def batch_to_space(input, crops, block_size, name=None, block_shape=None):
    """Blocks of the batch moved to the spatial dimensions."""
    block = either("block_shape", block_shape, "block_size", block_size)
    return shaping.batch_to_space(input, _block(block), crops, name)


def _block(size):
    return [size, size] if isinstance(size, int) else size


@export(v1=["space_to_batch_nd", "manip.space_to_batch_nd"])
def space_to_batch_nd(input, block_shape, paddings, name=None):
    """Blocks of the spatial dimensions moved to the batch."""
    return shaping.space_to_batch(input, block_shape, paddings, name)


@export(v1=["batch_to_space_nd", "manip.batch_to_space_nd"])
def batch_to_space_nd(input, block_shape, crops, name=None):
    """Blocks of the batch moved to the spatial dimensions."""
    return shaping.batch_to_space(input, block_shape, crops, name)


@export(v1=["space_to_depth", "nn.space_to_depth"])
def space_to_depth(input, block_size, name=None, data_format="NHWC"):
    """Blocks of the spatial dimensions moved to the channels."""
    return raw.SpaceToDepth(input=input, block_size=block_size, data_format=data_format, name=name)


@export(v1=["depth_to_space", "nn.depth_to_space"])
def depth_to_space(input, block_size, name=None, data_format="NHWC"):
    """Blocks of the channels moved to the spatial dimensions."""
    return raw.DepthToSpace(input=input, block_size=block_size, data_format=data_format, name=name)


@export(v1=["setdiff1d"])
def setdiff1d(x, y, index_dtype=dtypes.int32, name=None):
    """The values of `x` that are not in `y`, and where they stand."""
    return raw.ListDiff(x=x, y=y, out_idx=dtypes.as_dtype(index_dtype), name=name)


@export(v1=["extract_image_patches", "image.extract_image_patches"])
def extract_image_patches(
    images, ksizes=None, strides=None, rates=None, padding=None, name=None, sizes=None
):
    """Patches of images, side by side in the channels."""
    sizes = either("sizes", sizes, "ksizes", ksizes)
    return raw.ExtractImagePatches(
        images=images, ksizes=sizes, strides=strides, rates=rates, padding=padding, name=name
    )


@export(v1=["convert_to_tensor_or_indexed_slices"])
def convert_to_tensor_or_indexed_slices(value, dtype=None, name=None):
    """`value` if it is an IndexedSlices or SparseTensor, or else as a tensor."""
    if not isinstance(value, CompositeTensor):
        return convert_to_tensor(value, dtype, name=name)
    _check_dtype(value, dtype, ValueError, "Tensor conversion requested dtype")
    return value


@export(v1=["convert_to_tensor_or_sparse_tensor"])
def convert_to_tensor_or_sparse_tensor(value, dtype=None, name=None):
    """`value` if it is a SparseTensor, or else as a tensor."""
    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        return convert_to_tensor(value, dtype, name=name)
    _check_dtype(value, dtype, RuntimeError, "Sparse dtype mismatch. Requested:")
    return value


def _check_dtype(value, dtype, error, what):
    if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
        raise error(f"{what} {dtypes.as_dtype(dtype).name},  Actual: {value.dtype.name}")


@export(v1=["user_ops.my_fact"])
def my_fact():
    """Returns the text of a fact about factorials."""
    return raw.Fact()
