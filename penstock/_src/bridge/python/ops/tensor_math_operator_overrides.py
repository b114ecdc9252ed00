"""The functions of the operator `*` of tensors: `tensorflow.python.ops.tensor_math_operator_overrides`."""

from .math_ops import _mul_dispatch as _mul_dispatch_factory

__all__ = ["_mul_dispatch_factory"]
