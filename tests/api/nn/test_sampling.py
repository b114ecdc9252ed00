"""Losses of sampled classes; expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

ROWS = np.arange(28, dtype=np.float32).reshape(7, 4) / 10
OFFSETS = np.arange(7, dtype=np.float32) / 5
LABELS = np.array([[1, 2], [3, 3], [6, 0]])
INPUTS = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
SAMPLED = (np.array([0, 3, 5]), np.full((3, 2), 0.5, np.float32), np.full(3, 0.25, np.float32))


def parts_of(x, strategy):
    if strategy == "mod":
        return [tf.constant(x[i::3]) for i in range(3)]
    return [tf.constant(part) for part in np.array_split(x, 3)]


@pytest.mark.parametrize("loss", ["nce_loss", "sampled_softmax_loss"])
@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_weights_in_parts_are_those_of_one_table(loss, strategy):
    weights, biases = parts_of(ROWS, strategy), parts_of(OFFSETS, strategy)
    rest = (LABELS, INPUTS, 3, 7, 2, SAMPLED)
    whole = getattr(tf.nn, loss)(ROWS, OFFSETS, *rest)
    v1 = getattr(tf.compat.v1.nn, loss)(weights, biases, *rest, partition_strategy=strategy)
    np.testing.assert_allclose(v1, whole, rtol=1e-5)
    if strategy == "div":
        np.testing.assert_allclose(getattr(tf.nn, loss)(weights, biases, *rest), whole, rtol=1e-5)


def test_a_sample_that_is_a_true_class_twice_is_one_hit():
    loss = tf.nn.nce_loss(
        ROWS, OFFSETS, LABELS, INPUTS, 3, 7, 2, SAMPLED, remove_accidental_hits=True
    )
    np.testing.assert_allclose(loss, [3.22892189, 6.07189465, 20.30885315], rtol=1e-6)


@pytest.mark.parametrize("loss", [tf.nn.nce_loss, tf.nn.sampled_softmax_loss])
def test_samples_of_another_number_than_num_sampled_do_not_fit(loss):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[3,3\] vs. \[3,256\]"):
        loss(ROWS, OFFSETS, LABELS, INPUTS, 256, 7, 2, SAMPLED, remove_accidental_hits=True)


def test_unique_labels_are_a_list_of_labels_and_their_indices():
    found = tf.nn.ctc_unique_labels([[3, 4, 3]])
    assert isinstance(found, list)
    labels, indices = found
    assert labels.numpy().tolist() == [[3, 4, 0]] and indices.numpy().tolist() == [[0, 1, 0]]


def test_parts_of_tables_may_be_arrays():
    table = np.arange(18, dtype="f").reshape(6, 3)
    parts = [table[:3], table[3:]]
    found = tf.nn.embedding_lookup(parts, [1, 0, 5]).numpy()
    np.testing.assert_array_equal(found, table[[1, 0, 5]])
    wanted = tf.sparse.from_dense([[1, 5]])
    summed = tf.nn.embedding_lookup_sparse(parts, wanted, None, combiner="sum").numpy()
    np.testing.assert_array_equal(summed, table[[1, 5]].sum(0, keepdims=True))


def test_lengths_of_collapsed_labels_have_the_dtype_of_the_given_ones():
    rows, lengths = tf.nn.collapse_repeated([[1, 1, 2], [3, 3, 3]], np.array([3, 2]))
    assert lengths.dtype == tf.int64
    assert lengths.numpy().tolist() == [2, 1]
    assert rows.numpy().tolist() == [[1, 2], [3, 0]]
