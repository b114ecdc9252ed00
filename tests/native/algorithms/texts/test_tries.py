"""Tries built natively are those of the Python code."""

import random

import numpy as np
import pytest

from penstock._src.ops.text.models import double_array


def _random(count: int, seed: int) -> dict[bytes, int]:
    rng = random.Random(seed)
    texts = [bytes(rng.randrange(1, 256) for _ in range(rng.randrange(1, 5))) for _ in range(count)]
    return {text: i for i, text in enumerate(texts)}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {b"": 3, b"ab": 4},
        {chr(point).encode(): point for point in range(0x80, 0x3000)},
        _random(50, 1),
        _random(2000, 2),
    ],
    ids=["none", "empty text", "characters", "50", "2000"],
)
def test_native_units_equal_python_units(values, monkeypatch):
    native = double_array.build(values)
    monkeypatch.setattr(double_array, "runs_native_code", lambda: False)
    np.testing.assert_array_equal(native, double_array.build(values))
    assert dict(double_array.Trie(native).items()) == values
