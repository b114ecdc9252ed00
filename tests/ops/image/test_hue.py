"""Hue and saturation, to the last bit of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

BITS = [
    [
        [
            [1043878394, 1036831949, 1060320051],
            [1060152277, 1063675494, 1045220557],
            [1061997773, 1051260355, 1054750011],
        ]
    ],
    [
        [
            [0, 1060320051, 1047457526],
            [1063675494, 0, 1055286886],
            [981668864, 1016296609, 1061997773],
        ]
    ],
    [
        [
            [1053236338, 1062956470, 1060320051],
            [1063955114, 1061624946, 1063675494],
            [1059701317, 1058432614, 1061997773],
        ]
    ],
]
RGB = tf.random.stateless_uniform([64, 3], [3, 4])[None]


def compiled(function, *args):
    return tf.function(function)(*args).numpy()


def test_whole_numbers_keep_their_largest_and_smallest_channel():
    image = tf.reshape(tf.range(1, 19), [3, 2, 3])
    expected = [[2, 1, 3, 5, 4, 6], [8, 7, 9, 11, 10, 12], [14, 13, 15, 17, 16, 18]]
    np.testing.assert_array_equal(tf.image.adjust_hue(image, 0.2).numpy().reshape(3, 6), expected)
    np.testing.assert_array_equal(compiled(tf.image.adjust_hue, image, 0.2).reshape(3, 6), expected)


@pytest.mark.parametrize("delta", [-1.0, -0.4, 0.0, 0.3, 1.0])
def test_hue_turns_only_the_middle_channel(delta):
    turned = tf.image.adjust_hue(RGB, delta).numpy()
    np.testing.assert_array_equal(turned.max(-1), RGB.numpy().max(-1))
    np.testing.assert_array_equal(turned.min(-1), RGB.numpy().min(-1))
    np.testing.assert_array_equal(compiled(tf.image.adjust_hue, RGB, delta), turned)
    again = tf.image.rgb_to_hsv(turned).numpy()[..., 0]
    away = (again - tf.image.rgb_to_hsv(RGB).numpy()[..., 0] - delta) % 1
    np.testing.assert_allclose(np.minimum(away, 1 - away), 0, atol=1e-5)


def test_hue_is_the_same_after_whole_turns():
    turn = lambda delta: tf.raw_ops.AdjustHue(images=RGB, delta=delta)  # noqa: E731
    np.testing.assert_allclose(turn(3.25), turn(0.25), atol=1e-5)
    np.testing.assert_allclose(compiled(turn, -2.75), turn(0.25), atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 0.4, 1.0, 1.7])
def test_compiled_saturation_is_the_eager_one(scale):
    eager = tf.image.adjust_saturation(RGB, scale).numpy()
    np.testing.assert_array_equal(compiled(tf.image.adjust_saturation, RGB, scale), eager)
    saturation = np.minimum(tf.image.rgb_to_hsv(RGB).numpy()[..., 1] * scale, 1)
    np.testing.assert_allclose(tf.image.rgb_to_hsv(eager).numpy()[..., 1], saturation, atol=1e-5)


def test_bits_are_those_of_tensorflow():
    colors = np.array([[[0.1, 0.7, 0.3], [0.9, 0.2, 0.55], [0.33, 0.34, 0.8]]], np.float32)
    results = [
        tf.image.adjust_hue(colors, 0.3),
        tf.image.adjust_saturation(colors, 1.7),
        tf.image.rgb_to_hsv(colors),
    ]
    assert [result.numpy().view(np.uint32).tolist() for result in results] == BITS
