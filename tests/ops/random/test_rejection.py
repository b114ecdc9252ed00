"""Samples by rejection, drawn in blocks."""

import tracemalloc

import numpy as np
import pytest

from penstock._src.ops.random import rejection
from penstock._src.ops.random.philox import Stream

COUNT = 5000


def _stream():
    return Stream(7, 9)


DRAWS = {
    "gamma": lambda count: rejection.gamma(_stream(), np.array([0.4, 3.0]), count // 2),
    "poisson": lambda count: rejection.poisson(_stream(), np.array([4.0, 30.0]), count // 2, 1e9),
    "binomial": lambda count: rejection.binomial(
        _stream(), np.full(count, 40.0), np.linspace(0, 1, count)
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_blocks_do_not_change_what_is_drawn(name, monkeypatch):
    whole = DRAWS[name](COUNT)
    monkeypatch.setattr(rejection, "BLOCK", 300)
    np.testing.assert_array_equal(DRAWS[name](COUNT), whole)


@pytest.mark.parametrize("name", DRAWS)
def test_memory_of_many_draws_is_little_more_than_the_result(name, monkeypatch):
    monkeypatch.setattr(rejection, "BLOCK", 300)
    DRAWS[name](300)
    tracemalloc.start()
    DRAWS[name](20 * COUNT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 20 * COUNT * (4 if name == "binomial" else 2)  # bytes; two arguments
