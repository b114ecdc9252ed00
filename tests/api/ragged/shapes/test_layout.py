"""Ragged shapes sliced, merged and given other partitions; expected values are TensorFlow's."""

import pytest

import penstock as tf

Shape = tf.experimental.DynamicRaggedShape
RAGGED = Shape.from_lengths([2, (2, 1), (2, 1, 3), 2])
UNIFORM = Shape.from_lengths([2, 3, 4])


@pytest.mark.parametrize(
    "made, lengths, partitions",
    [
        (RAGGED[:2], [2, (2, 1)], 1),
        (RAGGED[:3], [2, (2, 1), (2, 1, 3)], 2),
        (RAGGED[:1], [2], 0),
        (RAGGED[:0], [], 0),
        (RAGGED[:9], [2, (2, 1), (2, 1, 3), 2], 2),
        (UNIFORM[1:], [3, 4], 0),
        (UNIFORM[-2:-1], [3], 0),
        (RAGGED._merge_dims(0, 1), [3, (2, 1, 3), 2], 1),
        (RAGGED._merge_dims(1, 2), [2, (3, 3), 2], 1),
        (RAGGED._merge_dims(1, 3), [2, (6, 6)], 1),
        (RAGGED._merge_dims(0, 3), [12], 0),
        (UNIFORM._merge_dims(1, 2), [2, 12], 0),
        (UNIFORM._with_num_row_partitions(2), [2, 3, 4], 2),
        (UNIFORM._with_inner_rank(2), [2, 3, 4], 1),
        (UNIFORM._with_num_row_partitions(2)._with_num_row_partitions(0), [2, 3, 4], 0),
    ],
)
def test_axes_are_laid_out_anew(made, lengths, partitions):
    assert (made.static_lengths(), made.num_row_partitions) == (lengths, partitions)


@pytest.mark.parametrize(
    "use, error, message",
    [
        (lambda: RAGGED[1], ValueError, "Index 1 is not uniform"),
        (lambda: RAGGED[4], IndexError, "Index is too big: 4>=4"),
        (lambda: RAGGED["a"], TypeError, "not an int or a slice"),
        (lambda: RAGGED[::2], IndexError, "Cannot stride"),
        (lambda: RAGGED[1:], ValueError, "relevant dimensions must be uniform"),
        (lambda: RAGGED.is_uniform(-1), IndexError, "Negative axis"),
        (lambda: RAGGED._merge_dims(2, 1), ValueError, "Expected outer_axis .2. to be less"),
        (lambda: RAGGED._merge_dims(0, 4), ValueError, "inner_axis=4 out of bounds"),
        (lambda: RAGGED._with_num_row_partitions(4), ValueError, "must be less than rank"),
        (lambda: RAGGED._with_num_row_partitions(1), ValueError, "over a ragged dimension"),
        (lambda: Shape.from_lengths([3])._with_inner_rank(2), ValueError, "if rank < 2"),
        (lambda: UNIFORM._alt_inner_shape(0), ValueError, "new_inner_rank cannot be zero"),
        (lambda: Shape([], [])._as_row_partitions(), ValueError, "rank must be >= 1"),
    ],
)
def test_impossible_layouts_are_refused(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_slices_are_counted_by_axis():
    assert [int(RAGGED._num_slices_in_dimension(axis)) for axis in range(-4, 4)] == [
        2,
        3,
        6,
        12,
    ] * 2
    assert int(RAGGED._num_elements()) == 12


@tf.function(input_signature=[tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.int64)])
def merged(row_lengths, inner_shape):
    partition = tf.RaggedTensor.from_row_lengths(tf.range(3), row_lengths)._nested_row_partitions[0]
    shape = Shape([partition], inner_shape)
    assert shape.rank is None and shape.static_lengths() == [None, None, ...]
    with pytest.raises(ValueError, match="Rank must be known"):
        shape[-1]
    return shape[:3].inner_shape


def test_the_rank_may_be_unknown():
    assert merged([1, 2], [3, 5, 6]).numpy().tolist() == [3, 5]
