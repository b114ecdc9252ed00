"""Functions of sparse tensors."""

import math

import numpy as np

from penstock._src.api.array.indexing import is_unknown
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import assert_equal, assert_less_equal
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, make_shape
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import constant_value_as_shape, get_static_value
from penstock._src.util import nest
from penstock._src.util.export import export

from .sparse_tensor import SparseTensor, SparseTensorValue, to_sparse


def _components(value):
    """The value with the components of a sparse tensor; as in TensorFlow, nothing more is required here.

    Raises:
      TypeError: it lacks them.
    """
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not all(hasattr(value, name) for name in ("indices", "values", "dense_shape")):
        raise TypeError(f"Input must be a SparseTensor. Received: {type(value).__name__}")
    return value


@export("sparse.from_dense")
@scoped("dense_to_sparse")
def from_dense(tensor, name=None):
    """Returns the entries of a tensor that are not zero, as a sparse tensor.

    Args:
      tensor: numbers, bool or strings; empty strings count as zero.
      name: a name for the operation.

    Returns:
      A `SparseTensor` of the same shape, in row-major order.

    >>> tf.sparse.from_dense([[0, 5], [7, 0]]).indices.numpy()
    array([[0, 1],
           [1, 0]])
    """
    tensor = convert_to_tensor(tensor)
    zero = b"" if tensor.dtype == dtypes.string else 0
    zero = convert_to_tensor(zero if not tensor.dtype.is_bool else False, dtype=tensor.dtype)
    indices = raw.Where(condition=raw.NotEqual(x=tensor, y=zero))
    values = raw.GatherNd(params=tensor, indices=indices)
    shape = raw.Shape(input=tensor, out_type=dtypes.int64)
    return _with_shape(SparseTensor(indices, values, shape), tensor.shape)


@export("sparse.to_dense", v1=["sparse.to_dense", "sparse_tensor_to_dense"])
def to_dense(sp_input, default_value=None, validate_indices=True, name=None):
    """Returns the dense tensor of a sparse one.

    Args:
      sp_input: a `SparseTensor`.
      default_value: what stands where there is no entry; 0 or the empty string by default.
      validate_indices: whether indices must be in row-major order without repetition.
      name: a name for the operation.

    Returns:
      A tensor of the same shape.

    Raises:
      TypeError: `sp_input` is not sparse.
      InvalidArgumentError: indices are out of range, or not in order.

    >>> sparse = tf.sparse.SparseTensor([[0, 1]], [5], [2, 2])
    >>> tf.sparse.to_dense(sparse).numpy()
    array([[0, 5],
           [0, 0]], dtype=int32)
    """
    sp = to_sparse(sp_input)
    if default_value is None:
        default_value = b"" if sp.dtype == dtypes.string else (False if sp.dtype.is_bool else 0)
    default = convert_to_tensor(default_value, dtype=sp.dtype)
    result = raw.SparseToDense(
        sparse_indices=sp.indices,
        output_shape=sp.dense_shape,
        sparse_values=sp.values,
        default_value=default,
        validate_indices=validate_indices,
        name=name,
    )
    if result.shape.rank is None or not result.shape.is_fully_defined():
        result.set_shape(sp.shape)
    return result


@export("sparse.reorder", v1=["sparse.reorder", "sparse_reorder"])
def reorder(sp_input, name=None):
    """Returns the same entries in row-major order.

    Args:
      sp_input: a `SparseTensor`.
      name: a name for the operation.

    Returns:
      A `SparseTensor`.

    Raises:
      TypeError: `sp_input` is not sparse.

    >>> sparse = tf.sparse.SparseTensor([[1], [0]], [10, 20], [2])
    >>> tf.sparse.reorder(sparse).values.numpy()
    array([20, 10], dtype=int32)
    """
    sp = to_sparse(sp_input)
    indices, values = raw.SparseReorder(
        input_indices=sp.indices, input_values=sp.values, input_shape=sp.dense_shape, name=name
    )
    return _with_shape(SparseTensor(indices, values, sp.dense_shape), sp.shape)


def _with_shape(sp, shape):
    sp.set_shape(shape)
    return sp


@dispatchable("sparse.reshape", v1=["sparse.reshape", "sparse_reshape"])
def reshape(sp_input, shape, name=None):
    """Returns the same entries in another shape.

    Args:
      sp_input: a `SparseTensor`.
      shape: integers; one may be -1.
      name: a name for the operation.

    Returns:
      A `SparseTensor`.

    Raises:
      InvalidArgumentError: the shape has another number of places.

    >>> sparse = tf.sparse.from_dense([[0, 1], [2, 0]])
    >>> tf.sparse.to_dense(tf.sparse.reshape(sparse, [4])).numpy()
    array([0, 1, 2, 0], dtype=int32)
    """
    sp = to_sparse(sp_input)
    wanted = cast(convert_to_tensor(shape, dtype_hint=dtypes.int64), dtypes.int64)
    indices, new_shape = raw.SparseReshape(
        input_indices=sp.indices, input_shape=sp.dense_shape, new_shape=wanted, name=name
    )
    places = sp.shape.num_elements()
    if isinstance(new_shape, EagerTensor) or places is None:
        return SparseTensor(indices, sp.values, new_shape)
    extents = _reshaped(places, wanted)
    if extents.is_fully_defined():  # later operations infer their shapes from a constant
        new_shape = convert_to_tensor(extents.as_list(), dtype=dtypes.int64)
    return _with_shape(SparseTensor(indices, sp.values, new_shape), extents)


def _reshaped(places: int, wanted: Tensor) -> TensorShape:
    """The static shape with the same number of elements; one extent may be -1."""
    extents = constant_value_as_shape(wanted)
    known = [] if extents.rank is None else [n for n in extents if n is not None]
    unknown = None if extents.rank is None else extents.rank - len(known)
    others = math.prod(known)
    if unknown is None or unknown > 1 or (unknown and not others):
        return extents
    rest = places // others if unknown else 1
    if rest * others != places:
        raise ValueError(
            f"Cannot reshape a tensor with {places} elements to shape {list(extents)} "
            f"({rest * others} elements)."
        )
    return make_shape(tuple(rest if n is None else n for n in extents))


@export("sparse.transpose", v1=["sparse.transpose", "sparse_transpose"])
@scoped("SparseTranspose")
def transpose(sp_input, perm=None, name=None):
    """Returns a sparse tensor with its axes in another order.

    Args:
      sp_input: a `SparseTensor` of rank n.
      perm: a permutation of 0 ... n - 1; by default the reverse order.
      name: a name for the operation.

    Returns:
      A `SparseTensor`.

    Raises:
      ValueError: the permutation has another length.

    >>> sparse = tf.sparse.from_dense([[0, 1], [2, 0]])
    >>> tf.sparse.to_dense(tf.sparse.transpose(sparse)).numpy()
    array([[0, 2],
           [1, 0]], dtype=int32)
    """
    sp = _components(sp_input)
    rank = sp.shape.rank
    if perm is None:
        last = raw.Size(input=sp.dense_shape) - np.int32(1) if rank is None else rank - 1
        perm = raw.Range(start=last, limit=-1, delta=-1)
    perm = convert_to_tensor(perm, dtype_hint=dtypes.int32)
    indices = raw.GatherV2(params=sp.indices, indices=perm, axis=1)
    shape = raw.GatherV2(params=sp.dense_shape, indices=perm, axis=0)
    result = reorder(SparseTensor(indices, sp.values, shape), name=name)
    order = get_static_value(perm)
    if order is not None and rank is not None:
        if len(order) != rank:
            raise ValueError(f"Dimensions {len(order)} and {rank} are not compatible")
        result.set_shape([sp.shape[int(i)] for i in order])
    return result


@export("sparse.expand_dims")
@scoped("expand_dims")
def expand_dims(sp_input, axis=None, name=None):
    """Returns a sparse tensor with a new axis of length 1.

    Args:
      sp_input: a `SparseTensor`.
      axis: where the new axis goes; by default last.
      name: a name for the operation.

    Returns:
      A `SparseTensor` of rank one more.

    Raises:
      TypeError: `axis` is not an integer.
      InvalidArgumentError: `axis` is out of range.

    >>> tf.sparse.expand_dims(tf.sparse.from_dense([1, 0]), 0).dense_shape.numpy()
    array([1, 2])
    """
    sp = _components(sp_input)
    rank = sp.shape.rank
    axis = -1 if axis is None else axis
    if not isinstance(axis, (int, np.integer)):
        raise TypeError(
            "axis must be an integer value in range [-rank(sp_input) - 1, rank(sp_input)]"
        )
    if rank is None:
        rank = raw.Size(input=sp.dense_shape)
    elif not -rank - 1 <= axis <= rank:
        raise InvalidArgumentError(f"axis {axis} is not in the range [{-rank - 1}, {rank}].")
    axis = axis + rank + 1 if axis < 0 else axis
    count = raw.Shape(input=sp.indices, out_type=dtypes.int64)[0]
    column = raw.Fill(dims=raw.Pack(values=[count, np.int64(1)]), value=np.int64(0))
    indices = raw.ConcatV2(values=[sp.indices[:, :axis], column, sp.indices[:, axis:]], axis=1)
    one = np.ones(1, np.int64)
    shape = raw.ConcatV2(values=[sp.dense_shape[:axis], one, sp.dense_shape[axis:]], axis=0)
    result = SparseTensor(indices, sp.values, shape)
    if sp.shape.rank is None:
        return result
    extents = sp.shape.as_list()
    return _with_shape(result, [*extents[:axis], 1, *extents[axis:]])


@export("sparse.concat", v1=[])
def concat(axis, sp_inputs, expand_nonconcat_dims=False, name=None):
    """Returns sparse tensors joined along an axis.

    Args:
      axis: the axis.
      sp_inputs: a list of sparse tensors.
      expand_nonconcat_dims: whether other extents may differ; the greatest counts then.
      name: a name for the operation.

    Returns:
      A `SparseTensor`.

    Raises:
      InvalidArgumentError: other extents or ranks differ.

    >>> one = tf.sparse.from_dense([1, 0])
    >>> tf.sparse.to_dense(tf.sparse.concat(0, [one, one])).numpy()
    array([1, 0, 1, 0], dtype=int32)
    """
    inputs = [to_sparse(s) for s in sp_inputs]
    if len(inputs) == 1:
        return inputs[0]
    shapes = [s.dense_shape for s in inputs]
    if expand_nonconcat_dims:
        largest = raw.Max(input=raw.Pack(values=shapes), axis=[0])
        rank = inputs[0].shape.rank
        place = axis % rank
        shapes = [
            raw.ConcatV2(
                values=[largest[:place], s[place : place + 1], largest[place + 1 :]], axis=0
            )
            for s in shapes
        ]
    indices, values, shape = raw.SparseConcat(
        indices=[s.indices for s in inputs],
        values=[s.values for s in inputs],
        shapes=shapes,
        concat_dim=axis,
        name=name,
    )
    result = SparseTensor(indices, values, shape)
    result.set_shape(_concatenated_shape([s.shape for s in inputs], axis, expand_nonconcat_dims))
    return result


def _concatenated_shape(shapes, axis, expands):
    """The static shape of tensors joined along an axis; other extents are the first tensor's, or the largest if `expands`."""
    if any(shape.rank is None for shape in shapes):
        return TensorShape(None)
    columns = list(zip(*(shape.as_list() for shape in shapes), strict=True))
    at = axis % len(columns)

    def extent(i, column):
        if i != at and not expands:
            return column[0]
        combine = sum if i == at else max
        return None if None in column else combine(column)

    return TensorShape([extent(i, column) for i, column in enumerate(columns)])


@export("sparse.split", v1=[])
def split(sp_input=None, num_split=None, axis=None, name=None):
    """`sp_input` split along `axis` into `num_split` parts.

    Args:
      sp_input: a SparseTensor.
      num_split: the number of parts, an int; the first ones are longer by 1 if it does not divide
        the length.
      axis: an int.
      name: of the operation.

    Returns:
      A list of SparseTensors.

    Raises:
      ValueError: `num_split` or `axis` is missing.
    """
    sp = to_sparse(sp_input)
    if num_split is None or axis is None:
        raise ValueError("sparse.split: `num_split` and `axis` are required.")
    indices, values, shapes = raw.SparseSplit(
        split_dim=np.int64(axis),
        indices=sp.indices,
        values=sp.values,
        shape=sp.dense_shape,
        num_split=num_split,
        name=name,
    )
    return [SparseTensor(*p) for p in zip(indices, values, shapes, strict=True)]


@export("sparse.slice", v1=["sparse.slice", "sparse_slice"])
def slice(sp_input, start, size, name=None):
    """Returns a block of a sparse tensor.

    Args:
      sp_input: a `SparseTensor` of rank n.
      start: n integers: where the block starts.
      size: n integers: its extents, which are cut at the end of the tensor.
      name: a name for the operation.

    Returns:
      A `SparseTensor`.

    >>> sparse = tf.sparse.from_dense([[1, 2], [3, 4]])
    >>> tf.sparse.to_dense(tf.sparse.slice(sparse, [0, 1], [2, 1])).numpy()
    array([[2],
           [4]], dtype=int32)
    """
    sp = to_sparse(sp_input)
    parts = raw.SparseSlice(
        indices=sp.indices,
        values=sp.values,
        shape=sp.dense_shape,
        start=convert_to_tensor(start, dtype=dtypes.int64),
        size=convert_to_tensor(size, dtype=dtypes.int64),
        name=name,
    )
    return SparseTensor(*parts)


@export("sparse.retain", v1=["sparse.retain", "sparse_retain"])
def retain(sp_input, to_retain):
    """Returns some of the entries of a sparse tensor.

    Args:
      sp_input: a `SparseTensor` of n entries.
      to_retain: a bool vector of length n.

    Returns:
      A `SparseTensor` of the same shape.

    Raises:
      ValueError: the lengths differ.

    >>> sparse = tf.sparse.from_dense([5, 0, 7])
    >>> tf.sparse.retain(sparse, [False, True]).values.numpy()
    array([7], dtype=int32)
    """
    sp = to_sparse(sp_input)
    keep = convert_to_tensor(to_retain)
    keep.shape.with_rank(1).assert_is_compatible_with(sp.values.shape)
    picks = raw.Where(condition=keep)[:, 0]
    return SparseTensor(
        raw.GatherV2(params=sp.indices, indices=picks, axis=0),
        raw.GatherV2(params=sp.values, indices=picks, axis=0),
        sp.dense_shape,
    )


@export("sparse.reset_shape", v1=["sparse.reset_shape", "sparse_reset_shape"])
def reset_shape(sp_input, new_shape=None):
    """The same entries in a larger shape, or in the smallest possible one.

    Args:
      sp_input: a SparseTensor.
      new_shape: int64 `[rank]`, nowhere less than the shape; None for the smallest.

    Returns:
      A SparseTensor.

    Raises:
      ValueError: `new_shape` has another rank, or is less somewhere.
    """
    sp = to_sparse(sp_input)
    if new_shape is None:
        highest = raw.Max(input=sp.indices, axis=[0])
        shape = raw.Maximum(x=highest + np.int64(1), y=np.int64(0))
    else:
        shape = cast(convert_to_tensor(new_shape), dtypes.int64)
        rank = sp.shape.rank
        if rank is not None and shape.shape.rank and shape.shape[0] not in (None, rank):
            raise ValueError(
                f"sparse.reset_shape: new_shape must have rank {rank}. Received {new_shape}."
            )
        static = get_static_value(shape)
        if static is not None and sp.shape.is_fully_defined():
            if any(n < o for n, o in zip(static, sp.shape.as_list(), strict=True)):
                raise ValueError(
                    "Argument `new_shape` should have dimension sizes >= those of `sp_input.dense_shape`. "
                    f"Received {static.tolist()} for {sp.shape}."
                )
        else:
            # Unknown facts are checked at run time.
            size = raw.Shape(input=shape, out_type=dtypes.int64)
            same_rank = assert_equal(raw.Shape(input=sp.dense_shape, out_type=dtypes.int64), size)
            with control_dependencies([same_rank] if same_rank is not None else []):
                covers = assert_less_equal(sp.dense_shape, shape)
            with control_dependencies([covers] if covers is not None else []):
                shape = raw.Identity(input=shape)
    return SparseTensor(sp.indices, sp.values, shape)


@export("sparse.fill_empty_rows", v1=["sparse.fill_empty_rows", "sparse_fill_empty_rows"])
@scoped("SparseFillEmptyRows")
def fill_empty_rows(sp_input, default_value, name=None):
    """Returns a sparse matrix with an entry in the first column of rows that had none.

    Args:
      sp_input: a `SparseTensor` of rank 2.
      default_value: the value of the new entries.
      name: a name for the operation.

    Returns:
      A pair: the `SparseTensor`, and a bool vector that is True for rows that had none.

    Raises:
      TypeError: `sp_input` is not sparse.

    >>> sparse = tf.sparse.from_dense([[1, 2], [0, 0]])
    >>> filled, was_empty = tf.sparse.fill_empty_rows(sparse, 9)
    >>> filled.values.numpy(), was_empty.numpy()
    (array([1, 2, 9], dtype=int32), array([False,  True]))
    """
    sp = to_sparse(sp_input)
    default = convert_to_tensor(default_value, dtype=sp.dtype)
    filled = raw.SparseFillEmptyRows(
        indices=sp.indices,
        values=sp.values,
        dense_shape=sp.dense_shape,
        default_value=default,
        name=name,
    )
    return SparseTensor(filled[0], filled[1], sp.dense_shape), filled[2]


@export("sparse.mask", v1=["sparse.mask", "sparse_mask"])
def mask(a, mask_indices, name=None):
    """IndexedSlices `a` without the rows `mask_indices`.

    Args:
      a: IndexedSlices.
      mask_indices: a vector of indices.
      name: of the operation.

    Returns:
      IndexedSlices.
    """
    indices, places = raw.ListDiff(x=a.indices, y=mask_indices)
    values = raw.GatherV2(params=a.values, indices=places, axis=0, name=name)
    return type(a)(values, indices, a.dense_shape)


@export("sparse.map_values", v1=["sparse.map_values"])
def map_values(op, *args, **kwargs):
    """Returns the sparse result of a function of the values.

    Args:
      op: a function that is called with the values of the sparse tensors and returns as many
        values.
      *args: arguments of `op`, among them sparse tensors with equal indices.
      **kwargs: further arguments.

    Returns:
      A `SparseTensor` with the same indices.

    Raises:
      ValueError: there is no sparse tensor among the arguments.
      InvalidArgumentError: their indices differ.

    >>> sparse = tf.sparse.from_dense([1.0, 0.0, 4.0])
    >>> tf.sparse.map_values(tf.sqrt, sparse).values.numpy()
    array([1., 2.], dtype=float32)
    """
    sparse = [x for x in nest.flatten((args, kwargs)) if isinstance(x, SparseTensor)]
    if not sparse:
        raise ValueError("No SparseTensor in argument list of map_values")
    first = sparse[0]
    inner = nest.map_structure(
        lambda x: x.values if isinstance(x, SparseTensor) else x, (list(args), kwargs)
    )
    for other in sparse[1:]:
        same = raw.All(
            input=raw.Equal(x=first.indices, y=other.indices), axis=np.arange(2, dtype=np.int32)
        )
        raw.Assert(condition=same, data=[convert_to_tensor("Mismatched indices!")])
    return SparseTensor(first.indices, op(*inner[0], **inner[1]), first.dense_shape)


@export("sparse.eye", v1=["sparse.eye"])
@scoped("eye")
def eye(num_rows, num_columns=None, dtype=dtypes.float32, name=None):
    """A sparse identity matrix.

    Args:
      num_rows: an int or an integer scalar.
      num_columns: the same; by default `num_rows`.
      dtype: of the ones.
      name: of the operations.

    Returns:
      A SparseTensor `[num_rows, num_columns]`.

    Raises:
      InvalidArgumentError: a number is negative.
    """
    columns = num_rows if num_columns is None else num_columns
    one = convert_to_tensor(1, dtype=dtype)
    if is_unknown(num_rows) or is_unknown(columns):
        shape = raw.Pack(values=[cast(n, dtypes.int64) for n in (num_rows, columns)], axis=0)
        count = raw.Min(input=shape, axis=[0])
        diagonal = raw.Range(start=np.int64(0), limit=count, delta=np.int64(1))
        values = raw.Fill(dims=[count], value=one)
        return SparseTensor(raw.Pack(values=[diagonal, diagonal], axis=1), values, shape)
    count = int(min(num_rows, columns))
    if count < 0:
        raise InvalidArgumentError(
            f"sparse.eye: extents must not be negative. Received {num_rows} and {columns}."
        )
    places = np.arange(count, dtype=np.int64)
    values = raw.Fill(dims=[count], value=one)
    return SparseTensor(
        np.stack([places, places], 1), values, np.array([num_rows, columns], np.int64)
    )


@export("sparse.to_indicator", v1=["sparse.to_indicator", "sparse_to_indicator"])
def to_indicator(sp_input, vocab_size, name=None):
    """A dense bool tensor that is True at the ids in the last axis.

    Args:
      sp_input: a SparseTensor of int32 or int64 ids in [0, vocab_size).
      vocab_size: an int or int64 scalar.
      name: of the operation.

    Returns:
      A bool tensor, in the shape of `sp_input` with `vocab_size` as its last size.
    """
    sp = to_sparse(sp_input)
    ids = cast(sp.values, dtypes.int64)
    indices = raw.ConcatV2(values=[sp.indices[:, :-1], raw.ExpandDims(input=ids, axis=1)], axis=1)
    shape = raw.ConcatV2(
        values=[sp.dense_shape[:-1], raw.Reshape(tensor=np.int64(vocab_size), shape=[1])], axis=0
    )
    ones = raw.Fill(dims=raw.Shape(input=ids), value=np.bool_(True))
    marked = SparseTensor(indices, ones, shape)
    return to_dense(marked, default_value=False, validate_indices=False, name=name)
