"""Reads and writes elements by index, mask or slice."""

import builtins
import math

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, index_tensor, is_tensor_like
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.constants import index_input
from penstock._src.graph.static_values import get_static_value
from penstock._src.ops.rules import ints

from .creation import shape_input, shape_vector


@dispatchable("gather", v1=[], direct=True)
def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """Returns the slices of `params` along `axis` at `indices`.

    The gradient for a variable, along the first axis, is an `IndexedSlices` of the rows that were
    read, not a tensor of all rows.

    Args:
      params: a tensor, or a variable (whose rows are read without copying the others).
      indices: int32 or int64 in `[0, params.shape[axis])`, of any shape.
      validate_indices: ignored: indices are always checked.
      axis: the axis to gather from; by default `batch_dims`.
      batch_dims: how many leading axes `params` and `indices` have in common.
      name: a name for the operation.

    Returns:
      A tensor of shape `params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis +
      1:]`.

    Raises:
      InvalidArgumentError: an index lies outside `params`, in eager calls and compiled ones.

    >>> tf.gather([10, 20, 30], [2, 0, 2]).numpy()
    array([30, 10, 30], dtype=int32)
    >>> tf.gather([[1, 2, 3], [4, 5, 6]], [0, 2], axis=1).numpy()
    array([[1, 3],
           [4, 6]], dtype=int32)
    >>> tf.gather([[1, 2, 3], [4, 5, 6]], [[2], [0]], batch_dims=1).numpy()
    array([[3],
           [4]], dtype=int32)
    """
    if axis is None:
        axis = batch_dims
    own = getattr(params, "sparse_read", None)
    if isinstance(axis, int) and axis == 0:
        batch_dims = 0  # TensorFlow has no batches before the first axis
        if own is not None:
            return own(indices, name=name)
    return raw.GatherV2(params=params, indices=indices, axis=axis, batch_dims=batch_dims, name=name)


@dispatchable("gather_nd", v1=[], direct=True)
def gather_nd(params, indices, batch_dims=0, name=None, bad_indices_policy=""):
    """Returns the entries or slices of `params` at coordinates that stand in the last axis of `indices`.

    Args:
      params: a tensor or a variable.
      indices: integers of shape `[..., k]` with k at most the rank of `params`; each vector of k
        numbers selects an entry, or a slice if k is smaller than the rank.
      batch_dims: how many leading axes `params` and `indices` have in common.
      name: a name for the operation.
      bad_indices_policy: "" or "ERROR" to raise for a coordinate outside `params`; "IGNORE" to
        return zeros there.

    Returns:
      A tensor of shape `indices.shape[:-1] + params.shape[k:]`.

    Raises:
      ValueError: `batch_dims` is negative or too large.
      InvalidArgumentError: a coordinate lies outside `params`.

    >>> tf.gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]).numpy()
    array([2, 3], dtype=int32)
    >>> tf.gather_nd([[1, 2], [3, 4]], [[1]]).numpy()
    array([[3, 4]], dtype=int32)
    """
    if batch_dims:
        if batch_dims < 0:
            raise ValueError("tf.gather_nd does not allow negative batch_dims.")
        return _batch_gather_nd(params, indices, batch_dims, bad_indices_policy, name)
    own = None if bad_indices_policy else getattr(params, "gather_nd", None)
    if own is not None and not isinstance(params, Tensor):
        return own(indices, name=name)
    return raw.GatherNd(
        params=params, indices=indices, bad_indices_policy=bad_indices_policy, name=name
    )


def _batch_gather_nd(params, indices, batch_dims, policy, op_name):
    """Prefixes every index with its batch index."""
    params = convert_to_tensor(params)
    indices = convert_to_tensor(indices)
    shape = raw.Shape(input=indices, out_type=indices.dtype)
    rank = indices.shape.rank
    for name, ndims in (("indices", rank), ("params", params.shape.rank)):
        if ndims is not None and batch_dims >= ndims:
            raise ValueError(
                f"Argument `batch_dims` = {batch_dims} must be less than rank(`{name}`) = {ndims}"
            )
    one = np.ones((), indices.dtype.as_numpy_dtype)
    lead = shape[:-1]
    columns = []
    for axis in builtins.range(batch_dims):
        counter = raw.Range(start=one - one, limit=shape[axis], delta=one)
        if rank is None:
            after = raw.Fill(dims=[raw.Rank(input=indices) - np.int32(axis + 2)], value=np.int32(1))
            column = raw.ConcatV2(values=[ints([1] * axis + [-1]), after], axis=0)
        else:
            column = ints([1] * axis + [-1] + [1] * (rank - 2 - axis))
        counter = raw.Reshape(tensor=counter, shape=column)
        columns.append(raw.ExpandDims(input=raw.BroadcastTo(input=counter, shape=lead), axis=-1))
    full = raw.ConcatV2(values=[*columns, indices], axis=-1)
    return raw.GatherNd(params=params, indices=full, bad_indices_policy=policy, name=op_name)


@dispatchable("scatter_nd", v1=["scatter_nd", "manip.scatter_nd"], direct=True)
def scatter_nd(indices, updates, shape, bad_indices_policy="", name=None):
    """Returns zeros of `shape` with `updates` added at `indices`.

    Updates for the same place add up, in no order that can be relied on for rounding.

    Args:
      indices: int32 or int64 of shape `[..., k]` with k at most the length of `shape`.
      updates: values of shape `indices.shape[:-1] + shape[k:]`.
      shape: an integer vector: the shape of the result.
      bad_indices_policy: "" or "ERROR" to raise for an index outside `shape`; "IGNORE" to leave
        its update out.
      name: a name for the operation.

    Returns:
      A tensor of `shape` and the dtype of `updates`.

    Raises:
      InvalidArgumentError: an index lies outside `shape`, or the shapes do not fit.

    >>> tf.scatter_nd([[1], [3], [1]], [10, 20, 5], [5]).numpy()
    array([ 0, 15,  0, 20,  0], dtype=int32)
    """
    if not isinstance(shape, Tensor):
        indices = convert_to_tensor(indices, name="indices")
        shape = convert_to_tensor(shape, dtype_hint=indices.dtype, name="ScatterNd/shape")
        if shape.dtype != indices.dtype:
            shape = cast(shape, indices.dtype)
    return raw.ScatterNd(
        indices=indices,
        updates=updates,
        shape=shape,
        bad_indices_policy=bad_indices_policy,
        name=name,
    )


def _tensor_scatter(op, tensor, indices, updates, policy, name):
    return op(tensor=tensor, indices=indices, updates=updates, bad_indices_policy=policy, name=name)


@dispatchable("tensor_scatter_nd_update", v1=["tensor_scatter_nd_update", "tensor_scatter_update"])
def tensor_scatter_nd_update(tensor, indices, updates, name=None):
    """Returns a copy of `tensor` with `updates` written at `indices`.

    If an index occurs twice, one of its updates wins. The gradient for `tensor` is 0 where it was
    replaced.

    Args:
      tensor: a tensor of any dtype.
      indices: int32 or int64 of shape `[..., k]` with k at most the rank of `tensor`.
      updates: values of the dtype of `tensor`, of shape `indices.shape[:-1] + tensor.shape[k:]`.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `tensor`.

    Raises:
      InvalidArgumentError: an index lies outside `tensor`, or the shapes do not fit.

    >>> tf.tensor_scatter_nd_update([1, 2, 3, 4], [[0], [2]], [10, 30]).numpy()
    array([10,  2, 30,  4], dtype=int32)
    """
    return _tensor_scatter(raw.TensorScatterUpdate, tensor, indices, updates, "", name)


@dispatchable("tensor_scatter_nd_add", v1=["tensor_scatter_nd_add", "tensor_scatter_add"])
def tensor_scatter_nd_add(tensor, indices, updates, bad_indices_policy="", name=None):
    """Returns a copy of `tensor` with `updates` added at `indices`.

    Updates for the same place add up.

    Args:
      tensor: a numeric tensor.
      indices: int32 or int64 of shape `[..., k]` with k at most the rank of `tensor`.
      updates: values of the dtype of `tensor`, of shape `indices.shape[:-1] + tensor.shape[k:]`.
      bad_indices_policy: "" or "ERROR" to raise for an index outside `tensor`; "IGNORE" to leave
        its update out.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `tensor`.

    Raises:
      InvalidArgumentError: an index lies outside `tensor`, or the shapes do not fit.

    >>> tf.tensor_scatter_nd_add([1, 1, 1], [[0], [2], [2]], [10, 5, 5]).numpy()
    array([11,  1, 11], dtype=int32)
    """
    return _tensor_scatter(raw.TensorScatterAdd, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("tensor_scatter_nd_sub", v1=["tensor_scatter_nd_sub", "tensor_scatter_sub"])
def tensor_scatter_nd_sub(tensor, indices, updates, bad_indices_policy="", name=None):
    """Returns a copy of `tensor` with `updates` subtracted at `indices`.

    Updates for the same place add up.

    Args:
      tensor: a numeric tensor.
      indices: int32 or int64 of shape `[..., k]` with k at most the rank of `tensor`.
      updates: values of the dtype of `tensor`, of shape `indices.shape[:-1] + tensor.shape[k:]`.
      bad_indices_policy: "" or "ERROR" to raise for an index outside `tensor`; "IGNORE" to leave
        its update out.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `tensor`.

    Raises:
      InvalidArgumentError: an index lies outside `tensor`, or the shapes do not fit.

    >>> tf.tensor_scatter_nd_sub([1, 1, 1], [[0], [2], [2]], [10, 5, 5]).numpy()
    array([-9,  1, -9], dtype=int32)
    """
    return _tensor_scatter(raw.TensorScatterSub, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("tensor_scatter_nd_max", v1=["tensor_scatter_nd_max"])
def tensor_scatter_nd_max(tensor, indices, updates, bad_indices_policy="", name=None):
    """Returns a copy of `tensor` with the greater of entry and update at `indices`.

    Args:
      tensor: a tensor of real numbers.
      indices: int32 or int64 of shape `[..., k]` with k at most the rank of `tensor`.
      updates: values of the dtype of `tensor`, of shape `indices.shape[:-1] + tensor.shape[k:]`.
      bad_indices_policy: "" or "ERROR" to raise for an index outside `tensor`; "IGNORE" to leave
        its update out.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `tensor`.

    Raises:
      InvalidArgumentError: an index lies outside `tensor`, or the shapes do not fit.

    >>> tf.tensor_scatter_nd_max([5, 5, 5], [[0], [2]], [9, 1]).numpy()
    array([9, 5, 5], dtype=int32)
    """
    return _tensor_scatter(raw.TensorScatterMax, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("tensor_scatter_nd_min", v1=["tensor_scatter_nd_min"])
def tensor_scatter_nd_min(tensor, indices, updates, bad_indices_policy="", name=None):
    """Returns a copy of `tensor` with the smaller of entry and update at `indices`.

    Args:
      tensor: a tensor of real numbers.
      indices: int32 or int64 of shape `[..., k]` with k at most the rank of `tensor`.
      updates: values of the dtype of `tensor`, of shape `indices.shape[:-1] + tensor.shape[k:]`.
      bad_indices_policy: "" or "ERROR" to raise for an index outside `tensor`; "IGNORE" to leave
        its update out.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `tensor`.

    Raises:
      InvalidArgumentError: an index lies outside `tensor`, or the shapes do not fit.

    >>> tf.tensor_scatter_nd_min([5, 5, 5], [[0], [2]], [9, 1]).numpy()
    array([5, 5, 1], dtype=int32)
    """
    return _tensor_scatter(raw.TensorScatterMin, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("where", v1=["where_v2"], direct=True)
def where(condition, x=None, y=None, name=None):
    """Returns `x` where `condition` holds and `y` elsewhere; without both, the indices where it holds.

    The three broadcast together. Both branches are computed before, so a gradient can be NaN
    where the branch that is not taken has no finite one: choose a harmless argument inside the
    branch first.

    Args:
      condition: bool; with `condition` alone, a number counts as True if it is not 0.
      x: a tensor of any dtype.
      y: a tensor of the dtype of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape; or, without `x` and `y`, int64 indices of shape `[count,
      rank]` in row-major order.

    Raises:
      ValueError: only one of `x` and `y` is given.
      InvalidArgumentError: the shapes do not broadcast, or the dtypes differ.

    >>> tf.where([True, False, True], [1, 2, 3], [10, 20, 30]).numpy()
    array([ 1, 20,  3], dtype=int32)
    >>> tf.where([[True, False], [False, True]]).numpy()
    array([[0, 0],
           [1, 1]])
    """
    if x is None and y is None:
        if not isinstance(condition, Tensor):
            condition = convert_to_tensor(condition, dtype_hint=dtypes.bool_, name="condition")
        return raw.Where(condition=condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return raw.SelectV2(condition=condition, t=x, e=y, name=name)


@dispatchable("boolean_mask", v1=[], scope="boolean_mask")
def boolean_mask(tensor, mask, axis=None, name="boolean_mask"):
    """Returns the entries of `tensor` where `mask` is True.

    The number of results is known only when the mask is; inside a compiled function, the size is
    a dynamic one.

    Args:
      tensor: a tensor of at least the rank of `mask` after `axis`.
      mask: bool, in the shape of the axes of `tensor` that begin at `axis`; its rank must be known and
        not 0.
      axis: the first axis that the mask is for; by default 0.
      name: a name for the operation.

    Returns:
      A tensor in which one axis, of the number of True entries, replaces those of the mask.

    Raises:
      ValueError: the mask is a scalar, its rank is unknown, or its shape does not fit.

    >>> tf.boolean_mask([1, 2, 3, 4], [True, False, True, False]).numpy()
    array([1, 3], dtype=int32)
    >>> tf.boolean_mask([[1, 2, 3], [4, 5, 6]], [True, False, True], axis=1).numpy()
    array([[1, 3],
           [4, 6]], dtype=int32)
    """
    tensor = convert_to_tensor(tensor, name="tensor")
    mask = convert_to_tensor(mask, name="mask")
    depth, rank = mask.shape.rank, tensor.shape.rank
    if depth == 0:
        raise ValueError("mask cannot be scalar.")
    if depth is None:
        raise ValueError(
            "Number of mask dimensions must be specified, even if some dimensions are None.  E.g. "
            "shape=[None] is ok, but shape=None is not."
        )
    static = 0 if axis is None else get_static_int(axis)
    axis = axis if static is None else static
    if rank is not None and static is not None:
        part = tensor.shape[axis : axis + depth]
        part.assert_is_compatible_with(mask.shape)
    if STATE.graph is None and static is not None:
        extents = tensor.shape.as_list()
        middle = math.prod(extents[axis : axis + depth])
        target = shape_input([*extents[:axis], middle, *extents[axis + depth :]])
    else:
        shape = raw.Shape(input=tensor)
        middle = raw.Prod(input=shape[axis : axis + depth], axis=[0])
        target = raw.ConcatV2(
            values=[shape[:axis], raw.Reshape(tensor=middle, shape=[1]), shape[axis + depth :]],
            axis=0,
        )
    flat = raw.Reshape(tensor=tensor, shape=target)
    places = raw.Where(condition=raw.Reshape(tensor=mask, shape=index_input([-1])))
    if STATE.graph is None and static is not None:
        # Calls without lists of numbers are made by native code.
        picks = raw.Reshape(tensor=places, shape=index_input([-1]))
        return raw.GatherV2(params=flat, indices=picks, axis=index_input(axis))
    picks = raw.Squeeze(input=places, axis=[1])
    result = raw.GatherV2(params=flat, indices=picks, axis=axis)
    if rank is not None and static is not None:
        extents = tensor.shape.as_list()
        result.set_shape([*extents[:axis], None, *extents[axis + depth :]])
    return result


@dispatchable("slice", direct=True)
def slice(input_, begin, size, name=None):
    """Returns the block of `input_` that starts at `begin` and has the given `size`.

    Args:
      input_: a tensor of rank n.
      begin: n integers, from 0: where the block starts.
      size: n integers: the extents of the block; -1 takes all up to the end of that axis.
      name: a name for the operation.

    Returns:
      A tensor of shape `size`.

    Raises:
      InvalidArgumentError: the block does not lie within `input_`.

    >>> tf.slice([[1, 2, 3], [4, 5, 6]], begin=[0, 1], size=[-1, 2]).numpy()
    array([[2, 3],
           [5, 6]], dtype=int32)
    """
    if not isinstance(begin, Tensor):
        begin = index_tensor(begin)
    if not isinstance(size, Tensor):
        size = shape_vector(size, begin.dtype)
    return raw.Slice(input=input_, begin=begin, size=size, name=name)


@dispatchable("strided_slice")
def strided_slice(
    input_,
    begin,
    end,
    strides=None,
    begin_mask=0,
    end_mask=0,
    ellipsis_mask=0,
    new_axis_mask=0,
    shrink_axis_mask=0,
    var=None,
    name=None,
):
    """`input_[begin:end:strides, ...]`; bits of the masks mark special entries.

    Args:
      input_: a tensor of any dtype.
      begin: `[k]`, int32 or int64: the first index along each of the first `k` axes.
      end: `[k]`: the index after the last one.
      strides: `[k]`: the steps, negative for backwards; by default 1.
      begin_mask: a bit mask; where bit i is set, `begin[i]` is ignored and the slice begins at its
        edge.
      end_mask: the same for `end`.
      ellipsis_mask: at most one bit: entry i stands for all axes that no other entry names.
      new_axis_mask: entry i makes a new axis of length 1.
      shrink_axis_mask: entry i selects the one index `begin[i]`, and the axis goes.
      var: a variable whose slices the result's `assign` writes; None: there is no `assign`.
      name: of the operation.

    Returns:
      A tensor of the same dtype.
    """
    if strides is None:
        begin = index_tensor(begin)
        strides = raw.OnesLike(x=begin)
    result = raw.StridedSlice(
        input=input_,
        begin=begin,
        end=end,
        strides=strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )
    if var is not None:
        _remember_slice(
            result,
            var,
            dict(
                begin=begin,
                end=end,
                strides=strides,
                begin_mask=begin_mask,
                end_mask=end_mask,
                ellipsis_mask=ellipsis_mask,
                new_axis_mask=new_axis_mask,
                shrink_axis_mask=shrink_axis_mask,
            ),
        )
    return result


def _remember_slice(result, var, spec):
    """Enables `var[...].assign(value)`."""

    def assign(value, name=None):
        return var._strided_slice_assign(value=value, name=name, **spec)

    result.assign = assign


@dispatchable("edit_distance")
def edit_distance(hypothesis, truth, normalize=True, name="edit_distance"):
    """The Levenshtein distances between the sequences in two sparse tensors.

    Args:
      hypothesis: a SparseTensor of rank r, whose last axis runs along the sequences.
      truth: a SparseTensor of the same dtype and rank.
      normalize: whether to divide each distance by the length of the true sequence; infinity where
        that is 0 and the distance is not.
      name: of the operation.

    Returns:
      A float32 tensor of rank r - 1.

    Raises:
      TypeError: one is no SparseTensor.
    """
    for what, value in (("Hypothesis", hypothesis), ("Truth", truth)):
        if not all(hasattr(value, part) for part in ("indices", "values", "dense_shape")):
            raise TypeError(f"{what} must be a SparseTensor.")
    return raw.EditDistance(
        hypothesis_indices=hypothesis.indices,
        hypothesis_values=hypothesis.values,
        hypothesis_shape=hypothesis.dense_shape,
        truth_indices=truth.indices,
        truth_values=truth.values,
        truth_shape=truth.dense_shape,
        normalize=normalize,
        name=name,
    )


def is_unknown(value):
    """True if an argument is a tensor whose value is not known while a function is traced."""
    return is_tensor_like(value) and get_static_value(value) is None


def get_static_int(value):
    """An integer or integer tensor as a Python int, or None if it is not static."""
    if value is None or isinstance(value, (int, np.integer)):
        return None if value is None else int(value)
    known = get_static_value(convert_to_tensor(value))
    return None if known is None else int(known)
