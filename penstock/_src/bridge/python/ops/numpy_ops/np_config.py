"""NumPy's behavior of tensors."""

from penstock._src.api.numpy_behavior.behavior import (
    experimental_enable_numpy_behavior as enable_numpy_behavior,
)

__all__ = ["enable_numpy_behavior"]
