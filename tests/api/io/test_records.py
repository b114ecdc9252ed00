"""Compressed files of records; sizes are those of TensorFlow 2.21's files."""

import pytest

import penstock as tf

RECORDS = [b"abc%d" % (i * i) * 20 for i in range(200)]


def _written(path, **options):
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(**options)) as writer:
        for record in RECORDS:
            writer.write(record)
    return path.stat().st_size


@pytest.mark.parametrize(
    "compression, options, size",
    [
        ("ZLIB", {"compression_level": 0}, 32291),
        ("GZIP", {"compression_level": 0}, 32303),
        ("ZLIB", {}, 2270),
        ("ZLIB", {"compression_level": 9}, 2262),
        ("GZIP", {"window_bits": 25}, 2036),
    ],
)
def test_parameters_of_zlib_are_followed(tmp_path, compression, options, size):
    path = tmp_path / "records"
    # versions of zlib differ by a few bytes
    assert abs(_written(path, compression_type=compression, **options) - size) < 32
    assert [r.numpy() for r in tf.data.TFRecordDataset(str(path), compression)] == RECORDS


def test_parameters_that_zlib_refuses_are_an_error(tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="zlib rejects .*'level': 99"):
        _written(tmp_path / "records", compression_type="ZLIB", compression_level=99)
    assert not (tmp_path / "records").exists()
