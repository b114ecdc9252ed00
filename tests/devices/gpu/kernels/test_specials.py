"""Scans, sorts and Fourier transforms on the emulated GPU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core import dtypes
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.ir.function import Function
from tests.devices.gpu.emulated import by_reference, launches, on_gpu

RANDOM = np.random.default_rng(11)


def of_threads(made, label):
    """Whether the launches of a label have threads of their own."""
    own = [r for r in made if r.label.startswith(label)]
    assert own and all(r.code.threads > 1 for r in own), [r.label for r in made]
    return len(own)


def normal(*shape):
    return tf.constant(RANDOM.standard_normal(shape).astype(np.float32))


SCANS = {
    "short lines": (lambda x: tf.cumsum(x, 1), (70, 3)),
    "lines of a warp": (lambda x: tf.cumsum(x, 1, exclusive=True), (7, 100)),
    "lines of a block": (lambda x: tf.cumsum(x, 1, reverse=True), (3, 1500)),
    "segments": (lambda x: tf.cumsum(x, 1, exclusive=True, reverse=True), (2, 9000)),
    "across": (lambda x: tf.cumsum(x, 0), (150, 6)),
    "many across": (lambda x: tf.cumsum(x, 1), (3, 5, 1500)),
    "products": (lambda x: tf.math.cumprod(x * 0.1 + 1.0, 1), (3, 200)),
    "complex": (lambda x: tf.cumsum(tf.complex(x, x * 2.0), 1), (3, 300)),
    "narrow": (lambda x: tf.cast(tf.cumsum(tf.cast(x, tf.bfloat16), 1), tf.float32), (2, 50)),
    "whole numbers": (lambda x: tf.cumsum(tf.cast(x * 9, tf.int64), 1), (2, 10000)),
}


@pytest.mark.parametrize("name", SCANS)
def test_scans_equal_the_reference_device(name):
    function, shape = SCANS[name]
    x = normal(*shape)
    with launches() as made:
        found = on_gpu(function, x)
    assert of_threads(made, "scan") == (2 if name in ("segments", "whole numbers") else 1)
    np.testing.assert_allclose(found, by_reference(function, x), rtol=1e-4, atol=1e-3)


SORTS = {
    "small": (lambda x: tf.sort(x, 1), (5, 40)),
    "a tile": (lambda x: tf.argsort(x, 1, stable=True), (2, 1000)),
    "whole tile": (lambda x: tf.sort(x, 1, "DESCENDING"), (1, 2048)),
    "merged": (lambda x: tf.argsort(x, 1, "DESCENDING", stable=True), (2, 9001)),
    "across": (lambda x: tf.sort(x, 0), (300, 3)),
    "largest": (lambda x: tf.math.top_k(x, 7), (3, 90)),
    "largest of many": (lambda x: tf.math.top_k(x, 5), (1, 5000)),
    "one": (lambda x: tf.sort(x, 1), (4, 1)),
}


@pytest.mark.parametrize("name", SORTS)
def test_sorts_equal_the_reference_device(name):
    function, shape = SORTS[name]
    x = tf.constant(RANDOM.integers(0, 50, shape).astype(np.float32))  # many are equal
    with launches() as made:
        found = on_gpu(function, x)
    if name != "one":
        of_threads(made, "sort")
    wanted = by_reference(function, x)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        np.testing.assert_array_equal(a, b)


def test_not_a_number_comes_last():
    x = np.array([[3, np.nan, -0.0, np.inf, 0.0, -np.inf, np.nan, 1]], np.float32)
    for order in ("ASCENDING", "DESCENDING"):

        def function(x, order=order):
            return tf.sort(x, 1, order), tf.argsort(x, 1, order, stable=True)

        for a, b in zip(on_gpu(function, x), by_reference(function, x), strict=True):
            np.testing.assert_array_equal(a, b)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    lines=st.integers(1, 4), n=st.integers(1, 5000), kind=st.sampled_from([np.float32, np.int8, np.int64, np.float64]),
    axis=st.integers(0, 1),
)  # fmt: skip
def test_any_lines(lines, n, kind, axis):
    x = RANDOM.integers(-100, 100, (lines, n)).astype(kind)
    x = x if axis else np.ascontiguousarray(x.T)

    def function(x):
        return tf.argsort(x, axis, stable=True), tf.cumsum(x, axis)

    order, sums = on_gpu(function, x)
    np.testing.assert_array_equal(order, np.argsort(x, axis, kind="stable"))
    np.testing.assert_array_equal(sums, np.cumsum(x, axis, dtype=kind))


@pytest.mark.parametrize("n", [50, 700, 4500])
def test_several_keys(n):
    p = LoweringContext()
    shapes = [(2, n)] * 3
    a, b, c = (p.parameter(i, s, dtypes.int32) for i, s in enumerate(shapes))
    function = Function("f", (a, b, c), tuple(p.sort([a, b, c], 1, num_keys=2)))
    arrays = [RANDOM.integers(0, 9, s).astype(np.int32) for s in shapes]
    arrays[2][:] = np.arange(n)
    generator = DEVICE.generator
    plan = plan_function(function, generator, DEVICE.threads, overlaps_streams=False)
    found = [np.asarray(x) for x in DEVICE.load(plan).run(arrays)]
    for line in range(2):
        order = np.lexsort((arrays[1][line], arrays[0][line]))
        for x, y in zip(arrays, found, strict=True):
            np.testing.assert_array_equal(x[line][order], y[line])


def numbers(*shape):
    return tf.complex(normal(*shape), normal(*shape))


TRANSFORMS = {
    "one pass": (tf.signal.fft, (70, 8)),
    "three passes": (tf.signal.fft, (3, 256)),
    "inverse": (tf.signal.ifft, (5, 60)),
    "long, in scratch memory": (tf.signal.fft, (2, 6144)),
    "wide factors": (tf.signal.fft, (2, 11 * 17)),
    "along an axis of 1": (tf.signal.fft2d, (20, 1, 9)),
    "of columns": (tf.signal.fft2d, (3, 24, 10)),
    "of real numbers": (lambda x: tf.signal.rfft(tf.math.real(x)), (4, 48)),
    "of 64 bits": (lambda x: tf.signal.ifft3d(tf.cast(x, tf.complex128)), (6, 10, 4)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_fourier_transforms(name):
    function, shape = TRANSFORMS[name]
    x = numbers(*shape)
    with launches() as made:
        found = on_gpu(function, x)
    of_threads(made, "fft")
    np.testing.assert_allclose(found, by_reference(function, x), rtol=1e-5, atol=2e-4)


def test_infinities_meet_no_roots_of_one():
    x = tf.constant([np.inf] + [1.0] * 63, tf.complex64)
    found, wanted = on_gpu(tf.signal.fft, x), by_reference(tf.signal.fft, x)
    assert np.isfinite(found).tolist() == np.isfinite(wanted).tolist()


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 30, 31, 62, 64, 96, 121, 128, 210, 1024]),
    st.integers(1, 40),
    st.booleans(),
)
def test_any_number_of_lines(n, lines, across):
    function = (lambda x: tf.transpose(tf.signal.fft(tf.transpose(x)))) if across else tf.signal.fft
    x = numbers(*((n, lines) if across else (lines, n)))
    wanted = np.fft.fft(x.numpy(), axis=0 if across else 1)
    np.testing.assert_allclose(on_gpu(function, x), wanted, rtol=1e-5, atol=3e-4)
