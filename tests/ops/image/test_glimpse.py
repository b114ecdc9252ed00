"""Glimpses. The constants are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
X = np.arange(60, dtype="f").reshape(2, 5, 6, 1)


@pytest.mark.parametrize(
    ("op", "offsets", "centered", "normalized", "expected"),
    [
        ("ExtractGlimpse", [[0.3, -0.2], [0.9, 0.6]], True, True, [7, 8, 13, 14, 19, 20, 51, 52]),
        ("ExtractGlimpse", [[1, -2], [3, 4]], True, False, [7, 8, 13, 14, 19, 20, 46, 47]),
        ("ExtractGlimpse", [[1, -2], [3, 4]], False, False, [0, 0, 0, 0, 0, 0, 39, 40]),
        ("ExtractGlimpseV2", [[1, -2], [3, 4]], True, False, [19, 20, 25, 26, 0, 0, 0, 0]),
        ("ExtractGlimpseV2", [[0.3, -0.2], [0.9, 0.6]], False, True, [0, 6, 0, 12, 0, 18, 57, 58]),
    ],
)
def test_windows(op, offsets, centered, normalized, expected):
    attrs = {"centered": centered, "normalized": normalized}
    made = getattr(raw, op)(
        input=X,
        size=[3, 2],
        offsets=np.float32(offsets),
        uniform_noise=False,
        noise="zero",
        **attrs,
    )
    assert made.shape == (2, 3, 2, 1)
    assert made.numpy().ravel()[:8].tolist() == expected
