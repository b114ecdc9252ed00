"""Reads and writes elements by index, mask or slice."""

import builtins

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, index_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export

from .creation import shape_vector


@dispatchable("gather", v1=[])
def gather(params, indices, validate_indices=None, axis=None, batch_dims=0, name=None):
    """The slices of `params` along `axis` at `indices`.

    Args:
      params: a tensor, or a variable (whose rows are read without a copy).
      indices: integers in [0, params.shape[axis]).
      validate_indices: ignored; indices are always checked.
      axis: by default `batch_dims`.
      batch_dims: the number of leading batch axes.
      name: a name for the operation.
    """
    if axis is None:
        axis = batch_dims
    own = getattr(params, "sparse_read", None)
    if own is not None and batch_dims == 0 and isinstance(axis, int) and axis == 0:
        return own(indices, name=name)
    return raw.GatherV2(params=params, indices=indices, axis=axis, batch_dims=batch_dims, name=name)


@dispatchable("gather_nd", v1=[])
def gather_nd(params, indices, batch_dims=0, name=None, bad_indices_policy=""):
    """The entries or slices of `params` at the coordinates in the last axis of `indices`."""
    if batch_dims:
        if batch_dims < 0:
            raise ValueError("tf.gather_nd does not allow negative batch_dims.")
        return _batch_gather_nd(params, indices, batch_dims, bad_indices_policy, name)
    own = getattr(params, "gather_nd", None)
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
    lead = raw.Slice(input=shape, begin=[0], size=[rank - 1])
    columns = []
    for axis in builtins.range(batch_dims):
        counter = raw.Range(start=one - one, limit=shape[axis], delta=one)
        column = [1] * (rank - 1)
        column[axis] = -1
        counter = raw.Reshape(tensor=counter, shape=np.array(column, np.int32))
        columns.append(raw.ExpandDims(input=raw.BroadcastTo(input=counter, shape=lead), axis=-1))
    full = raw.ConcatV2(values=[*columns, indices], axis=-1)
    return raw.GatherNd(params=params, indices=full, bad_indices_policy=policy, name=op_name)


@dispatchable("scatter_nd", v1=["scatter_nd", "manip.scatter_nd"])
def scatter_nd(indices, updates, shape, bad_indices_policy="", name=None):
    """Zeros of `shape` with `updates` added at `indices`; repeated indices accumulate."""
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
    """`tensor` with `updates` written at `indices`."""
    return _tensor_scatter(raw.TensorScatterUpdate, tensor, indices, updates, "", name)


@dispatchable("tensor_scatter_nd_add", v1=["tensor_scatter_nd_add", "tensor_scatter_add"])
def tensor_scatter_nd_add(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with `updates` added at `indices`."""
    return _tensor_scatter(raw.TensorScatterAdd, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("tensor_scatter_nd_sub", v1=["tensor_scatter_nd_sub", "tensor_scatter_sub"])
def tensor_scatter_nd_sub(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with `updates` subtracted at `indices`."""
    return _tensor_scatter(raw.TensorScatterSub, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("tensor_scatter_nd_max", v1=["tensor_scatter_nd_max"])
def tensor_scatter_nd_max(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with the greater of entry and update at `indices`."""
    return _tensor_scatter(raw.TensorScatterMax, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("tensor_scatter_nd_min", v1=["tensor_scatter_nd_min"])
def tensor_scatter_nd_min(tensor, indices, updates, bad_indices_policy="", name=None):
    """`tensor` with the smaller of entry and update at `indices`."""
    return _tensor_scatter(raw.TensorScatterMin, tensor, indices, updates, bad_indices_policy, name)


@dispatchable("where", v1=["where_v2"])
def where(condition, x=None, y=None, name=None):
    """`x` where `condition` holds, else `y`; without both, the indices where it holds."""
    if x is None and y is None:
        if not isinstance(condition, Tensor):
            condition = convert_to_tensor(condition, dtype_hint=dtypes.bool_, name="condition")
        return raw.Where(condition=condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return raw.SelectV2(condition=condition, t=x, e=y, name=name)


@dispatchable("boolean_mask", v1=[], scope="boolean_mask")
def boolean_mask(tensor, mask, axis=None, name="boolean_mask"):
    """The entries of `tensor` where `mask`, whose shape is that of axes from `axis` on, is True."""
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
    axis = 0 if axis is None else int(axis)
    if rank is not None:
        part = tensor.shape[axis : axis + depth]
        part.assert_is_compatible_with(mask.shape)
    shape = raw.Shape(input=tensor)
    middle = raw.Prod(input=shape[axis : axis + depth], axis=[0])
    target = raw.ConcatV2(
        values=[shape[:axis], raw.Reshape(tensor=middle, shape=[1]), shape[axis + depth :]], axis=0
    )
    flat = raw.Reshape(tensor=tensor, shape=target)
    places = raw.Where(condition=raw.Reshape(tensor=mask, shape=[-1]))
    picks = raw.Squeeze(input=places, axis=[1])
    result = raw.GatherV2(params=flat, indices=picks, axis=axis)
    if rank is not None:
        extents = tensor.shape.as_list()
        result.set_shape([*extents[:axis], None, *extents[axis + depth :]])
    return result


@dispatchable("slice")
def slice(input_, begin, size, name=None):
    """The slice of `size` (-1: up to the end) that starts at `begin`."""
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
    """`input_[begin:end:strides, ...]`; bits of the masks mark special entries."""
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


@unary("clip_by_value", v1=["clip_by_value"], named="clip_by_value")
def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """`t` limited to [clip_value_min, clip_value_max]."""
    if hasattr(t, "indices") and hasattr(t, "values"):
        clipped = clip_by_value(t.values, clip_value_min, clip_value_max, name)
        return type(t)(clipped, t.indices, t.dense_shape)
    t = convert_to_tensor(t, name="t")
    upper = raw.Minimum(x=t, y=clip_value_max)
    if t.shape.rank is not None:
        upper.shape.assert_is_compatible_with(t.shape)
    result = raw.Maximum(x=upper, y=clip_value_min, name=name)
    result.shape.assert_is_compatible_with(t.shape)
    return result


@dispatchable("clip_by_norm", named="clip_by_norm")
def clip_by_norm(t, clip_norm, axes=None, name=None):
    """`t` scaled down so that its norm (over `axes`) is at most `clip_norm`."""
    slices = hasattr(t, "indices") and hasattr(t, "values")
    values = convert_to_tensor(t.values if slices else t, name="t")
    if axes is None:
        axes = raw.Range(start=0, limit=raw.Rank(input=values), delta=1)
    squares = raw.Sum(input=values * values, axis=axes, keep_dims=True)
    positive = squares > 0
    safe = raw.SelectV2(condition=positive, t=squares, e=raw.OnesLike(x=squares))
    length = raw.SelectV2(condition=positive, t=raw.Sqrt(x=safe), e=squares)
    limit = cast(convert_to_tensor(clip_norm, dtype_hint=values.dtype), values.dtype)
    limit = raw.Maximum(x=limit, y=raw.ZerosLike(x=limit))
    clipped = raw.RealDiv(x=values * limit, y=raw.Maximum(x=length, y=limit), name=name)
    return type(t)(clipped, t.indices, t.dense_shape) if slices else clipped


@export("linalg.global_norm", v1=["linalg.global_norm", "global_norm"])
@scoped("global_norm")
def global_norm(t_list, name=None):
    """The square root of the sum of squares of all entries of a list of tensors."""
    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    values = [_values_of(t) for t in t_list if t is not None]
    halves = [raw.L2Loss(t=v) for v in values]
    total = raw.Sum(input=raw.Pack(values=halves, name="stack"), axis=convert_to_tensor([0]))
    two = convert_to_tensor(2.0, dtype=total.dtype)
    return raw.Sqrt(x=total * two, name="global_norm")


def _values_of(t):
    return convert_to_tensor(t.values if hasattr(t, "indices") and hasattr(t, "values") else t)


@export("clip_by_global_norm")
def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
    """A list of tensors scaled together so that their global norm is at most `clip_norm`.

    Returns:
      The list, and the global norm before clipping.
    """
    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    t_list = list(t_list)
    if use_norm is None:
        use_norm = global_norm(t_list, name)
    with scope_in_graph(name, "clip_by_global_norm") as scope:
        return _clipped_together(t_list, clip_norm, use_norm, scope), use_norm


def _clipped_together(t_list, clip_norm, use_norm, scope):
    one = convert_to_tensor(1.0, dtype=use_norm.dtype)
    scale = clip_norm * raw.Minimum(x=1.0 / use_norm, y=one / clip_norm)
    # propagate an infinite or NaN norm to the result
    scale = scale + (use_norm - use_norm)
    clipped = []
    for number, t in enumerate(t_list):
        if t is None:
            clipped.append(None)
            continue
        values = _values_of(t)
        scaled = values * cast(scale, values.dtype)
        if scope:
            scaled = raw.Identity(input=scaled, name=f"{scope}_{number}")
        is_slices = hasattr(t, "indices") and hasattr(t, "values")
        clipped.append(type(t)(scaled, t.indices, t.dense_shape) if is_slices else scaled)
    return clipped


@export("edit_distance")
def edit_distance(hypothesis, truth, normalize=True, name="edit_distance"):
    """The Levenshtein distances between the sequences in two sparse tensors."""
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


def get_static_int(value):
    """An integer or integer tensor as a Python int, or None if it is not static."""
    if value is None or isinstance(value, (int, np.integer)):
        return None if value is None else int(value)
    known = get_static_value(convert_to_tensor(value))
    return None if known is None else int(known)
