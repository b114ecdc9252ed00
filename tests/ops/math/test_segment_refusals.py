"""Which of several things that are wrong with segments is named: what TensorFlow's kernel meets first."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
ROWS = np.ones([4, 4], np.float32)
UNSORTED = "possibly because 'segment_ids' input is not sorted"


def refused(call, said):
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        call()


@pytest.mark.parametrize(
    "ids, said",
    [
        ([0, 0, 0, -1], "segment ids must be >= 0"),
        ([-1, 0, 1, 1], rf"Segment id -1 out of range \[0, 2\), {UNSORTED}"),
        ([0, 1, 2, 0], rf"Segment id 1 out of range \[0, 1\), {UNSORTED}"),
        ([0, 1, 0, 1], "segment ids are not increasing"),
        ([5, 1, 2, 6], "segment ids are not increasing"),
    ],
)
def test_the_first_id_that_is_wrong_is_named(ids, said):
    refused(lambda: tf.math.segment_sum(ROWS, ids), said)
    refused(lambda: tf.math.segment_mean(ROWS, ids), said)
    refused(lambda: tf.sparse.segment_sum(ROWS, [0, 1, 9, 3], ids), said)


def test_sparse_segments():
    refused(lambda: tf.sparse.segment_sum(ROWS, [2**62 - 1], [2**62 - 1]), "Encountered overflow")
    refused(lambda: tf.sparse.segment_sum(1.0, [0], [3]), "Shape must be at least rank 1")
    refused(lambda: tf.math.segment_sum(1.0, [0]), "input must be at least rank 1")
    with (
        tf.Graph().as_default(),
        pytest.raises(ValueError, match="Cannot specify a negative value"),
    ):
        tf.sparse.segment_sum(ROWS, [0], [0], num_segments=-2)


@pytest.mark.parametrize(
    "indices, ids, said",
    [
        ([8, 3, 0, 10], [0, 1, 2, 2], r"Index 10 out of range \[0, 10\)"),
        ([8, 3, 0, 9], [0, 1, 1, 4], "Invalid number of segments"),
        ([8, 3, 0, 9], [-1, 0, 1, 1], r"Segment id -1 out of range \[0, 3\)"),
    ],
)
def test_gradients_of_sparse_segments(indices, ids, said):
    given = {"grad": ROWS[:3], "indices": indices, "segment_ids": ids}
    refused(lambda: raw.SparseSegmentSumGrad(**given, output_dim0=10), said)
    refused(lambda: raw.SparseSegmentSumGradV2(**given, dense_output_dim0=10), said)


def test_their_ids_need_no_order():
    found = raw.SparseSegmentSumGrad(
        grad=[[1.0], [2.0]], indices=[0, 1, 2], segment_ids=[1, 0, 1], output_dim0=3
    )
    assert found.numpy().tolist() == [[2.0], [1.0], [2.0]]


def test_unsorted_segments_name_the_id_also_when_compiled():
    said = r"segment_ids\[0,0\] = 7 is out of range \[0, 2\)"

    @tf.function
    def total(ids):
        return tf.math.unsorted_segment_sum(tf.constant([[17.0]]), ids, 2)

    refused(lambda: total(tf.constant([[7]])), said)
    count = tf.constant(8327099846119777499, tf.int64)
    refused(
        lambda: tf.math.unsorted_segment_sum(np.ones(3), [0, 1, 2], count), "== -248650533 must not"
    )


def test_counts_of_sparse_and_ragged_numbers():
    none = np.zeros(0, np.float32)
    sparse = {"values": [0, 0], "size": 2, "weights": none}
    outside = np.array([[0, 0], [1, 5]]), np.array([3, 2])
    refused(
        lambda: raw.SparseBincount(indices=outside[0], dense_shape=outside[1], **sparse),
        r"indices\[1, :\] = \[1, 5\] is out of bounds",
    )
    empty = np.zeros(0, np.int64)
    refused(lambda: raw.RaggedBincount(splits=empty, values=[1], size=1, weights=none), "non-empty")
    found = raw.RaggedBincount(
        splits=np.array([0, 2]), values=[1, 2], size=3, weights=[[1.0], [2.0]]
    )
    assert found.numpy().tolist() == [[0.0, 1.0, 2.0]]
