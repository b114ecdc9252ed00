"""Blocks whose numbers are looked up in a table have the numbers that the package `gguf` unpacks, in files and in programs."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.gguf.reading import read
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.weights.converting import converted
from penstock._src.formats.weights.stored import StoredTensor, Weights
from penstock._src.formats.weights.types import TYPES
from penstock._src.ir.meaning.packed import unpack

RECORDED = np.load(Path(__file__).parents[2] / "ops" / "quantized" / "packed.npz")
NAMES = ["IQ4_NL", "IQ4_XS"]


def recorded(name):
    """(the tensor of a file, its numbers)."""
    numbers = RECORDED[f"{name} unpacked"]
    return StoredTensor(numbers.shape, TYPES[name], RECORDED[name].reshape(-1)), numbers


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_those_of_gguf(name):
    tensor, numbers = recorded(name)
    np.testing.assert_array_equal(tensor.array(), numbers)
    blocks = tensor.type.blocks(tensor.data)
    np.testing.assert_array_equal(
        unpack(blocks, tensor.type.layout).reshape(numbers.shape), numbers
    )


@pytest.mark.parametrize("name", NAMES)
def test_files_hold_blocks_as_they_are(name, tmp_path):
    tensor, _ = recorded(name)
    path = str(tmp_path / "tables.gguf")
    write(Weights("made", {"w": tensor}, {"general.architecture": "tiny"}), path)
    found = read(path)
    assert found.tensors["w"].type.name == name
    np.testing.assert_array_equal(found.tensors["w"].data, tensor.data)
    assert converted(found, "gguf", "gguf").tensors["w"].type.name == name


@pytest.mark.parametrize("name", NAMES)
def test_rows_must_be_whole_blocks_of_the_file(name):
    block = TYPES[name].table.block
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} holds rows.*{block}"):
        TYPES[name].size((2, block + 16))


def test_numbers_are_not_packed():
    with pytest.raises(tf.errors.UnimplementedError, match="IQ4_XS"):
        TYPES["IQ4_XS"].packed(np.zeros([1, 256], np.float32))
