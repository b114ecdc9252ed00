"""Arguments that convolutions, pools and losses refuse, as TensorFlow 2.21 does."""

import pytest

import penstock as tf

INVALID = tf.errors.InvalidArgumentError
PRECONDITION = tf.errors.FailedPreconditionError
IMAGE = tf.ones([1, 4, 4, 2])
FILTER = tf.ones([2, 2, 2, 1])


@pytest.mark.parametrize(
    "call,error",
    [
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, "same"), INVALID),
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, "EXPLICIT"), ValueError),
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, [[0, 0], [1, 1], [1, 1]]), ValueError),
        (lambda: tf.nn.conv2d(IMAGE, FILTER, 1, "SAME", dilations=[1, 1, 1, 2]), INVALID),
        (lambda: tf.nn.conv2d(IMAGE, tf.ones([0, 2, 2, 3]), 1, "SAME"), INVALID),
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
        (lambda: tf.nn.fractional_max_pool(IMAGE, 0.5), ValueError),
        (lambda: tf.nn.fractional_max_pool(IMAGE, [2.0, 2.0]), ValueError),
        (lambda: tf.nn.ctc_greedy_decoder(tf.ones([2, 1, 3]), [3]), PRECONDITION),
        (lambda: tf.nn.ctc_beam_search_decoder(tf.ones([2, 1, 3]), [2, 1]), PRECONDITION),
        (lambda: tf.nn.ctc_greedy_decoder(tf.ones([2, 1, 3]), [2], True, 3), INVALID),
        (lambda: tf.nn.embedding_lookup_sparse(tf.ones([3, 2]), [[0, 1]], None), TypeError),
        (lambda: tf.nn.dropout(IMAGE, [0.5]), ValueError),
        (lambda: tf.nn.dropout(IMAGE, tf.constant(0.5, tf.float64)), ValueError),
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


def test_the_parts_of_a_table_may_be_lists():
    ids = tf.sparse.from_dense([[0, 1], [1, 0]])
    assert tf.nn.embedding_lookup_sparse([[1.0, 2.0], [3.0, 4.0]], ids, None).shape == [2]


def test_extents_of_fractional_pools_are_divided_as_float32():
    """6 / 1.2 is 5 in float32 and less in float64."""
    pooled = tf.nn.fractional_max_pool(tf.ones([1, 6, 6, 1]), [1.0, 1.5, 1.2, 1.0], seed=3)
    assert pooled[0].shape == (1, 4, 5, 1)
