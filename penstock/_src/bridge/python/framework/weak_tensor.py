"""Tensors made of Python numbers, whose dtype gives way."""

from penstock._src.api.extending.weak_tensor import (
    ALLOWED as _ALLOWED_WEAK_DTYPES,
)
from penstock._src.api.extending.weak_tensor import (
    EagerWeakTensor,
    GraphWeakTensor,
    WeakTensor,
    with_weakness,
)

__all__ = [
    "_ALLOWED_WEAK_DTYPES",
    "EagerWeakTensor",
    "GraphWeakTensor",
    "WeakTensor",
    "convert_to_weak_tensor_or_tensor",
]

convert_to_weak_tensor_or_tensor = with_weakness
