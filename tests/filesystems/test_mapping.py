"""Files as arrays of bytes."""

import pathlib
import sys

import numpy as np
import pytest

from penstock._src.filesystems.mapping import drop_pages, mapped

COUNT = 1 << 20


def resident(path):
    """Kilobytes of a mapped file that are in the process's memory, in all of its mappings."""
    lines = iter(pathlib.Path("/proc/self/smaps").read_text().splitlines())
    return sum(
        next(int(each.split()[1]) for each in lines if each.startswith("Rss:"))
        for line in lines
        if line.endswith(str(path))
    )


@pytest.mark.skipif(sys.platform != "linux", reason="pages are asked for by Linux's files")
def test_pages_of_a_part_are_dropped_and_read_again(tmp_path):
    path = tmp_path / "weights"
    values = np.random.default_rng(0).integers(0, 256, COUNT, np.uint8)
    path.write_bytes(values.tobytes())
    found = mapped(str(path))
    assert found.sum(dtype=np.int64) == values.sum(dtype=np.int64)
    assert resident(path) == COUNT >> 10
    drop_pages(found[COUNT // 4 + 1 : COUNT // 2].reshape(-1, 3))
    assert resident(path) <= (COUNT * 3 // 4 >> 10) + 8
    np.testing.assert_array_equal(found, values)


@pytest.mark.skipif(sys.platform != "linux", reason="pages are asked for by Linux's files")
def test_pages_that_were_dropped_stay_out_when_their_neighbors_are_read(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(COUNT))
    found = mapped(str(path))
    begin, end = COUNT // 2 + 100, COUNT // 2 + 40000
    drop_pages(found[begin:end])
    assert not found[:begin].any() and not found[end:].any()
    assert resident(path) <= (COUNT >> 10) - 32


def test_arrays_that_are_not_mapped_stay_as_they_are(tmp_path):
    values = np.arange(COUNT, dtype=np.uint8)
    drop_pages(values[5:])
    np.testing.assert_array_equal(values, np.arange(COUNT, dtype=np.uint8))
    path = tmp_path / "written"
    path.write_bytes(bytes(COUNT))
    changed = np.memmap(path, np.uint8, "c")
    changed[:] = 7
    drop_pages(np.asarray(changed))
    assert (changed == 7).all()
    drop_pages(mapped(str(path))[:0])
