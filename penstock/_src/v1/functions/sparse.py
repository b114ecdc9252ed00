"""Functions of sparse tensors with parameters that TensorFlow 2 does not have."""

from penstock._src.api.array.indexing import get_static_int
from penstock._src.api.array.joining import concat
from penstock._src.api.math.elementwise import cast
from penstock._src.api.sparse import functions
from penstock._src.api.sparse.sparse_tensor import SparseTensor, SparseTensorValue, to_sparse
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


class KeywordRequired:
    """The default of a parameter that only forces the next ones to be keywords."""

    def __repr__(self):
        return "<KeywordRequired>"


_KEYWORD_REQUIRED = KeywordRequired()


@export(v1=["sparse_concat", "sparse.concat"])
def sparse_concat(
    axis,
    sp_inputs,
    name=None,
    expand_nonconcat_dim=False,
    concat_dim=None,
    expand_nonconcat_dims=None,
):
    """Concatenates sparse tensors along `axis`."""
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
    """Splits a sparse tensor into `num_split` parts along `axis`; arguments must be given by name."""
    if keyword_required is not _KEYWORD_REQUIRED:
        raise ValueError("Keyword arguments are required for this function.")
    axis = either("axis", axis, "split_dim", split_dim)
    for what, argument in (("sp_input", sp_input), ("num_split", num_split), ("axis", axis)):
        if argument is None:
            raise ValueError(f"{what} is required")
    return functions.split(sp_input, num_split, axis, name)


@export(v1=["sparse_to_dense"])
def sparse_to_dense(
    sparse_indices, output_shape, sparse_values, default_value=0, validate_indices=True, name=None
):
    """A dense tensor with the given entries, and `default_value` elsewhere."""
    values = convert_to_tensor(sparse_values)
    return raw.SparseToDense(
        sparse_indices=sparse_indices,
        output_shape=output_shape,
        sparse_values=values,
        default_value=convert_to_tensor(default_value, dtype=values.dtype),
        validate_indices=validate_indices,
        name=name,
    )


@export(v1=["sparse_merge", "sparse.merge"])
def sparse_merge(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
    """Places the values of one sparse tensor at the ids in another (or several others).

    Args:
      sp_ids: a SparseTensor of ids, or a list of them.
      sp_values: a SparseTensor with the same indices.
      vocab_size: the number of ids, or a list of numbers.
      name: accepted.
      already_sorted: whether the ids are sorted within rows.

    Returns:
      A SparseTensor whose last dimensions are the ids.
    """
    del name
    if isinstance(sp_ids, (SparseTensor, SparseTensorValue)):
        sp_ids, vocab_size = [sp_ids], [vocab_size]
    elif not isinstance(vocab_size, (list, tuple)):
        raise TypeError(
            f"vocab_size has to be a list of Tensors or Python ints. Found {type(vocab_size)}"
        )
    if len(sp_ids) != len(vocab_size):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    sp_ids, sp_values = [to_sparse(ids) for ids in sp_ids], to_sparse(sp_values)
    columns = [raw.ExpandDims(input=cast(ids.values, dtypes.int64), axis=1) for ids in sp_ids]
    extents = [raw.Reshape(tensor=cast(n, dtypes.int64), shape=[1]) for n in vocab_size]
    indices = concat([sp_ids[0].indices[:, :-1], *columns], axis=1)
    shape = concat([sp_ids[0].dense_shape[:-1], *extents], axis=0)
    merged = SparseTensor(indices, sp_values.values, shape)
    known = [n if isinstance(n, int) else get_static_int(n) for n in vocab_size]
    lead = [None] * (sp_ids[0].shape.rank - 1) if sp_ids[0].shape.rank is not None else None
    if lead is not None:
        merged.set_shape([*lead, *known])
    return merged if already_sorted else functions.reorder(merged)
