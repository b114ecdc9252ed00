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


def _noise(**attrs):
    """Noise beside an image whose channels are from 10 to 11 and from -3 to 0."""
    ramp = np.linspace(0, 1, 16, dtype="f").reshape(1, 4, 4, 1)
    image = np.concatenate([ramp + 10, ramp * 3 - 3], -1)
    out = raw.ExtractGlimpseV2(
        input=image, size=[60, 60], offsets=[[0.0, 0.0]], centered=False, normalized=False, **attrs
    )
    return out.numpy().reshape(-1, 2)[360:]


@pytest.mark.parametrize("uniform", [True, False])
def test_uniform_noise_is_within_the_range_of_the_image(uniform):
    found = _noise(uniform_noise=uniform, noise="uniform")
    assert found.min() >= -3 and found.max() <= 11
    assert abs(found.mean() - 4) < 0.3 and abs(found.std() - 14 / 12**0.5) < 0.2


def test_gaussian_noise_is_distributed_as_each_channel():
    found = _noise(uniform_noise=False, noise="gaussian")
    np.testing.assert_allclose(found.mean(0), [10.5, -1.5], atol=0.1)
    assert found.min(0).tolist() == [10, -3] and found.max(0).tolist() == [11, 0]


def test_uniform_noise_and_another_exclude_each_other():
    with pytest.raises(tf.errors.InvalidArgumentError, match="could not be specified at the same"):
        _noise(uniform_noise=True, noise="zero")
