"""Records of files: what comes before damage, long ones, and what Python reads without native code."""

import gzip
import re
import struct

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.readers import record_blocks
from penstock._src.util.files import records

ROWS = [b"", b"a", bytes(range(256)) * 20, b"z" * 700_000, b"end"]


@pytest.fixture(params=["native", "python"], autouse=True)
def reader(request, monkeypatch):
    if request.param == "python":
        monkeypatch.setattr(record_blocks, "_reader", lambda: None)
    elif record_blocks._reader() is None:
        pytest.skip("the CPU has no instruction for the checksum")


def write(path, data):
    path.write_bytes(data)
    return str(path)


def read(dataset):
    """The elements, and the error that ends them."""
    found, items = [], dataset.as_numpy_iterator()
    try:
        found.extend(items)
    except tf.errors.OpError as error:
        return found, error
    return found, None


def test_records_of_all_lengths(tmp_path):
    name = write(tmp_path / "r", b"".join(map(records.frame, ROWS * 3)))
    assert read(tf.data.TFRecordDataset(name)) == (ROWS * 3, None)
    batches = list(tf.data.TFRecordDataset([name, name]).batch(4).as_numpy_iterator())
    assert [row for batch in batches for row in batch] == ROWS * 6
    assert [len(batch) for batch in batches] == [4] * 7 + [2]


@pytest.mark.parametrize(
    ("damage", "whole", "message"),
    [
        (lambda data: data[:-3], 4, "truncated record at 705185"),
        (lambda data: data[:-5], 4, "truncated record at 705185"),
        (lambda data: data[:-15], 4, None),
        (lambda data: data[:40] + b"?" + data[41:], 2, "corrupted record at 33"),
        (lambda data: data[:20] + b"?" + data[21:], 1, "corrupted record at 16. Is .*r even"),
        (lambda data: data[:60] + b"?" + data[61:], 2, "corrupted record at 33$"),
    ],
)
def test_what_comes_before_damage_is_read(tmp_path, damage, whole, message):
    name = write(tmp_path / "r", damage(b"".join(map(records.frame, ROWS))))
    found, error = read(tf.data.TFRecordDataset(name))
    assert found == ROWS[:whole]
    if message is None:
        assert error is None
    else:
        assert isinstance(error, tf.errors.DataLossError)
        assert re.search(message, error.message)


def test_a_length_beyond_the_file_asks_for_no_memory(tmp_path):
    length = struct.pack("<Q", 1 << 40)
    frame = length + struct.pack("<I", records.crc32c.masked(length)) + b"abc"
    found, error = read(tf.data.TFRecordDataset(write(tmp_path / "r", records.frame(b"x") + frame)))
    assert found == [b"x"] and "truncated record at 17" in error.message


def test_records_of_one_length(tmp_path):
    body = bytes(range(250)) * 4000
    name = write(tmp_path / "f", b"head" + body + b"foo")
    dataset = tf.data.FixedLengthRecordDataset(name, 50, header_bytes=4, footer_bytes=3)
    assert b"".join(dataset.as_numpy_iterator()) == body
    found, error = read(tf.data.FixedLengthRecordDataset(name, 50))
    assert found == [] and "Excess bytes at the end of the body" in error.message


def test_compressed_records_of_one_length(tmp_path):
    name = write(tmp_path / "f", gzip.compress(b"head" + b"0123456789" * 60_000 + b"foo"))
    dataset = tf.data.FixedLengthRecordDataset(name, 10, 4, 3, compression_type="GZIP")
    assert read(dataset) == ([b"0123456789"] * 60_000, None)


def test_batches_of_mapped_records_count_those_that_fail(tmp_path):
    name = write(tmp_path / "r", b"".join(records.frame(b"%d" % n) for n in [1, 2, 3]))
    dataset = tf.data.TFRecordDataset(name).apply(
        tf.data.experimental.map_and_batch(lambda text: tf.strings.to_number(text), 2)
    )
    assert [b.tolist() for b in dataset.as_numpy_iterator()] == [[1, 2], [3]]


def test_a_compressed_file_that_was_cut_has_lost_data(tmp_path):
    data = np.random.default_rng(0).bytes(4000)
    name = write(tmp_path / "f", gzip.compress(data)[:2003])
    found, error = read(tf.data.FixedLengthRecordDataset(name, 100, compression_type="GZIP"))
    assert b"".join(found) == data[: len(found) * 100]
    assert isinstance(error, tf.errors.DataLossError)
    assert "Excess bytes at the end of the body" in error.message
