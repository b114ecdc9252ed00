"""Items of lists and tensors: `tensorflow.python.autograph.operators.slices`."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.bridge.python.ops import list_ops
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.function.autograph.builtins import is_tensor


class GetItemOpts(NamedTuple):
    """Known properties of the elements of a list."""

    element_dtype: Any


def get_item(target: Any, i: Any, opts: GetItemOpts) -> Any:
    """Returns `target[i]`: an element of a list of tensors or a TensorArray, the character of a string, or Python's."""
    if isinstance(target, TensorArray):
        return target.read(i)
    if not is_tensor(target):
        return target[i]
    if target.dtype == dtypes.variant:
        if opts.element_dtype is None:
            raise ValueError(
                "cannot retrieve from a list without knowing its element type; use set_element_type "
                "to annotate it"
            )
        return list_ops.tensor_list_get_item(target, i, element_dtype=opts.element_dtype)
    if target.dtype == dtypes.string and target.shape.rank == 0:
        return raw.Substr(input=target, pos=i, len=1)
    return target[i]


def set_item(target: Any, i: Any, x: Any) -> Any:
    """Sets `target[i]`, in a copy if it is a tensor, list of tensors or TensorArray; returns the target."""
    if isinstance(target, TensorArray):
        return target.write(i, x)
    if not is_tensor(target):
        target[i] = x
        return target
    if target.dtype == dtypes.variant:
        return list_ops.tensor_list_set_item(target, i, x)
    return raw.TensorScatterUpdate(tensor=target, indices=[[i]], updates=[x])
