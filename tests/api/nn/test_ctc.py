"""The CTC loss of dense labels. The numbers are those of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.RandomState(0)
LOGITS = RANDOM.randn(3, 7, 6).astype("f")
LABELS = RANDOM.randint(1, 6, (3, 4))
LABELS[1, 1] = LABELS[1, 0]  # a repeated label needs a blank between


def loss_and_gradient(logits, label_length, logit_length, shift, blank):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.nn.ctc_loss(
            labels=tf.constant(LABELS - shift, tf.int32),
            logits=logits,
            label_length=tf.constant(label_length),
            logit_length=tf.constant(logit_length),
            logits_time_major=False,
            blank_index=blank,
        )
    return loss, tape.gradient(loss, logits)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "lengths, blank, wanted, slopes",
    [
        (([4, 3, 2], [7, 7, 5]), 0, [8.86196, 10.324625, 7.24531], [8.259058, 9.78308, 6.8655143]),
        (([0, 1, 2], [7, 1, 0]), 0, [9.406837, 1.6134144, np.inf], [10.137372, 1.6015873, 0]),
        (([4, 3, 2], [7, 7, 5]), -1, [12.688693, 9.883335, 5.495817], [9.742193, 9.691921, 5.872987]),
    ],
)  # fmt: skip
def test_dense_labels(compiled, lengths, blank, wanted, slopes):
    def run(x):
        return loss_and_gradient(x, *lengths, 1 if blank == -1 else 0, blank)

    loss, gradient = (tf.function(run) if compiled else run)(tf.constant(LOGITS))
    wanted = np.minimum(wanted, 706.8936)  # labels without frames: -log(1e-307), as in TensorFlow
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
    np.testing.assert_allclose(np.abs(gradient).sum((1, 2)), slopes, rtol=1e-5)


def test_sparse_labels_outside_of_the_classes_end_the_row_or_are_refused():
    def loss(values, blank):
        indices = [[0, i] for i in range(len(values))]
        labels = tf.SparseTensor(indices, values, [1, len(values)])
        return tf.nn.ctc_loss(
            labels, LOGITS[:1], None, [7], logits_time_major=False, blank_index=blank
        ).numpy()

    np.testing.assert_array_equal(loss([1, 6], 5), loss([1], 5))
    for labels in ([0, 1], [1, -1]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be nonnegative"):
            loss(labels, 0)


@pytest.mark.parametrize(("blank", "labels"), [(1, [1, 2]), (3, [1, 3]), (-1, [3, 1]), (1, [1, 1])])
def test_a_dense_label_equal_to_the_blank_means_the_class_before_it(blank, labels):
    """As in TensorFlow, which moves the blank to the front, and only the labels below it."""
    logits = np.random.RandomState(0).randn(1, 5, 4).astype(np.float32)
    before = [blank % 4 - 1 if label == blank % 4 else label for label in labels]
    found, expected = (
        tf.nn.ctc_loss([each], logits, [2], [5], logits_time_major=False, blank_index=blank)
        for each in (labels, before)
    )
    np.testing.assert_array_equal(found, expected)


def test_a_dense_label_equal_to_the_blank_has_the_loss_of_tensorflow():
    logits = np.random.RandomState(0).randn(1, 5, 4).astype(np.float32)
    loss = tf.nn.ctc_loss([[1, 2]], logits, [2], [5], logits_time_major=False, blank_index=1)
    np.testing.assert_allclose(loss, [4.1763], atol=1e-4)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "labels, label_length, logit_length, wanted, slope",
    [
        ([1, 3, 2], 0, 0, 0.0, 0.0),  # a row without frames and labels
        ([1, 3, 2], 3, 0, 706.8936, 0.0),
        ([1, 3, 2], 3, 1, 707.58673, 0.25),  # too few frames
        ([3, 2, 2], 3, 3, 708.56757, 0.25),  # two equal labels need a blank between
    ],
)
def test_dense_labels_that_do_not_fit_have_the_loss_of_tensorflow(
    compiled, labels, label_length, logit_length, wanted, slope
):
    def run(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = tf.nn.ctc_loss(
                [labels],
                logits,
                [label_length],
                [logit_length],
                logits_time_major=False,
                blank_index=0,
            )
        return loss, tape.gradient(loss, logits)

    loss, gradient = (tf.function(run) if compiled else run)(tf.zeros([1, 5, 4]))
    np.testing.assert_allclose(loss, [wanted], rtol=1e-5)
    np.testing.assert_allclose(np.abs(gradient).max(), slope, rtol=1e-4)


def test_dense_labels_of_no_frames():
    loss = tf.nn.ctc_loss([[1], [2]], np.zeros([0, 2, 4], "f"), [0, 1], [0, 0], blank_index=0)
    np.testing.assert_allclose(loss, [0.0, 706.8936], rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("padding", [-1, 0, 99])
@pytest.mark.parametrize("blank, wanted", [(0, [8.460422, 9.063469]), (-1, [12.805843, 6.378192])])
def test_padding_of_dense_labels_may_be_any_number(compiled, padding, blank, wanted):
    def run(logits):
        labels = [[1, 2, padding], [3, padding, padding]]
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = tf.nn.ctc_loss(
                labels, logits, [2, 1], [7, 5], logits_time_major=False, blank_index=blank
            )
        return loss, tape.gradient(loss, logits)

    loss, gradient = (tf.function(run) if compiled else run)(tf.constant(LOGITS[:2]))
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient.numpy().sum(2), 0, atol=1e-6)


def test_dense_labels_that_are_no_class_are_refused():
    for labels in ([[1, 6]], [[-1, 1]]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not in \\[0, 6\\)"):
            tf.nn.ctc_loss(labels, LOGITS[:1], [2], [7], logits_time_major=False, blank_index=0)


def test_dense_labels_of_unknown_ranks():
    whole = [tf.TensorSpec(None, dtype) for dtype in (tf.int32, tf.float32, tf.int32, tf.int32)]
    loss = tf.function(tf.nn.ctc_loss, input_signature=whole)
    logits = np.random.default_rng(2).normal(size=(5, 2, 4)).astype(np.float32)
    given = [[1, 2], [2, 1]], logits, [2, 1], [5, 4]
    np.testing.assert_allclose(loss(*given), tf.nn.ctc_loss(*given), rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        loss(given[0], logits[0], *given[2:])
