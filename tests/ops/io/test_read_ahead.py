"""Tensors of a checkpoint that another thread reads while this one goes on."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.io.bundle import BundleReader, shard_name, write_bundle


@pytest.fixture
def prefix(tmp_path):
    values = {
        f"v{number:04}": np.full([number % 7 + 1, 3], number, np.float32) for number in range(1500)
    }
    values["large"] = np.arange(1 << 20, dtype=np.int64)
    values["none"] = np.zeros([0, 3], np.float32)
    values["text"] = np.array([b"one", b"two"], object)
    write_bundle(str(tmp_path / "values"), values)
    return str(tmp_path / "values")


def test_values_are_those_that_are_read_one_by_one(prefix):
    ahead, plain = BundleReader(prefix), BundleReader(prefix)
    ahead.read_ahead()
    for name in plain.entries:
        for _ in range(2):  # the second time from the file
            np.testing.assert_array_equal(ahead.read(name), plain.read(name))
            assert ahead.read(name).dtype == plain.read(name).dtype


def test_values_are_read_where_there_are_no_threads(prefix, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    reader = BundleReader(prefix)
    reader.read_ahead()
    assert reader.read("v0004").tolist() == [[4.0] * 3] * 5


def test_a_changed_byte_is_found(prefix):
    path = shard_name(prefix, 0, 1)
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(b"?")
    reader = BundleReader(prefix)
    reader.read_ahead()
    with pytest.raises(tf.errors.DataLossError, match="checksum mismatch"):
        for name in reader.entries:
            reader.read(name)


def test_a_file_that_is_cut_while_it_is_read_is_found(prefix):
    reader = BundleReader(prefix)
    reader.read("v0000")  # it has asked for the file's size
    with open(shard_name(prefix, 0, 1), "r+b") as file:
        file.truncate(5000)
    reader.read_ahead()
    with pytest.raises(tf.errors.DataLossError, match="truncated"):
        for name in reader.entries:
            reader.read(name)


def test_an_entry_outside_of_its_file_is_found_when_it_is_read(prefix):
    reader = BundleReader(prefix)
    reader.entries["v0003"].offset = 1 << 40
    reader.read_ahead()
    assert reader.read("v0004").tolist() == [[4.0] * 3] * 5
    with pytest.raises(tf.errors.DataLossError, match="v0003.*truncated"):
        reader.read("v0003")
