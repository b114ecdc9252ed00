"""Arguments that convolutions, pools and losses refuse, as TensorFlow 2.21 does."""

import pytest

import penstock as tf

INVALID = tf.errors.InvalidArgumentError
IMAGE = tf.ones([1, 4, 4, 2])
FILTER = tf.ones([2, 2, 2, 1])


@pytest.mark.parametrize(
    "call,error",
    [
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, "same"), INVALID),
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, "EXPLICIT"), ValueError),
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, [[0, 0], [1, 1], [1, 1]]), ValueError),
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, "SAME", dilations=[1, 1, 1, 2]), INVALID),
        (lambda: tf.nn.conv2d(IMAGE, tf.ones([2, 2, 2, 0]), 1, "SAME"), INVALID),
        (lambda: tf.nn.conv3d(tf.ones([1, 2, 2, 2, 1]), tf.ones([1] * 5), 1, "SAME"), TypeError),
        (lambda: tf.nn.depthwise_conv2d(IMAGE, FILTER, [1] * 4, "SAME", None, [1] * 4), ValueError),
        (lambda: tf.nn.separable_conv2d(IMAGE, FILTER, FILTER, [1] * 4, "SAME"), ValueError),
        (
            lambda: tf.nn.conv1d_transpose(IMAGE[0], FILTER[0], [4, 4, 2], 1, "SAME", "x"),
            ValueError,
        ),
        (lambda: tf.nn.pool(IMAGE, [2, 2], "MAX", padding="SAME", dilations=[2, 2]), ValueError),
        (lambda: tf.nn.pool(IMAGE, [2], "MAX"), ValueError),
        (lambda: tf.nn.max_pool_with_argmax(tf.ones([1, 4, 0, 1]), 2, 2, "VALID"), INVALID),
        (lambda: tf.nn.softmax_cross_entropy_with_logits(IMAGE, IMAGE, axis=4), INVALID),
        (lambda: tf.nn.sigmoid_cross_entropy_with_logits([1, 0], tf.ones([2])), INVALID),
    ],
)
def test_refused(call, error):
    with pytest.raises(error):
        call()


def test_one_row_of_labels_serves_all_logits():
    loss = tf.nn.softmax_cross_entropy_with_logits(labels=[0.0, 1.0], logits=tf.zeros([2, 2]))
    assert loss.numpy().tolist() == pytest.approx([0.693147, 0.693147], rel=1e-5)


def test_sequences_may_be_named_as_images_are():
    assert tf.nn.conv1d(IMAGE[0], FILTER[0], 1, "SAME", "NHWC").shape == [4, 4, 1]
