"""Windows: the weights of the samples of a frame."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.scan import cumsum
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def _check(dtype):
    kind = dtypes.as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {kind}")
    return kind


def length_of(window_length):
    """A length as a Python int if static, else as an int32 scalar."""
    if isinstance(window_length, (int, np.integer)):
        return int(window_length)
    tensor = cast(convert_to_tensor(window_length), dtypes.int32)
    tensor.shape.assert_has_rank(0)
    return int(tensor.numpy()) if hasattr(tensor, "numpy") else tensor


def counter(length, kind):
    """0, 1, ..., length - 1 in a float type."""
    if isinstance(length, int):
        if length < 0:
            raise InvalidArgumentError(
                f"Requires start <= limit when delta > 0: 0/{length} [Op:Range]"
            )
        return convert_to_tensor(np.arange(length).astype(kind.as_numpy_dtype))
    return cast(raw.Range(start=0, limit=length, delta=1), kind)


def _number(value, kind):
    return np.asarray(value, kind.as_numpy_dtype)


def _raised_cosine(window_length, periodic, dtype, a, b, name):
    kind = _check(dtype)
    length = length_of(window_length)
    periodic = bool(periodic.numpy()) if isinstance(periodic, Tensor) else bool(periodic)
    if isinstance(length, int):
        if length == 1:
            return convert_to_tensor(np.ones(1, kind.as_numpy_dtype))
        even = 1 - length % 2
        span = _number(length + periodic * even - 1, kind)
    else:
        even = np.int32(1) - raw.FloorMod(x=length, y=np.int32(2))
        span = cast(length + np.int32(periodic) * even - np.int32(1), kind)
    angle = _number(2 * np.pi, kind) * counter(length, kind) / span
    if isinstance(length, int):
        return raw.Sub(x=_number(a, kind), y=_number(b, kind) * raw.Cos(x=angle), name=name)
    window = _number(a, kind) - _number(b, kind) * raw.Cos(x=angle)
    is_one = raw.Equal(x=length, y=np.int32(1))  # then the span is 0
    return raw.SelectV2(condition=is_one, t=_number(1, kind), e=window, name=name)


@dispatchable("signal.hann_window", scope="hann_window")
def hann_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
    """Returns a Hann window, half a cosine raised by one.

    Args:
      window_length: an integer scalar.
      periodic: if True, the window is one period, for spectra; otherwise it is symmetric, for
        filters.
      dtype: a float dtype.
      name: a name for the operation.

    Returns:
      A vector of `window_length` numbers from 0 to 1.

    Raises:
      ValueError: `dtype` is not a float, or the length is not a scalar.

    >>> tf.signal.hann_window(4).numpy().round(4)
    array([0. , 0.5, 1. , 0.5], dtype=float32)
    """
    return _raised_cosine(window_length, periodic, dtype, 0.5, 0.5, name)


@dispatchable("signal.hamming_window", scope="hamming_window")
def hamming_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
    """Returns a Hamming window, which stays above 0 at its ends.

    Args:
      window_length: an integer scalar.
      periodic: if True, the window is one period, for spectra; otherwise it is symmetric, for
        filters.
      dtype: a float dtype.
      name: a name for the operation.

    Returns:
      A vector of `window_length` numbers from 0.08 to 1.

    Raises:
      ValueError: `dtype` is not a float, or the length is not a scalar.

    >>> tf.signal.hamming_window(4).numpy().round(4)
    array([0.08, 0.54, 1.  , 0.54], dtype=float32)
    """
    return _raised_cosine(window_length, periodic, dtype, 0.54, 0.46, name)


@dispatchable("signal.kaiser_window", scope="kaiser_window")
def kaiser_window(window_length, beta=12.0, dtype=dtypes.float32, name=None):
    """Returns a Kaiser window, made of modified Bessel functions.

    Args:
      window_length: an integer scalar.
      beta: how fast it falls off; 0 gives a rectangle.
      dtype: a float dtype.
      name: a name for the operation.

    Returns:
      A vector of `window_length` numbers.

    >>> tf.signal.kaiser_window(3, beta=2.0).numpy().round(4)
    array([0.4387, 1.    , 0.4387], dtype=float32)
    """
    kind = _check(dtype)
    length = length_of(window_length)
    if isinstance(length, int) and length == 1:
        return convert_to_tensor(np.ones(1, kind.as_numpy_dtype))
    beta = cast(convert_to_tensor(beta), kind)
    if isinstance(length, int):
        half = _number((length - 1) / 2, kind)
    else:
        half = (cast(length, kind) - _number(1, kind)) / _number(2, kind)
    offset = counter(length, kind) - half
    inside = raw.Relu(features=_number(1, kind) - raw.Square(x=offset / half))
    arc = beta * raw.Sqrt(x=inside)
    ratio = raw.BesselI0e(x=arc) / raw.BesselI0e(x=beta)
    return raw.Mul(x=raw.Exp(x=arc - beta), y=ratio, name=name)


@dispatchable("signal.kaiser_bessel_derived_window")
def kaiser_bessel_derived_window(window_length, beta=12.0, dtype=dtypes.float32, name=None):
    """The window of cumulative sums of Kaiser's window, for lapped transforms.

    Args:
      window_length: an even integer scalar.
      beta: of Kaiser's window; the larger, the narrower.
      dtype: of the result, a floating point type.
      name: of the operation.

    Returns:
      A vector `[window_length]`.
    """
    length = length_of(window_length)
    half = length // 2 if isinstance(length, int) else raw.FloorDiv(x=length, y=np.int32(2))
    one = 1 if isinstance(length, int) else np.int32(1)
    sums = cumsum(kaiser_window(half + one, beta, dtype=dtype))
    rising = raw.Sqrt(x=sums[:-1] / sums[-1])
    return raw.ConcatV2(values=[rising, raw.ReverseV2(tensor=rising, axis=[0])], axis=0, name=name)


@dispatchable("signal.vorbis_window", scope="vorbis_window")
def vorbis_window(window_length, dtype=dtypes.float32, name=None):
    """sin(pi/2 sin(pi (n + 1/2) / N) ** 2), the window of Vorbis.

    Args:
      window_length: an integer scalar.
      dtype: of the result, a floating point type.
      name: of the operation.

    Returns:
      A vector `[window_length]`.
    """
    kind = _check(dtype)
    length = length_of(window_length)
    size = _number(length, kind) if isinstance(length, int) else cast(length, kind)
    angle = _number(np.pi, kind) / size * (counter(length, kind) + _number(0.5, kind))
    square = raw.Pow(x=raw.Sin(x=angle), y=_number(2, kind))
    return raw.Sin(x=_number(np.pi / 2, kind) * square, name=name)
