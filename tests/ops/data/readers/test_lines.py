"""Lines of text files. Expected values: TensorFlow 2.21."""

import gzip

import pytest

import penstock as tf


@pytest.mark.parametrize("compression, pack", [("", bytes), ("GZIP", gzip.compress)])
def test_carriage_returns_are_dropped_anywhere_in_lines(tmp_path, compression, pack):
    path = tmp_path / "lines"
    path.write_bytes(pack(b"a\rb\r\nc\r\r\n\rd"))
    lines = tf.data.TextLineDataset(str(path), compression_type=compression)
    assert [line.numpy() for line in lines] == [b"ab", b"c", b"d"]
