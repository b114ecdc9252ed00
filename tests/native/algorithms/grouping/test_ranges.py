"""Ranges of rows by native code, beside NumPy's and Python's."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.native.builtins import HotCounter
from penstock._src.ops.sparse import ragged

RNG = np.random.default_rng(8)


def both(monkeypatch, *bounds, splits="int64"):
    """The ranges, or the error, by native code and by NumPy."""
    results = []
    for counter in (HotCounter(0), HotCounter(1 << 60)):
        monkeypatch.setattr(ragged, "_RANGES", counter)
        try:
            found = tf.raw_ops.RaggedRange(
                starts=tf.constant(bounds[0]),
                limits=tf.constant(bounds[1]),
                deltas=tf.constant(bounds[2]),
                Tsplits=tf.as_dtype(splits),
            )
            results.append([(x.numpy().dtype, x.numpy().tolist()) for x in found])
        except tf.errors.InvalidArgumentError as error:
            results.append(str(error))
    return results


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("delta", [1, -1, 3, -7, None])
def test_ranges_are_pythons(monkeypatch, dtype, delta):
    starts, limits = RNG.integers(-30, 30, (2, 200)).astype(dtype)
    deltas = RNG.choice([-9, -1, 1, 2], 200) if delta is None else np.full((), delta)
    native, by_numpy = both(monkeypatch, starts, limits, deltas.astype(dtype))
    rows = [range(*row) for row in zip(starts, limits, np.broadcast_to(deltas, 200), strict=True)]
    assert native == by_numpy
    assert native[1] == (np.dtype(dtype), [int(n) for row in rows for n in row])
    assert native[0] == (np.dtype("int64"), np.cumsum([0, *map(len, rows)]).tolist())


LEAST, MOST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    "bounds",
    [
        ([], [], []),
        (0, [], 1),
        (2, 9, 3),
        ([LEAST, MOST], [MOST, LEAST], [MOST, LEAST]),
        ([MOST - 2, LEAST + 2], [MOST, LEAST], [1, -1]),
        (LEAST, MOST, 2**61 - 1),
        ([0, 1], [5, 9], [1, 0]),
        (LEAST, MOST, 1),
        ([0, 0], [2**62, 2**62], 1),
    ],
)
def test_bounds_at_the_ends_of_their_dtype(monkeypatch, bounds):
    native, by_numpy = both(monkeypatch, *(np.array(x, np.int64) for x in bounds))
    assert native == by_numpy


def test_more_numbers_than_the_splits_count_are_refused(monkeypatch):
    bounds = [np.array(x, np.int64) for x in ([0, 0], [2**30, 2**30], 1)]
    native, by_numpy = both(monkeypatch, *bounds, splits="int32")
    assert native == by_numpy and "overflowed int32" in native
