"""Cosine transforms, mel scales and cepstral coefficients."""

from __future__ import annotations

import numpy as np

from penstock._src.api.dispatch import dispatchable
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export

from .fourier import complex_of, irfft, rfft


def _number(value, x):
    return np.asarray(value, x.dtype.as_numpy_dtype)


def _phases(n, sign, kind):
    """2 exp(sign * i * pi * k / 2n) for k < n."""
    k = np.arange(n)
    return convert_to_tensor(
        (2.0 * np.exp(sign * 0.5j * np.pi * k / n)).astype(kind.as_numpy_dtype)
    )


def _resized(x, n):
    have = x.shape[-1]
    if n is None or n == have:
        return x
    if n < have:
        return x[..., :n]
    paddings = np.zeros((x.shape.rank, 2), np.int32)
    paddings[-1, 1] = n - have
    return raw.Pad(input=x, paddings=paddings)


@export("signal.dct", v1=["signal.dct", "spectral.dct"])
@dispatchable
def dct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The discrete cosine transform of the last axis, of type 1, 2, 3 or 4.

    Args:
      input: `[..., samples]`, float32 or float64.
      type: 1, 2, 3 or 4.
      n: the length to which the input is cut or padded with zeros.
      axis: -1.
      norm: None or "ortho" (not for type 1).
      name: a name for the operation.
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
    narrow = x.dtype in (dtypes.float16, dtypes.bfloat16)
    if narrow and type != 1:
        kind = x.dtype.name
        raise TypeError(
            f"The `real` and `imag` components have incorrect types: {kind} {kind}. They must be "
            "consistent, and one of [tf.float32, tf.float64]"
        )
    x = _resized(cast(x, dtypes.float32) if narrow else x, n)
    size = x.shape[-1]
    if size is None:
        raise ValueError("signal.dct: the length of the last axis must be known.")
    if type == 1:
        if size < 2:
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
        weights = np.full(size, 0.5 / np.sqrt(size) * np.sqrt(2))
        weights[0] = 0.5 / np.sqrt(size)
        result = result * weights.astype(x.dtype.as_numpy_dtype)
    return result


def _third(x, size, norm, name):
    if norm == "ortho":
        weights = np.full(size, np.sqrt(size) * np.sqrt(0.5))
        weights[0] = np.sqrt(size)
        x = x * weights.astype(x.dtype.as_numpy_dtype)
    else:
        x = x * _number(size, x)
    numbers = complex_of(x)
    return irfft(_phases(size, 1, numbers.dtype) * numbers, [2 * size], name=name)[..., :size]


def _fourth(x, size, norm, name):
    odd = _second(_resized(x, 2 * size), 2 * size, None, name)[..., 1::2]
    return odd * _number(np.sqrt(0.5) / np.sqrt(size), x) if norm == "ortho" else odd


@export("signal.idct", v1=["signal.idct", "spectral.idct"])
@dispatchable
def idct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The inverse of `dct` (of type 2 the type 3, and the other way round), up to a factor."""
    if type not in (1, 2, 3, 4):
        raise ValueError("Types I, II, III and IV (I)DCT are supported.")
    return dct(input, {1: 1, 2: 3, 3: 2, 4: 4}[type], n, axis, norm, name)


def _mel(hertz):
    return 1127.0 * np.log(1.0 + hertz / 700.0)


@export("signal.linear_to_mel_weight_matrix")
@dispatchable
def linear_to_mel_weight_matrix(
    num_mel_bins=20,
    num_spectrogram_bins=129,
    sample_rate=8000,
    lower_edge_hertz=125.0,
    upper_edge_hertz=3800.0,
    dtype=dtypes.float32,
    name=None,
):
    """`[num_spectrogram_bins, num_mel_bins]` triangular weights from a spectrum to mel bands."""
    kind = dtypes.as_dtype(dtype)
    rate, low, high = (
        float(np.asarray(v)) for v in (sample_rate, lower_edge_hertz, upper_edge_hertz)
    )
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


@export("signal.mfccs_from_log_mel_spectrograms")
@dispatchable
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms, name=None):
    """Mel-frequency cepstral coefficients `[..., num_mel_bins]`, all of them."""
    x = convert_to_tensor(log_mel_spectrograms)
    count = x.shape[-1]
    if count == 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {log_mel_spectrograms}")
    return raw.Mul(x=dct(x, type=2), y=_number(1 / np.sqrt(2.0 * count), x), name=name)
