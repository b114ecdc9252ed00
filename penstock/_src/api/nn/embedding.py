"""Embedding lookups: rows of tables by id, single or combined by sparse ids."""

import numpy as np

from penstock._src.api.array.clipping import clip_by_norm
from penstock._src.api.array.indexing import gather
from penstock._src.api.array.joining import concat, stack
from penstock._src.api.array.ranges import range as number_range
from penstock._src.api.array.shaping import shape, size
from penstock._src.api.control.scopes import name_scope_v1
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_sum
from penstock._src.api.math.scan import (
    segment_sum,
    sparse_segment_mean,
    sparse_segment_sqrt_n,
    sparse_segment_sum,
)
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import NARROW
from penstock._src.util.export import export


def _clipped(rows, max_norm):
    if max_norm is None:
        return rows
    return clip_by_norm(rows, max_norm, axes=list(range(1, rows.shape.rank)))


def _table(part):
    """A table or a part of one, converted to a tensor if necessary."""
    has_shape = hasattr(part, "shape") and not isinstance(part, np.ndarray)
    return part if has_shape else convert_to_tensor(part, name="params")


def lookup(params, ids, strategy, max_norm, name=None):
    """The rows of a table, or of one that is divided among parts by a strategy, "mod" or "div"."""
    if hasattr(params, "_get_variable_list"):
        params = params._get_variable_list()
    if params is None:
        raise ValueError("params must be specified")
    if isinstance(params, (list, tuple)) and not params:
        raise ValueError("Length of params is currently 0. Need at least one param.")
    if isinstance(params, (list, tuple)) and len(params) == 1:
        params = _table(params[0])
    if not isinstance(params, (list, tuple)):
        params = _table(params)
        ids = convert_to_tensor(ids, name="ids")
        rows = gather(params, ids, name=name)
        if max_norm is not None:
            axes = raw.Range(start=raw.Rank(input=ids), limit=raw.Rank(input=rows), delta=1)
            if ids.shape.rank is not None and rows.shape.rank is not None:
                axes = list(range(ids.shape.rank, rows.shape.rank))
            rows = clip_by_norm(rows, max_norm, axes=axes)
        return rows if STATE.graph is None else raw.Identity(input=rows)
    return _lookup_shards([_table(p) for p in params], ids, strategy, max_norm, name)


def _lookup_shards(params, ids, strategy, max_norm, name=None):
    """Looks up rows of a table that is partitioned over several tensors, by TensorFlow's operations."""
    ids = convert_to_tensor(ids, name="ids")
    flat = raw.Reshape(tensor=ids, shape=[-1])
    places = number_range(size(flat))
    shard, row = _places_in_parts(params, flat, strategy)
    shard, count = cast(shard, dtypes.int32), len(params)
    rows = raw.DynamicPartition(data=row, partitions=shard, num_partitions=count)
    places = raw.DynamicPartition(data=places, partitions=shard, num_partitions=count)
    parts = [gather(p, r) for p, r in zip(params, rows, strict=True)]
    together = raw.ParallelDynamicStitch(indices=list(places), data=parts, name=name)
    rest = params[0].shape[1:]
    known = rest.is_fully_defined()  # then a variable need not be read for it
    tail = np.array(rest.as_list(), np.int32) if known else raw.Shape(input=params[0])[1:]
    extents = concat([shape(ids), tail], 0)
    return _clipped(raw.Reshape(tensor=together, shape=extents), max_norm)


def _places_in_parts(params, flat, strategy):
    """The part of a divided table in which each id is, and its row there."""
    number = np.asarray(len(params), flat.dtype.as_numpy_dtype)
    if strategy == "mod":
        shard = raw.FloorMod(x=flat, y=number, name="mod")
        return shard, raw.FloorDiv(x=flat, y=number, name="floordiv")
    if strategy != "div":
        raise ValueError(
            f"Unrecognized partition strategy: {strategy}.Must be one of either `mod` or `div`."
        )
    one = np.asarray(1, flat.dtype.as_numpy_dtype)
    total, least = _row_count(params, flat.dtype)
    extent = raw.FloorDiv(x=total, y=number, name="floordiv")
    spill = raw.FloorMod(x=total, y=number, name="mod")  # this many parts have a row more
    # The rows of later parts, unless there are fewer rows than parts: dividing by 0 is an error.
    later = extent if least is not None and least >= len(params) else raw.Maximum(x=extent, y=one)
    low = raw.FloorDiv(x=flat, y=extent + one, name="floordiv")
    shard = raw.Maximum(x=low, y=raw.FloorDiv(x=flat - spill, y=later, name="floordiv"))
    is_early = shard < spill
    early = raw.FloorMod(x=flat, y=extent + one, name="mod")
    late = raw.FloorMod(x=flat - spill, y=later, name="mod")
    return shard, raw.Select(condition=is_early, x=early, y=late)


def _row_count(params, kind):
    """The rows of all parts of a table, and their number if it is known when the graph is built."""
    known = [None if p.shape.rank is None else p.shape[0] for p in params]
    if None not in known:
        return convert_to_tensor(np.asarray(sum(known), kind.as_numpy_dtype)), sum(known)
    return reduce_sum(cast(stack([shape(p)[0] for p in params]), kind)), None


@dispatchable("nn.embedding_lookup", v1=[], named="embedding_lookup")
def embedding_lookup(params, ids, max_norm=None, name=None):
    """Returns rows of a table by their ids.

    The gradient of the table is an `IndexedSlices` of the rows that were read.

    Args:
      params: the table, `[rows, ...]`, as a tensor or variable, or a list of its parts in order.
      ids: int32 or int64, of any shape, or a ragged tensor.
      max_norm: the greatest Euclidean norm of a row; longer ones are scaled down. None for no
        limit.
      name: a name for the operation.

    Returns:
      A tensor of shape `ids.shape + params.shape[1:]`.

    Raises:
      InvalidArgumentError: an id is out of range.

    >>> table = tf.constant([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> tf.nn.embedding_lookup(table, [2, 0]).numpy()
    array([[3., 3.],
           [1., 1.]], dtype=float32)
    """
    return lookup(params, ids, "div", max_norm, name)


@export(v1=["nn.embedding_lookup"])
@scoped(named="embedding_lookup")
def embedding_lookup_v1(
    params, ids, partition_strategy="mod", name=None, validate_indices=True, max_norm=None
):
    """The rows `ids` of a table; a list of tables holds rows in "mod" or "div" order."""
    del validate_indices
    return lookup(params, ids, partition_strategy, max_norm, name)


@dispatchable("nn.embedding_lookup_sparse", v1=[], named="embedding_lookup_sparse")
def embedding_lookup_sparse(
    params, sp_ids, sp_weights, combiner=None, max_norm=None, name=None, allow_fast_lookup=False
):
    """Returns one combined embedding for each row of sparse ids.

    Args:
      params: the table, `[rows, ...]`, or a list of its parts.
      sp_ids: a `SparseTensor` or `RaggedTensor` of int32 or int64 ids; each row needs at least
        one.
      sp_weights: float weights of the same structure, or None for 1.
      combiner: "sum", "mean" (the default: divided by the sum of the weights) or "sqrtn" (divided
        by the root of the sum of their squares).
      max_norm: the greatest norm of an embedding before it is combined.
      name: a name for the operation.
      allow_fast_lookup: a hint without effect.

    Returns:
      A tensor `[rows of ids, ...]`.

    Raises:
      ValueError: `combiner` is another word.
      InvalidArgumentError: an id is out of range.

    >>> table = tf.constant([[1.0], [2.0], [3.0]])
    >>> ids = tf.ragged.constant([[0, 2], [1]])
    >>> tf.nn.embedding_lookup_sparse(table, ids, None, combiner="sum").numpy()
    array([[4.],
           [2.]], dtype=float32)
    """
    del allow_fast_lookup
    return _sparse_lookup(params, sp_ids, sp_weights, "div", combiner, max_norm, name)


@export(v1=["nn.embedding_lookup_sparse"])
def embedding_lookup_sparse_v1(
    params,
    sp_ids,
    sp_weights,
    partition_strategy="mod",
    name=None,
    combiner=None,
    max_norm=None,
    allow_fast_lookup=False,
):
    """`embedding_lookup_sparse` where the parts of a table may be interleaved ("mod")."""
    del allow_fast_lookup
    return _sparse_lookup(params, sp_ids, sp_weights, partition_strategy, combiner, max_norm, name)


def _sparse_lookup(params, sp_ids, sp_weights, strategy, combiner, max_norm, name):
    combiner = "mean" if combiner is None else combiner
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum', got " + str(combiner))
    if sp_weights is not None and type(sp_weights) is not type(sp_ids):
        raise TypeError(
            "sp_weights must be either None or SparseTensor, got "
            f"{type(sp_weights)} and {type(sp_ids)}"
        )
    if hasattr(sp_ids, "value_rowids"):
        segments, ids = sp_ids._rowids_of_values(), sp_ids.flat_values
        weights = None if sp_weights is None else sp_weights.flat_values
    elif not isinstance(sp_ids, SparseTensor):
        raise TypeError(f"sp_ids must be SparseTensor, got {type(sp_ids)}")
    else:
        segments, ids = sp_ids.indices[:, 0], sp_ids.values
        weights = None if sp_weights is None else sp_weights.values
    if weights is not None:
        ids.shape.assert_is_compatible_with(weights.shape)
    distinct, places = raw.Unique(x=ids)
    rows = lookup(params, distinct, strategy, max_norm)
    kind = rows.dtype
    if kind in NARROW:
        rows = cast(rows, dtypes.float32)
    total = _combined(rows, places, segments, weights, combiner)
    total = total if total.dtype == kind else cast(total, kind)
    return raw.Identity(input=total, name=name) if name else total


def _combined(rows, places, segments, weights, combiner):
    """The sum, mean or sqrtn of each segment's weighted rows, which are rows[places]."""
    if weights is None:
        combine = {
            "sum": sparse_segment_sum,
            "mean": sparse_segment_mean,
            "sqrtn": sparse_segment_sqrt_n,
        }[combiner]
        return combine(rows, places, segments)
    rows = raw.GatherV2(params=rows, indices=places, axis=0)
    weights = cast(weights, rows.dtype)
    if rows.shape.rank is None:
        ones = raw.OnesLike(x=raw.Shape(input=rows)[1:])
        column_shape = raw.ConcatV2(values=[[-1], ones], axis=0)
    else:
        column_shape = np.array([-1] + [1] * (rows.shape.rank - 1), np.int32)
    column = raw.Reshape(tensor=weights, shape=column_shape)
    total = segment_sum(rows * column, segments)
    if combiner == "sum":
        return total
    if combiner == "mean":
        return raw.DivNoNan(x=total, y=segment_sum(column, segments))
    squares = segment_sum(raw.Square(x=column), segments)
    return raw.DivNoNan(x=total, y=raw.Sqrt(x=squares))


@dispatchable("nn.safe_embedding_lookup_sparse", v1=[])
def safe_embedding_lookup_sparse(
    embedding_weights,
    sparse_ids,
    sparse_weights=None,
    combiner="mean",
    default_id=None,
    max_norm=None,
    name=None,
    allow_fast_lookup=False,
):
    """Returns one combined embedding for each row of sparse ids, which may be empty or invalid.

    Negative ids and ids without a positive weight are left out. A row without ids gets the
    embedding of `default_id`, or zeros.

    Args:
      embedding_weights: the table, `[rows, ...]`, or a list of its parts.
      sparse_ids: a `SparseTensor` or `RaggedTensor` of ids.
      sparse_weights: float weights of the same structure, or None for 1.
      combiner: "sum", "mean" or "sqrtn".
      default_id: the id for empty rows.
      max_norm: the greatest norm of an embedding before it is combined.
      name: a name for the operation.
      allow_fast_lookup: a hint without effect.

    Returns:
      A tensor `[rows of ids, ...]`.

    Raises:
      ValueError: `embedding_weights` is empty.

    >>> table = tf.constant([[1.0], [2.0], [3.0]])
    >>> ids = tf.sparse.from_dense([[1, 2], [0, 0]])
    >>> tf.nn.safe_embedding_lookup_sparse(table, ids).numpy()
    array([[2.5],
           [0. ]], dtype=float32)
    """
    del allow_fast_lookup
    arguments = (
        embedding_weights,
        sparse_ids,
        sparse_weights,
        combiner,
        default_id,
        max_norm,
        name,
    )
    return _safe_lookup(*arguments, "div")


@export(v1=["nn.safe_embedding_lookup_sparse"])
def safe_embedding_lookup_sparse_v1(
    embedding_weights,
    sparse_ids,
    sparse_weights=None,
    combiner="mean",
    default_id=None,
    name=None,
    partition_strategy="div",
    max_norm=None,
    allow_fast_lookup=False,
):
    """`safe_embedding_lookup_sparse` where the parts of a table may be interleaved ("mod")."""
    del allow_fast_lookup
    arguments = (
        embedding_weights,
        sparse_ids,
        sparse_weights,
        combiner,
        default_id,
        max_norm,
        name,
    )
    return _safe_lookup(*arguments, partition_strategy)


def _safe_lookup(
    embedding_weights, sparse_ids, sparse_weights, combiner, default_id, max_norm, name, strategy
):
    if hasattr(sparse_ids, "to_sparse"):
        sparse_ids = sparse_ids.to_sparse()
        sparse_weights = None if sparse_weights is None else sparse_weights.to_sparse()
    with name_scope_v1(name, "embedding_lookup") as scope:
        ids, weights = _rows_of_ids(sparse_ids, sparse_weights)
        ids, weights, empty = _valid_ids(ids, weights, combiner, default_id)
        result = _sparse_lookup(embedding_weights, ids, weights, strategy, combiner, max_norm, None)
        if default_id is None:
            ones = raw.Fill(dims=[raw.Rank(input=result) - 1], value=np.int32(1))
            if result.shape.rank is not None:
                ones = np.ones(result.shape.rank - 1, np.int32)
            shape = raw.ConcatV2(values=[np.array([-1], np.int32), ones], axis=0)
            mask = raw.Reshape(tensor=empty, shape=shape)
            zeros = raw.ZerosLike(x=result)
            result = raw.SelectV2(condition=mask, t=zeros, e=result, name=scope)
        rank = sparse_ids.dense_shape.shape[0]
        if rank == 2:
            return result
        lead = cast(sparse_ids.dense_shape[:-1], dtypes.int32)
        target = raw.ConcatV2(values=[lead, raw.Shape(input=result)[1:]], axis=0)
        shaped = raw.Reshape(tensor=result, shape=target)
        leading = TensorShape(None if rank is None else [None] * (rank - 1))
        shaped.set_shape(leading.concatenate(result.shape[1:]))
        return shaped


def _rows_of_ids(ids, weights):
    """Sparse ids, and weights at the same indices, with all axes but the last merged."""
    shape = ids.dense_shape
    rows = raw.Prod(input=shape[:-1], axis=[0], keep_dims=True)
    flat_shape = raw.ConcatV2(values=[rows, shape[-1:]], axis=0)
    indices, _ = raw.SparseReshape(
        input_indices=ids.indices, input_shape=shape, new_shape=flat_shape
    )
    flat = SparseTensor(indices, ids.values, flat_shape)
    return flat, None if weights is None else SparseTensor(indices, weights.values, flat_shape)


def _valid_ids(ids, weights, combiner, default_id):
    """Ids and weights without invalid ones, and which rows are empty: those get the default id."""
    keep = ids.values >= np.zeros((), ids.values.dtype.as_numpy_dtype)
    if weights is not None and combiner != "sum":
        zero = np.zeros((), weights.values.dtype.as_numpy_dtype)
        keep = raw.LogicalAnd(x=keep, y=weights.values > zero)
    picks = raw.Where(condition=keep)[:, 0]

    def filled(sparse, default):
        parts = raw.SparseFillEmptyRows(
            indices=raw.GatherV2(params=sparse.indices, indices=picks, axis=0),
            values=raw.GatherV2(params=sparse.values, indices=picks, axis=0),
            dense_shape=sparse.dense_shape,
            default_value=np.asarray(default, sparse.values.dtype.as_numpy_dtype),
        )
        return SparseTensor(parts[0], parts[1], sparse.dense_shape), parts[2]

    ids, empty = filled(ids, 0 if default_id is None else default_id)
    return ids, None if weights is None else filled(weights, 1)[0], empty
