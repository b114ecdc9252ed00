"""Fourier transforms against NumPy's, at every stage."""

import numpy as np
import pytest

import penstock as tf
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
    case.gradient, case.lowers = False, True
    check(case)


@pytest.mark.parametrize("length", [1, 2, 17, 63, 97, 128, 210, 509, 1009, 1024, 1369, 2018])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_lengths(length, dtype):
    z = (RNG.normal(size=(2, length)) + 1j * RNG.normal(size=(2, length))).astype(dtype)
    near = (2e-5, 2e-5 * length**0.5) if dtype == "complex64" else (1e-10, 1e-10)
    for op in ("FFT", "IFFT"):
        check(OpCase(op, [z], gradient=False, lowers=True, tolerance=near))
    real, kind = z.real.copy(), {"complex64": "float32", "complex128": "float64"}[dtype]
    size = np.array([length], np.int32)
    attrs = {"Treal": kind, "Tcomplex": dtype}
    check(OpCase("RFFT", [real, size], attrs, gradient=False, lowers=True, tolerance=near))
    half = z[:, : length // 2 + 1]
    check(OpCase("IRFFT", [half, size], attrs, gradient=False, lowers=True, tolerance=near))


@pytest.mark.parametrize(
    "shape", [(40, 96), (3, 5000), (1, 8209), (17, 2, 64), (64, 4800), (8, 101, 9)]
)
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "fft2d"])
def test_rows_that_fill_vectors_or_are_long(shape, name):
    z = (RNG.normal(size=shape) + 1j * RNG.normal(size=shape)).astype("complex64")
    x = z.real.copy() if name == "rfft" else z
    wide = x.astype("float64" if name == "rfft" else "complex128")
    found = tf.function(getattr(tf.signal, name), autograph=False)(x)
    expected = getattr(np.fft, name.removesuffix("d"))(wide)
    # errors are those of some log2(n) additions of numbers as large as the spectrum's
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * np.abs(expected).std())


@pytest.mark.parametrize("length", [97, 194, 509])
def test_a_number_that_is_not_finite_reaches_its_own_line_alone(length):
    z = np.ones((3, length), "complex64")
    z[0, 1], z[1, 0] = np.inf, np.nan
    found = np.isfinite(tf.function(tf.signal.fft, autograph=False)(z))
    assert not found[:2].any() and found[2].all()


@pytest.mark.parametrize("op, rank", [("RFFT2D", 2), ("RFFT3D", 3), ("IRFFT2D", 2), ("IRFFT3D", 3)])
def test_real_transforms_over_several_axes(op, rank):
    size = np.array([2, 3, 5][-rank:], np.int32)
    x = RNG.normal(size=(3, 4, 6)) if op[0] == "R" else RNG.normal(size=(3, 4, 6)) * (1 + 2j)
    attrs = {"Treal": "float64", "Tcomplex": "complex128"}
    check(OpCase(op, [x, size], attrs, gradient=False, lowers=True))


@pytest.mark.parametrize("kind", ["fft", "ifft", "rfft", "irfft"])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize(("lengths", "axes"), [(None, [0, -1]), ([5, 3], [1, 2])])
def test_transforms_over_any_axes_of_known_and_unknown_extents(kind, norm, lengths, axes):
    value = X if kind == "rfft" else Z
    expected = getattr(np.fft, f"{kind}n")(value, lengths, axes, norm)

    def transform(x):
        return getattr(tf.signal, f"{kind}nd")(x, lengths, axes, norm)

    spec = tf.TensorSpec([None] * 3, tf.as_dtype(value.dtype))
    traced = tf.function(transform, input_signature=[spec], autograph=False)
    for found in (transform(tf.constant(value)), traced(value)):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_transforms_over_any_axes_need_a_rank():
    spec = tf.TensorSpec(None, tf.complex64)
    with pytest.raises(ValueError, match="rank of input_tensor"):
        tf.function(tf.signal.fftnd, input_signature=[spec]).get_concrete_function()
