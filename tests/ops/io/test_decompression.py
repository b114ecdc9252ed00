"""Decompression within the limit of memory."""

import gzip
import zlib

import pytest

import penstock as tf
from penstock._src.core.values import memory_limit


def test_strings_that_stand_for_more_than_there_is_memory_for_are_refused():
    bomb = zlib.compress(b"\0" * 200_000_000)
    before = memory_limit.limit()
    memory_limit.set_limit(memory_limit.used() + 100_000_000)
    try:
        with pytest.raises(tf.errors.ResourceExhaustedError, match="DecodeCompressed: OOM"):
            tf.io.decode_compressed(bomb, "ZLIB")
    finally:
        memory_limit.set_limit(before)


def test_pieces_are_joined_and_streams_that_are_cut_short_give_what_there_is():
    data = bytes(range(256)) * 150_000
    packed = zlib.compress(data)
    assert tf.io.decode_compressed(packed, "ZLIB").numpy() == data
    assert tf.io.decode_compressed(zlib.compress(b""), "ZLIB").numpy() == b""
    assert tf.io.decode_compressed(packed[:-4], "ZLIB").numpy() == data
    so_far = zlib.decompressobj().decompress(packed[:-900])
    assert tf.io.decode_compressed(packed[:-900], "ZLIB").numpy() == so_far
    assert tf.io.decode_compressed([packed[:1], b""], "ZLIB").numpy().tolist() == [b"", b""]


def test_members_of_gzip_files_follow_each_other():
    packed = gzip.compress(b"first ") + gzip.compress(b"") + gzip.compress(b"second")
    assert tf.io.decode_compressed(packed, "GZIP").numpy() == b"first second"
    assert tf.io.decode_compressed(packed[:-1], "GZIP").numpy() == b"first second"
    with pytest.raises(tf.errors.DataLossError, match="header"):
        tf.io.decode_compressed(packed + b"xyz", "GZIP")
    # what follows a stream of ZLIB is not read
    assert tf.io.decode_compressed(zlib.compress(b"a") + b"xyz", "ZLIB").numpy() == b"a"
