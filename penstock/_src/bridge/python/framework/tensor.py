"""`tensorflow.python.framework.tensor`: specs of tensors with bounds."""

import re
from typing import Any

import numpy as np

from penstock._src.core import specs
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.shapes import TensorShape, broadcast_static_shape
from penstock._src.core.specs import TensorSpec


def sanitize_spec_name(name: str) -> str:
    """Returns a name of an argument in the form that operations may have: lower case, a letter first."""
    if not name:
        return "unknown"
    sanitized = re.sub(r"[^a-z0-9]", "_", name.lower())
    return sanitized if sanitized[0].isalpha() else f"tensor_{sanitized}"


class BoundedTensorSpec(TensorSpec):
    """A TensorSpec whose values lie between two bounds, both included.

    Args:
      shape, dtype, name: of the tensor.
      minimum, maximum: the bounds, which broadcast to the shape.
    """

    def __init__(
        self, shape: Any, dtype: Any, minimum: Any, maximum: Any, name: str | None = None
    ) -> None:
        super().__init__(shape, dtype, name)
        for label, bound in (("minimum", minimum), ("maximum", maximum)):
            if bound is None:
                raise ValueError(f"`{label}` can not be None.")
            try:
                broadcast_static_shape(TensorShape(np.shape(bound)), self.shape)
            except ValueError as error:
                raise ValueError(
                    f"`{label}` {bound} is not compatible with shape {self.shape}."
                ) from error
        kind = self.dtype.as_numpy_dtype
        self._minimum, self._maximum = np.array(minimum, kind), np.array(maximum, kind)
        self._minimum.setflags(write=False)
        self._maximum.setflags(write=False)

    minimum = property(lambda self: self._minimum, doc="The smallest values.")
    maximum = property(lambda self: self._maximum, doc="The largest values.")

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> "BoundedTensorSpec":
        """Returns a spec with the bounds of `spec`, or those of its type."""
        dtype = as_dtype(spec.dtype)
        least, most = getattr(spec, "minimum", dtype.min), getattr(spec, "maximum", dtype.max)
        return BoundedTensorSpec(spec.shape, dtype, least, most, name or spec.name)

    def __repr__(self) -> str:
        return (
            f"BoundedTensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r}, "
            f"minimum={self.minimum!r}, maximum={self.maximum!r})"
        )

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, BoundedTensorSpec)
            and (self.shape, self.dtype) == (other.shape, other.dtype)
            and np.allclose(self.minimum, other.minimum)
            and np.allclose(self.maximum, other.maximum)
        )

    def __hash__(self) -> int:
        return hash((tuple(self.shape), self.dtype))

    def __reduce__(self) -> Any:
        return BoundedTensorSpec, (self.shape, self.dtype, self._minimum, self._maximum, self.name)
