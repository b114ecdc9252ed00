"""Ragged and sparse tensors, lists of arrays, None, and datasets as components of elements."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.components import component_from_proto, component_to_proto
from penstock._src.proto.tensor import TensorProto

Dataset = tf.data.Dataset
RAGGED = tf.ragged.constant([[1], [2, 3], []])


def lists(dataset):
    return [x.to_list() if hasattr(x, "to_list") else x.numpy().tolist() for x in dataset]


def test_ragged_rows():
    rows = Dataset.from_tensor_slices(RAGGED)
    assert lists(rows) == [[1], [2, 3], []]
    assert lists(rows.map(lambda row: row * 2)) == [[2], [4, 6], []]
    assert lists(rows.batch(2)) == [[[1], [2, 3]], [[]]]
    assert lists(rows.batch(2).unbatch()) == [[1], [2, 3], []]
    assert lists(Dataset.from_tensors(RAGGED)) == [[[1], [2, 3], []]]
    assert isinstance(rows.batch(2).element_spec, tf.RaggedTensorSpec)


def test_ragged_batches_of_dense_tensors():
    dataset = Dataset.range(4).map(lambda n: tf.range(n))
    assert lists(dataset.ragged_batch(2)) == [[[], [0]], [[0, 1], [0, 1, 2]]]


def test_sparse_rows():
    sparse = tf.sparse.SparseTensor([[0, 1], [2, 0]], [1.0, 2.0], [3, 2])
    rows = Dataset.from_tensor_slices(sparse)
    dense = rows.map(tf.sparse.to_dense)
    assert lists(dense) == [[0, 1], [0, 0], [2, 0]]
    assert lists(rows.batch(3).map(tf.sparse.to_dense)) == [[[0, 1], [0, 0], [2, 0]]]
    made = next(iter(Dataset.range(1, 3).map(lambda n: tf.range(n)).sparse_batch(2, [3])))
    np.testing.assert_array_equal(made.dense_shape, [2, 3])
    np.testing.assert_array_equal(made.values, [0, 0, 1])


def test_none_and_nested_datasets():
    assert next(iter(Dataset.from_tensors((1, None))))[1] is None
    window = next(iter(Dataset.range(4).map(lambda n: {"a": n}).window(2)))
    assert lists(window["a"]) == [0, 1]


def test_through_functions():
    @tf.function
    def total(dataset):
        result = np.int64(0)
        for n in dataset:
            result += n
        return result

    assert int(total(Dataset.range(5))) == 10

    @tf.function
    def step(iterator):
        return next(iterator) * 10

    iterator = iter(Dataset.range(3))
    assert [int(step(iterator)), int(next(iterator)), int(step(iterator))] == [0, 1, 20]

    @tf.function
    def build():
        return Dataset.range(5).filter(lambda n: n > 2).reduce(np.int64(0), lambda s, n: s + n)

    assert int(build()) == 7


def test_in_sessions():
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        dataset = v1.data.Dataset.range(3).map(lambda n: n * 2)
        once = v1.data.make_one_shot_iterator(dataset).get_next()
        iterator = v1.data.make_initializable_iterator(dataset.batch(2))
        batch = iterator.get_next()
        with v1.Session() as session:
            assert [session.run(once) for _ in range(3)] == [0, 2, 4]
            for _ in range(2):
                session.run(iterator.initializer)
                assert session.run(batch).tolist() == [0, 2]


def test_random_ops_begin_anew_with_every_iteration():
    tf.random.set_seed(3)
    dataset = Dataset.range(5).map(lambda _: tf.random.uniform([], 0, 1000, tf.int64, seed=9))
    expected = [18, 899, 870, 505, 812]  # recorded on TensorFlow 2.21
    assert lists(dataset) == lists(dataset) == expected


def test_the_type_of_none():
    spec = tf.data.Dataset.from_tensors((1, None)).element_spec[1]
    assert spec.most_specific_compatible_shape(type(spec)()) == spec
    with pytest.raises(ValueError, match="No `TypeSpec` is compatible"):
        spec.most_specific_compatible_shape(tf.TensorSpec([]))


def composites():
    """Rows with ragged and sparse components of numbers and strings."""
    return Dataset.from_tensor_slices(
        {
            "deep": tf.ragged.constant([[[[1.0, 2.0]], []], [], [[[3.0]]]]),
            "text": tf.ragged.constant([["x"], ["yy", ""], []]),
            "sparse": tf.sparse.from_dense([[0, 1], [2, 0], [0, 0]]),
            "words": tf.sparse.from_dense([["", "q"], ["w", ""], ["", ""]]),
        }
    )


def shown(row):
    parts = (row[name] for name in sorted(row))
    parts = (tf.sparse.to_dense(x) if isinstance(x, tf.SparseTensor) else x for x in parts)
    return [x.to_list() if hasattr(x, "to_list") else x.numpy().tolist() for x in parts]


@pytest.mark.parametrize("batch", [0, 2])
def test_ragged_and_sparse_components_are_kept_in_files(tmp_path, batch):
    rows = composites().batch(batch) if batch else composites()
    rows.save(str(tmp_path / "saved"), compression="GZIP")
    saved = Dataset.load(str(tmp_path / "saved"), compression="GZIP")
    assert saved.element_spec == rows.element_spec
    cached = rows.cache(str(tmp_path / "cache"))
    for read in (saved, cached, cached):
        assert list(map(shown, read)) == list(map(shown, rows))


def test_optionals_are_kept_in_files_as_by_tensorflow(tmp_path):
    optional = tf.experimental.Optional

    def element(n):
        filled = optional.from_value((tf.as_string(n), tf.ragged.range([n, 1])))
        return {"some": filled, "odd": tf.cond(n % 2 == 1, lambda: optional.from_value(n), empty)}

    def empty():
        return optional.empty(tf.TensorSpec([], tf.int64))

    dataset = Dataset.range(2).map(element)
    dataset.save(str(tmp_path / "saved"))
    cached = dataset.cache(str(tmp_path / "cache"))
    for kept in (Dataset.load(str(tmp_path / "saved")), cached, cached):
        first, second = kept
        text, rows = second["some"].get_value()
        assert (text.numpy(), rows.to_list()) == (b"1", [[0], [0]])
        assert not first["odd"].has_value() and second["odd"].get_value().numpy() == 1
    # The bytes of TensorFlow 2.21: an optional of (1,), and one that is empty.
    filled = b"\x08\x15\x12\x00z(\n\x1atensorflow::data::Optional\x12\x01\x01\x1a\x07\x08\x03\x12\x00:\x01\x01"
    absent = b"\x08\x15\x12\x00z\x1f\n\x1atensorflow::data::Optional\x12\x01\x00"
    for data in (filled, absent):
        value = component_from_proto(TensorProto.FromString(data))
        assert component_to_proto(value, tf.variant).SerializeToString() == data
    with pytest.raises(tf.errors.DataLossError, match="is damaged"):
        component_from_proto(TensorProto.FromString(absent[:-1] + b"\x07"))


def test_variants_of_tensorflow_are_read_and_damaged_ones_refused():
    # As TensorFlow 2.21 writes the ragged row [2, 3] and the parts of a sparse one into a file: packed.
    ragged = b"#\n\x13RaggedTensorVariant\x1a\x0c\x08\x03\x12\x04\x12\x02\x08\x02:\x02\x02\x03"
    parts = (
        b"%!!\n\x12tensorflow::Tensor\x1a\x0f\x08\t\x12\x08\x12\x02\x08\x01\x12\x02\x08\x01R\x01\x00"
        b"\n\x12tensorflow::Tensor\x1a\x0b\x08\x03\x12\x04\x12\x02\x08\x01:\x01\x02"
        b"\n\x12tensorflow::Tensor\x1a\x0b\x08\t\x12\x04\x12\x02\x08\x01R\x01\x02"
    )
    row = component_from_proto(packed(ragged))
    assert row.splits == [] and row.values.tolist() == [2, 3]
    read = component_from_proto(packed(parts, 3))
    assert [part.tolist() for part in read] == [[[0]], [2], [2]]
    for damaged in (parts[:-3], b"\x05" + parts, b"\x03\xff\xff\xff"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            component_from_proto(packed(damaged, 3))
    with pytest.raises(tf.errors.DataLossError, match="0 tensors"):
        component_from_proto(packed(b"\x15\n\x13RaggedTensorVariant"))


def packed(content, *sizes):
    made = TensorProto(dtype=tf.variant.as_datatype_enum, tensor_content=content)
    made.tensor_shape.SetInParent()
    for size in sizes:
        made.tensor_shape.dim.add(size=size)
    return made


def test_scan_of_eager_tensor_arrays():
    array = tf.TensorArray(tf.int64, size=0, dynamic_size=True, element_shape=[])
    dataset = tf.data.Dataset.range(3).scan(array, lambda a, x: (a.write(a.size(), x), a.stack()))
    assert [x.tolist() for x in dataset.as_numpy_iterator()] == [[], [0], [0, 1]]


def test_weights_of_datasets_in_graphs_are_tensors():
    dataset = tf.data.Dataset.range(3)
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="same length as `datasets`"):
            tf.data.Dataset.sample_from_datasets([dataset, dataset], weights=tf.constant([1.0]))
        even = tf.constant([0.5, 0.5])
        made = tf.data.Dataset.sample_from_datasets([tf.data.Dataset.range(3)] * 2, weights=even)
        assert made.element_spec == tf.TensorSpec([], tf.int64)


def test_datasets_of_one_type_are_slices():
    ranges = [tf.data.Dataset.range(3), tf.data.Dataset.range(4)]
    dataset = tf.data.Dataset.from_tensor_slices({"n": [1, 2], "d": ranges})
    assert dataset.element_spec["d"] == tf.data.DatasetSpec(tf.TensorSpec([], tf.int64))
    flat = dataset.flat_map(lambda e: e["d"])
    assert list(flat.as_numpy_iterator()) == [0, 1, 2, 0, 1, 2, 3]
    assert tf.data.Dataset.from_tensors(ranges).element_spec._dataset_shape == [2]
    with pytest.raises(ValueError, match="unsupported type"):
        tf.data.Dataset.from_tensor_slices([ranges[0], tf.data.Dataset.from_tensors(1.0)])


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, np.bool_])
def test_lists_of_arrays_keep_their_dtype(kind):
    pictures = [np.ones([2, 2], kind), np.ones([2, 2], kind)]
    dataset = tf.data.Dataset.from_tensor_slices({"x": pictures, "n": [[p] for p in pictures]})
    assert dataset.element_spec["x"].dtype == dataset.element_spec["n"].dtype == kind
    assert next(dataset.as_numpy_iterator())["x"].dtype == kind
    assert tf.type_spec_from_value(pictures).dtype == kind


def test_lists_of_arrays_of_several_dtypes_are_numbers():
    mixed = [np.ones(1, np.uint8), np.ones(1, np.int64)]
    assert tf.data.Dataset.from_tensors(mixed).element_spec.dtype == tf.int32


def test_padded_batches_of_computed_strings_hold_bytes():
    words = Dataset.from_tensor_slices(["a", "bb"]).map(lambda word: tf.strings.join([word, "!"]))
    (batch,) = words.padded_batch(2)
    assert batch.numpy().tolist() == [b"a!", b"bb!"]
    assert tf.strings.length(batch).numpy().tolist() == [2, 3]


@pytest.mark.parametrize(
    "value, dtype, expected",
    [
        (1.5, tf.int32, None),
        (None, tf.float32, None),
        ("a", tf.bool, None),
        (True, tf.uint8, None),
        (300, tf.uint8, 44),
        (2**40, tf.int32, 0),
        (np.float32(2.5), tf.int32, 2),
        (3, tf.float16, 3.0),
    ],
)
def test_values_of_a_generator_without_a_shape_are_converted_as_in_tensorflow(
    value, dtype, expected
):
    dataset = Dataset.from_generator(lambda: iter([value]), output_types=dtype)
    if expected is None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="did not match the expected"):
            next(iter(dataset))
    else:
        assert next(iter(dataset)).numpy() == expected


@pytest.mark.parametrize(
    "value, dtype, expected",
    [(1.5, tf.int32, 1), (300, tf.uint8, 44), (2**40, tf.int32, 0), ("a", tf.bool, True)],
)
def test_values_of_a_generator_of_known_rank_are_cast_by_numpy(value, dtype, expected):
    spec = tf.TensorSpec([], dtype)
    dataset = Dataset.from_generator(lambda: iter([value]), output_signature=spec)
    assert next(iter(dataset)).numpy() == expected


def test_sparse_strings_are_empty_where_nothing_is_stored():
    sparse = tf.SparseTensor([[0], [2]], ["a", "b"], [4])
    (array,) = tf.data.Dataset.from_tensors(sparse).as_numpy_iterator()
    assert array.tolist() == [b"a", b"", b"b", b""]
