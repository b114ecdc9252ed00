"""Fourier transforms over the last axes, complex and real, with their gradients."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, HostKernel
from penstock._src.core.op import Op, at_least
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import COMPLEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import has_shape_of, quiet, show, value_of
from penstock._src.ops.signal import fourier

# NumPy takes seven times as long.
COMPILED = HostKernel(compiles_from=SLOWEST)


def _axes(rank):
    return tuple(range(-rank, 0))


class _Fft(Op):
    """A complex transform over the last `rank` axes."""

    rank, inverse_of = 1, ""
    vectorize = "rows"
    host_kernel = COMPILED

    def shape(self, input):
        return input.with_rank_at_least(self.rank)

    @quiet
    def eager(self, input):
        if input.ndim < self.rank:
            raise self.invalid(
                f"Input must have rank of at least {self.rank} but got: {show(input.shape)}"
            )
        if not input.size:
            return input
        function = np.fft.ifftn if self.is_inverse else np.fft.fftn
        return function(input, axes=_axes(self.rank)).astype(input.dtype, copy=False)

    def lower(self, p, input):
        if 0 in input.shape[input.rank - self.rank :]:
            return input
        for axis in range(input.rank - self.rank, input.rank):
            input = fourier.transform(p, input, axis, self.is_inverse)
        return input

    is_inverse = False

    def gradient(self, input, _output, dy):
        other = getattr(raw, self.inverse_of)
        size = _product_of_last(input, self.rank)
        scale = raw.Cast(x=size, DstT=dy.dtype)
        moved = other(input=dy)
        return moved / scale if self.is_inverse else moved * scale


def _product_of_last(x, rank):
    """The number of elements along the last axes, as a scalar."""
    shape = [None] if x.shape.rank is None else x.shape.as_list()[-rank:]
    if None not in shape:
        return raw.Const(value=np.array(np.prod(shape), np.float32), dtype=dtypes.float32)
    last = raw.StridedSlice(
        input=raw.Shape(input=x), begin=[-rank], end=[0], strides=[1], end_mask=1
    )
    return raw.Cast(x=raw.Prod(input=last, axis=[0]), DstT=dtypes.float32)


def _require_one_width(op):
    """Raises InvalidArgumentError if the real and the complex numbers differ in their widths."""
    if op.Tcomplex.real_dtype is not op.Treal:
        raise op.invalid(f"Wrong types for real FFT: {op.Treal.name} and {op.Tcomplex.name}")


class _FromReal(Op):
    """The non-negative half of the spectrum of a real signal, cut or padded to `fft_length`."""

    signature = "input: Treal, fft_length: int32 -> output: Tcomplex"

    rank = 1
    Treal: {dtypes.float32, dtypes.float64} = dtypes.float32
    Tcomplex: COMPLEX = dtypes.complex64
    vectorize = "rows, shared"
    host_kernel = COMPILED

    def shape(self, input, fft_length):
        return _with_lengths(input, fft_length, self.rank, half=True)

    @quiet
    def eager(self, input, fft_length):
        _require_one_width(self)
        lengths = _lengths(self, input, fft_length)
        kind = self.output_dtypes[0].np
        if input.size == 0 or 0 in lengths:
            shape = [*input.shape[: input.ndim - self.rank], *lengths]
            shape[-1] = shape[-1] // 2 + 1 if shape[-1] else 0
            return np.zeros(shape, kind)
        return np.fft.rfftn(input, lengths, _axes(self.rank)).astype(kind, copy=False)

    def lower(self, p, input, fft_length):
        if self.Tcomplex.real_dtype is not self.Treal:
            raise NotLowerable("real and complex numbers of different widths")
        lengths = [int(n) for n in value_of(p, fft_length, "fft_length")]
        if 0 in (*lengths, *input.shape[input.rank - self.rank :]):
            raise NotLowerable("a Fourier transform of nothing")
        for axis, length in enumerate(lengths[:-1], input.rank - self.rank):
            input = p.slice_axis(input, axis, 0, length)
        spectrum = fourier.half_spectrum(p, input, lengths[-1])
        for axis in range(input.rank - self.rank, input.rank - 1):
            spectrum = fourier.transform(p, spectrum, axis, False)
        return spectrum

    def gradient(self, input, fft_length, _output, dy):
        # the real part of the transform of dy, padded with zeros to the whole spectrum
        length = raw.StridedSlice(
            input=fft_length, begin=[self.rank - 1], end=[self.rank], strides=[1]
        )
        missing = length - (length // 2 + 1)
        low = raw.ZerosLike(x=raw.Shape(input=dy))
        high = raw.ConcatV2(values=[raw.Slice(low, begin=[1], size=[-1]), missing], axis=0)
        paddings = raw.Pack(values=[low, high], axis=1)
        whole = raw.Pad(input=dy, paddings=paddings)
        inverse = (raw.IFFT, raw.IFFT2D, raw.IFFT3D)[self.rank - 1](input=whole)
        scale = raw.Cast(x=raw.Prod(input=fft_length, axis=[0]), DstT=input.dtype)
        real = raw.Real(input=inverse, Tout=input.dtype) * scale
        return _fitted(real, input), None


class _ToReal(Op):
    """The real signal of length `fft_length` of a half spectrum, which is cut or padded."""

    signature = "input: Tcomplex, fft_length: int32 -> output: Treal"

    rank = 1
    Treal: {dtypes.float32, dtypes.float64} = dtypes.float32
    Tcomplex: COMPLEX = dtypes.complex64
    vectorize = "rows, shared"
    host_kernel = COMPILED

    def shape(self, input, fft_length):
        return _with_lengths(input, fft_length, self.rank, half=False)

    @quiet
    def eager(self, input, fft_length):
        _require_one_width(self)
        lengths = _lengths(self, input, fft_length)
        kind = self.output_dtypes[0].np
        if input.size == 0 or 0 in lengths:
            return np.zeros([*input.shape[: input.ndim - self.rank], *lengths], kind)
        return np.fft.irfftn(input, lengths, _axes(self.rank)).astype(kind, copy=False)

    def lower(self, p, input, fft_length):
        if self.Tcomplex.real_dtype is not self.Treal:
            raise NotLowerable("real and complex numbers of different widths")
        lengths = [int(n) for n in value_of(p, fft_length, "fft_length")]
        if 0 in (*lengths, *input.shape[input.rank - self.rank :]):
            raise NotLowerable("a Fourier transform of nothing")
        for axis, length in enumerate(lengths[:-1], input.rank - self.rank):
            input = fourier.transform(p, p.slice_axis(input, axis, 0, length), axis, True)
        return fourier.real_signal(p, input, lengths[-1])

    def gradient(self, input, fft_length, _output, dy):
        forward = (raw.RFFT, raw.RFFT2D, raw.RFFT3D)[self.rank - 1]
        spectrum = forward(input=dy, fft_length=fft_length, Tcomplex=input.dtype)
        length = raw.StridedSlice(
            input=fft_length,
            begin=[self.rank - 1],
            end=[self.rank],
            strides=[1],
            shrink_axis_mask=1,
        )
        # every frequency counts twice, except the first and, if the length is even, the last
        places = raw.Range(start=np.int32(0), limit=length // 2 + 1, delta=np.int32(1))
        single = raw.LogicalOr(
            x=raw.Equal(x=places, y=np.int32(0)), y=raw.Equal(x=places * 2, y=length)
        )
        kind = dy.dtype.as_numpy_dtype
        weight = raw.SelectV2(condition=single, t=kind(1), e=kind(2))
        scale = raw.Cast(x=raw.Prod(input=fft_length, axis=[0]), DstT=dy.dtype)
        factor = raw.Cast(x=weight / scale, DstT=input.dtype)
        return _fitted(spectrum * factor, input), None


def _lengths(op, input, fft_length):
    if fft_length.shape != (op.rank,):
        raise op.invalid(
            f"fft_length must have shape [{op.rank}]. Received {show(fft_length.shape)}"
        )
    if input.ndim < op.rank:
        raise op.invalid(f"Input must have rank of at least {op.rank} but got: {show(input.shape)}")
    lengths = [int(n) for n in fft_length]
    for axis, n in enumerate(lengths):
        if n < 0:
            raise op.invalid(f"fft_length[{axis}] must >= 0, but got: {n}")
        at = input.ndim - op.rank + axis
        last = axis == op.rank - 1
        least = n // 2 + 1 if last and isinstance(op, _ToReal) and n else n
        if 0 < input.shape[at] < least:
            raise op.invalid(
                f"Input dimension {at} must have length of at least {least} but got: "
                f"{input.shape[at]}"
            )
    return lengths


def _with_lengths(input, fft_length, rank, half):
    if input.rank is None:
        return None
    dims = input.with_rank_at_least(rank).as_list()[: input.rank - rank]
    if fft_length.rank == 1 and fft_length[0] not in (None, rank):
        raise ValueError(f"Dimension must be {rank} but is {fft_length[0]}")
    lengths = fft_length.value
    if lengths is None:
        return [*dims, *([None] * rank)]
    lengths = list(lengths)
    if half:
        lengths[-1] = lengths[-1] // 2 + 1 if lengths[-1] else 0
    return [*dims, *lengths]


def _fitted(gradient, x):
    """The gradient cut or padded with zeros to the shape of `x`."""
    if has_shape_of(gradient, x):
        return gradient
    wanted, actual = raw.Shape(input=x), raw.Shape(input=gradient)
    smaller, zeros = raw.Minimum(x=wanted, y=actual), raw.ZerosLike(x=wanted)
    cut = raw.Slice(input=gradient, begin=zeros, size=smaller)
    paddings = raw.Pack(values=[zeros, wanted - smaller], axis=1)
    return raw.Pad(input=cut, paddings=paddings)


class _TypedFft(_Fft):
    """A transform of complex64 or complex128."""

    signature = "input: Tcomplex -> output: Tcomplex"

    Tcomplex: COMPLEX = dtypes.complex64


class FFT(_TypedFft):
    """The discrete Fourier transform over the last axis."""

    rank, inverse_of, is_inverse = 1, "IFFT", False


class IFFT(_TypedFft):
    """The inverse discrete Fourier transform over the last axis."""

    rank, inverse_of, is_inverse = 1, "FFT", True


class RFFT(_FromReal):
    """The half spectrum of a real signal over the last axis."""

    extents = {"fft_length": "1"}


class IRFFT(_ToReal):
    """The real signal of a half spectrum over the last axis."""

    extents = {"fft_length": "1"}


class FFT2D(_TypedFft):
    """The discrete Fourier transform over the last two axes."""

    rank, inverse_of, is_inverse = 2, "IFFT2D", False


class IFFT2D(_TypedFft):
    """The inverse discrete Fourier transform over the last two axes."""

    rank, inverse_of, is_inverse = 2, "FFT2D", True


class RFFT2D(_FromReal):
    """The half spectrum of a real signal over the last two axes."""

    extents = {"fft_length": "2"}

    rank = 2


class IRFFT2D(_ToReal):
    """The real signal of a half spectrum over the last two axes."""

    extents = {"fft_length": "2"}

    rank = 2


class FFT3D(_TypedFft):
    """The discrete Fourier transform over the last three axes."""

    rank, inverse_of, is_inverse = 3, "IFFT3D", False


class IFFT3D(_TypedFft):
    """The inverse discrete Fourier transform over the last three axes."""

    rank, inverse_of, is_inverse = 3, "FFT3D", True


class RFFT3D(_FromReal):
    """The half spectrum of a real signal over the last three axes."""

    extents = {"fft_length": "3"}

    rank = 3
    gradient = None


class IRFFT3D(_ToReal):
    """The real signal of a half spectrum over the last three axes."""

    extents = {"fft_length": "3"}

    rank = 3
    gradient = None


class _FftNd(Op):
    """A transform over the axes that an input names."""

    ranks = {"input": at_least(1)}

    Tcomplex: COMPLEX = dtypes.complex64

    def shape(self, input, fft_length, axes):
        return TensorShape([None] * input.rank) if input.rank is not None else None

    @quiet
    def eager(self, input, fft_length, axes):
        where = tuple(int(a) for a in axes)
        lengths = [int(n) for n in fft_length] if fft_length.size else None
        return self.function(input, lengths, where).astype(self.output_dtypes[0].np, copy=False)


class FFTND(_FftNd):
    """The discrete Fourier transform over the given axes."""

    signature = "input: Tcomplex, fft_length: int32, axes: int32 -> output: Tcomplex"
    function = staticmethod(np.fft.fftn)


class IFFTND(_FftNd):
    """The inverse discrete Fourier transform over the given axes."""

    signature = "input: Tcomplex, fft_length: int32, axes: int32 -> output: Tcomplex"
    function = staticmethod(np.fft.ifftn)


class RFFTND(_FftNd):
    """The half spectrum of a real signal over the given axes."""

    signature = "input: Treal, fft_length: int32, axes: int32 -> output: Tcomplex"
    Treal: {dtypes.float32, dtypes.float64} = dtypes.float32
    function = staticmethod(np.fft.rfftn)


class IRFFTND(_FftNd):
    """The real signal of a half spectrum over the given axes."""

    signature = "input: Tcomplex, fft_length: int32, axes: int32 -> output: Treal"
    Treal: {dtypes.float32, dtypes.float64} = dtypes.float32
    function = staticmethod(np.fft.irfftn)
