"""Packed numbers are those of the package `gguf` 0.19, bit for bit: `recorded/packed.npz` has random numbers and what it makes of them."""

from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.weights.types import TYPES

RECORDED = np.load(Path(__file__).parent / "recorded" / "packed.npz")


PACKED = [name for name, kind in TYPES.items() if kind.pack]
WITH_RUNS = ["Q4_K", "Q5_K", "Q6_K"]  # gguf only reads them


@pytest.mark.parametrize("name", [name for name in PACKED if name not in WITH_RUNS])
def test_packing_has_the_bits_of_gguf(name):
    found = TYPES[name].packed(RECORDED["values"])
    np.testing.assert_array_equal(found, RECORDED[f"{name}_packed"].reshape(-1))


@pytest.mark.parametrize("name", [name for name in PACKED if name not in WITH_RUNS])
def test_unpacking_is_the_way_back(name):
    values = RECORDED["values"]
    found = TYPES[name].unpacked(TYPES[name].packed(values), values.shape)
    error = np.abs(found - values).max()
    assert 0 < error < {"Q4": 0.4, "Q5": 0.2, "Q8": 0.02}[name[:2]]


def test_rows_must_be_whole_blocks():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Q4_0 holds rows.*\[3, 40\]"):
        TYPES["Q4_0"].packed(np.zeros([3, 40], np.float32))


def drawn(kind):
    random = np.random.default_rng(7)
    x = random.standard_normal([40, 512]).astype(np.float32)
    return {"of all sizes": x * np.exp(x[:, :1]), "positive": np.abs(x), "negative": -np.abs(x)}[
        kind
    ]


def rms_error(name, x):
    found = TYPES[name].unpacked(TYPES[name].packed(x), x.shape)
    return np.sqrt(np.mean(np.square(found - x) / np.mean(x * x, -1, keepdims=True)))


@pytest.mark.parametrize("kind", ["of all sizes", "positive", "negative"])
def test_types_whose_runs_have_scales_are_nearer_than_those_without(kind):
    x = drawn(kind)
    assert rms_error("Q4_K", x) < rms_error("Q4_1", x)
    assert rms_error("Q5_K", x) < rms_error("Q5_1", x)
    assert rms_error("Q6_K", x) < rms_error("Q5_K", x)


@pytest.mark.parametrize("name", WITH_RUNS)
def test_equal_numbers_and_zeros_of_runs_are_kept(name):
    x = np.zeros([5, 256], np.float32)
    x[1], x[2], x[3, 77] = 0.37, -4.1, -3.0
    x[4] = np.repeat([-2, 0, 0.5, 1, 2, 3, 4, 5], 32)
    found = TYPES[name].unpacked(TYPES[name].packed(x), x.shape)
    np.testing.assert_array_equal(found[0], 0)
    np.testing.assert_allclose(found[1:3], x[1:3], rtol=1e-3)
    np.testing.assert_allclose(found[3], x[3], atol=0.01)
    np.testing.assert_allclose(found[4], x[4], atol=0.06)


@pytest.mark.parametrize("name", WITH_RUNS)
def test_numbers_that_are_not_finite_do_not_become_zeros(name):
    x = drawn("of all sizes")[:3, :256].copy()
    x[0, 3], x[1, 200] = np.nan, np.inf
    found = TYPES[name].unpacked(TYPES[name].packed(x), x.shape)
    assert not np.isfinite(found[:2]).any() and np.isfinite(found[2]).all()
