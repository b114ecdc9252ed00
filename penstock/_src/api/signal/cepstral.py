"""Cosine transforms, mel scales and cepstral coefficients."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import NARROW
from penstock._src.graph.static_values import get_static_value

from .fourier import complex_of, irfft, rfft


def _number(value, x):
    return np.asarray(value, x.dtype.as_numpy_dtype)


def _extent(x):
    """The size of the last axis: an int if static, else an int32 scalar."""
    known = None if x.shape.rank is None else x.shape[-1]
    return raw.Shape(input=x)[-1] if known is None else known


def _phases(n, sign, kind):
    """2 exp(sign * i * pi * k / 2n) for k < n."""
    if isinstance(n, int):
        k = np.arange(n)
        values = 2.0 * np.exp(sign * 0.5j * np.pi * k / n)
        return convert_to_tensor(values.astype(kind.as_numpy_dtype))
    k = cast(raw.Range(start=0, limit=n, delta=1), kind.real_dtype)
    angles = k * _number(sign * 0.5 * np.pi, k) / cast(n, k.dtype)
    two = _number(2.0, k)
    return raw.Complex(real=two * raw.Cos(x=angles), imag=two * raw.Sin(x=angles), Tout=kind)


def _resized(x, n):
    have = _extent(x)
    if n is None:
        return x
    if isinstance(n, int) and isinstance(have, int):
        return x if n == have else x[..., :n] if n < have else _padded(x, n - have)
    return _padded(x[..., :n], raw.Maximum(x=n - have, y=np.int32(0)))


def _padded(x, count):
    """`x` with `count` zeros after the last axis."""
    before = raw.Fill(dims=raw.Pack(values=[raw.Rank(input=x) - np.int32(1), 2]), value=np.int32(0))
    last = raw.Reshape(tensor=raw.Pack(values=[np.int32(0), count]), shape=[1, 2])
    return raw.Pad(input=x, paddings=raw.ConcatV2(values=[before, last], axis=0))


def _root(size, x):
    """The square root of a size, in the dtype of `x`."""
    return _number(np.sqrt(size), x) if isinstance(size, int) else raw.Sqrt(x=cast(size, x.dtype))


def _weights(size, first, rest):
    """A vector of `first` and then `rest`."""
    others = raw.Fill(dims=raw.Pack(values=[size - 1]), value=rest)
    return raw.ConcatV2(values=[raw.Reshape(tensor=first, shape=[1]), others], axis=0)


@dispatchable("signal.dct", v1=["signal.dct", "spectral.dct"], scope="dct")
def dct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The discrete cosine transform of the last axis, of type 1, 2, 3 or 4.

    Args:
      input: `[..., samples]`, float32 or float64.
      type: 1, 2, 3 or 4.
      n: the length to which the input is truncated or zero-padded.
      axis: -1.
      norm: None or "ortho" (not for type 1).
      name: a name for the operation.

    Returns:
      `[..., n]` of the dtype of `input`.

    Raises:
      ValueError: `type`, `n` or `norm` is something else.
      NotImplementedError: `axis` is not -1.
      TypeError: `input` is of half precision and `type` is not 1.
    """
    if type not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")
    if type == 1 and norm == "ortho":
        raise ValueError("Normalization is not supported for the Type-I DCT.")
    x = convert_to_tensor(input, name="input")
    if x.dtype.is_complex:
        raise AssertionError(f"signal.dct: real numbers are required. Received {x.dtype!r}.")
    narrow = x.dtype in NARROW
    if narrow and type != 1:
        kind = x.dtype.name
        raise TypeError(
            f"The `real` and `imag` components have incorrect types: {kind} {kind}. They must be "
            "consistent, and one of [tf.float32, tf.float64]"
        )
    x = _resized(cast(x, dtypes.float32) if narrow else x, n)
    size = _extent(x)
    if type == 1:
        if isinstance(size, int) and size < 2:
            raise ValueError(
                f"Type-I DCT requires the dimension to be greater than one. Received {size}."
            )
        mirrored = raw.ConcatV2(values=[x, x[..., -2:0:-1]], axis=-1)
        return raw.Real(input=rfft(mirrored), Tout=x.dtype, name=name)
    return {2: _second, 3: _third, 4: _fourth}[type](x, size, norm, name)


def _second(x, size, norm, name):
    spectrum = rfft(x, [2 * size])[..., :size]
    result = raw.Real(input=spectrum * _phases(size, -1, spectrum.dtype), Tout=x.dtype, name=name)
    if norm == "ortho":
        first = _number(0.5, x) / _root(size, x)
        result = result * _weights(size, first, first * _number(np.sqrt(2), x))
    return result


def _third(x, size, norm, name):
    if norm == "ortho":
        first = _root(size, x)
        x = x * _weights(size, first, first * _number(np.sqrt(0.5), x))
    else:
        x = x * (_number(size, x) if isinstance(size, int) else cast(size, x.dtype))
    numbers = complex_of(x)
    return irfft(_phases(size, 1, numbers.dtype) * numbers, [2 * size], name=name)[..., :size]


def _fourth(x, size, norm, name):
    odd = _second(_padded(x, size), 2 * size, None, name)[..., 1::2]
    return odd * (_number(np.sqrt(0.5), x) / _root(size, x)) if norm == "ortho" else odd


@dispatchable("signal.idct", v1=["signal.idct", "spectral.idct"])
def idct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The inverse of `dct` up to a factor: for type 2 the transform of type 3, and vice versa.

    Args:
      input: `[..., samples]`, float32 or float64.
      type: of the transform to invert: 1, 2, 3 or 4.
      n: the length to which the input is truncated or zero-padded.
      axis: -1.
      norm: None; or "ortho" (not for type 1), with which it is exactly the inverse.
      name: accepted for compatibility.

    Returns:
      `[..., n]` of the dtype of `input`.

    Raises:
      ValueError: `type` is something else.
    """
    if type not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    return dct(input, {1: 1, 2: 3, 3: 2, 4: 4}[type], n, axis, norm, name)


def _mel(hertz):
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def _mel_weights(count, arguments, kind):
    """Compute `linear_to_mel_weight_matrix` with data-dependent sizes."""
    rate, low, high = (cast(convert_to_tensor(v), kind) for v in arguments[:3])
    number = kind.as_numpy_dtype

    def mel(hertz):
        return number(1127) * raw.Log(x=number(1) + hertz / number(700))

    hertz = raw.LinSpace(start=number(0), stop=rate / number(2), num=arguments[3])
    bins = raw.ExpandDims(input=mel(hertz[1:]), axis=1)
    edges = raw.LinSpace(start=mel(low), stop=mel(high), num=count + 2)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    sides = raw.Minimum(x=(bins - lower) / (center - lower), y=(upper - bins) / (upper - center))
    weights = raw.Maximum(x=sides, y=number(0))
    return raw.Pad(input=weights, paddings=[[1, 0], [0, 0]])


@dispatchable("signal.linear_to_mel_weight_matrix", named="linear_to_mel_weight_matrix")
def linear_to_mel_weight_matrix(
    num_mel_bins=20,
    num_spectrogram_bins=129,
    sample_rate=8000,
    lower_edge_hertz=125.0,
    upper_edge_hertz=3800.0,
    dtype=dtypes.float32,
    name=None,
):
    """Triangular weights from a spectrum to mel bands.

    Args:
      num_mel_bins: the number of bands.
      num_spectrogram_bins: the number of frequencies, evenly spaced from 0 to half the sample
        rate.
      sample_rate: samples per second.
      lower_edge_hertz, upper_edge_hertz: where the first band begins and the last ends.
      dtype: of the result, a floating point type.
      name: of the operation.

    Returns:
      A tensor `[num_spectrogram_bins, num_mel_bins]`.

    Raises:
      ValueError: an argument that is known is not positive, or the edges are in the wrong order or above half
        the sample rate.
    """
    kind = dtypes.as_dtype(dtype)
    scalars = sample_rate, lower_edge_hertz, upper_edge_hertz, num_spectrogram_bins
    known = [get_static_value(v) if isinstance(v, Tensor) else v for v in scalars]
    if any(v is None for v in known):
        weights = _mel_weights(num_mel_bins, scalars, kind)
        return raw.Identity(input=weights, name=name) if name else weights
    rate, low, high = (float(np.asarray(v)) for v in known[:3])
    num_spectrogram_bins = int(known[3])
    if num_mel_bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {num_mel_bins}")
    if low < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {low}")
    if low >= high:
        raise ValueError(f"lower_edge_hertz {low:.1f} >= upper_edge_hertz {high:.1f}")
    if rate <= 0.0:
        raise ValueError(f"sample_rate must be positive. Got: {rate}")
    if high > rate / 2:
        raise ValueError(
            "upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). Got "
            f"{high} for sample_rate: {rate}"
        )
    if not kind.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {kind}")
    number = kind.as_numpy_dtype
    bins = _mel(np.linspace(0, rate / 2, num_spectrogram_bins).astype(number)[1:])[:, None]
    edges = np.linspace(_mel(low), _mel(high), num_mel_bins + 2).astype(number)
    lower, center, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - lower) / (center - lower)
    falling = (upper - bins) / (upper - center)
    weights = np.maximum(0, np.minimum(rising, falling))
    padded = np.concatenate([np.zeros((1, num_mel_bins)), weights]).astype(number)
    return convert_to_tensor(padded, name=name)


@dispatchable("signal.mfccs_from_log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms, name=None):
    """Mel-frequency cepstral coefficients, all of them.

    Args:
      log_mel_spectrograms: `[..., num_mel_bins]`, float32 or float64.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype; programs often keep the first 13.

    Raises:
      ValueError: there are no bands.
    """
    x = convert_to_tensor(log_mel_spectrograms)
    count = _extent(x)
    if isinstance(count, int) and count == 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {log_mel_spectrograms}")
    return raw.Mul(x=dct(x, type=2), y=_number(1.0, x) / _root(2 * count, x), name=name)
