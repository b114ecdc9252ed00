"""Gradients of crops: compiled as on the host."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(3)
BOXES = np.array([[0, 0.1, 0.8, 1], [-0.3, 0.2, 1.4, 0.9], [0.9, 0.7, 0.1, 0.2]], np.float32)
INDICES = np.array([1, 0, 1], np.int32)


def gradients(image, size):
    """With respect to the image and the boxes: of a function, and of eager calls, which are too small to be compiled."""
    weights = RANDOM.standard_normal((3, *size, image.shape[3])).astype("float32")

    def both(image, boxes):
        with tf.GradientTape() as tape:
            tape.watch([image, boxes])
            crops = tf.image.crop_and_resize(image, boxes, INDICES, size)
        return tape.gradient(crops, [image, boxes], weights)

    arguments = tf.constant(image), tf.constant(BOXES)
    return tf.function(both)(*arguments), both(*arguments)


@pytest.mark.parametrize("size", [(4, 5), (1, 3), (1, 1)])
def test_compiled_gradients_are_those_of_the_host(size):
    image = RANDOM.standard_normal((2, 6, 7, 3)).astype("float32")
    for made, expected in zip(*gradients(image, size), strict=True):
        np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


def test_gradients_of_boxes_are_differences():
    """Of crops whose samples lie within the image, between its pixels."""
    image = RANDOM.standard_normal((1, 9, 9, 2)).astype("float32")
    boxes = np.array([[0.11, 0.13, 0.74, 0.83]], np.float32)

    @tf.function
    def total(boxes):
        return tf.reduce_sum(tf.image.crop_and_resize(image, boxes, [0], [4, 5]) ** 2)

    with tf.GradientTape() as tape:
        variable = tf.Variable(boxes)
        value = total(variable)
    found = tape.gradient(value, variable).numpy()[0]
    steps = 1e-3 * np.eye(4, dtype=np.float32)
    expected = [(total(boxes + h) - total(boxes - h)) / 2e-3 for h in steps]
    np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-2)


def test_pixels_that_no_sample_reads_may_be_infinite():
    image = np.ones((2, 6, 7, 1), np.float32)
    image[:, 0] = np.inf
    boxes = np.array([[-0.4, 0.1, 0.9, 0.8]], np.float32)

    @tf.function
    def by_boxes(boxes):
        grads = np.ones((1, 2, 3, 1), np.float32)
        return tf.raw_ops.CropAndResizeGradBoxes(
            grads=grads, image=image, boxes=boxes, box_ind=np.array([0], np.int32)
        )

    assert np.isfinite(by_boxes(boxes)).all()
