"""Deprecated twins of the Fourier transforms of the innermost dimensions."""

from penstock._src.ops.signal.fft import _Fft


class BatchFFT(_Fft):
    """Twin of FFT."""

    signature = "input: complex64 -> output: complex64"
    rank, inverse_of = 1, "IFFT"
    gradient = None


class BatchIFFT(_Fft):
    """Twin of IFFT."""

    signature = "input: complex64 -> output: complex64"
    rank, inverse_of, is_inverse = 1, "FFT", True
    gradient = None


class BatchFFT2D(_Fft):
    """Twin of FFT2D."""

    signature = "input: complex64 -> output: complex64"
    rank, inverse_of = 2, "IFFT2D"
    gradient = None


class BatchIFFT2D(_Fft):
    """Twin of IFFT2D."""

    signature = "input: complex64 -> output: complex64"
    rank, inverse_of, is_inverse = 2, "FFT2D", True
    gradient = None


class BatchFFT3D(_Fft):
    """Twin of FFT3D."""

    signature = "input: complex64 -> output: complex64"
    rank, inverse_of = 3, "IFFT3D"
    gradient = None


class BatchIFFT3D(_Fft):
    """Twin of IFFT3D."""

    signature = "input: complex64 -> output: complex64"
    rank, inverse_of, is_inverse = 3, "FFT3D", True
    gradient = None
