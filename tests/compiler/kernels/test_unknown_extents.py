"""Movements of arrays whose extents are unknown read the elements that eager operations read."""

import numpy as np
import pytest

import penstock as tf


def enlarged(x):
    return tf.repeat(tf.repeat(x, 2, 0), 2, 1)


def resized(x):
    return tf.image.resize(x[None, :, :, None], 2 * tf.shape(x))[0, :, :, 0]


def split(x):
    height, width = tf.unstack(tf.shape(x))
    blocks = tf.reshape(enlarged(x), [height, 2, width, 2])
    return tf.reshape(tf.transpose(tf.pad(blocks, [[1, 0], [0, 1]] * 2), [1, 0, 3, 2]), [-1])


PROGRAMS = {
    "pad": lambda x: tf.pad(enlarged(x), [[1, 1], [1, 1]]),
    "pad of operations": lambda x: tf.pad(tf.abs(enlarged(x)) + 1.0, [[2, 1], [1, 3]]),
    "pad of resized": lambda x: tf.pad(resized(enlarged(x)[::2, ::2]), [[1, 1], [1, 1]]),
    "pad and convolve": lambda x: tf.nn.conv2d(
        enlarged(x)[None, :, :, None], tf.ones([3, 3, 1, 1]), 1, "SAME"
    ),
    "roll": lambda x: tf.roll(tf.roll(enlarged(x), 3, 0), -2, 1),
    "reverse and pad": lambda x: tf.pad(tf.reverse(enlarged(x), [0, 1]), [[1, 0], [0, 1]]),
    "mirror": lambda x: tf.pad(enlarged(x), [[1, 1], [1, 1]], "REFLECT"),
    "blocks": split,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_movements_over_two_unknown_extents(name):
    program = PROGRAMS[name]
    compiled = tf.function(program, input_signature=[tf.TensorSpec([None, None])])
    for shape in ((2, 3), (5, 4), (1, 6), (4, 4), (7, 2)):
        x = tf.reshape(tf.range(1.0, 1 + shape[0] * shape[1]), shape)
        np.testing.assert_array_equal(compiled(x), program(x), str(shape))
