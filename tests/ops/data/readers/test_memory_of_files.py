"""Compressed files whose records are longer than memory are refused while they are read."""

import gzip
import struct

import pytest

import penstock as tf
from penstock._src.core.values import memory_limit
from penstock._src.util.files import crc32c

MEGABYTE = 1 << 20


@pytest.fixture
def limit():
    tf.config.experimental.set_memory_limit(memory_limit.used() + 32 * MEGABYTE)
    yield
    tf.config.experimental.set_memory_limit(None)


def refused(dataset, name):
    with pytest.raises(tf.errors.ResourceExhaustedError, match=f"{name}: OOM .* memory limit"):
        next(iter(dataset))


@pytest.fixture
def blanks(tmp_path):
    path = tmp_path / "blanks.gz"
    path.write_bytes(gzip.compress(b" " * (64 * MEGABYTE)))
    return str(path)


def test_lines_and_fields(limit, blanks):
    refused(tf.data.TextLineDataset(blanks, "GZIP"), "blanks.gz")
    refused(
        tf.data.experimental.CsvDataset(blanks, [tf.string], compression_type="GZIP"), "blanks.gz"
    )


def test_fixed_lengths(limit, blanks):
    size = 60 * MEGABYTE
    refused(tf.data.FixedLengthRecordDataset(blanks, size, compression_type="GZIP"), "blanks.gz")
    short = tf.data.FixedLengthRecordDataset(blanks, MEGABYTE, compression_type="GZIP")
    assert len(list(short)) == 64


def test_records(limit, tmp_path):
    header = struct.pack("<Q", 64 * MEGABYTE)
    data = header + struct.pack("<I", crc32c.masked(header)) + b" " * (64 * MEGABYTE)
    path = tmp_path / "long.tfrecord.gz"
    path.write_bytes(gzip.compress(data))
    refused(tf.data.TFRecordDataset(str(path), "GZIP"), "long.tfrecord.gz")
    with pytest.raises(tf.errors.ResourceExhaustedError, match="long.tfrecord.gz"):
        next(tf.compat.v1.io.tf_record_iterator(str(path), tf.io.TFRecordOptions("GZIP")))
