"""Fourier transforms."""

import numpy as np

from penstock._src.api.array.indexing import is_unknown
from penstock._src.api.array.joining import roll
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.graph.static_values import constant_value


def _v1(name):
    return [f"signal.{name}", f"spectral.{name}", name]


def _lengths(x, count, fft_length, inverse):
    """The lengths of the real signal's axes."""
    if fft_length is not None:
        lengths = convert_to_tensor(fft_length, dtype=dtypes.int32, name="fft_length")
        lengths.shape.with_rank(1)
        return lengths
    shape = x.shape[-count:] if x.shape.rank is not None else None
    if shape is not None and shape.is_fully_defined():
        extents = shape.as_list()
        if inverse:
            extents[-1] = max(0, 2 * (extents[-1] - 1))
        return convert_to_tensor(np.array(extents, np.int32))
    dims = raw.Shape(input=x)[-count:]
    if not inverse:
        return dims
    last = raw.Maximum(x=np.int32(0), y=np.int32(2) * (dims[-1:] - np.int32(1)))
    return raw.ConcatV2(values=[dims[:-1], last], axis=0)


def _padded(x, count, lengths, inverse):
    """`x` zero-padded to at least `lengths`."""
    known = constant_value(lengths)
    if known is not None and known.size != count:
        return x  # the transform refuses it
    if known is None or x.shape.rank is None or None in x.shape.as_list()[-count:]:
        have = raw.Shape(input=x)[-count:]
        need = lengths
        if inverse:
            last = raw.FloorDiv(x=need[-1:], y=np.int32(2)) + np.int32(1)
            need = raw.ConcatV2(values=[need[:-1], last], axis=0)
        extra = raw.Maximum(x=need - have, y=np.int32(0))
        after = raw.Pad(input=extra, paddings=raw.Pack(values=[
            raw.Pack(values=[raw.Rank(input=x) - np.int32(count), np.int32(0)])]))  # fmt: skip
        paddings = raw.Pack(values=[raw.ZerosLike(x=after), after], axis=1)
        return raw.Pad(input=x, paddings=paddings)
    need = known.tolist()
    if inverse:
        need[-1] = need[-1] // 2 + 1 if need[-1] > 0 else 0
    have = x.shape.as_list()[-count:]
    extra = [max(0, n - h) for n, h in zip(need, have, strict=True)]
    if not any(extra):
        return x
    paddings = [[0, 0]] * (x.shape.rank - count) + [[0, e] for e in extra]
    return raw.Pad(input=x, paddings=np.array(paddings, np.int32))


def _real(op, input_tensor, count, fft_length, name):
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.float32, name="input")
    if x.dtype not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"RFFT requires tf.float32 or tf.float64 inputs, got: {x.dtype}")
    kind = dtypes.complex64 if x.dtype == dtypes.float32 else dtypes.complex128
    x.shape.with_rank_at_least(count)
    lengths = _lengths(x, count, fft_length, False)
    if fft_length is not None:
        x = _padded(x, count, lengths, False)
    return op(input=x, fft_length=lengths, Tcomplex=kind, name=name)


def _inverse_real(op, input_tensor, count, fft_length, name):
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.complex64, name="input")
    x.shape.with_rank_at_least(count)
    if x.dtype not in (dtypes.complex64, dtypes.complex128):
        raise ValueError(f"IRFFT requires tf.complex64 or tf.complex128 inputs, got: {x.dtype}")
    kind = x.dtype.real_dtype
    lengths = _lengths(x, count, fft_length, True)
    if fft_length is not None:
        x = _padded(x, count, lengths, True)
    return op(input=x, fft_length=lengths, Treal=kind, name=name)


@dispatchable("signal.rfft", v1=["signal.rfft", "spectral.rfft"], named="rfft")
def rfft(input_tensor, fft_length=None, name=None):
    """Returns the discrete Fourier transform of real numbers along the last axis.

    The other half of the transform is the conjugate of what is returned.

    Args:
      input_tensor: float32 or float64, `[..., n]`.
      fft_length: an int32 vector of one entry: the length to which the input is cropped or padded
        with zeros; by default n.
      name: a name for the operation.

    Returns:
      A complex tensor `[..., fft_length / 2 + 1]`.

    >>> tf.signal.rfft([1.0, 2.0, 3.0, 4.0]).numpy()
    array([10.+0.j, -2.+2.j, -2.+0.j], dtype=complex64)
    """
    return _real(raw.RFFT, input_tensor, 1, fft_length, name)


@dispatchable("signal.rfft2d", v1=["signal.rfft2d", "spectral.rfft2d"], named="rfft2d")
def rfft2d(input_tensor, fft_length=None, name=None):
    """Returns the discrete Fourier transform of real numbers along the last two axes.

    Args:
      input_tensor: float32 or float64, `[..., m, n]`.
      fft_length: an int32 vector of two entries: the sizes to which the input is cropped or
        padded with zeros.
      name: a name for the operation.

    Returns:
      A complex tensor `[..., m, n / 2 + 1]`.

    >>> tf.signal.rfft2d([[1.0, 2.0], [3.0, 4.0]]).numpy().real
    array([[10., -2.],
           [-4.,  0.]], dtype=float32)
    """
    return _real(raw.RFFT2D, input_tensor, 2, fft_length, name)


@dispatchable("signal.rfft3d", v1=["signal.rfft3d", "spectral.rfft3d"], named="rfft3d")
def rfft3d(input_tensor, fft_length=None, name=None):
    """The half spectrum of a real signal over the last three axes.

    Args:
      input_tensor: `[..., l, m, n]`, float32 or float64.
      fft_length: int32 `[3]`: the lengths to which the axes are cut or padded with zeros; None: as
        they are.
      name: of the operation.

    Returns:
      `[..., l, m, n // 2 + 1]`, complex64 or complex128.
    """
    return _real(raw.RFFT3D, input_tensor, 3, fft_length, name)


@dispatchable("signal.irfft", v1=["signal.irfft", "spectral.irfft"], named="irfft")
def irfft(input_tensor, fft_length=None, name=None):
    """Returns the inverse of `tf.signal.rfft`, a real tensor.

    Args:
      input_tensor: complex64 or complex128, `[..., k]`.
      fft_length: an int32 vector of one entry: the length of the result; by default 2 * (k - 1).
      name: a name for the operation.

    Returns:
      A float tensor `[..., fft_length]`.

    >>> tf.signal.irfft([10.0 + 0j, -2.0 + 2.0j, -2.0 + 0j]).numpy()
    array([1., 2., 3., 4.], dtype=float32)
    """
    return _inverse_real(raw.IRFFT, input_tensor, 1, fft_length, name)


@dispatchable("signal.irfft2d", v1=["signal.irfft2d", "spectral.irfft2d"], named="irfft2d")
def irfft2d(input_tensor, fft_length=None, name=None):
    """Returns the inverse of `tf.signal.rfft2d`, a real tensor.

    Args:
      input_tensor: complex64 or complex128, `[..., m, k]`.
      fft_length: an int32 vector of two entries: the sizes of the result; by default m and 2 * (k
        - 1).
      name: a name for the operation.

    Returns:
      A float tensor.

    >>> tf.signal.irfft2d([[10.0 + 0j, -2.0 + 0j], [-4.0 + 0j, 0j]]).numpy()
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    return _inverse_real(raw.IRFFT2D, input_tensor, 2, fft_length, name)


@dispatchable("signal.irfft3d", v1=["signal.irfft3d", "spectral.irfft3d"], named="irfft3d")
def irfft3d(input_tensor, fft_length=None, name=None):
    """The real signal of a half spectrum over the last three axes.

    Args:
      input_tensor: `[..., l, m, n // 2 + 1]`, complex64 or complex128.
      fft_length: int32 `[3]`: the lengths of the result; None: with an even `n`.
      name: of the operation.

    Returns:
      `[..., l, m, n]`, float32 or float64.
    """
    return _inverse_real(raw.IRFFT3D, input_tensor, 3, fft_length, name)


def _nd_arguments(x, fft_length, axes, inverse_real=False):
    """Lengths and axes as int32 vectors; the lengths are a tensor where extents are unknown."""
    rank = x.shape.rank
    if rank is None:
        raise ValueError(f"The rank of input_tensor must be known. Received: {x}")
    if axes is None:
        count = rank if fft_length is None else len(fft_length)
        axes = list(range(rank - count, rank))
    axes = np.atleast_1d(np.asarray(axes, np.int32))
    if fft_length is not None:
        return np.asarray(fft_length, np.int32), axes
    lengths = [x.shape[a] for a in axes.tolist()]
    if None in lengths:
        lengths = raw.GatherV2(params=raw.Shape(input=x), indices=axes % np.int32(rank), axis=0)
        if inverse_real:
            last = raw.Maximum(x=2 * (lengths[-1:] - 1), y=0)
            lengths = raw.ConcatV2(values=[lengths[:-1], last], axis=0)
        return lengths, axes
    if inverse_real:
        lengths[-1] = max(0, 2 * (lengths[-1] - 1))
    return np.array(lengths, np.int32), axes


def _resized(x, lengths, axes, half=False):
    """`x` truncated or zero-padded to `lengths` along `axes`."""
    paddings = [[0, 0] for _ in range(x.shape.rank)]
    sizes = x.shape.as_list()
    for i, (n, a) in enumerate(zip(lengths.tolist(), axes.tolist(), strict=True)):
        n = n // 2 + 1 if half and i == len(axes) - 1 else n
        paddings[a][1] = max(0, n - sizes[a])
        sizes[a] = min(n, sizes[a])
    if any(s != n for s, n in zip(sizes, x.shape.as_list(), strict=True)):
        x = raw.Slice(input=x, begin=np.zeros(len(sizes), np.int32), size=np.array(sizes, np.int32))
    if any(p[1] for p in paddings):
        x = raw.Pad(input=x, paddings=np.array(paddings, np.int32))
    return x


def _norm_factor(norm, lengths, inverse, dtype):
    if norm is None or norm == "backward":
        return None
    if norm not in ("ortho", "forward"):
        raise ValueError(
            f"Argument `norm` must be None, 'backward', 'forward' or 'ortho'. Received {norm}"
        )
    power = {"ortho": 0.5, "forward": 1.0}[norm] * (1 if inverse else -1)
    if isinstance(lengths, np.ndarray):
        return np.asarray(float(np.prod(lengths)) ** power, dtype.as_numpy_dtype)
    count = cast(raw.Prod(input=lengths, axis=0), dtypes.float64)
    return cast(raw.Pow(x=count, y=np.float64(power)), dtype)


def _nd(op, x, fft_length, axes, norm, inverse, name, half=False, inverse_real=False, **attrs):
    lengths, axes = _nd_arguments(x, fft_length, axes, inverse_real)
    if fft_length is not None and None not in x.shape.as_list():  # the kernel resizes as well
        x = _resized(x, lengths, axes, half)
    result = op(input=x, fft_length=lengths, axes=axes, name=name, **attrs)
    factor = _norm_factor(norm, lengths, inverse, result.dtype)
    return result if factor is None else result * factor


@dispatchable("signal.fftnd", v1=["signal.fftnd"])
def fftnd(input_tensor, fft_length=None, axes=None, norm=None, name=None):
    """The discrete Fourier transform over any axes.

    Args:
      input_tensor: complex64 or complex128.
      fft_length: the lengths to which the axes are cut or padded with zeros; None: as they are.
      axes: a list of ints; None for the last ones, or for all without `fft_length`.
      norm: "backward" (None): the inverse is divided by the number of entries; "forward": the
        transform is; "ortho": both are by its square root.
      name: of the operation.

    Returns:
      A tensor of the dtype of `input_tensor`.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.complex64)
    return _nd(raw.FFTND, x, fft_length, axes, norm, False, name)


@dispatchable("signal.ifftnd", v1=["signal.ifftnd"])
def ifftnd(input_tensor, fft_length=None, axes=None, norm=None, name=None):
    """The inverse discrete Fourier transform over any axes.

    Args:
      input_tensor, fft_length, axes, norm, name: as `tf.signal.fftnd`'s.

    Returns:
      A tensor of the dtype of `input_tensor`.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.complex64)
    return _nd(raw.IFFTND, x, fft_length, axes, norm, True, name)


@dispatchable("signal.rfftnd", v1=["signal.rfftnd"])
def rfftnd(input_tensor, fft_length=None, axes=None, norm=None, name=None):
    """The half spectrum of a real signal over any axes.

    Args:
      input_tensor: float32 or float64.
      fft_length, axes, norm, name: as `tf.signal.fftnd`'s.

    Returns:
      A complex64 or complex128 tensor, with `n // 2 + 1` entries along the last of the axes, of
      length `n`.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.float32)
    kind = dtypes.complex128 if x.dtype == dtypes.float64 else dtypes.complex64
    return _nd(raw.RFFTND, x, fft_length, axes, norm, False, name, Tcomplex=kind)


@dispatchable("signal.irfftnd", v1=["signal.irfftnd"])
def irfftnd(input_tensor, fft_length=None, axes=None, norm=None, name=None):
    """The real signal of a half spectrum over any axes.

    Args:
      input_tensor: complex64 or complex128.
      fft_length: the lengths of the result; None: with an even one for the last axis.
      axes, norm, name: as `tf.signal.fftnd`'s.

    Returns:
      A float32 or float64 tensor.
    """
    x = convert_to_tensor(input_tensor, dtype_hint=dtypes.complex64)
    return _nd(
        raw.IRFFTND, x, fft_length, axes, norm, True, name, half=True, inverse_real=True,
        Treal=x.dtype.real_dtype,
    )  # fmt: skip


def _shifted(x, axes, sign, name):
    x = convert_to_tensor(x)
    if axes is None:
        axes = list(range(x.shape.rank))
    parts = axes if isinstance(axes, (list, tuple)) else [axes]
    if any(map(is_unknown, parts)):
        places = raw.Reshape(tensor=convert_to_tensor(axes, dtype=dtypes.int32), shape=[-1])
    else:
        places = np.atleast_1d(np.asarray(axes, np.int32))
        extents = [x.shape[a] for a in places.tolist()]
        if None not in extents:
            return roll(x, np.array([sign * (n // 2) for n in extents], np.int32), places, name)
    sizes = raw.GatherV2(params=raw.Shape(input=x), indices=places % raw.Rank(input=x), axis=0)
    return roll(x, np.int32(sign) * raw.FloorDiv(x=sizes, y=np.int32(2)), places, name)


@dispatchable("signal.fftshift", named="fftshift")
def fftshift(x, axes=None, name=None):
    """The spectrum with frequency zero shifted to the center.

    Args:
      x: any dtype.
      axes: an int or a list of them; None for all.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.
    """
    return _shifted(x, axes, 1, name)


@dispatchable("signal.ifftshift", named="ifftshift")
def ifftshift(x, axes=None, name=None):
    """The inverse of `fftshift`.

    Args:
      x, axes, name: as `tf.signal.fftshift`'s.

    Returns:
      A tensor of the same shape and dtype.
    """
    return _shifted(x, axes, -1, name)


def complex_of(real):
    """A real tensor as complex numbers."""
    return raw.Complex(
        real=real,
        imag=raw.ZerosLike(x=real),
        Tout=dtypes.complex128 if real.dtype == dtypes.float64 else dtypes.complex64,
    )


def scaled(x, number):
    """`x` times a Python number."""
    return x * np.asarray(number, x.dtype.as_numpy_dtype)


__getattr__ = op_functions(
    globals(),
    dispatchable="""
signal.fft +spectral.fft +fft = FFT(input)
    Returns the discrete Fourier transform along the last axis.

    Args:
      input: complex64 or complex128, `[..., n]`.
      name: a name for the operation.

    Returns:
      A tensor of the same shape and dtype, not divided by n.

    >>> tf.signal.fft([1.0 + 0j, 2.0 + 0j, 3.0 + 0j, 4.0 + 0j]).numpy()
    array([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
signal.ifft +spectral.ifft +ifft = IFFT(input)
    Returns the inverse discrete Fourier transform along the last axis.

    Args:
      input: complex64 or complex128, `[..., n]`.
      name: a name for the operation.

    Returns:
      A tensor of the same shape and dtype, divided by n.

    >>> tf.signal.ifft([10.0 + 0j, -2.0 + 2.0j, -2.0 + 0j, -2.0 - 2.0j]).numpy().real
    array([1., 2., 3., 4.])
signal.fft2d +spectral.fft2d +fft2d = FFT2D(input)
    Returns the discrete Fourier transform along the last two axes.

    Args:
      input: complex64 or complex128, `[..., m, n]`.
      name: a name for the operation.

    Returns:
      A tensor of the same shape and dtype.

    >>> tf.signal.fft2d([[1.0 + 0j, 2.0 + 0j], [3.0 + 0j, 4.0 + 0j]]).numpy().real
    array([[10., -2.],
           [-4.,  0.]])
signal.ifft2d +spectral.ifft2d +ifft2d = IFFT2D(input)
    The inverse discrete Fourier transform over the last two axes.

    Args:
      input: `[..., m, n]`, complex64 or complex128.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.
signal.fft3d +spectral.fft3d +fft3d = FFT3D(input)
    The discrete Fourier transform over the last three axes.

    Args:
      input: `[..., l, m, n]`, complex64 or complex128.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.
signal.ifft3d +spectral.ifft3d +ifft3d = IFFT3D(input)
    The inverse discrete Fourier transform over the last three axes.

    Args:
      input: `[..., l, m, n]`, complex64 or complex128.
      name: of the operation.

    Returns:
      A tensor of the same shape and dtype.
""",
)
