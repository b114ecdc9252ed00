"""tf.compat: strings, types and dimensions across versions of Python and TensorFlow."""

import contextlib
import contextvars
import datetime
import numbers
import os

import numpy as np

from penstock._src.core.shapes import Dimension
from penstock._src.util.export import export, export_constant

complex_types = (numbers.Complex, np.number)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
bytes_or_text_types = (bytes, str)
for _name in ("complex_types", "integral_types", "real_types", "bytes_or_text_types"):
    export_constant(f"compat.{_name}", globals()[_name])


@export("compat.as_bytes")
def as_bytes(bytes_or_text, encoding="utf-8"):
    """A string as bytes.

    Args:
      bytes_or_text: str, bytes or bytearray.
      encoding: of the bytes.

    Returns:
      Bytes.

    Raises:
      TypeError: it is something else.
    """
    if isinstance(bytes_or_text, bytearray):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@export("compat.as_text")
def as_text(bytes_or_text, encoding="utf-8"):
    """A string as str.

    Args:
      bytes_or_text: str or bytes.
      encoding: of the bytes.

    Returns:
      A str.

    Raises:
      TypeError: it is something else.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@export("compat.as_str")
def as_str(bytes_or_text, encoding="utf-8"):
    """A string as str.

    Args:
      bytes_or_text: str or bytes.
      encoding: of the bytes.

    Returns:
      A str.
    """
    return as_text(bytes_or_text, encoding)


@export("compat.as_str_any")
def as_str_any(value, encoding="utf-8"):
    """Anything as str.

    Args:
      value: any object.
      encoding: of bytes.

    Returns:
      The decoded bytes, or `str(value)`.
    """
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


@export("compat.path_to_str")
def path_to_str(path):
    """A path object as str; other values unchanged.

    Args:
      path: any object.

    Returns:
      A str for an object with `__fspath__`, otherwise `path` itself.
    """
    if hasattr(path, "__fspath__"):
        path = os.fspath(path)
        return path.decode() if isinstance(path, bytes) else path
    return path


@export("compat.dimension_value", v1=["dimension_value", "compat.dimension_value"])
def dimension_value(dimension):
    """The int (or None) of a Dimension; other values unchanged.

    Args:
      dimension: a Dimension, an int or None.

    Returns:
      An int or None.
    """
    return dimension.value if isinstance(dimension, Dimension) else dimension


@export("compat.dimension_at_index", v1=["dimension_at_index", "compat.dimension_at_index"])
def dimension_at_index(shape, index):
    """The extent at `index` of a TensorShape.

    Args:
      shape: a TensorShape.
      index: an int.

    Returns:
      A Dimension; None if the rank is unknown.
    """
    return None if shape.rank is None else shape.dims[index]


_HORIZON = contextvars.ContextVar("horizon", default=datetime.date(2026, 1, 16))


@export("compat.forward_compatible", v1=["compat.forward_compatible"])
def forward_compatible(year, month, day):
    """Whether graphs may use what TensorFlow has had since a date.

    Args:
      year, month, day: the date, as ints.

    Returns:
      True if it is before the horizon: 16 January 2026, as in TensorFlow 2.21, or that of
      `tf.compat.forward_compatibility_horizon`.
    """
    return _HORIZON.get() > datetime.date(year, month, day)


@export("compat.forward_compatibility_horizon", v1=["compat.forward_compatibility_horizon"])
@contextlib.contextmanager
def forward_compatibility_horizon(year, month, day):
    """A context in which `tf.compat.forward_compatible` compares with another date.

    Args:
      year, month, day: the date, as ints.

    Returns:
      A context manager.
    """
    token = _HORIZON.set(datetime.date(year, month, day))
    try:
        yield
    finally:
        _HORIZON.reset(token)
