"""Distant files read in order are asked for before they are wanted."""

import io
import threading

import numpy as np
import pytest

from penstock._src.filesystems.remote.read_ahead import ReadAhead
from tests.harness.waiting import PATIENCE

DATA = np.random.default_rng(0).bytes(10_000)


def _reader(fetch=lambda start, end: DATA[start:end], **options):
    return io.BufferedReader(ReadAhead(fetch, len(DATA), "far", **options), 64)


def test_the_bytes_are_the_files():
    file = _reader(block=300, ahead=3)
    assert file.read(10) + file.read() == DATA
    file.seek(-7, 2)
    assert file.read() == DATA[-7:] and file.read() == b""
    file.seek(1234)
    assert file.read(2000) == DATA[1234:3234] and file.tell() == 3234


def test_blocks_are_on_their_way_while_one_is_read():
    together, begun, in_time = threading.Event(), [], []

    def fetch(start, end):
        begun.append(start)
        if len(begun) == 4:
            together.set()
        in_time.append(together.wait(PATIENCE))
        return DATA[start:end]

    assert _reader(fetch, block=500, ahead=4).read() == DATA
    assert all(in_time)


def test_errors_of_requests_reach_the_reader():
    def fetch(start, end):
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        _reader(fetch).read(1)
