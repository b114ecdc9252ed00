"""Projective transformations: eager, lowered, compiled. The eager kernel is held by recorded values elsewhere."""

import itertools

import numpy as np
import pytest

from tests.harness.op_case import OpCase, check

RANDOM = np.random.default_rng(3)
IMAGES = RANDOM.uniform(0, 255, (2, 5, 7, 3))
TURNED = np.array(
    [[0.9, -0.3, 1.2, 0.25, 1.1, -0.8, 0.01, -0.02], [1.3, 0.1, -3.4, -0.2, 0.8, 2.6, 0, 0]],
    np.float32,
)


@pytest.mark.parametrize(
    "interpolation, fill_mode",
    itertools.product(["NEAREST", "BILINEAR"], ["CONSTANT", "REFLECT", "WRAP", "NEAREST"]),
)
@pytest.mark.parametrize("transforms", [TURNED, TURNED[:1]])
def test_projections(interpolation, fill_mode, transforms):
    # as whole numbers, interpolated pixels would show every rounding
    dtype = "uint8" if interpolation == "NEAREST" else "float32"
    check(
        OpCase(
            "ImageProjectiveTransformV3",
            [IMAGES.astype(dtype), transforms, np.array([6, 4], np.int32), np.float32(2.5)],
            {"interpolation": interpolation, "fill_mode": fill_mode},
            gradient=False,
            lowers=True,
            tolerance=(1e-4, 1e-3),
        )
    )


def test_version_two_and_a_pixel():
    size = np.array([3, 3], np.int32)
    attrs = {"interpolation": "BILINEAR", "fill_mode": "REFLECT"}
    inputs = [IMAGES[:, :1, :1].astype(np.float32), TURNED, size]
    check(OpCase("ImageProjectiveTransformV2", inputs, attrs, gradient=False, lowers=True))
