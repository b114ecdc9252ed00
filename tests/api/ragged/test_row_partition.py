"""Row partitions: checks, what is known of them statically, and merging what two know. As in TensorFlow 2.21."""

import pytest

import penstock as tf
from penstock._src.api.ragged.row_partition import RowPartitionSpec

RowPartition = tf.experimental.RowPartition


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (RowPartition.from_row_splits, [0, 3, 2]),
        (RowPartition.from_row_lengths, [3, -1]),
        (RowPartition.from_row_limits, [3, 2]),
        (RowPartition.from_value_rowids, [1, 0]),
    ],
)
def test_partitions_are_checked_when_a_graph_runs(make, value):
    """A validation that the values are not known for is an assertion of the graph."""
    splits = tf.function(lambda x: make(x).row_splits(), autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="do not form a valid"):
        splits.get_concrete_function(tf.TensorSpec([None], tf.int64))(tf.constant(value, tf.int64))
    with pytest.raises(tf.errors.InvalidArgumentError, match="do not form a valid"):
        make(tf.constant(value, tf.int64))


def test_uniform_rows_know_their_values():
    partition = RowPartition.from_uniform_row_length(3, nrows=4)
    assert (partition.static_nrows, partition.static_nvals) == (4, 12)
    assert RowPartition.from_row_splits([0, 3, 8]).static_nvals is None
    with pytest.raises(ValueError, match="must equal nvals"):
        RowPartition.from_uniform_row_length(3, nvals=6, nrows=3)


def test_numbers_of_a_spec_follow_from_one_another():
    assert RowPartitionSpec(nvals=20, uniform_row_length=4).nrows == 5
    assert RowPartitionSpec(nrows=0).nvals == 0
    with pytest.raises(ValueError, match="not compatible"):
        RowPartitionSpec(nvals=11, uniform_row_length=5)
    assert not RowPartitionSpec(nrows=8).is_compatible_with(
        RowPartitionSpec(nvals=10, uniform_row_length=5)
    )


def test_merging_keeps_all_that_is_computed():
    splits = RowPartition.from_row_splits([0, 3, 8])
    merged = splits._merge_precomputed_encodings(RowPartition.from_row_lengths([3, 5]))
    assert merged._has_precomputed_row_lengths() and not merged._has_precomputed_nrows()
    with pytest.raises(tf.errors.InvalidArgumentError, match="incompatible row_splits"):
        splits._merge_precomputed_encodings(RowPartition.from_row_splits([0, 5, 8]))


@pytest.mark.parametrize(
    ("lists", "options", "shape"),
    [
        ([[[1, 2], [3, 4]], [[5, 6]]], {"ragged_rank": 1}, [2, None, 2]),
        ([[], []], {"ragged_rank": 1, "inner_shape": (3,)}, [2, None, 3]),
        ([], {}, [0]),
        ([[], []], {"ragged_rank": 2}, [2, None, None]),
    ],
)
def test_constants_with_ranks_and_inner_shapes(lists, options, shape):
    made = tf.ragged.constant(lists, dtype=tf.int32, **options)
    value = tf.compat.v1.ragged.constant_value(lists, dtype=tf.int32, **options)
    assert made.shape.as_list() == shape
    assert list(value.shape) == shape


@pytest.mark.parametrize(
    ("lists", "options", "message"),
    [
        ([[1], 2], {}, "same nesting depth"),
        ([[[]], [1]], {}, "empty list nesting is greater"),
        ([1, 2], {"ragged_rank": 1}, "requires scalar value depth greater"),
        ([[1], [2]], {"ragged_rank": -1}, "must be nonnegative"),
        ([[[1, 2]], [[3]]], {"ragged_rank": 1}, "inconsistent shape"),
    ],
)
def test_constants_that_do_not_nest(lists, options, message):
    for make in (tf.ragged.constant, tf.compat.v1.ragged.constant_value):
        with pytest.raises(ValueError, match=message):
            make(lists, **options)


def test_partitions_of_other_shapes_do_not_merge():
    # as in TensorFlow 2.21: known shapes come before values
    @tf.function
    def merge():
        one = tf.experimental.RowPartition.from_value_rowids([0, 3, 3, 4])
        two = tf.experimental.RowPartition.from_value_rowids([0, 3, 4])
        return one._merge_precomputed_encodings(two).row_splits()

    with pytest.raises(ValueError, match="incompatible value_rowids"):
        merge()


def test_splits_that_do_not_cover_the_values_are_refused_with_both_numbers():
    with pytest.raises(tf.errors.InvalidArgumentError, match="last split 5 of 3 values"):
        tf.RaggedTensor.from_row_splits([1, 2, 3], [0, 2, 5])
