"""Parts of the connectionist temporal classification loss; expected values are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.ops import ctc_ops


@pytest.mark.parametrize(
    "reverse, inclusive, expected",
    [
        (False, False, [24, 26, 29]),
        (False, True, [23, 24, 26, 29]),
        (True, False, [29, 28, 26]),
        (True, True, [29, 28, 26, 23]),
    ],
)
def test_scans_begin_at_either_end(reverse, inclusive, expected):
    found = ctc_ops._scan(
        lambda a, x: a + x, tf.constant([1.0, 2.0, 3.0]), 23.0, reverse, inclusive
    )
    assert found.numpy().tolist() == expected
    last = ctc_ops._scan(
        lambda a, x: a + x, tf.constant([1.0, 2.0, 3.0]), 23.0, reverse, final_only=True
    )
    assert last.numpy() == 29


def test_scans_take_structures():
    x, y = ctc_ops._scan(
        lambda held, e: (held[0] + e, held[1] * e), tf.constant([1, 2]), (0, tf.constant([1, 3]))
    )
    assert x.numpy().tolist() == [1, 3] and y.numpy().tolist() == [[1, 3], [2, 6]]


def test_states_become_labels():
    labels = tf.constant([[2, 1, 2]])
    states = np.log(np.arange(1, 8, dtype=np.float32)).reshape(1, 1, 7)
    found = np.exp(ctc_ops._state_to_olabel(labels, 3, states))
    np.testing.assert_allclose(found, [[[5 + 6 + 7, 3, 2 + 4]]], rtol=1e-5)
    unique = tf.nn.ctc_unique_labels(labels)
    also = np.exp(ctc_ops._state_to_olabel_unique(labels, 3, states, unique))
    np.testing.assert_allclose(also, found, rtol=1e-5)


def test_equal_states_are_summed():
    states = np.log(np.float32([[[1, 2, 3, 4]]]))
    found = np.exp(ctc_ops._sum_states([[0, 1, 0, 1]], states))
    np.testing.assert_allclose(found, [[[4, 6, 0, 0]]], rtol=1e-5)


def test_dense_labels_become_sparse():
    sparse = ctc_ops.dense_labels_to_sparse([[3, 4, 3], [2, 0, 0]], [2, 1])
    assert sparse.indices.numpy().tolist() == [[0, 0], [0, 1], [1, 0]]
    assert sparse.values.numpy().tolist() == [3, 4, 2]
    assert sparse.dense_shape.numpy().tolist() == [2, 2]
