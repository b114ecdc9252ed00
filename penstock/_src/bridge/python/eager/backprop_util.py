"""`tensorflow.python.eager.backprop_util`: sums of gradients, and which types have gradients."""

from collections.abc import Sequence
from typing import Any

from penstock._src.autodiff.tape import DIFFERENTIABLE
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def IsTrainable(tensor_or_dtype: Any) -> bool:
    """True if values of a type have gradients."""
    return as_dtype(getattr(tensor_or_dtype, "dtype", tensor_or_dtype)).base_dtype in DIFFERENTIABLE


def FlattenNestedIndexedSlices(grad: Any) -> Any:
    """Returns slices whose values are a tensor, of slices whose values may be slices."""
    if isinstance(grad.values, Tensor):
        return grad
    inner = FlattenNestedIndexedSlices(grad.values)
    rows = raw.GatherV2(params=grad.indices, indices=inner.indices, axis=0)
    return IndexedSlices(inner.values, rows, inner.dense_shape)


def AggregateIndexedSlicesGradients(grads: Sequence[Any]) -> Any:
    """Returns the sum of gradients: slices if all are slices.

    Args:
      grads: tensors, `tf.IndexedSlices`, or None.
    """
    if len(grads) <= 1:
        return grads[0] if grads else None
    known = [grad for grad in grads if grad is not None]
    if any(isinstance(grad, Tensor) for grad in known):
        return raw.AddN(inputs=[convert_to_tensor(grad) for grad in known])
    slices = [FlattenNestedIndexedSlices(grad) for grad in known]
    if len(slices) == 1:
        return slices[0]
    indices = [grad.indices for grad in slices]
    if any(rows.dtype.name == "int64" for rows in indices):
        indices = [raw.Cast(x=rows, DstT="int64") for rows in indices]
    return IndexedSlices(
        raw.ConcatV2(values=[grad.values for grad in slices], axis=0),
        raw.ConcatV2(values=indices, axis=0),
        slices[0].dense_shape,
    )
