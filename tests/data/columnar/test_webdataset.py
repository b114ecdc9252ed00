"""Shards of samples in tar files as datasets."""

import io
import tarfile

import pytest

import penstock as tf

WebDataset = tf.data.experimental.WebDataset


def shard(path, files, mode="w"):
    with tarfile.open(path, mode) as file:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return str(path)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_samples_of_shards(tmp_path, mode):
    files = [
        (f"n/{n}.{kind}", f"{kind}{n}".encode()) for n in range(200) for kind in ("a.png", "cls")
    ]
    name = shard(tmp_path / "s.tar", files, mode)
    dataset = WebDataset([name] * 2, ["a.png", "cls"])
    found = list(dataset.as_numpy_iterator())
    assert len(found) == 400
    assert found[199] == {"__key__": b"n/199", "a.png": b"a.png199", "cls": b"cls199"}
    (batch,) = dataset.batch(500).as_numpy_iterator()
    assert batch["cls"].tolist() == [sample["cls"] for sample in found]


def test_fields_that_samples_lack(tmp_path):
    name = shard(tmp_path / "s.tar", [("0.a", b"x"), ("0.b", b"y"), ("1.a", b"z")])
    samples = WebDataset(name, ["a", "b"], {"b": "none"})
    assert [s["b"] for s in samples.as_numpy_iterator()] == [b"y", b"none"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="sample 1 has no field"):
        list(WebDataset(name, ["a", "b"]))


def test_damaged_shards_are_named(tmp_path):
    name = shard(tmp_path / "s.tar", [("0.a", b"x" * 5000), ("1.a", b"y" * 5000)])
    data = (tmp_path / "s.tar").read_bytes()
    (tmp_path / "s.tar").write_bytes(data[:7000])
    with pytest.raises(tf.errors.DataLossError, match="s.tar"):
        list(WebDataset(name, ["a"]))
