"""Packed numbers are those of the package `gguf` 0.19, bit for bit: `recorded/packed.npz` has random numbers and what it makes of them."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.weights.types import TYPES

RECORDED = np.load(Path(__file__).parent / "recorded" / "packed.npz")


@pytest.mark.parametrize("name", [name for name, kind in TYPES.items() if kind.pack])
def test_packing_has_the_bits_of_gguf(name):
    found = TYPES[name].packed(RECORDED["values"])
    np.testing.assert_array_equal(found, RECORDED[f"{name}_packed"].reshape(-1))


@pytest.mark.parametrize("name", [name for name, kind in TYPES.items() if kind.pack])
def test_unpacking_is_the_way_back(name):
    values = RECORDED["values"]
    found = TYPES[name].unpacked(TYPES[name].packed(values), values.shape)
    error = np.abs(found - values).max()
    assert 0 < error < {"Q4": 0.4, "Q5": 0.2, "Q8": 0.02}[name[:2]]


def test_rows_must_be_whole_blocks():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Q4_0 holds rows.*\[3, 40\]"):
        TYPES["Q4_0"].packed(np.zeros([3, 40], np.float32))


def test_types_that_are_only_read_say_so():
    with pytest.raises(tf.errors.UnimplementedError, match="Q4_K"):
        TYPES["Q4_K"].packed(np.zeros([1, 256], np.float32))
