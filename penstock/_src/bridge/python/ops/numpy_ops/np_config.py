"""NumPy's behavior of tensors."""

from penstock._src.api.numpy.behavior import (
    experimental_enable_numpy_behavior as enable_numpy_behavior,
)

__all__ = ["enable_numpy_behavior"]
