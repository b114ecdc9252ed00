"""Large files are written by several threads, past the page cache where the file system lets them."""

import os

import numpy as np
import pytest

from penstock._src.filesystems.local.direct import write_past_cache

BLOCK = 8192


@pytest.mark.parametrize("size", [1, 4096, BLOCK, BLOCK + 1, 5 * BLOCK - 1])
@pytest.mark.parametrize("direct", [True, False])
def test_the_bytes_are_those_of_the_blocks(tmp_path, monkeypatch, size, direct):
    if not direct:
        monkeypatch.delattr(os, "O_DIRECT")
    data = np.random.default_rng(size).bytes(size)

    def fill(target, offset):
        target[:] = data[offset : offset + len(target)]

    write_past_cache(str(tmp_path / "file"), size, fill, BLOCK)
    assert (tmp_path / "file").read_bytes() == data


def test_an_error_in_a_thread_is_raised(tmp_path):
    def fill(target, offset):
        if offset:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_past_cache(str(tmp_path / "file"), 4 * BLOCK, fill, BLOCK)
