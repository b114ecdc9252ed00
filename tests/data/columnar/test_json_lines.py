"""Files of JSON lines as datasets."""

import gzip
import json

import numpy as np
import pytest

import penstock as tf

pytest.importorskip("pyarrow")
JsonLinesDataset = tf.data.experimental.JsonLinesDataset
ROWS = [
    {"text": f"w{n} ü", "label": n, "score": n / 4, "day": "2026-01-02", "some": [n] * (n % 3)}
    for n in range(1, 500)
]


def lines(path, rows, opened=open):
    with opened(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)


def plain(row):
    found = {name: np.asarray(value).tolist() for name, value in row.items()}
    return {
        name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()
    }


def test_members_have_the_types_that_the_first_file_shows(tmp_path):
    name = lines(tmp_path / "a.jsonl", ROWS)
    dataset = JsonLinesDataset([name, name])
    assert dataset.element_spec == {
        "text": tf.TensorSpec([], tf.string),
        "label": tf.TensorSpec([], tf.int64),
        "score": tf.TensorSpec([], tf.float64),
        "day": tf.TensorSpec([], tf.string),
        "some": tf.TensorSpec([None], tf.int64),
    }
    assert [plain(row) for row in dataset.as_numpy_iterator()] == ROWS * 2


def test_batches_of_given_types(tmp_path):
    rows = [{"pair": [n, n + 0.5], "label": n, "half": n, "other": {"a": n}} for n in range(300)]
    name = lines(tmp_path / "a.jsonl", rows)
    columns = {"pair": tf.TensorSpec([2], tf.float32), "label": tf.uint16, "half": tf.float16}
    batches = list(JsonLinesDataset(name, columns).batch(256).as_numpy_iterator())
    assert [batch["pair"].shape for batch in batches] == [(256, 2), (44, 2)]
    assert batches[0]["label"].dtype == np.uint16 and batches[0]["half"].dtype == np.float16
    assert batches[1]["label"].tolist() == list(range(256, 300))


def test_compressed_and_remote_files(tmp_path):
    rows = [{"a": n} for n in range(5)]
    name = lines(tmp_path / "a.jsonl.gz", rows, gzip.open)
    found = JsonLinesDataset(name, ["a"], compression_type="GZIP")
    assert [plain(row) for row in found.as_numpy_iterator()] == rows
    with tf.io.gfile.GFile("ram://lines/a.jsonl", "w") as file:
        file.write('{"a": 1}\n')
    assert [int(row["a"]) for row in JsonLinesDataset("ram://lines/a.jsonl")] == [1]


def test_members_that_are_not_there(tmp_path):
    name = lines(tmp_path / "a.jsonl", [{"a": 1}, {"b": 2}, {"a": None}])
    rows = JsonLinesDataset(name, {"a": tf.int32}, {"a": -1})
    assert [int(row["a"]) for row in rows] == [1, -1, -1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Column a has a null"):
        list(JsonLinesDataset(name, {"a": tf.int32}))
    with pytest.raises(tf.errors.InvalidArgumentError, match="no column .*'z'"):
        JsonLinesDataset(name, ["z"])


def test_a_file_without_lines_has_no_elements(tmp_path):
    assert list(JsonLinesDataset(lines(tmp_path / "a.jsonl", []), {"a": tf.int32})) == []


def test_lists_of_other_lengths_than_declared(tmp_path):
    name = lines(tmp_path / "a.jsonl", [{"a": [1, 2]}, {"a": [1]}])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Column a .* 2 elements"):
        list(JsonLinesDataset(name, {"a": tf.TensorSpec([2], tf.int32)}))


@pytest.mark.parametrize("wrong", ['{"a": "text"}', '{"a": 1', "[1]", "a"])
def test_damaged_lines_are_errors_that_name_the_file(tmp_path, wrong):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n' + wrong + "\n")
    with pytest.raises(tf.errors.DataLossError, match="a.jsonl"):
        list(JsonLinesDataset(str(path), {"a": tf.int64}))
