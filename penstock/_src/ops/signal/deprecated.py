"""Deprecated names of the Fourier transforms over the innermost dimensions; they have no gradients."""

from penstock._src.ops.signal import fft
from penstock._src.ops.variants import variant

BATCH = {
    "signature": "input: complex64 -> output: complex64",
    "without": "Tcomplex",
    "gradient": None,
}

variant("BatchFFT", fft.FFT, **BATCH)
variant("BatchIFFT", fft.IFFT, **BATCH)
variant("BatchFFT2D", fft.FFT2D, **BATCH)
variant("BatchIFFT2D", fft.IFFT2D, **BATCH)
variant("BatchFFT3D", fft.FFT3D, **BATCH)
variant("BatchIFFT3D", fft.IFFT3D, **BATCH)
