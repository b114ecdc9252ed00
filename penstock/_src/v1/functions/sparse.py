"""Functions of sparse tensors with TensorFlow 1's names and orders of arguments."""

from penstock._src.api.array.joining import concat
from penstock._src.api.io import parsing
from penstock._src.api.math import scan
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse import functions
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


class KeywordRequired:
    """The default of an argument that may not be given by its place."""

    def __repr__(self):
        return "<KeywordRequired>"


_KEYWORD_REQUIRED = KeywordRequired()


@export(v1=["sparse_add", "sparse.add"])
def sparse_add(a, b, threshold=None, thresh=None):
    """The sum of two sparse tensors, or of one with a dense one.

    Entries whose magnitude is below `threshold` (by its older name `thresh`) are left out.
    """
    threshold = either("threshold", threshold, "thresh", thresh)
    return functions.add(a, b, 0 if threshold is None else threshold)


@export(v1=["sparse_concat", "sparse.concat"])
def sparse_concat(
    axis,
    sp_inputs,
    name=None,
    expand_nonconcat_dim=False,
    concat_dim=None,
    expand_nonconcat_dims=None,
):
    """Sparse tensors one after the other along `axis`."""
    expand = expand_nonconcat_dim if expand_nonconcat_dims is None else expand_nonconcat_dims
    axis = axis if concat_dim is None else concat_dim
    return functions.concat(axis, sp_inputs, expand, name)


@export(v1=["sparse_split", "sparse.split"])
def sparse_split(
    keyword_required=_KEYWORD_REQUIRED,
    sp_input=None,
    num_split=None,
    axis=None,
    name=None,
    split_dim=None,
):
    """A sparse tensor in `num_split` parts along `axis`; arguments must be given by name."""
    if keyword_required is not _KEYWORD_REQUIRED:
        raise ValueError("Keyword arguments are required for this function.")
    axis = either("axis", axis, "split_dim", split_dim)
    for what, given in (("sp_input", sp_input), ("num_split", num_split), ("axis", axis)):
        if given is None:
            raise ValueError(f"{what} is required")
    return functions.split(sp_input, num_split, axis, name)


def _reduce(function, sp_input, axis, keepdims, reduction_axes, keep_dims, is_sparse):
    axis = either("axis", axis, "reduction_axes", reduction_axes)
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return function(sp_input, axis, bool(keep), is_sparse)


@export(v1=["sparse_reduce_max", "sparse.reduce_max"])
def sparse_reduce_max(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
    """The greatest stored entry over `axis`."""
    given = (sp_input, axis, keepdims, reduction_axes, keep_dims)
    return _reduce(functions.reduce_max, *given, False)


@export(v1=["sparse_reduce_max_sparse", "sparse.reduce_max_sparse"])
def sparse_reduce_max_sparse(
    sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None
):
    """The greatest stored entry over `axis`, as a sparse tensor."""
    given = (sp_input, axis, keepdims, reduction_axes, keep_dims)
    return _reduce(functions.reduce_max, *given, True)


@export(v1=["sparse_reduce_sum", "sparse.reduce_sum"])
def sparse_reduce_sum(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
    """The sum over `axis`."""
    given = (sp_input, axis, keepdims, reduction_axes, keep_dims)
    return _reduce(functions.reduce_sum, *given, False)


@export(v1=["sparse_reduce_sum_sparse", "sparse.reduce_sum_sparse"])
def sparse_reduce_sum_sparse(
    sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None
):
    """The sum over `axis`, as a sparse tensor."""
    given = (sp_input, axis, keepdims, reduction_axes, keep_dims)
    return _reduce(functions.reduce_sum, *given, True)


@export(v1=["sparse_matmul"])
def sparse_matmul(
    a,
    b,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name=None,
):
    """The product of two dense matrices, of which one may have many zeros."""
    return raw.SparseMatMul(
        a=a,
        b=b,
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
        name=name,
    )


@export(v1=["sparse_segment_sum", "sparse.segment_sum"])
def sparse_segment_sum(
    data, indices, segment_ids, name=None, num_segments=None, sparse_gradient=False
):
    """The sums of the rows `indices` of `data` by segment."""
    return scan.sparse_segment_sum(data, indices, segment_ids, num_segments, name, sparse_gradient)


@export(v1=["sparse_segment_mean", "sparse.segment_mean"])
def sparse_segment_mean(
    data, indices, segment_ids, name=None, num_segments=None, sparse_gradient=False
):
    """The means of the rows `indices` of `data` by segment."""
    return scan.sparse_segment_mean(data, indices, segment_ids, num_segments, name, sparse_gradient)


@export(v1=["sparse_segment_sqrt_n", "sparse.segment_sqrt_n"])
def sparse_segment_sqrt_n(
    data, indices, segment_ids, name=None, num_segments=None, sparse_gradient=False
):
    """The sums of the rows `indices` of `data` by segment, over the root of their number."""
    return scan.sparse_segment_sqrt_n(
        data, indices, segment_ids, num_segments, name, sparse_gradient
    )


@export(v1=["sparse_to_dense"])
def sparse_to_dense(
    sparse_indices, output_shape, sparse_values, default_value=0, validate_indices=True, name=None
):
    """A dense tensor of given entries, and `default_value` elsewhere."""
    values = convert_to_tensor(sparse_values)
    return raw.SparseToDense(
        sparse_indices=sparse_indices,
        output_shape=output_shape,
        sparse_values=values,
        default_value=convert_to_tensor(default_value, dtype=values.dtype),
        validate_indices=validate_indices,
        name=name,
    )


@export(v1=["serialize_sparse", "io.serialize_sparse"])
def serialize_sparse(sp_input, name=None, out_type=dtypes.string):
    """A sparse tensor as three strings."""
    return parsing.serialize_sparse(sp_input, out_type, name)


@export(v1=["serialize_many_sparse", "io.serialize_many_sparse"])
def serialize_many_sparse(sp_input, name=None, out_type=dtypes.string):
    """The rows of a sparse tensor as three strings each."""
    return parsing.serialize_many_sparse(sp_input, out_type, name)


@export(v1=["sparse_merge", "sparse.merge"])
def sparse_merge(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
    """Places the values of one sparse tensor at the ids that another (or several) hold.

    Args:
      sp_ids: a SparseTensor of ids, or a list of them.
      sp_values: a SparseTensor of the same indices.
      vocab_size: how many ids there are, or a list.
      name: accepted.
      already_sorted: whether the ids are sorted within rows.

    Returns:
      A SparseTensor whose last dimensions are the ids.
    """
    del name
    if isinstance(sp_ids, SparseTensor):
        sp_ids, vocab_size = [sp_ids], [vocab_size]
    elif not isinstance(vocab_size, (list, tuple)):
        raise TypeError(
            f"vocab_size has to be a list of Tensors or Python ints. Found {type(vocab_size)}"
        )
    if len(sp_ids) != len(vocab_size):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    columns = [raw.ExpandDims(input=cast(ids.values, dtypes.int64), axis=1) for ids in sp_ids]
    extents = [raw.Reshape(tensor=cast(n, dtypes.int64), shape=[1]) for n in vocab_size]
    indices = concat([sp_ids[0].indices[:, :-1], *columns], axis=1)
    shape = concat([sp_ids[0].dense_shape[:-1], *extents], axis=0)
    merged = SparseTensor(indices, sp_values.values, shape)
    return merged if already_sorted else functions.reorder(merged)
