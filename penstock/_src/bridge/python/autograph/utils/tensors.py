"""Kinds of tensors: `tensorflow.python.autograph.utils.tensors`."""

from __future__ import annotations

from typing import Any

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.function.autograph.builtins import is_tensor


def is_dense_tensor(t: Any) -> bool:
    """True if `t` is a tensor that is not sparse."""
    return is_tensor(t) and not isinstance(t, CompositeTensor)


def is_tensor_array(t: Any) -> bool:
    """True if `t` is a TensorArray."""
    return isinstance(t, TensorArray)


def is_tensor_list(t: Any) -> bool:
    """True if `t` may be a list of tensors: a scalar variant."""
    return is_tensor(t) and t.dtype == dtypes.variant and not t.shape.rank


def is_range_tensor(t: Any) -> bool:
    """True if `t` is the result of `tf.range` in a graph."""
    op = getattr(t, "op", None) if is_tensor(t) and hasattr(t, "graph") else None
    return op is not None and op.type == "Range"
