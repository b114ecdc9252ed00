"""Messages within data, cut anywhere."""

import gzip
import zlib

import pytest

from penstock._src.core import errors
from penstock._src.serving.grpc.http2.messages import (
    MessageReader,
    check_encoding,
    decompressed,
    is_message,
    pieces,
)
from tests.serving.grpc.http2.kit import framed

MESSAGES = [b"", b"a", b"bc" * 300, b"", b"d"]


@pytest.mark.parametrize("size", [1, 2, 5, 7, 600, 10_000])
def test_data_that_are_cut_anywhere(size):
    data = b"".join(map(framed, MESSAGES))
    reader, found = MessageReader(1000), []
    for at in range(0, len(data), size):
        found += reader.read(data[at : at + size])
    assert found == [(False, message) for message in MESSAGES]
    assert reader.is_between
    reader.read(b"\0")
    assert not reader.is_between


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385])
def test_long_messages_are_framed_without_a_copy(size):
    message = b"a" * size
    found = pieces(message)
    assert b"".join(found) == framed(message)
    assert (found[-1] is message) == (size > 16_384)


def test_limits_and_flags():
    assert MessageReader(3).read(framed(b"abc")) == [(False, b"abc")]
    with pytest.raises(errors.ResourceExhaustedError, match=r"larger than max \(4 vs. 3\)"):
        MessageReader(3).read(framed(b"abcd")[:5])
    with pytest.raises(errors.InvalidArgumentError, match="flag must be 0 or 1"):
        MessageReader(3).read(b"\2\0\0\0\0")
    assert MessageReader(3).read(b"\1\0\0\0\1x") == [(True, b"x")]


def test_one_whole_message_is_known_at_once():
    assert is_message(framed(b"abc"))
    assert not any(map(is_message, (b"", framed(b"abc")[:-1], framed(b"a") * 2, b"\1\0\0\0\0")))


@pytest.mark.parametrize(
    ("encoding", "compress"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)]
)
def test_compressed_messages(encoding, compress):
    content = b"abc" * 1000
    data = compress(content)
    assert decompressed(data, encoding, 3000) == content
    with pytest.raises(errors.ResourceExhaustedError, match="more than 2999 bytes"):
        decompressed(data, encoding, 2999)
    for damaged in (data[:-3], data + b"x"):
        with pytest.raises(errors.InvalidArgumentError, match="truncated"):
            decompressed(damaged, encoding, 3000)
    with pytest.raises(errors.InvalidArgumentError, match="not valid"):
        decompressed(b"xyz" * 9, encoding, 3000)


def test_unknown_encodings():
    check_encoding(b"gzip")
    with pytest.raises(errors.UnimplementedError, match="Received 'br'"):
        check_encoding(b"br")
