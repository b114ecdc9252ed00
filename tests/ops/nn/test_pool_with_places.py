"""Maxima of windows with their indices: compiled calls give what eager ones do."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(0)


def pooled(x, size=2, stride=2, padding="SAME", batch=False):
    return tf.nn.max_pool_with_argmax(
        x, size, stride, padding, include_batch_in_index=batch, output_dtype=tf.int32
    )


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), ([1, 2, 3, 1], 1), (5, 3)])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_places_are_those_of_eager_calls(size, stride, padding, batch, dtype):
    x = RANDOM.integers(0, 20, (2, 9, 7, 3)).astype(dtype)  # with equal maxima
    function = tf.function(lambda x: pooled(x, size, stride, padding, batch), autograph=False)
    assert "host" not in str(function.explain(x))
    maxima, places = function(x)
    for found, wanted in zip(
        (maxima, places), pooled(x, size, stride, padding, batch), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    flat = x.reshape(-1) if batch else x.reshape(2, -1)
    at = places.numpy().reshape(-1) if batch else places.numpy().reshape(2, -1)
    chosen = flat[at] if batch else np.take_along_axis(flat, at, 1)
    np.testing.assert_array_equal(chosen.reshape(maxima.shape), maxima)


def test_a_nan_is_only_taken_at_the_start_of_a_window():
    x = RANDOM.normal(size=(1, 6, 6, 2)).astype(np.float32)
    x[0, ::2, 1::2] = np.nan
    x[0, 4, 4], x[0, 0, 0] = np.nan, -np.inf
    for found, wanted in zip(tf.function(pooled, autograph=False)(x), pooled(x), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("batch", [True, False])
def test_gradients_go_to_the_places(batch):
    x = tf.constant(RANDOM.normal(size=(2, 8, 6, 3)), tf.float32)

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = pooled(x, 3, 2, "SAME", batch)[0]
        return tape.gradient(y, x, tf.cast(tf.shape(y)[0], tf.float32) * y)

    function = tf.function(gradient, autograph=False)
    assert "host" not in str(function.explain(x))
    np.testing.assert_allclose(function(x), gradient(x), rtol=1e-6)


def test_places_outside_of_the_image_are_refused():
    arguments = dict(
        input=np.ones((1, 2, 2, 1), np.float32), grad=np.ones((1, 1, 1, 1), np.float32)
    )
    sizes = dict(ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    function = tf.function(
        lambda argmax: tf.raw_ops.MaxPoolGradWithArgmax(argmax=argmax, **arguments, **sizes)
    )
    assert function(tf.constant([[[[3]]]], tf.int64).numpy()).numpy().reshape(-1).tolist() == [
        0,
        0,
        0,
        1,
    ]
    with pytest.raises(tf.errors.InvalidArgumentError, match="argmax has a value outside"):
        function(tf.constant([[[[4]]]], tf.int64).numpy())
