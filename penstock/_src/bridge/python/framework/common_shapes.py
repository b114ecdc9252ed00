"""`tensorflow.python.framework.common_shapes`: broadcasting of static shapes."""

from typing import Any

from penstock._src.core.shapes import UNKNOWN, TensorShape, as_shape, broadcast_static_shape


def broadcast_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Returns the shape that two shapes broadcast to; unknown if one of them is.

    Raises:
      ValueError: they do not fit.
    """
    x, y = as_shape(shape_x), as_shape(shape_y)
    return UNKNOWN if x.rank is None or y.rank is None else broadcast_static_shape(x, y)


def is_broadcast_compatible(shape_x: Any, shape_y: Any) -> bool:
    """True if two shapes broadcast, as far as they are known; False if the rank of one is not."""
    x, y = as_shape(shape_x), as_shape(shape_y)
    if x.rank is None or y.rank is None:
        return False
    try:
        broadcast_static_shape(x, y)
    except ValueError:
        return False
    return True
