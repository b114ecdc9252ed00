"""NumPy's methods of tensors."""

from penstock._src.api.numpy_behavior.behavior import enable_numpy_methods_on_tensor

__all__ = ["enable_numpy_methods_on_tensor"]
