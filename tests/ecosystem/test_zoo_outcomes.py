"""Outcomes of the zoo of strangers' models."""

import numpy as np
import pytest

from tests.ecosystem.zoo.comparing import difference, has_no_number

NAN = np.full(3, np.nan, np.float32)
LOW = np.array([1, -np.inf], np.float32)


@pytest.mark.parametrize(
    "results, expected",
    [([NAN], True), ([NAN, np.arange(3)], True), ([NAN, LOW], False), ([np.arange(3)], False)],
)
def test_results_that_are_all_nan_are_no_proof(results, expected):
    assert has_no_number(results) is expected


def test_infinities_of_other_signs_differ():
    assert difference([LOW], [LOW]) == 0
    assert difference([LOW], [np.abs(LOW)]) == np.inf
    assert difference([NAN], [np.full_like(NAN, np.inf)]) == np.inf
