"""`tensorflow.python.ops.tensor_getitem_override`: indexing, shared with classes that imitate variables."""

from __future__ import annotations

from typing import Any

from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable


def _slice_helper(tensor: Any, slice_spec: Any, var: Any = None) -> Any:
    """Returns `tensor[slice_spec]`, which can be assigned to if `var` is the variable that has this value."""
    if isinstance(var, Variable):
        return var[slice_spec]  # type: ignore[index]
    return Tensor.__getitem__(tensor, slice_spec)


def _slice_helper_var(var: Any, slice_spec: Any) -> Any:
    """Returns `var[slice_spec]` for an object with a value, as variables have."""
    return _slice_helper(var.value(), slice_spec, var)
