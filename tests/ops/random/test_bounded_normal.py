"""Normal numbers between bounds: those of many parameters together are those of one after the other."""

import numpy as np
import pytest

from penstock._src.ops.random import bounded_normal
from penstock._src.ops.random.bounded_normal import truncated, truncated_each
from penstock._src.ops.random.philox import Stream


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("width", [0.02, 1.0, 8.0])
def test_parameters_take_their_numbers_one_after_the_other(kind, count, width):
    r = np.random.default_rng(6)
    mean = (3 * r.standard_normal(70)).astype(kind)
    deviation = np.exp(r.standard_normal(70)).astype(kind)
    low = (mean + deviation * 3 * r.standard_normal(70)).astype(kind)
    high = (low + width * np.exp(r.standard_normal(70))).astype(kind)
    low[::9], high[::7] = -np.inf, np.inf
    high[5] = low[5]  # no number lies between
    stream = end = Stream(11, 1 << 70)
    expected = []
    with np.errstate(all="ignore"):
        for parameters in zip(mean, deviation, low, high, strict=True):
            numbers, end = truncated(end, *parameters, count)
            expected.append(numbers)
        found, after = truncated_each(stream, mean, deviation, low, high, count)
    np.testing.assert_array_equal(found, np.array(expected))
    assert found.dtype == kind and after.counter == end.counter


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-3, 2), (0, 0.1), (2, 9), (-0.5, -0.2)])
def test_numbers_do_not_depend_on_the_iterations_tried_together(monkeypatch, kind, low, high):
    draws = []
    for most in (256, 1 << 14):
        monkeypatch.setattr(bounded_normal, "_MOST_ITERATIONS", most)
        parameters = kind(0), kind(1.5), kind(low), kind(high)
        draws.append(truncated(Stream(11, 1 << 70), *parameters, 20001))
    (by_few, after_few), (by_many, after_many) = draws
    np.testing.assert_array_equal(by_few, by_many)
    assert by_few.dtype == kind and after_few.counter == after_many.counter


def test_many_numbers_are_tried_by_thousands_of_iterations(monkeypatch):
    tried = []
    attempts = bounded_normal._attempts

    def counted(stream, first, iterations, *bounds):
        tried.append(iterations)
        return attempts(stream, first, iterations, *bounds)

    monkeypatch.setattr(bounded_normal, "_attempts", counted)
    truncated(Stream(11, 1), np.float32(0), np.float32(1), np.float32(-1), np.float32(1), 100_000)
    assert len(tried) < 10
