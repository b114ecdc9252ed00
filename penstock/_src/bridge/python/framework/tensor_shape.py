"""`tensorflow.python.framework.tensor_shape`: dimensions, and which version of shapes is in effect."""

from typing import Any

from penstock._src.core import shapes
from penstock._src.core.shapes import Dimension

_TENSORSHAPE_V2_OVERRIDE: Any = None


def as_dimension(value: Any) -> Dimension:
    """Returns a number or None as a Dimension."""
    return value if isinstance(value, Dimension) else Dimension(value)
