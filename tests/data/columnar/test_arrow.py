"""Parquet and Arrow as datasets."""

import numpy as np
import pytest

import penstock as tf

ArrowDataset = tf.data.experimental.ArrowDataset
ParquetDataset = tf.data.experimental.ParquetDataset
COUNT = 9000  # more than one block


def table():
    pa = pytest.importorskip("pyarrow")
    return pa.table(
        {
            "number": pa.array(range(COUNT), pa.int32()),
            "text": [f"w{n}" for n in range(COUNT)],
            "kind": pa.array([f"k{n % 3}" for n in range(COUNT)]).dictionary_encode(),
            "pair": pa.array([[n, n + 0.5] for n in range(COUNT)], pa.list_(pa.float32(), 2)),
            "some": [[n] * (n % 3) for n in range(COUNT)],
            "flag": [n % 2 == 0 for n in range(COUNT)],
        }
    )


def parquet(path):
    rows = table()
    import pyarrow.parquet as pq

    pq.write_table(rows, path, row_group_size=1000)
    return str(path)


def test_rows_of_parquet_files(tmp_path):
    name = parquet(tmp_path / "a.parquet")
    dataset = ParquetDataset([name, name])
    assert dataset.element_spec["some"] == tf.TensorSpec([None], tf.int64)
    rows = list(dataset.as_numpy_iterator())
    assert len(rows) == 2 * COUNT
    last = rows[-1]
    assert (last["number"], last["text"], last["kind"]) == (COUNT - 1, b"w8999", b"k2")
    assert last["pair"].tolist() == [8999, 8999.5] and last["some"].tolist() == [8999] * 2
    assert last["flag"].dtype == bool and not last["flag"]


def test_batches_of_chosen_columns(tmp_path):
    dataset = ParquetDataset(parquet(tmp_path / "a.parquet"), ["text", "pair"]).batch(512)
    batches = list(dataset.as_numpy_iterator())
    assert [len(b["text"]) for b in batches] == [512] * 17 + [COUNT - 17 * 512]
    assert np.concatenate([b["pair"] for b in batches])[:, 0].tolist() == list(range(COUNT))


def test_files_inside_a_function_of_a_dataset(tmp_path):
    names = tf.data.Dataset.from_tensors(parquet(tmp_path / "a.parquet")).repeat(2)
    rows = names.interleave(lambda name: ParquetDataset(name, {"number": tf.int32}), cycle_length=2)
    found = [row["number"] for row in rows.as_numpy_iterator()]
    assert found == [n for n in range(COUNT) for _ in range(2)]


def test_tables_and_arrow_files(tmp_path):
    rows = table().select(["number", "kind"])
    dataset = ArrowDataset(rows)
    assert dataset.cardinality() == COUNT
    feather = pytest.importorskip("pyarrow.feather")
    feather.write_feather(rows, str(tmp_path / "a.arrow"))
    expected = [(n, b"k%d" % (n % 3)) for n in range(COUNT)]
    for made in (dataset, ArrowDataset(str(tmp_path / "a.arrow"))):
        assert [(r["number"], r["kind"]) for r in made.as_numpy_iterator()] == expected


def test_datasets_of_hugging_face():
    datasets = pytest.importorskip("datasets")
    pa = pytest.importorskip("pyarrow")
    held = pa.table({"id": range(100), "text": list("abcd" * 25)})
    rows = datasets.Dataset(datasets.table.InMemoryTable(held), fingerprint="rows")
    dataset = ArrowDataset(rows)
    assert dataset.cardinality() == 100
    assert list(dataset.as_numpy_iterator())[-1] == {"id": 99, "text": b"d"}


def test_nulls_and_columns_that_are_not_there():
    pa = pytest.importorskip("pyarrow")
    rows = pa.table({"a": [1, None], "b": [{"c": 1}, {"c": 2}]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="Column a has a null"):
        list(ArrowDataset(rows, ["a"]))
    assert [r["a"].numpy() for r in ArrowDataset(rows, ["a"], {"a": -1})] == [1, -1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="no column .*'z'"):
        ArrowDataset(rows, ["z"])
    with pytest.raises(tf.errors.UnimplementedError, match="Column b"):
        ArrowDataset(rows)


def test_damaged_parquet_files_are_named(tmp_path):
    name = parquet(tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data[:-100])
    with pytest.raises(tf.errors.DataLossError, match="a.parquet"):
        list(ParquetDataset(name, {"number": tf.int32}))
