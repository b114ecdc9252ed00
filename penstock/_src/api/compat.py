"""tf.compat: strings, types and dimensions across versions of Python and TensorFlow."""

import contextlib
import contextvars
import datetime
import logging
import numbers
import os

import numpy as np

from penstock._src.core.shapes import Dimension
from penstock._src.util.export import export, export_constant

log = logging.getLogger("tensorflow")
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


# The date of TensorFlow 2.21.
HORIZON = datetime.date(2026, 1, 16)
_HORIZON: contextvars.ContextVar[datetime.date | None] = contextvars.ContextVar(
    "horizon", default=None
)


def horizon(date=None):
    """The date that `forward_compatible` compares with, if `date` is asked for.

    Args:
      date: a date, or None for TensorFlow's, and the days in TF_FORWARD_COMPATIBILITY_DELTA_DAYS after it.

    Returns:
      A date; None, with a warning, if it is earlier than TensorFlow's.
    """
    if date is None:
        days = os.environ.get("TF_FORWARD_COMPATIBILITY_DELTA_DAYS")
        date = HORIZON + datetime.timedelta(days=int(days or 0))
    if date < HORIZON:
        log.warning("The date %s of forward compatibility is in the past, and is ignored.", date)
        return None
    return date


_horizon = horizon() or HORIZON


def set_horizon(date=None):
    """Sets the date that `forward_compatible` compares with.

    Args:
      date: as for `horizon`.
    """
    global _horizon
    _horizon = horizon(date) or _horizon


@export("compat.forward_compatible", v1=["compat.forward_compatible"])
def forward_compatible(year, month, day):
    """True if graphs may use features that TensorFlow has had since a date.

    Args:
      year, month, day: the date, as ints.

    Returns:
      True if it is before the horizon: 16 January 2026, as in TensorFlow 2.21, or that of
      `tf.compat.forward_compatibility_horizon`.
    """
    return (_HORIZON.get() or _horizon) > datetime.date(year, month, day)


@export("compat.forward_compatibility_horizon", v1=["compat.forward_compatibility_horizon"])
@contextlib.contextmanager
def forward_compatibility_horizon(year, month, day):
    """A context in which `tf.compat.forward_compatible` compares with another date.

    Args:
      year, month, day: the date, as ints. One before the horizon of TensorFlow 2.21 has no effect.

    Returns:
      A context manager.
    """
    token = _HORIZON.set(horizon(datetime.date(year, month, day)) or _HORIZON.get())
    try:
        yield
    finally:
        _HORIZON.reset(token)
