"""Products of integers become products of floats for formats that have no others, with the same integers."""

import numpy as np
import pytest

import penstock as tf

RNG = np.random.default_rng(0)
# More terms of bytes than one product of float32 holds.
WEIGHTS = RNG.integers(-128, 128, (2048, 3)).astype(np.int8)
KERNEL = RNG.integers(-128, 128, (3, 3, 130, 4)).astype(np.int8)


def _bytes(x):
    return tf.cast(tf.cast(x, tf.int8), tf.int32)


def _filters():
    return tf.cast(KERNEL, tf.int32)


FUNCTIONS = {
    "matrices": (lambda x: tf.matmul(_bytes(x), tf.cast(WEIGHTS, tf.int32)), (None, 2048)),
    "unknown": (lambda x: tf.matmul(_bytes(x), tf.cast(WEIGHTS, tf.int32)), (None, None)),
    "transposed": (
        lambda x: tf.matmul(tf.cast(WEIGHTS, tf.int32), _bytes(x), True, True),
        (None, 2048),
    ),
    "stacks": (
        lambda x: tf.matmul(_bytes(x)[:, None], _bytes(x)[:, None], transpose_b=True),
        (None, 2048),
    ),
    "images": (
        lambda x: tf.nn.conv2d(tf.reshape(_bytes(x), [-1, 4, 4, 130]), _filters(), 1, "SAME"),
        (None, 2080),
    ),
}


def _written(function, shape) -> bytes:
    spec = tf.TensorSpec(shape, tf.float32, "x")
    concrete = tf.function(function).get_concrete_function(spec)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sums_are_the_same_integers(name):
    function, shape = FUNCTIONS[name]
    x = RNG.integers(-128, 128, (2, shape[1] or 2048)).astype(np.float32)
    runner = tf.lite.Interpreter(model_content=_written(function, shape)).get_signature_runner()
    (found,) = runner(x=x).values()
    expected = function(tf.constant(x)).numpy()
    assert np.abs(expected).max() > 1 << 14
    np.testing.assert_array_equal(found, expected)


def test_the_largest_bytes_are_added_without_rounding():
    weights = np.full((2048, 1), 127, np.int32)
    weights[0] = 126
    x = np.full((1, 2048), 127, np.float32)
    content = _written(lambda x: tf.matmul(_bytes(x), weights), (1, 2048))
    (found,) = tf.lite.Interpreter(model_content=content).get_signature_runner()(x=x).values()
    assert found.item() == 2048 * 127**2 - 127


def test_integers_that_float32_does_not_hold_are_refused():
    with pytest.raises(tf.errors.UnimplementedError, match="a product of int32"):
        _written(
            lambda x: tf.matmul(tf.cast(x, tf.int32), tf.cast(WEIGHTS, tf.int32)), (None, 2048)
        )
