"""Arguments at the edges of what datasets take, as TensorFlow 2.21."""

import pytest

import penstock as tf

D = tf.data.Dataset
INVALID = tf.errors.InvalidArgumentError


def listed(dataset):
    return [x.tolist() for x in dataset.as_numpy_iterator()]


def test_a_dataset_of_weight_zero_is_not_waited_for():
    assert listed(D.sample_from_datasets([D.range(3), D.range(9)], [1.0, 0.0])) == [0, 1, 2]
    assert listed(D.sample_from_datasets([D.range(3), D.range(9)], [0.0, 0.0])) == []


def test_generated_numbers_are_cast():
    made = D.from_generator(lambda: iter([1.5]), output_signature=tf.TensorSpec([], tf.int32))
    assert listed(made) == [1]


def test_ragged_elements_as_numpy():
    (rows,) = D.from_tensors(tf.ragged.constant([[1], [2, 3]])).as_numpy_iterator()
    assert [row.tolist() for row in rows] == [[1], [2, 3]]


@pytest.mark.parametrize(
    "call,error",
    [
        (lambda: D.zip([D.range(2)]), TypeError),
        (lambda: D.from_tensor_slices({}), ValueError),
        (lambda: D.from_tensor_slices([1.0]).unique(), TypeError),
        (lambda: listed(D.range(4).prefetch(-2)), INVALID),
        (lambda: list(D.range(3).sparse_batch(2, [5])), INVALID),
        (lambda: D.range(3).map(abs, num_parallel_calls=0), INVALID),
        (lambda: D.range(3).map(abs, num_parallel_calls=-2), INVALID),
    ],
)
def test_refused(call, error):
    with pytest.raises(error):
        call()


NAMED = D.from_tensors({"a": [1, 2], "b": [1.0]})


@pytest.mark.parametrize(
    "shapes,values,error,message",
    [
        ({"a": [3]}, None, ValueError, "same sequence length"),
        ({"a": [3], "c": [2]}, None, ValueError, "same keys"),
        ({"a": [3], "b": [2], "c": [2]}, None, ValueError, "same sequence length"),
        (([3], [2]), None, TypeError, "same sequence type"),
        ([3], None, TypeError, "has a dict where a leaf"),
        (None, {"a": 0}, ValueError, "same sequence length"),
        (None, {"a": 0, "c": 0.0}, ValueError, "same keys"),
        (None, (0, 0.0), TypeError, "same sequence type"),
        (None, 0, TypeError, "does not match the component type"),
    ],
)
def test_padding_has_the_structure_and_dtypes_of_elements(shapes, values, error, message):
    with pytest.raises(error, match=message):
        NAMED.padded_batch(1, padded_shapes=shapes, padding_values=values)


def test_elements_longer_than_the_last_boundary_are_refused():
    dataset = tf.data.Dataset.from_tensor_slices([35, 35, 5]).map(lambda n: tf.ones([n], tf.int64))
    buckets = dataset.bucket_by_sequence_length(
        tf.size, [10, 20], [2, 2, 2], pad_to_bucket_boundary=True
    )
    iterator = iter(buckets)
    with pytest.raises(tf.errors.InternalError, match="elements must have length < max"):
        next(iterator)
    assert next(iterator).shape == [1, 9]


def test_more_parallel_calls_than_a_cycle_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="is 2 and `cycle_length` is 1"):
        tf.data.Dataset.range(3).interleave(
            tf.data.Dataset.from_tensors, cycle_length=1, num_parallel_calls=2
        )


def test_unique_of_several_components():
    with pytest.raises(tf.errors.InvalidArgumentError, match="single component"):
        tf.data.Dataset.from_tensor_slices(([1], [2])).unique()


def test_zip_of_nested_lists():
    numbers = tf.data.Dataset.range(3)
    for datasets in ([numbers], (numbers, [numbers])):
        with pytest.raises(TypeError, match="Python `list` is not supported"):
            tf.data.Dataset.zip(datasets)


def test_readers_of_vectors_of_names():
    names = tf.data.Dataset.from_tensors(["a", "b"])
    for reader in (tf.data.TextLineDataset, tf.data.TFRecordDataset):
        with pytest.raises(TypeError, match=r"elements of shape \[\] \(i.e. scalars\)"):
            reader(names)


def test_components_with_different_numbers_of_rows_are_not_taken_apart():
    with pytest.raises(ValueError, match="Encountered both 2 and 3"):
        D.from_tensors((tf.zeros([2]), tf.zeros([3]))).unbatch()
    assert len(listed(D.from_tensors(tf.zeros([2])).unbatch())) == 2
