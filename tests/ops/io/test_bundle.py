"""Checkpoint files: what is written is read again, and damage is noticed."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import errors
from penstock._src.ops.io import bundle, sstable


def strings(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


TENSORS = {
    "a/weights": np.arange(12, dtype=np.float32).reshape(3, 4),
    "a/bias": np.zeros(0, np.float64),
    "count": np.array(7, np.int64),
    "flag": np.array([True, False]),
    "names": strings(b"x", b"", b"longer" * 40),
}


def test_round_trip(tmp_path):
    prefix = str(tmp_path / "deep" / "model")
    bundle.write_bundle(prefix, TENSORS)
    reader = bundle.BundleReader(prefix)
    assert set(reader.entries) == set(TENSORS)
    for name, value in TENSORS.items():
        read = reader.read(name)
        assert read.dtype == value.dtype and read.shape == value.shape
        assert reader.shape(name) == list(value.shape)
        np.testing.assert_array_equal(read, value)
    assert "missing" not in reader
    with pytest.raises(errors.NotFoundError, match="Key missing not found in checkpoint"):
        reader.read("missing")


def test_slices(tmp_path):
    whole = np.arange(20, dtype=np.int32).reshape(5, 4)
    parts = [
        bundle.TensorSlice((5, 4), (0, 0), (2, 4), whole[:2]),
        bundle.TensorSlice((5, 4), (2, 0), (3, 4), whole[2:]),
    ]
    bundle.write_bundle(str(tmp_path / "p"), {"v": parts})
    reader = bundle.BundleReader(str(tmp_path / "p"))
    np.testing.assert_array_equal(reader.read("v"), whole)
    np.testing.assert_array_equal(reader.read_slice("v", (1, 1), (3, 2)), whole[1:4, 1:3])


def test_missing_file(tmp_path):
    with pytest.raises(errors.NotFoundError, match="Failed to find any matching files"):
        bundle.BundleReader(str(tmp_path / "nothing"))


def test_damage_is_noticed(tmp_path):
    prefix = str(tmp_path / "m")
    bundle.write_bundle(prefix, TENSORS)
    path = bundle.shard_name(prefix, 0, 1)
    data = bytearray(open(path, "rb").read())
    data[data.index(np.float32(5).tobytes())] ^= 1
    open(path, "wb").write(data)
    with pytest.raises(errors.DataLossError, match="checksum mismatch"):
        bundle.BundleReader(prefix).read("a/weights")
    open(path, "wb").write(data[:10])
    with pytest.raises(errors.DataLossError, match="truncated"):
        bundle.BundleReader(prefix).read("names")
    index = bundle.index_name(prefix)
    data = open(index, "rb").read()
    open(index, "wb").write(data[: len(data) // 2])
    with pytest.raises(errors.DataLossError, match="magic"):
        bundle.BundleReader(prefix)


def test_tables_of_many_blocks(monkeypatch):
    monkeypatch.setattr(sstable, "_BLOCK", 100)
    entries = {f"key{i:04d}".encode(): bytes([i % 256]) * (i % 7) for i in range(500)}
    assert sstable.read_table(sstable.write_table(sorted(entries.items())), "t") == entries


def test_snappy():
    assert sstable._unsnap(b"\x0d\x08abc\x19\x03") == b"abcabcabcabca"[:13]


@pytest.mark.parametrize(
    "value, encoded",
    [(0, b"\x80"), (-1, b"\x7f"), (63, b"\xbf"), (64, b"\xc0\x40"), (-65, b"\x3f\xbf")],
)
def test_ordered_numbers(value, encoded):
    assert bundle._signed_increasing(value) == encoded


def test_merging_keeps_slices_of_several_files(tmp_path):
    """Parts of a tensor may be in different files; the folder of the merged files goes."""
    whole = np.arange(6.0).reshape(3, 2)
    (tmp_path / "parts").mkdir()
    for at, rows in enumerate((slice(0, 1), slice(1, 3))):
        value = whole[rows]
        part = bundle.TensorSlice([3, 2], [rows.start, 0], list(value.shape), value)
        bundle.write_bundle(str(tmp_path / f"parts/p{at}"), {"w": [part], f"n{at}": value})
    prefixes = [str(tmp_path / f"parts/p{at}") for at in (0, 1)]
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=prefixes, destination_prefix=str(tmp_path / "c")
    )
    reader = bundle.BundleReader(str(tmp_path / "c"))
    assert reader.read("w").tolist() == whole.tolist()
    assert [part.starts for part in reader.read_stored("w")] == [[0, 0], [1, 0]]
    assert not (tmp_path / "parts").exists()


def test_a_slice_of_everything_is_the_tensor(tmp_path):
    """TensorFlow looks for its bytes at the tensor's own entry."""
    value = np.arange(6.0).reshape(3, 2)
    part = bundle.TensorSlice([3, 2], [0, 0], [3, 2], value)
    bundle.write_bundle(str(tmp_path / "c"), {"w": [part]})
    reader = bundle.BundleReader(str(tmp_path / "c"))
    assert not reader.entries["w"].slices and reader.entries["w"].size == value.nbytes
    assert reader.read("w").tolist() == value.tolist()
