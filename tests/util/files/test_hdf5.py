"""Damage that the HDF5 library would loop over is found before it opens a file."""

import struct

import pytest

from penstock._src.util.files.hdf5 import SIGNATURE, check_hdf5


def _file(*objects, size=256):
    """An HDF5 file with a global heap of objects (number, size)."""
    heap = b"GCOL\x01\0\0\0" + struct.pack("<Q", size)
    for number, length in objects:
        heap += struct.pack("<H6xQ", number, length) + bytes(
            min(-(-length // 8) * 8, 256) if number else 0
        )
    return SIGNATURE + bytes(100) + heap.ljust(size, b"\0")


@pytest.mark.parametrize(
    "data",
    [
        _file((1, 5), (2, 16), (0, 184)),
        _file((1, 224)),
        _file((1, 5), size=40),
        _file((1, 1 << 40), size=1 << 10)[:200],
        SIGNATURE + b"GCOL\x01\0\0\0",
        b"GCOL",
        b"",
    ],
)
def test_other_files_pass(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    check_hdf5(str(tmp_path / "file"))


@pytest.mark.parametrize("objects", [[(0, 0)], [(1, 5), (7, 9), (0, 0)], [(0, 32), (0, 0)]])
def test_a_free_object_without_size_is_refused_by_name(tmp_path, objects):
    (tmp_path / "weights.h5").write_bytes(_file(*objects))
    with pytest.raises(OSError, match=r"weights\.h5 is damaged: the free object at byte \d+"):
        check_hdf5(str(tmp_path / "weights.h5"))
