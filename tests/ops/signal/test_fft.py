"""Fourier transforms against NumPy's, at every stage."""

import numpy as np
import pytest

from tests.harness.op_case import OpCase, check

RNG = np.random.default_rng(5)
Z = RNG.normal(size=(2, 3, 4)) + 1j * RNG.normal(size=(2, 3, 4))
X = RNG.normal(size=(2, 3, 4))

CASES = [
    OpCase("FFT", [Z], expect=np.fft.fft),
    OpCase("IFFT2D", [Z], expect=np.fft.ifft2),
    OpCase("FFT3D", [Z], expect=np.fft.fftn),
    OpCase(
        "RFFT",
        [X, np.array([4], np.int32)],
        {"Tcomplex": "complex128"},
        expect=lambda x, n: np.fft.rfft(x),
    ),
    OpCase(
        "RFFT",
        [X, np.array([3], np.int32)],
        {"Tcomplex": "complex128"},
        expect=lambda x, n: np.fft.rfft(x, 3),
    ),
    OpCase(
        "IRFFT",
        [Z, np.array([6], np.int32)],
        {"Treal": "float64"},
        expect=lambda x, n: np.fft.irfft(x, 6),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_transform(case):
    case.gradient = False
    check(case)
