"""Packed numbers are those of the package `gguf` 0.19, bit for bit: `recorded/blocks.npz` has random blocks and what it makes of them."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.weights.packing.table import TYPES

RECORDED = np.load(Path(__file__).parent / "recorded" / "blocks.npz")
PACKED = [name for name, kind in TYPES.items() if kind.is_packed]


@pytest.mark.parametrize("name", PACKED)
def test_unpacking_has_the_bits_of_gguf(name):
    blocks = RECORDED[name]
    shape = (len(blocks), TYPES[name].numbers)
    found = TYPES[name].unpacked(blocks.reshape(-1), shape)
    assert found.dtype == np.float32 and len(np.unique(found)) > 20
    np.testing.assert_array_equal(
        found.view(np.uint32), RECORDED[f"{name}_numbers"].view(np.uint32)
    )


@pytest.mark.parametrize("name", [name for name in PACKED if TYPES[name].pack])
def test_packing_has_the_bits_of_gguf(name):
    found = TYPES[name].packed(RECORDED["values"])
    np.testing.assert_array_equal(found, RECORDED[f"{name}_packed"].reshape(-1))


def test_rows_must_be_whole_blocks():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Q4_0 holds rows.*\[3, 40\]"):
        TYPES["Q4_0"].packed(np.zeros([3, 40], np.float32))


def test_types_that_are_only_read_say_so():
    with pytest.raises(tf.errors.UnimplementedError, match="Q4_K"):
        TYPES["Q4_K"].packed(np.zeros([1, 256], np.float32))
