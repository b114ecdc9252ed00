"""tf.data.experimental, readers of files, and the datasets of compat.v1."""

import numpy as np
import pytest

import penstock as tf
import penstock._src.api.load
from penstock._src.api.array.joining import concat
from penstock._src.core import dtypes, errors
from penstock._src.core.specs import TensorSpec
from penstock._src.data import readers
from penstock._src.data.dataset import Dataset
from penstock._src.data.experimental import classes, csv, transforms
from penstock._src.v1.inputs import datasets as v1


def values(dataset):
    return [x.tolist() if hasattr(x, "tolist") else x for x in dataset.as_numpy_iterator()]


def test_assert_cardinality():
    dataset = Dataset.range(3).filter(lambda x: x >= 0)
    assert len(dataset.apply(transforms.assert_cardinality(3))) == 3
    with pytest.raises(errors.FailedPreconditionError, match="contain 2 elements but contained at"):
        values(dataset.apply(transforms.assert_cardinality(2)))


def test_from_list_and_group_by_reducer():
    dataset = transforms.from_list([(1, "a"), (2, "b")])
    assert values(dataset) == [(1, b"a"), (2, b"b")]
    reducer = transforms.Reducer(lambda _: np.int64(0), lambda s, x: s + x, lambda s: s)
    grouped = Dataset.range(6).apply(transforms.group_by_reducer(lambda x: x % 2, reducer))
    assert values(grouped) == [6, 9]


def test_pad_to_cardinality():
    dataset = Dataset.from_tensor_slices({"a": [1, 2]})
    padded = values(dataset.apply(transforms.pad_to_cardinality(3)))
    assert [(e["a"], bool(e["valid"])) for e in padded] == [(1, True), (2, True), (0, False)]


def test_padding_has_the_structure_of_elements():
    data = {"a": ["x"], "b": ([1], [[0.5, 1.5]])}
    padded = Dataset.from_tensor_slices(data).apply(transforms.pad_to_cardinality(2))
    last = list(padded)[1]
    assert last["a"] == b"" and last["b"][0] == 0 and last["b"][1].numpy().tolist() == [0, 0]


@pytest.mark.parametrize(
    "dataset, text",
    [
        (Dataset.from_tensors({"a": 1}).filter(lambda x: True), "has cardinality -2"),
        (Dataset.from_tensors({"a": 1}).repeat(), "has cardinality -1"),
        (Dataset.from_tensors({"a": 1}).repeat(5), r"cardinality \(3\), but has cardinality 5"),
        (Dataset.from_tensors(1), "requires its input dataset to be a dictionary"),
    ],
)
def test_datasets_that_cannot_be_padded(dataset, text):
    with pytest.raises(ValueError, match=text):
        dataset.apply(transforms.pad_to_cardinality(3))


def test_records_are_written_inside_a_function(tmp_path):
    @tf.function
    def write(path):
        texts = Dataset.from_tensor_slices(["one", "two"])
        transforms.TFRecordWriter(path).write(texts)

    path = str(tmp_path / "r")
    write(tf.constant(path))
    assert values(tf.data.TFRecordDataset(path)) == [b"one", b"two"]


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_record_files(tmp_path, compression):
    path = str(tmp_path / "r")
    texts = Dataset.from_tensor_slices(["one", "two", ""])
    transforms.TFRecordWriter(path, compression).write(texts)
    assert values(readers.TFRecordDataset([path, path], compression)) == [b"one", b"two", b""] * 2
    assert len(values(readers.TFRecordDataset([path] * 3, compression, num_parallel_reads=2))) == 9


def test_damaged_records(tmp_path):
    (tmp_path / "r").write_bytes(b"nonsense, not records")
    with pytest.raises(errors.DataLossError, match="corrupted record at 0"):
        values(readers.TFRecordDataset(str(tmp_path / "r")))
    with pytest.raises(errors.NotFoundError, match="No such file"):
        values(readers.TFRecordDataset(str(tmp_path / "missing")))


def test_text_lines_end_with_any_line_break(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"a\nb\r\n\nlast")
    assert values(readers.TextLineDataset(path)) == [b"a", b"b", b"", b"last"]
    names = Dataset.from_tensor_slices([str(path)])
    assert values(readers.TextLineDataset(names).skip(3)) == [b"last"]


def test_fixed_length_records(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"Hab12F")
    assert values(readers.FixedLengthRecordDataset(str(path), 2, 1, 1)) == [b"ab", b"12"]


def test_csv_records_have_defaults_and_selected_columns(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text('n,s,x\n1,"a, ""b""",1.5\n2,,\n')
    dataset = classes.CsvDataset(str(path), [dtypes.int32, "none", 0.5], header=True)
    assert dataset.element_spec[1] == TensorSpec([], dtypes.string)
    assert values(dataset) == [(1, b'a, "b"', 1.5), (2, b"none", 0.5)]
    picked = classes.CsvDataset(str(path), [dtypes.float32], header=True, select_cols=[0])
    assert values(picked) == [(1.0,), (2.0,)]
    with pytest.raises(errors.InvalidArgumentError, match="Field 2 is required but missing"):
        values(classes.CsvDataset(str(path), [1, "", dtypes.float32], header=True))


def test_v1_datasets():
    dataset = v1.DatasetV1.from_tensor_slices([1, 2]).batch(2)
    assert isinstance(dataset, v1.DatasetV1)
    assert dataset.output_types is dtypes.int32
    assert dataset.output_shapes.as_list() == [None]
    assert next(dataset.make_one_shot_iterator()).numpy().tolist() == [1, 2]


def test_make_csv_dataset(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("n,s,x,big\n1,a,1.5,4000000000\n2,b,,5\n3,c,2,6\n")
    dataset = csv.make_csv_dataset(
        str(path), 2, label_name="n", num_epochs=1, shuffle=False, select_columns=["n", "x", "big"]
    )
    batches = list(dataset.as_numpy_iterator())
    assert batches[0][0]["x"].tolist() == [1.5, 0.0] and batches[0][1].tolist() == [1, 2]
    assert batches[0][0]["big"].dtype == np.int64
    assert list(batches[1][0]) == ["x", "big"]
    with pytest.raises(ValueError, match="No files match"):
        csv.make_csv_dataset(str(tmp_path / "none*"), 2)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"select_columns": [2]}, "Column index 2 specified in `select_columns` should be"),
        ({"select_columns": ["c"]}, "Column c specified in `select_columns` must be of one of"),
        ({"column_names": ["a"]}, "CSV row 2 has 2 number of fields. Expected: 1."),
        ({"header": False}, "Expected `column_names` or `header` arguments"),
    ],
)
def test_columns_that_a_csv_file_lacks_are_refused(tmp_path, options, text):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=text):
        csv.make_csv_dataset(str(tmp_path / "a.csv"), 2, **options)


def test_saved_elements_are_not_taken_for_other_types(tmp_path):
    Dataset.range(3).save(str(tmp_path))
    for spec, text in (
        (TensorSpec([], dtypes.int32), "component 0: expected int32 but got int64"),
        (TensorSpec([None], dtypes.int64), r"component 0: expected \[\?\] but got \[\]"),
    ):
        with pytest.raises(errors.InvalidArgumentError, match=text):
            list(Dataset.load(str(tmp_path), spec))


def test_keys_of_windows_are_int64():
    with pytest.raises(ValueError, match="dtype int64 for Tensor with dtype int32"):
        Dataset.range(3).group_by_window(lambda x: tf.cast(x, tf.int32), lambda _, d: d, 2)
    with pytest.raises(ValueError, match="`window_size_func` must return a single `tf.int64`"):
        Dataset.range(3).group_by_window(lambda x: x, lambda _, d: d, None, lambda k: [k])


def test_scalars_become_sparse_batches():
    batches = Dataset.range(3).apply(transforms.dense_to_sparse_batch(2, []))
    assert [tf.sparse.to_dense(batch).numpy().tolist() for batch in batches] == [[0, 1], [2]]


def test_snapshot(tmp_path):
    made = []

    def generate():
        made.append(1)
        yield from range(3)

    for _ in range(2):
        dataset = Dataset.from_generator(generate, output_types=dtypes.int64)
        assert values(dataset.snapshot(str(tmp_path / "s"))) == [0, 1, 2]
    assert len(made) == 1


def grouped(reducer, count=6, key=lambda x: x % 2):
    return list(Dataset.range(count).apply(transforms.group_by_reducer(key, reducer)))


def test_group_by_reducer_passes_the_parts_of_a_state():
    mean = transforms.Reducer(
        lambda key: (np.int64(0), np.int64(0)),
        lambda state, x: (state[0] + 1, state[1] + x),
        lambda count, total: total // count,
    )
    assert [int(x) for x in grouped(mean)] == [2, 3]


def test_group_by_reducer_lets_states_grow():
    listed = transforms.Reducer(
        lambda key: np.zeros(0, np.int64),
        lambda state, x: concat([state, [x]], axis=0),
        lambda state: state,
    )
    assert [x.numpy().tolist() for x in grouped(listed)] == [[0, 2, 4], [1, 3, 5]]


def test_group_by_reducer_refuses_other_keys_and_states():
    total = transforms.Reducer(
        lambda key: np.int64(0), lambda state, x: state + x, lambda state: state
    )
    for key in (lambda x: "text", lambda x: [x, x]):
        with pytest.raises(ValueError, match="Invalid `key_func`"):
            grouped(total, key=key)
    other = transforms.Reducer(lambda key: np.int32(0), lambda state, x: x, lambda state: state)
    with pytest.raises(TypeError, match="element types for the new state"):
        grouped(other)
