"""Patterns of extents of inputs, beside shapes that fit and that do not."""

import pytest

import penstock as tf
from penstock._src.core.calls.extents import check_extents

PATTERNS = {"indices": "n, rank", "values": "n, ...", "boxes": "..., ?, 4"}


@pytest.mark.parametrize(
    "shapes",
    [
        {"indices": [3, 2], "values": [3]},
        {"indices": [None, 2], "values": [3, 5, 1]},
        {"indices": None, "values": [3], "other": [7]},
        {"boxes": [9, 4]},
        {"boxes": [1, 9, None]},
    ],
)
def test_matching_shapes_are_accepted(shapes):
    assert check_extents(PATTERNS, [(n, tf.TensorShape(s)) for n, s in shapes.items()]) is None


@pytest.mark.parametrize(
    "shapes, said",
    [
        ({"indices": [3, 2], "values": [4]}, "Dimensions must be equal, but are 3 and 4"),
        ({"indices": [3]}, "Shape must be rank 2 but is rank 1"),
        ({"values": []}, "Shape must be at least rank 1 but is rank 0"),
        ({"boxes": [2, 9, 3]}, "Dimension must be 4 but is 3"),
    ],
)
def test_does_not_fit(shapes, said):
    with pytest.raises(ValueError, match=said):
        check_extents(PATTERNS, [(name, tf.TensorShape(s)) for name, s in shapes.items()])
