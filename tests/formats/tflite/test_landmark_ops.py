"""MediaPipe's ops around landmarks; MediaPipe 0.10.14's own runtime gave the rules that these numbers follow."""

import numpy as np
import pytest

from penstock._src.formats.tflite.schema.encoding import encode_options

from .models_of_one_op import run_custom

RANDOM = np.random.default_rng(5)
CROP = {"output_height": 4, "output_width": 6}


def options_of(chosen, rotation=0.4):
    return {
        **CROP,
        "left_rotation_idx": 1,
        "right_rotation_idx": 3,
        "target_rotation_radians": rotation,
        "scale_x": 1.5,
        "scale_y": 2.5,
        "subset_idxs": chosen,
    }


def random(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("coordinates", [2, 3])
def test_landmarks_are_moved_by_a_matrix(coordinates):
    x, matrix = random(2, 5, coordinates), random(2, 4, 4)
    (found,) = run_custom("TransformLandmarks", b"", [x, matrix], [x.shape])
    expected = x.copy()
    expected[..., :2] = np.einsum("bij,bnj->bni", matrix[:, :2, :2], x[..., :2])
    expected[..., :2] += matrix[:, None, :2, 3]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rotation", [0.0, 0.4, -2.5])
def test_a_crop_around_landmarks(rotation):
    marks, chosen = random(1, 7, 3), [0, 2, 3, 5, 6]
    options = encode_options(options_of(chosen, rotation)).tobytes()
    (found,) = run_custom("Landmarks2TransformMatrix", options, [marks], [(1, 4, 4)])
    line = marks[0, 3] - marks[0, 1]
    angle = np.arctan2(line[1], line[0]) - rotation
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    upright = marks[0, chosen, :2] @ turn
    high, low = upright.max(0), upright.min(0)
    linear = turn * ((high - low) * [1.5, 2.5] / [6, 4])
    # The crop's middle is the middle of what it must hold.
    middle = turn @ ((high + low) / 2)
    np.testing.assert_allclose(found[0, :2, :2], linear, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(linear @ [3, 2] + found[0, :2, 3], middle, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found[0, :, 2], [0, 0, 1, 0])
    np.testing.assert_array_equal(found[0, 3], [0, 0, 0, 1])


def test_features_are_cut_out_at_places_between_elements():
    x = random(1, 5, 8, 3)
    matrix = np.float32([[[1, 0, 0, 0.5], [0, 1, 0, 0.25], [0, 0, 1, 0], [0, 0, 0, 1]]])
    options = encode_options(CROP).tobytes()
    (found,) = run_custom("TransformTensorBilinear", options, [x, matrix], [(1, 4, 6, 3)])
    rows = 0.75 * x[:, :-1] + 0.25 * x[:, 1:]
    expected = (rows[:, :, :-1] + rows[:, :, 1:]) / 2
    np.testing.assert_allclose(found, expected[:, :, :6], rtol=1e-5, atol=1e-6)


def test_features_outside_are_zeros():
    x = np.ones((1, 5, 8, 1), np.float32)
    matrix = np.float32([[[1, 0, 0, -1.25], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]])
    options = encode_options(CROP).tobytes()
    (found,) = run_custom("TransformTensorBilinear", options, [x, matrix], [(1, 4, 6, 1)])
    # Columns lie at -1.25, -0.25, 0.75 and on; rows at 0.5, 2.5, 4.5 and 6.5.
    expected = np.ones((4, 6))
    expected[:, :2] = expected[2:] = 0
    np.testing.assert_array_equal(found[0, :, :, 0], expected)


def test_options_that_lack_a_name_are_refused():
    with pytest.raises(RuntimeError, match="output_width"):
        run_custom(
            "TransformTensorBilinear",
            encode_options({"output_height": 4}).tobytes(),
            [random(1, 5, 8, 3), random(1, 4, 4)],
            [(1, 4, 6, 3)],
        )
