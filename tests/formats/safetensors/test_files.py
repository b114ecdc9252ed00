"""safetensors files and folders come back as they were written, and damaged ones are refused by errors that name file and field."""

import json
import random
import struct

import ml_dtypes
import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.safetensors import folder
from penstock._src.formats.safetensors.file import read
from penstock._src.formats.weights.stored import Weights, stored

ARRAYS = {
    "half": np.float16([[1, -2], [3, 0.5]]),
    "brain": np.arange(6, dtype=ml_dtypes.bfloat16).reshape(2, 3),
    "bytes": np.uint8([1, 2, 3]),
    "scalar": np.array(2.5, np.float32),
    "none": np.zeros([0, 4], np.float32),
}
TENSORS = {name: stored(array) for name, array in ARRAYS.items()}


def check(tensors):
    assert set(tensors) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert tensors[name].array().dtype == array.dtype
        np.testing.assert_array_equal(tensors[name].array(), array)


def test_files_come_back(tmp_path):
    path = str(tmp_path / "a.safetensors")
    folder.write(Weights("made", TENSORS, {"format": "pt"}), path)
    found = folder.read(path)
    check(found.tensors)
    assert found.metadata == {"format": "pt"}
    assert not found.tensors["half"].data.flags.writeable  # it is the file's


@pytest.mark.parametrize("shard", [1, 1 << 20])
def test_folders_come_back(tmp_path, shard):
    folder.write(Weights("made", TENSORS, {"model_type": "tiny"}), str(tmp_path / "m"), shard)
    assert (tmp_path / "m" / folder.INDEX).exists() == (shard == 1)
    found = folder.read(str(tmp_path / "m"))
    check(found.tensors)
    assert found.metadata == {"model_type": "tiny"}


def written(path, header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return str(path)


def entry(shape=(2,), dtype="F32", offsets=(0, 8)):
    return {"t": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


DAMAGED = [
    (b"{", "header"),
    (b"[]", "expected an object"),
    (b'{"t": 1, "t": 2}', "'t' is there twice"),
    ({"t": 3}, "tensor 't'"),
    (entry(dtype="Q4"), "dtype"),
    (entry(shape=(-2,)), "shape"),
    (entry(shape=(1 << 40, 1 << 40)), "data_offsets"),
    (entry(offsets=(0, 1 << 50)), "data_offsets"),
    (entry(offsets=(8, 0)), "data_offsets"),
    (entry((1,), offsets=(4, 8)), "begins at byte 4"),
    (entry((1,), offsets=(0, 4)), "the tensors take 4 bytes, and there are 8"),
    ({"__metadata__": {"a": 1}}, "__metadata__"),
]


@pytest.mark.parametrize("header, message", DAMAGED, ids=lambda value: str(value)[:40])
def test_damage_is_named(header, message, tmp_path):
    path = written(tmp_path / "damaged.safetensors", header, bytes(8))
    with pytest.raises(tf.errors.DataLossError, match=message) as caught:
        read(path)
    assert path in str(caught.value)


def test_long_headers_are_not_believed(tmp_path):
    path = tmp_path / "long.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(tf.errors.DataLossError, match=str(1 << 60)):
        read(str(path))


def test_types_that_are_not_read_are_named(tmp_path):
    path = written(tmp_path / "a.safetensors", entry(dtype="F4"), bytes(8))
    with pytest.raises(tf.errors.UnimplementedError, match="F4"):
        read(path)


@pytest.mark.parametrize("name", ["../a.safetensors", "", "..", "/etc/passwd"])
def test_shards_outside_of_the_folder_are_not_read(name, tmp_path):
    (tmp_path / folder.INDEX).write_text(json.dumps({"weight_map": {"t": name}}))
    with pytest.raises(tf.errors.DataLossError, match="not beside it"):
        folder.read(str(tmp_path))


def test_mutated_files_are_refused_or_read(tmp_path):
    path = tmp_path / "a.safetensors"
    folder.write(Weights("made", TENSORS), str(path))
    whole = path.read_bytes()
    outcomes = set()
    for seed in range(200):
        draw, data = random.Random(seed), bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            data[draw.randrange(len(data))] = draw.choice(b'0123456789{}[]",F\x00\xff')
        path.write_bytes(data)
        try:
            for tensor in read(str(path)).tensors.values():
                tensor.array()
            outcomes.add("read")
        except tf.errors.OpError as error:
            assert str(path) in str(error)
            outcomes.add(type(error).__name__)
    assert {"read", "DataLossError"} <= outcomes
