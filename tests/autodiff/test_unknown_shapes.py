"""Gradients in functions that know nothing of the shapes of their arguments, as TensorFlow has them."""

import numpy as np
import pytest

import penstock as tf

raw, f32 = tf.raw_ops, np.float32
X = np.arange(24, dtype=f32).reshape(2, 3, 4)
WINDOWS = {
    "ksizes": [1, 2, 2, 1],
    "strides": [1, 1, 1, 1],
    "rates": [1, 1, 1, 1],
    "padding": "SAME",
}
CASES = {
    "GatherV2": (lambda x: tf.gather(x, [2, 0, 0], axis=-2), X),
    "GatherV2 with batches": (lambda x: tf.gather(x, [[1, 1], [0, 3]], axis=2, batch_dims=1), X),
    "BiasAddGrad": (lambda x: raw.BiasAddGrad(out_backprop=x, data_format="NCHW"), X),
    "MatrixTriangularSolve": (lambda x: tf.linalg.triangular_solve(tf.eye(3), x), X),
    "FFT": (lambda x: tf.math.real(tf.signal.fft(tf.complex(x, x))), X),
    "RFFT": (lambda x: tf.abs(tf.signal.rfft2d(x, [3, 3])), X),
    "ExtractImagePatches": (lambda x: raw.ExtractImagePatches(images=x, **WINDOWS), X[..., None]),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    function, x = CASES[name]

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
            total = tf.reduce_sum(y * tf.sin(y))
        return tape.gradient(total, x)

    ranked = tf.TensorSpec([None] * x.ndim if name == "ExtractImagePatches" else None, tf.float32)
    compiled = tf.function(gradient, input_signature=[ranked])
    np.testing.assert_allclose(compiled(x), gradient(tf.constant(x)), rtol=1e-5, atol=1e-5)


def test_the_axis_of_a_gather_may_be_an_argument():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32), tf.TensorSpec([], tf.int32)])
    def gradient(x, axis):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = raw.GatherV2(params=x, indices=[1, 1], axis=axis)
        return tape.gradient(y, x)

    for axis in range(-3, 3):
        expected = np.zeros_like(X)
        np.moveaxis(expected, axis, 0)[1] = 2
        np.testing.assert_array_equal(gradient(X, axis), expected)


def test_second_derivatives():
    @tf.function(input_signature=[tf.TensorSpec([None])])
    def second(x):
        return tf.hessians(tf.reduce_sum(x**3) + x[0] * x[1], x)[0]

    assert second(tf.constant([1.0, 2.0, 3.0])).numpy().tolist() == [
        [6.0, 1.0, 0.0],
        [1.0, 12.0, 0.0],
        [0.0, 0.0, 18.0],
    ]
