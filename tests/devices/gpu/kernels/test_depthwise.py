"""Depthwise convolutions and their gradients on the emulated GPU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf
from tests.devices.gpu.emulated import by_reference, launches, on_gpu

RANDOM = np.random.default_rng(13)


def normal(*shape):
    return tf.constant(RANDOM.standard_normal(shape).astype(np.float32))


def close(function, arguments, tolerance=1e-4, kernels=1):
    with launches() as made:
        found = on_gpu(function, *arguments)
    assert all(r.code.threads > 1 for r in made if r.label != "check")
    own = {r.label for r in made if "depthwise" in r.label or "convolution" in r.label}
    assert len(own) >= kernels, [r.label for r in made]
    wanted = by_reference(function, *arguments)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        a, b = a.astype(np.float64), b.astype(np.float64)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max()))


def depthwise(x, w, stride=1, padding="SAME", dilation=1):
    return tf.nn.depthwise_conv2d(x, w, [1, stride, stride, 1], padding, dilations=[dilation] * 2)


def with_gradients(function):
    def both(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = function(x, w)
            loss = tf.reduce_sum(tf.cast(y, tf.float32) ** 2)
        return y, tape.gradient(loss, [x, w])

    return both


CASES = {
    "vectors": (depthwise, (2, 9, 10, 8), (3, 3, 8, 1)),
    "single channels": (depthwise, (1, 7, 6, 5), (3, 3, 5, 1)),
    "strides": (lambda x, w: depthwise(x, w, 2), (2, 9, 9, 8), (3, 3, 8, 1)),
    "inside": (lambda x, w: depthwise(x, w, 2, "VALID"), (1, 10, 11, 4), (5, 3, 4, 1)),
    "dilated": (lambda x, w: depthwise(x, w, 1, "SAME", 2), (1, 11, 9, 4), (3, 3, 4, 1)),
    "epilogue": (lambda x, w: tf.nn.relu(depthwise(x, w) + w[0, 0, :, 0]), (2, 6, 7, 8), (3, 3, 8, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_images_of_unknown_size(name):
    function, image, weights = CASES[name]
    spec = [tf.TensorSpec([None, None, None, image[-1]]), tf.TensorSpec(weights)]
    function = tf.function(with_gradients(function), input_signature=spec)
    close(function, [normal(*image), normal(*weights)])


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_what_the_interpreter_says(name):
    function, *shapes = CASES[name]
    close(with_gradients(function), [normal(*s) for s in shapes])


def test_sums_of_channels_are_added_up_on_the_sums():
    def function(x, w):
        y = depthwise(x, w)
        return y, tf.reduce_sum(y, [0, 1, 2]), tf.reduce_sum(y * y, [0, 1, 2])

    close(function, [normal(2, 9, 9, 8), normal(3, 3, 8, 1)])


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.float64], ids=lambda d: d.name)
def test_other_floats(dtype):
    arguments = [tf.cast(normal(*s), dtype) for s in [(1, 8, 8, 8), (3, 3, 8, 1)]]
    tolerance = {tf.bfloat16: 2e-2, tf.float16: 3e-3, tf.float64: 1e-12}[dtype]
    close(depthwise, arguments, tolerance)


def test_a_kernel_serves_every_batch():
    w = normal(3, 3, 4, 1)
    spec = tf.TensorSpec([None, 6, 6, 4])
    function = tf.function(lambda x: depthwise(x, w), input_signature=[spec])
    for batch in (1, 3):
        x = normal(batch, 6, 6, 4)
        wanted = by_reference(lambda x: depthwise(x, w), x)
        np.testing.assert_allclose(on_gpu(function, x), wanted, rtol=1e-4, atol=1e-5)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(4, 12), st.integers(4, 12), st.integers(2, 13)),
    taps=st.tuples(st.integers(1, 4), st.integers(2, 4)), stride=st.integers(1, 3),
    padding=st.sampled_from(["SAME", "VALID"]),
)  # fmt: skip
def test_any_sizes(sizes, taps, stride, padding):
    x, w = normal(*sizes), normal(*taps, sizes[3], 1)
    function = with_gradients(lambda x, w: depthwise(x, w, stride, padding))
    close(function, [x, w], kernels=0)
