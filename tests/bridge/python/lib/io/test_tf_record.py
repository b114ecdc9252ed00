"""Records at any place of a file, and checksums of files; expected values are TensorFlow's."""

import zlib

import pytest

import penstock as tf
from penstock._src.bridge.python.lib.io import file_io, tf_record


@pytest.fixture
def path(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for record in (b"r0", b"r1"):
            writer.write(record)
    return str(tmp_path / "records")


def test_records_are_read_by_their_places(path):
    reader = tf_record.tf_record_random_reader(path)
    assert reader.read(18) == (b"r1", 36) and reader.read(0) == (b"r0", 18)
    with pytest.raises(IndexError, match="reading offset 36"):
        reader.read(36)
    with pytest.raises(tf.errors.DataLossError, match="corrupted record at 1"):
        reader.read(1)
    reader.close()
    with pytest.raises(tf.errors.FailedPreconditionError, match="closed"):
        reader.read(0)
    with pytest.raises(tf.errors.NotFoundError):
        tf_record.tf_record_random_reader(path + "-")


def test_checksums_do_not_depend_on_blocks(path):
    with open(path, "rb") as file:
        expected = hex(zlib.crc32(file.read()))
    assert file_io.file_crc32(path) == file_io.file_crc32(path, block_size=5) == expected
