"""Counts of values and crosses of columns, as sparse tensors."""

import numpy as np

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export

from .sparse_tensor import SparseTensor


@dispatchable("sparse.bincount")
def bincount(
    values,
    weights=None,
    axis=0,
    minlength=None,
    maxlength=None,
    binary_output=False,
    name=None,
):
    """Returns how often each integer occurs, as a sparse tensor.

    Args:
      values: integers, not negative: a tensor, or a sparse or ragged one.
      weights: numbers of the same structure, which are added up instead of 1.
      axis: 0 counts all together, -1 each row by itself.
      minlength: the least length of the result.
      maxlength: the greatest length of the result; numbers of at least `maxlength` are not counted.
      binary_output: if True, the result is 1 for numbers that occur.
      name: a name for the operation.

    Returns:
      A `SparseTensor` of counts.

    Raises:
      ValueError: `axis` is another number, weights are of another structure, or go with
        `binary_output`.

    >>> counts = tf.sparse.bincount([[1, 1], [0, 2]], axis=-1)
    >>> tf.sparse.to_dense(counts).numpy()
    array([[0, 2, 0],
           [1, 0, 1]], dtype=int32)
    """
    from_sparse = isinstance(values, SparseTensor)
    from_ragged = hasattr(values, "row_splits")
    source = values.values if from_sparse or from_ragged else convert_to_tensor(values)
    if weights is not None and binary_output:
        raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive.")
    if axis not in (None, 0, -1):
        raise ValueError(
            f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported."
        )
    if weights is None:
        flat_weights = np.zeros(0, source.dtype.as_numpy_dtype)
    elif from_sparse:
        flat_weights = weights_of_values(values, weights)
    else:
        flat_weights = _dense_weights(weights, from_ragged)
    if axis != -1:
        source = raw.Reshape(tensor=source, shape=[-1])
        flat_weights = (
            flat_weights if weights is None else raw.Reshape(tensor=flat_weights, shape=[-1])
        )
    arguments = dict(
        minlength=-1 if minlength is None else int(minlength),
        maxlength=-1 if maxlength is None else int(maxlength),
        binary_output=binary_output,
        name=name,
    )
    if from_sparse and axis == -1:
        parts = raw.SparseCountSparseOutput(
            indices=values.indices,
            values=source,
            dense_shape=values.dense_shape,
            weights=flat_weights,
            **arguments,
        )
    elif from_ragged and axis == -1:
        splits = cast(values.row_splits, dtypes.int64)
        parts = raw.RaggedCountSparseOutput(
            splits=splits, values=source, weights=flat_weights, **arguments
        )
    else:
        parts = raw.DenseCountSparseOutput(values=source, weights=flat_weights, **arguments)
    return SparseTensor(*parts)


def _dense_weights(weights, from_ragged):
    """The weights of a tensor's or a ragged tensor's values, as a tensor.

    Raises:
      ValueError: they are of another structure.
    """
    flat = getattr(weights, "values", weights) if from_ragged else weights
    if isinstance(flat, CompositeTensor):
        raise ValueError(
            "Argument `weights` must be a tf.Tensor if `values` is a tf.Tensor. Received "
            f"weights={weights} of type: {type(weights).__name__}"
        )
    return convert_to_tensor(flat, name="weights")


def weights_of_values(values, weights):
    """The values of sparse weights, which must have the indices of the sparse values.

    Raises:
      ValueError: the weights are not sparse.
      InvalidArgumentError: their places are others.
    """
    if not isinstance(weights, SparseTensor):
        raise ValueError(
            "Argument `weights` must be a SparseTensor if `values` is a SparseTensor. Received "
            f"weights={weights} of type: {type(weights).__name__}"
        )
    checks = []
    for what, part in (("dense shape", "dense_shape"), ("indices", "indices")):
        one, other = getattr(weights, part), getattr(values, part)
        if one is not other:
            message = f"'weights' and 'values' must have the same {what}."
            checks.append(assert_equal(one, other, message=message))
    checks = [check for check in checks if check is not None]
    if not checks:
        return weights.values
    with control_dependencies(checks):
        return raw.Identity(input=weights.values)


def _columns_of_crosses(inputs):
    """The sparse inputs, their values, and the dense inputs, as strings or int64."""
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("Inputs must be a list")
    if not all(isinstance(x, (SparseTensor, Tensor)) for x in inputs):
        raise TypeError("All inputs must be Tensor or SparseTensor.")

    def key(t):
        return t if t.dtype == dtypes.string else cast(t, dtypes.int64)

    sparse = [x for x in inputs if isinstance(x, SparseTensor)]
    dense = [key(x) for x in inputs if isinstance(x, Tensor)]
    return sparse, [key(s.values) for s in sparse], dense


@export("sparse.cross")
def cross(inputs, name=None, separator=None):
    """All combinations of the features of each row, as strings joined by `separator`.

    Args:
      inputs: a list of SparseTensors and tensors `[rows, ...]`, int64 or string.
      name: of the operation.
      separator: by default "_X_".

    Returns:
      A string SparseTensor `[rows, combinations]`.
    """
    sparse, values, dense = _columns_of_crosses(inputs)
    parts = raw.SparseCrossV2(
        indices=[s.indices for s in sparse],
        values=values,
        shapes=[s.dense_shape for s in sparse],
        dense_inputs=dense,
        sep="_X_" if separator is None else separator,
        name=name,
    )
    return SparseTensor(*parts)


@export("sparse.cross_hashed")
def cross_hashed(inputs, num_buckets=0, hash_key=None, name=None):
    """All combinations of the features of each row, as hashes.

    Args:
      inputs: a list of SparseTensors and tensors `[rows, ...]`, int64 or string.
      num_buckets: hashes are less than this; 0 for any.
      hash_key: an int that changes all hashes; None for the default.
      name: of the operation.

    Returns:
      An int64 SparseTensor `[rows, combinations]`.
    """
    sparse, values, dense = _columns_of_crosses(inputs)
    kinds = {dtypes.string} & {v.dtype for v in [*values, *dense]}
    internal = dtypes.string if kinds else dtypes.int64
    parts = raw.SparseCross(
        indices=[s.indices for s in sparse],
        values=values,
        shapes=[s.dense_shape for s in sparse],
        dense_inputs=dense,
        hashed_output=True,
        num_buckets=num_buckets,
        hash_key=hash_key or 0xDECAFCAFFE,
        out_type=dtypes.int64,
        internal_type=internal,
        name=name,
    )
    return SparseTensor(*parts)
