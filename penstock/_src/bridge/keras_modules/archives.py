"""Limits for a `.keras` archive, checked before Keras unpacks it.

Keras refuses single members of 4 GiB, or of 256 MiB where it unpacks to the disk, that are a hundred times as long as stored. Many smaller
ones, overlapping ones, and long configurations, which take many times their length as Python objects, are refused here.
"""

from __future__ import annotations

import os
import zipfile

from penstock._src.core.values import memory_limit

MOST_MEMBERS = 100_000
# Members may be larger than the file by this factor, plus SPARE; Keras stores them uncompressed.
EXPANSION, SPARE = 100, 64 << 20
# Keras reads these into memory, and makes objects of them.
_READ = ("config.json", "metadata.json", "model.weights.h5", "model.weights.npz")
_WEIGHTS = ("model.weights.h5", "model.weights.npz")


def check_archive(path: str) -> None:
    """Looks at the table of a local archive; does nothing if the file is of another format.

    Args:
      path: the file.

    Raises:
      ValueError: it has too many members, or expands to far more data than its size.
      ResourceExhaustedError: there is no memory for what Keras reads as a whole.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        return
    if len(members) > MOST_MEMBERS:
        raise ValueError(f"{path} has {len(members)} members. At most {MOST_MEMBERS} are allowed.")
    most = EXPANSION * os.path.getsize(path) + SPARE
    unpacked = sum(each.file_size for each in members if each.filename not in _WEIGHTS)
    if unpacked > most:
        largest = max(members, key=lambda each: each.file_size)
        raise ValueError(
            f"{path} would unpack to {unpacked} bytes beside the weights, and {most} are expected of its size at most: "
            f"refusing what may be a decompression bomb. The largest member is {largest.filename!r} of {largest.file_size} bytes."
        )
    for each in members:
        if each.filename in _READ:
            # The file, and the copy that h5py or the parser reads.
            memory_limit.require_bytes(2 * each.file_size, f"{path}: {each.filename}")
