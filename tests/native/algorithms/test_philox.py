"""Native Philox gives the blocks and the Poisson numbers of the NumPy forms."""

import numpy as np
import pytest

from penstock._src.ops.random import philox, rejection
from penstock._src.ops.random.philox import Stream

STREAMS = [
    Stream(5, 7),
    Stream((1 << 64) - 3, (1 << 128) - 100),
    Stream(1 << 63, (5 << 64) | ((1 << 64) - 50)),
]


@pytest.fixture
def by_numpy(monkeypatch):
    def switch():
        monkeypatch.setattr(philox, "FEWEST", 1 << 40)
        monkeypatch.setattr(rejection, "FEWEST", 1 << 40)

    return switch


@pytest.mark.parametrize("stream", STREAMS)
def test_blocks_at_any_offsets(stream, by_numpy):
    offsets = np.random.default_rng(0).integers(0, 1 << 63, 500).astype(np.uint64) * np.uint64(2)
    natively = philox.blocks_at(stream, offsets)
    by_numpy()
    assert (natively == philox.blocks_at(stream, offsets)).all()


@pytest.mark.parametrize("stream", STREAMS)
def test_poisson_numbers(stream, by_numpy):
    rates = np.random.default_rng(0).uniform(0, 12, 100)
    rates[:4] = 0, np.inf, 9.999, 1e12
    natively = rejection.poisson(stream, rates, 30, 2**31 - 1)
    by_numpy()
    assert (natively == rejection.poisson(stream, rates, 30, 2**31 - 1)).all()
