"""Limits values and norms."""

from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.constants import index_input, number_input
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.rules import has_shape_of


@unary("clip_by_value", v1=["clip_by_value"], named="clip_by_value")
def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """Returns `t` limited to the range from `clip_value_min` to `clip_value_max`.

    The gradient is 0 for what was cut off. NaN stays NaN.

    Args:
      t: a tensor of real numbers, or an `IndexedSlices`, whose values are clipped.
      clip_value_min: a scalar, or a tensor that broadcasts to the shape of `t`.
      clip_value_max: a scalar, or a tensor that broadcasts to the shape of `t`.
      name: a name for the operation.

    Returns:
      A tensor (or `IndexedSlices`) of the shape and dtype of `t`.

    Raises:
      ValueError: a bound would make the result larger than `t`.
      InvalidArgumentError: the shapes do not broadcast.

    >>> tf.clip_by_value([-2.0, 0.5, 7.0], -1.0, 1.0).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    if not isinstance(t, Tensor) and hasattr(t, "indices") and hasattr(t, "values"):
        clipped = clip_by_value(t.values, clip_value_min, clip_value_max, name)
        return type(t)(clipped, t.indices, t.dense_shape)
    t = convert_to_tensor(t, name="t")
    upper = raw.Minimum(t, number_input(clip_value_max, t))
    # A number never makes the result larger.
    if type(clip_value_max) is not float and not has_shape_of(upper, t) and t.shape.rank is not None:  # fmt: skip
        upper.shape.assert_is_compatible_with(t.shape)
    result = raw.Maximum(upper, number_input(clip_value_min, t), name=name)
    if type(clip_value_min) is not float and not has_shape_of(result, t):
        result.shape.assert_is_compatible_with(t.shape)
    return result


@dispatchable("clip_by_norm", named="clip_by_norm")
def clip_by_norm(t, clip_norm, axes=None, name=None):
    """Returns `t` scaled down, if needed, so that its Euclidean norm is at most `clip_norm`.

    Args:
      t: a float tensor, or an `IndexedSlices`.
      clip_norm: a positive scalar.
      axes: the axes over which the norm is taken, one norm for each place along the others; by
        default all.
      name: a name for the operation.

    Returns:
      A tensor (or `IndexedSlices`) of the shape and dtype of `t`.

    Raises:
      InvalidArgumentError: `clip_norm` does not broadcast with `t`.
      ValueError: broadcasting `clip_norm` would make `t` larger.

    >>> tf.clip_by_norm([3.0, 4.0], 1.0).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    slices = hasattr(t, "indices") and hasattr(t, "values")
    values = convert_to_tensor(t.values if slices else t, name="t")
    if axes is None:
        axes = _all_axes(values)
    squares = raw.Sum(input=values * values, axis=axes, keep_dims=True)
    positive = squares > 0
    safe = raw.SelectV2(condition=positive, t=squares, e=raw.OnesLike(x=squares))
    length = raw.SelectV2(condition=positive, t=raw.Sqrt(x=safe), e=squares)
    limit = cast(convert_to_tensor(clip_norm, dtype_hint=values.dtype), values.dtype)
    limit = raw.Maximum(x=limit, y=raw.ZerosLike(x=limit))
    scaled = values * limit
    values.shape.assert_is_compatible_with(scaled.shape)
    clipped = raw.RealDiv(x=scaled, y=raw.Maximum(x=length, y=limit), name=name)
    return type(t)(clipped, t.indices, t.dense_shape) if slices else clipped


def _all_axes(values):
    if STATE.graph is None and type(values) is EagerTensor:
        return index_input(range(values._rank()))
    return raw.Range(start=0, limit=raw.Rank(input=values), delta=1)


@dispatchable("linalg.global_norm", v1=["linalg.global_norm", "global_norm"])
@scoped("global_norm")
def global_norm(t_list, name=None):
    """The square root of the sum of squares of all entries of a list of tensors.

    Args:
      t_list: a list or tuple of tensors, IndexedSlices or None (ignored), of one float dtype.
      name: of the operations.

    Returns:
      A scalar of their dtype.

    Raises:
      TypeError: `t_list` is not a list or tuple.
    """
    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    values = [_values_of(t) for t in t_list if t is not None]
    halves = [raw.L2Loss(t=v) for v in values]
    total = raw.Sum(input=raw.Pack(values=halves, name="stack"), axis=convert_to_tensor([0]))
    two = convert_to_tensor(2.0, dtype=total.dtype)
    return raw.Sqrt(x=total * two, name="global_norm")


def _values_of(t):
    return convert_to_tensor(t.values if hasattr(t, "indices") and hasattr(t, "values") else t)


@dispatchable("clip_by_global_norm")
def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
    """Returns tensors scaled by one factor so that their common norm is at most `clip_norm`.

    The common norm is the square root of the sum of squares of all entries, as for the gradients
    of a model. An infinite or NaN norm makes all results NaN.

    Args:
      t_list: a list of float tensors or `IndexedSlices`; None stays None.
      clip_norm: a positive scalar.
      use_norm: the common norm, if it is known already.
      name: a name for the operation.

    Returns:
      The list of scaled tensors, and the norm before clipping.

    Raises:
      TypeError: `t_list` is not a list or tuple.

    >>> clipped, norm = tf.clip_by_global_norm([tf.constant([3.0]), tf.constant([4.0])], 1.0)
    >>> [t.numpy() for t in clipped], norm.numpy()
    ([array([0.6], dtype=float32), array([0.8], dtype=float32)], np.float32(5.0))
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
    for position, t in enumerate(t_list):
        if t is None:
            clipped.append(None)
            continue
        values = _values_of(t)
        scaled = values * cast(scale, values.dtype)
        if scope:
            scaled = raw.Identity(input=scaled, name=f"{scope}_{position}")
        is_slices = hasattr(t, "indices") and hasattr(t, "values")
        clipped.append(type(t)(scaled, t.indices, t.dense_shape) if is_slices else scaled)
    return clipped
