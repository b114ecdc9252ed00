"""GGUF files come back as they were written, and damaged ones are refused by errors that name the file and the field."""

import random
import struct

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.gguf.reading import read, read_with_kinds
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.weights.stored import StoredTensor, Weights, stored
from penstock._src.formats.weights.types import TYPES

RANDOM = np.random.default_rng(0)


def weights():
    matrix = RANDOM.standard_normal([6, 256]).astype(np.float32)
    names = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", "F16")
    tensors = {f"{name}.weight": stored(matrix).stored_as(TYPES[name]) for name in names}
    blocks = RANDOM.integers(0, 256, 6 * 144).astype(np.uint8)
    tensors["k.weight"] = StoredTensor((6, 256), TYPES["Q4_K"], blocks)
    tensors["norm.weight"] = stored(matrix[0])
    facts = {
        "general.architecture": "tiny",
        "tiny.layers": 3,
        "tiny.offset": -3,
        "tiny.large": 1 << 40,
        "tiny.epsilon": 0.5,
        "tiny.on": True,
        "tiny.names": ["a", "ü", ""],
        "tiny.flags": np.array([True, False]),
        "tiny.scores": np.float32([0.5, -1]),
        "tiny.rows": [[1, 2], [3]],
    }
    return Weights("made", tensors, facts)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("gguf") / "tiny.gguf")
    write(weights(), path)
    return path


def test_tensors_and_metadata_come_back(path):
    written, found = weights(), read(path)
    assert list(found.tensors) == list(written.tensors)
    for name, tensor in found.tensors.items():
        assert tensor.shape == written.tensors[name].shape
        assert tensor.type is written.tensors[name].type
    matrix = found.tensors["Q8_0.weight"].array()
    np.testing.assert_allclose(matrix, found.tensors["F16.weight"].array(), atol=0.02)
    for key, value in written.metadata.items():
        np.testing.assert_equal(found.metadata[key], value)


def test_files_are_written_as_they_were(path, tmp_path):
    found, kinds = read_with_kinds(path)
    write(found, str(tmp_path / "again.gguf"), kinds)
    assert (tmp_path / "again.gguf").read_bytes() == open(path, "rb").read()


def test_tensors_are_views_of_the_mapped_file(path):
    tensor = read(path).tensors["Q4_0.weight"]
    assert not tensor.data.flags.owndata and not tensor.data.flags.writeable


def header(tensors=0, facts=0, version=3):
    return b"GGUF" + struct.pack("<IQQ", version, tensors, facts)


def entry(shape, kind=0, offset=0):
    return struct.pack("<Q1sI", 1, b"t", len(shape)) + struct.pack(
        f"<{len(shape)}QIQ", *shape, kind, offset
    )


KEY = struct.pack("<Q1s", 1, b"k")
DAMAGED = [
    (b"GGUX" + bytes(20), tf.errors.DataLossError, "begins with"),
    (header(version=1), tf.errors.UnimplementedError, "version 1"),
    (header(version=3 << 24), tf.errors.UnimplementedError, "another machine"),
    (header(facts=1 << 62), tf.errors.DataLossError, "bytes are needed"),
    (header(tensors=1 << 62), tf.errors.DataLossError, "bytes are needed"),
    (
        header(facts=1) + KEY + struct.pack("<IQ", 8, 1 << 50),
        tf.errors.DataLossError,
        "metadata 'k'",
    ),
    (
        header(facts=1) + KEY + struct.pack("<IIQ", 9, 6, 1 << 50),
        tf.errors.DataLossError,
        "metadata 'k'",
    ),
    (
        header(facts=1) + KEY + struct.pack("<IIQ", 9, 8, 1 << 50),
        tf.errors.DataLossError,
        "metadata 'k'",
    ),
    (header(facts=1) + KEY + struct.pack("<II", 99, 0), tf.errors.DataLossError, "no type 99"),
    (
        header(facts=2) + 2 * (KEY + struct.pack("<IQ", 10, 0)),
        tf.errors.DataLossError,
        "there twice",
    ),
    (header(1) + entry([1 << 40, 1 << 40]), tf.errors.DataLossError, "tensor 't'"),
    (header(1) + entry([1, 1, 1, 1, 1]), tf.errors.DataLossError, "5 dimensions"),
    (header(1) + entry([32], 2, offset=1 << 40), tf.errors.DataLossError, "tensor 't'"),
    (header(1) + entry([32], 2, offset=3), tf.errors.DataLossError, "multiple of 32"),
    (header(1) + entry([33], 2), tf.errors.DataLossError, "multiples of 32"),
    (header(1) + entry([256], 21), tf.errors.UnimplementedError, "IQ3_S"),
    (header(1) + entry([256], 77), tf.errors.DataLossError, "no type 77"),
    (header(2) + 2 * entry([0]) + bytes(64), tf.errors.DataLossError, "there twice"),
]


@pytest.mark.parametrize(
    "data, kind, message", DAMAGED, ids=lambda value: getattr(value, "__name__", str(value)[:40])
)
def test_damage_is_named(data, kind, message, tmp_path):
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data)
    with pytest.raises(kind, match=message) as caught:
        read(str(path))
    assert str(path) in str(caught.value)


def test_mutated_files_are_refused_or_read(path, tmp_path):
    whole = open(path, "rb").read()
    head = whole.index(b"norm.weight") + 100
    outcomes = set()
    for seed in range(150):
        draw, data = random.Random(seed), bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(head)
            if draw.random() < 0.3:
                del data[at : at + draw.randint(1, 400)]
            else:
                data[at] = draw.randrange(256)
        damaged = tmp_path / "mutated.gguf"
        damaged.write_bytes(data)
        try:
            for tensor in read(str(damaged)).tensors.values():
                tensor.array()
            outcomes.add("read")
        except tf.errors.OpError as error:
            assert str(damaged) in str(error)
            outcomes.add(type(error).__name__)
    assert {"read", "DataLossError"} <= outcomes
