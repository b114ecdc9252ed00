"""Suppression in native code gives what the procedure in Python gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.ops.image import boxes

EXTREMES = [0.0, 0.25, 0.5, 1.0, np.inf, np.nan]


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.5, 2.0])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_boxes_and_scores_are_those_of_the_procedure(sigma, data):
    count, seed = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 1 << 16))
    random = np.random.default_rng(seed)
    corners = random.integers(0, 12, (count, 4)).astype(np.float32)  # many touch, some have no area
    scores = random.random(count).astype(np.float32)
    for place in data.draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=4)):
        scores[place : place + 1] = data.draw(st.sampled_from(EXTREMES))
    most, least = data.draw(st.integers(0, 30)), data.draw(st.sampled_from([0.0, 0.1, 0.5]))
    limits = most, data.draw(st.floats(0, 1)), least, sigma
    with np.errstate(all="ignore"):
        kept, values = boxes._suppress_natively(corners, scores, *limits)
        same, expected = boxes.suppress(
            lambda i, others: boxes.overlap(corners, i, others), scores, *limits
        )
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    if len(np.unique(np.round(expected, 5))) == len(expected):  # roundings decide no order
        assert kept.tolist() == same.tolist()


def test_equal_scores_keep_their_order():
    corners = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 5, 5]], np.float32)
    scores = np.array([0.5, 0.5, 0.5, 0.25], np.float32)
    kept, values = boxes._suppress_natively(corners, scores, 4, 0.5, 0.0, 0.5)
    assert kept.tolist() == [0, 2, 3, 1]
    assert values.tolist() == pytest.approx([0.5, 0.5, 0.25, 0.5 * np.exp(-1)])
