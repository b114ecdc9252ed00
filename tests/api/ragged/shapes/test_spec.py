"""Types of ragged shapes; expected values are TensorFlow's."""

import pytest

import penstock as tf
from penstock._src.api.ragged.row_partition import RowPartitionSpec
from penstock._src.api.ragged.shapes.batching import ShapeBatchEncoder

Shape = tf.experimental.DynamicRaggedShape
RAGGED = Shape.from_lengths([2, (1, 2), 3])._type_spec


def spec_of(lengths, inner, dtype=tf.int64):
    partitions = [RowPartitionSpec(uniform_row_length=length, dtype=dtype) for length in lengths]
    return Shape.Spec(partitions, inner, dtype)


def test_numbers_of_rows_follow_from_those_of_other_axes():
    partitions = [RowPartitionSpec(uniform_row_length=2), RowPartitionSpec(uniform_row_length=3)]
    spec = Shape.Spec(partitions, [12, 5], tf.int64)
    assert [(p.nrows, p.nvals) for p in spec._row_partitions] == [(2, 4), (4, 12)]
    assert spec._to_tensor_shape() == [2, 2, 3, 5]


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: Shape.Spec(3, [], tf.int64), TypeError, "should be an Iterable"),
        (lambda: Shape.Spec([3], [], tf.int64), TypeError, "Iterable of RowPartitionSpecs"),
        (lambda: Shape.Spec([], [], tf.float32), ValueError, "must be tf.int32 or tf.int64"),
        (
            lambda: Shape.Spec([RowPartitionSpec(dtype=tf.int32)], [1], tf.int64),
            ValueError,
            "dtype of RowPartitionSpec.* is tf.int32: expected tf.int64",
        ),
        (lambda: spec_of([2], []), ValueError, "must have inner_rank > 0"),
        (lambda: spec_of([2, 2], [7])._merge_with(spec_of([3, 2], [6])), ValueError, "compatible"),
        (lambda: spec_of([2], None)._with_num_row_partitions(0), ValueError, "unknown rank"),
        (lambda: RAGGED._with_num_row_partitions(3), ValueError, "row partitions too large"),
        (lambda: RAGGED._dimension(3), ValueError, "Index out of range: 3"),
        (lambda: RAGGED._set_rank_if_unknown(4), ValueError, "Rank is 3, expected at least 4"),
        (lambda: RAGGED._num_slices_in_dimension(3), ValueError, "axis=3 out of bounds"),
    ],
)
def test_impossible_types_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_axes_are_cut_off_and_given_partitions():
    assert RAGGED._truncate(2) == Shape.from_lengths([2, (1, 2)])._type_spec
    assert RAGGED._truncate(1) == Shape.from_lengths([2])._type_spec
    assert RAGGED._with_num_row_partitions(2)._static_inner_shape == [9]
    assert [RAGGED._num_slices_in_dimension(axis) for axis in range(3)] == [2, 3, 9]
    assert spec_of([2], None)._set_rank_if_unknown(3).rank == 3


def test_types_of_tensors_give_types_of_their_shapes():
    assert Shape.Spec._from_spec(tf.TensorSpec([2, 3]), tf.int32).dtype == tf.int32
    ragged = Shape.Spec._from_spec(tf.RaggedTensorSpec([2, None, 3], ragged_rank=1))
    assert ragged.num_row_partitions == 1 and ragged._static_inner_shape.as_list() == [None, 3]
    with pytest.raises(ValueError, match="must be less than rank"):
        Shape.Spec._from_tensor_shape([2, 3], 2, tf.int64)


def test_a_batch_of_shapes_is_the_shape_of_a_batch():
    encoder, uniform = ShapeBatchEncoder(), Shape.from_lengths([2, 3])._type_spec
    assert encoder.batch(uniform, 4)._static_inner_shape == [4, 2, 3]
    assert encoder.batch(uniform, None)._to_tensor_shape().as_list() == [None, 2, 3]
    batch = encoder.batch(RAGGED, 4)
    assert batch._to_tensor_shape().as_list() == [4, 2, None, 3]
    assert encoder.unbatch(batch)._to_tensor_shape().as_list() == [2, None, 3]


def test_shapes_are_encoded_as_tensors_of_that_shape():
    encoder, shape = ShapeBatchEncoder(), Shape.from_lengths([2, (1, 2)])
    encoded = encoder.encode(shape._type_spec, shape)
    assert encoded.to_list() == [[True], [True, True]]
    assert encoder.encoding_specs(shape._type_spec).ragged_rank == 1
    assert bool(encoder.decode(shape._type_spec, encoded) == shape)
