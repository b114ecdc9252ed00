"""Functions of the user: generators, Python, Keras layers, slow sources and heavy arithmetic."""

import time

import numpy as np

from bench.data.cases import case

SLOW = 0.01  # seconds a record of the slow source


@case(each=32)
def generator(tf, files):
    """from_generator of NumPy rows, batched."""
    rows = np.random.default_rng(3).random((4000, 16), np.float32)
    signature = tf.TensorSpec([16], tf.float32)
    return tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=signature).batch(32)


@case(each=32)
def py_function(tf, files):
    """A Python function of each element."""

    def doubled(x):
        y = tf.py_function(lambda value: value * 2, [x], tf.int64)
        return tf.ensure_shape(y, [])

    return tf.data.Dataset.range(2000).map(doubled).batch(32)


@case(each=32, keras=True)
def keras_augmentation(tf, files):
    """Random flip and contrast of batches of images; the numbers are each side's own."""
    images = np.random.default_rng(4).random((256, 64, 64, 3), np.float32)
    layers = tf.keras.layers
    steps = [layers.RandomFlip(seed=1), layers.RandomContrast(0.2, seed=2)]

    def augmented(x):
        for step in steps:
            x = step(x, training=True)
        return x

    return tf.data.Dataset.from_tensor_slices(images).batch(32).map(augmented)


def _slow(tf, count, parallel):
    def read(number):
        time.sleep(SLOW)
        return number

    def record(x):
        return tf.ensure_shape(tf.numpy_function(read, [x], tf.int64), [])

    return tf.data.Dataset.range(count).map(record, num_parallel_calls=parallel)


@case()
def slow_source(tf, files):
    """10 ms a record, one at a time."""
    return _slow(tf, 60, None)


@case()
def slow_source_16(tf, files):
    """10 ms a record, 16 calls at a time."""
    return _slow(tf, 480, 16)


def _heavy(tf, parallel):
    weights = tf.constant(np.random.default_rng(5).normal(0, 0.2, (32, 32)).astype("f"))

    def steps(x):
        x = tf.cast(x, tf.float32) / 100 * tf.ones([32, 32])
        for _ in tf.range(400):
            x = tf.tanh(x @ weights)
        return x

    made = tf.data.Dataset.range(64).map(steps, num_parallel_calls=parallel)
    return made.batch(8)


@case(each=8)
def heavy_map(tf, files):
    """Loops of small products, one call at a time."""
    return _heavy(tf, None)


@case(each=8)
def heavy_map_2(tf, files):
    """The same, two calls at a time."""
    return _heavy(tf, 2)
