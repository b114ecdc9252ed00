"""Gathering with a value for indices out of range; expected values are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.bridge.python.ops.ragged.ragged_batch_gather_with_default_op import (
    batch_gather_with_default as gather,
)


@pytest.mark.parametrize(
    "params, indices, default, expected",
    [
        ([["a", "b"], ["c"]], [[0, 1, -1], [5]], "", [[b"a", b"b", b""], [b""]]),
        ([["a"], ["b", "c"]], [1, 5], "q", [[b"b", b"c"], [b"q"]]),
        ([[["a"], ["b", "c"]], [["d"]]], [[1, -1], [0]], "z", [[[b"b", b"c"], [b"z"]], [[b"d"]]]),
        ([[["a"], ["b"]], [["d"]]], [[[0], [1]], [[-1]]], "z", [[[b"a"], [b"z"]], [[b"z"]]]),
    ],
)
def test_indices_out_of_range_give_the_default(params, indices, default, expected):
    indices = tf.ragged.constant(indices) if isinstance(indices[0], list) else indices
    assert gather(tf.ragged.constant(params), indices, default).to_list() == expected


def test_dense_rows_take_vectors_as_default():
    params = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1)
    assert gather(params, [[1, -1], [0, 7]], [8, 9]).numpy().tolist() == [
        [[3, 4], [8, 9]],
        [[5, 6], [8, 9]],
    ]
    assert gather([[1.5, 2]], [[1, -1]], 0.0).numpy().tolist() == [[2, 0]]


def test_the_default_is_a_scalar_or_vector():
    with pytest.raises(ValueError, match="must be a scalar or vector"):
        gather(tf.ragged.constant([["a"]]), [[0]], [["x"]])
