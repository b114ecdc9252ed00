"""Sorting, top-k, and search in sorted sequences."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, executing_eagerly
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.constants import index_input
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import constant_value


def _wrong_direction(direction):
    return ValueError(
        "Argument `direction` should be one of ASCENDING, DESCENDING. Received: "
        f"direction={direction}"
    )


@dispatchable("sort", scope="sort")
def sort(values, axis=-1, direction="ASCENDING", name=None):
    """Returns `values` sorted along an axis.

    The gradient goes to where each entry came from. NaN has no place that can be relied on.

    Args:
      values: real numbers.
      axis: a constant: the axis to sort along, by default the last.
      direction: "ASCENDING" or "DESCENDING".
      name: a name for the operation.

    Returns:
      A tensor of the shape and dtype of `values`.

    Raises:
      ValueError: `direction` is another word, or `axis` is not a constant scalar.
      InvalidArgumentError: `axis` is out of range.

    >>> tf.sort([3, 1, 2]).numpy()
    array([1, 2, 3], dtype=int32)
    >>> tf.sort([[3, 1], [2, 9]], axis=0, direction="DESCENDING").numpy()
    array([[3, 9],
           [2, 1]], dtype=int32)
    """
    values = convert_to_tensor(values, name="values")
    axis, rank = _axis_of(values, axis)
    if direction == "DESCENDING":
        return _largest_first(values, axis, rank, 0)
    if direction != "ASCENDING":
        raise _wrong_direction(direction)
    return _unmirrored(_largest_first(_mirrored(values), axis, rank, 0), values.dtype)


@dispatchable("argsort", scope="argsort")
def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    """Returns the indices that sort `values` along an axis.

    Args:
      values: real numbers.
      axis: a constant: the axis to sort along, by default the last.
      direction: "ASCENDING" or "DESCENDING".
      stable: whether equal entries must keep their order; they always do.
      name: a name for the operation.

    Returns:
      An int32 tensor of the shape of `values`.

    Raises:
      ValueError: `direction` is another word, or `axis` is not a constant scalar.
      InvalidArgumentError: `axis` is out of range.

    >>> tf.argsort([30, 10, 20]).numpy()
    array([1, 2, 0], dtype=int32)
    """
    del stable
    values = convert_to_tensor(values, name="values")
    axis, rank = _axis_of(values, axis)
    if direction == "DESCENDING":
        return _largest_first(values, axis, rank, 1)
    if direction != "ASCENDING":
        raise _wrong_direction(direction)
    return _largest_first(_mirrored(values), axis, rank, 1)


def _axis_of(values, axis):
    if type(axis) is not int:
        known = constant_value(axis) if isinstance(axis, Tensor) else np.asarray(axis)
        if known is None or known.ndim or known.dtype == object:
            raise ValueError(f"Argument `axis` must be a constant scalar. Received: axis={axis}.")
        axis = int(known)
    rank = values.shape.rank
    if rank is None:
        return axis, None
    if rank == 0 and axis == -1:
        raise InvalidArgumentError("slice index -1 of dimension 0 out of bounds. [Op:StridedSlice]")
    if not -rank <= axis < rank:
        message = f"Argument `axis` = {axis} not in range [{-rank}, {rank}) of the values' rank."
        raise InvalidArgumentError(message) if executing_eagerly() else ValueError(message)
    return axis % rank, rank


def _mirrored(values):
    """Values that sort in the opposite order: negated, or complemented for unsigned integers."""
    if values.dtype.is_unsigned:
        return np.asarray(values.dtype.max, values.dtype.as_numpy_dtype) - values
    if values.dtype.is_integer:
        return np.asarray(-1, values.dtype.as_numpy_dtype) - values
    return -values


def _unmirrored(values, dtype):
    del dtype
    return _mirrored(values)


def _largest_first(values, axis, rank, part):
    last = axis == (-1 if rank is None else rank - 1)
    if not last:
        perm = _with_axis_last(values, axis, rank)
        values = raw.Transpose(x=values, perm=perm)
    k = values.shape[-1] if values.shape.rank is not None else None
    if k is None:
        k = raw.Shape(input=values)[-1]
    if type(k) is int:
        k = index_input(k)
    result = raw.TopKV2(input=values, k=k, sorted=True)[part]
    if last:
        return result
    return raw.Transpose(x=result, perm=raw.InvertPermutation(x=perm))


def _with_axis_last(values, axis, rank):
    """The permutation that exchanges an axis with the last one."""
    if rank is not None:
        perm = np.arange(rank, dtype=np.int32)
        perm[[axis, -1]] = perm[[-1, axis]]
        return perm
    order = raw.Range(start=0, limit=raw.Rank(input=values), delta=1)
    last = order[-1]
    axis = order[axis]
    return raw.SelectV2(
        condition=raw.Equal(x=order, y=axis),
        t=last,
        e=raw.SelectV2(condition=raw.Equal(x=order, y=last), t=axis, e=order),
    )


@dispatchable("searchsorted")
def searchsorted(sorted_sequence, values, side="left", out_type=dtypes.int32, name=None):
    """Returns where each value would have to be inserted to keep a sequence sorted.

    Args:
      sorted_sequence: `[..., n]`, ascending along the last axis.
      values: `[..., m]` of the same dtype, with the same leading axes.
      side: "left" to go before equal entries, "right" to go after them.
      out_type: int32 or int64.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `values` with numbers from 0 to n.

    Raises:
      ValueError: `side` is another word.
      InvalidArgumentError: the leading axes differ.

    >>> tf.searchsorted([1, 3, 5, 7], [0, 3, 4]).numpy()
    array([0, 1, 2], dtype=int32)
    >>> tf.searchsorted([1, 3, 5, 7], [0, 3, 4], side="right").numpy()
    array([0, 2, 2], dtype=int32)
    """
    if side not in ("left", "right"):
        raise ValueError(
            f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'."
        )
    values = convert_to_tensor(values, name="values")
    sequence = convert_to_tensor(sorted_sequence, name="sorted_sequence")
    rows = raw.Reshape(tensor=sequence, shape=_rows_of(sequence))
    queries = raw.Reshape(tensor=values, shape=_rows_of(values))
    op = raw.LowerBound if side == "left" else raw.UpperBound
    kind = dtypes.as_dtype(out_type)
    positions = op(sorted_inputs=rows, values=queries, out_type=kind, name=name)
    if STATE.graph is None and type(values) is EagerTensor:
        return raw.Reshape(tensor=positions, shape=index_input(values._shape_tuple()))
    return raw.Reshape(tensor=positions, shape=raw.Shape(input=values))


def _rows_of(tensor):
    last = tensor.shape[-1] if tensor.shape.rank else None
    if last is not None and last > 0:
        return index_input([-1, last])
    shape = raw.Shape(input=tensor)
    rows = raw.Prod(input=shape[:-1], axis=[0])
    return raw.Pack(values=[rows, shape[-1]])


@dispatchable("math.is_non_decreasing", v1=["math.is_non_decreasing", "is_non_decreasing"])
def is_non_decreasing(x, name=None):
    """True if each entry (in row order) is at least the previous one.

    Args:
      x: numbers, of any shape.
      name: of the operation.

    Returns:
      A bool scalar; True for fewer than two entries.
    """
    return _compare_neighbors(raw.GreaterEqual, x, name)


@dispatchable(
    "math.is_strictly_increasing",
    v1=["math.is_strictly_increasing", "is_strictly_increasing"],
    scope="is_strictly_increasing",
)
def is_strictly_increasing(x, name=None):
    """True if each entry (in row order) is greater than the previous one.

    Args:
      x: numbers, of any shape.
      name: of the operation.

    Returns:
      A bool scalar; True for fewer than two entries.
    """
    return _compare_neighbors(raw.Greater, x, name)


def _compare_neighbors(op, x, name):
    flat = raw.Reshape(tensor=convert_to_tensor(x, name="x"), shape=[-1])
    holds = op(x=flat[1:], y=flat[:-1])
    return raw.All(input=holds, axis=[0], name=name)


__getattr__ = op_functions(
    globals(),
    dispatchable="""
math.approx_max_k nn.approx_max_k = ApproxTopK(operand: input, k, reduction_dimension=-1, recall_target=0.95, reduction_input_size_override=-1, aggregate_to_topk=True, *, is_max_k=True)
    Values and indices of (approximately) the `k` largest entries along an axis.

    Args:
      operand: floats.
      k: how many.
      reduction_dimension: the axis.
      recall_target: the share of the true ones that is asked for; here all are found.
      reduction_input_size_override, aggregate_to_topk: accepted; they tune other devices.
      name: of the operation.

    Returns:
      (values, indices): `[..., k, ...]` of the dtype of `operand`, in descending order, and int32.
math.approx_min_k nn.approx_min_k = ApproxTopK(operand: input, k, reduction_dimension=-1, recall_target=0.95, reduction_input_size_override=-1, aggregate_to_topk=True, *, is_max_k=False)
    Values and indices of (approximately) the `k` smallest entries along an axis.

    Args:
      operand, k, reduction_dimension, recall_target, reduction_input_size_override,
        aggregate_to_topk, name: as `tf.math.approx_max_k`'s.

    Returns:
      (values, indices): `[..., k, ...]` of the dtype of `operand`, in ascending order, and int32.
math.invert_permutation +invert_permutation = InvertPermutation(x)
    Returns the permutation y with `y[x[i]] = i`.

    Args:
      x: an int32 or int64 vector of the numbers 0 ... n - 1 in any order.
      name: a name for the operation.

    Returns:
      A vector of the same dtype.

    Raises:
      InvalidArgumentError: a number is missing, occurs twice or is out of range.

    >>> tf.math.invert_permutation([2, 0, 1]).numpy()
    array([1, 2, 0], dtype=int32)
-nn.in_top_k -math.in_top_k = InTopKV2(targets, predictions, k) in in_top_k
    Returns True for each row whose target is among its `k` highest predictions.

    Predictions that tie with the k-th highest count as among them. A target out of range, or a
    prediction that is not finite, gives False.

    Args:
      targets: int32 or int64, `[batch]`: classes.
      predictions: float32, `[batch, classes]`.
      k: an integer scalar.
      name: a name for the operation.

    Returns:
      A bool tensor `[batch]`.

    >>> tf.math.in_top_k([2, 0], [[0.1, 0.2, 0.7], [0.1, 0.6, 0.3]], k=1).numpy()
    array([ True, False])
math.top_k nn.top_k = TopKV2(input, k=1, sorted=True, index_type=dtypes.int32)
    Returns the `k` largest entries of each row, and where they stood.

    Args:
      input: `[..., n]`, real numbers.
      k: int32 scalar, 0 <= k <= n.
      sorted: if True, the entries of each row come in descending order.
      index_type: the dtype of the indices: int16, int32 or int64.
      name: a name for the operation.

    Returns:
      A pair `(values, indices)`, each of shape `[..., k]`; of equal entries the one with the
      lower index comes first.

    Raises:
      InvalidArgumentError: `input` is a scalar, or `k` is out of range.

    >>> values, indices = tf.math.top_k([10, 30, 20], k=2)
    >>> values.numpy(), indices.numpy()
    (array([30, 20], dtype=int32), array([1, 2], dtype=int32))
""",
)
