"""Resize, beside ONNX Runtime."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.reading.ops.microsoft.beside import floats, node_model, same

SETTINGS = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}


def resized(scales, shape):
    given = {"x": floats(*shape), "roi": None, "scales": np.float32([1, 1, *scales])}
    return given, {"weights": ("scales",), "dynamic": (0, 2, 3), "domain": ""}


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("scales", [(2, 2), (0.5, 1.5), (0.3, 2.7)])
def test_unknown_extents_times_scales(mode, scales):
    given, options = resized(scales, (1, 2, 7, 9))
    same("Resize", given, **options, **{**SETTINGS, "mode": mode})


@pytest.mark.parametrize("scales", [(2, 2), (0.5, 1.5)])
def test_simple_scales_of_unknown_extents_are_compiled_whole(scales):
    given, options = resized(scales, (1, 2, 8, 6))
    proto = node_model("Resize", given, {"y": np.float32}, **options, **SETTINGS)
    function = read_proto(proto).signatures["serving_default"]
    function(x=tf.constant(given["x"]))
    assert not function.graph_function.executable.host_ops


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_a_single_row_is_the_first_of_pytorch(mode):
    given = {"x": floats(1, 2, 5, 6), "roi": None, "scales": None, "sizes": np.int64([1, 2, 1, 9])}
    settings = {"mode": mode, "coordinate_transformation_mode": "pytorch_half_pixel"}
    same("Resize", given, weights=("sizes",), domain="", **settings)


def test_a_part_is_spread_over_whole_rows():
    # Five rows times .9 are 4.5 of them: the last of four takes the end of the part. ONNX Runtime computes other sizes.
    roi, scales = np.float32([0, 0, 0, 1, 1, 0.9]), np.float32([1, 1, 1])
    settings = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"}
    given = {"x": np.float32([[[0, 1, 2, 3, 4]]]), "roi": roi, "scales": scales}
    proto = node_model("Resize", given, {"y": np.float32}, weights=("scales",), domain="", **settings)  # fmt: skip
    function = read_proto(proto).signatures["serving_default"]
    result = function(x=tf.constant(given["x"]), roi=tf.constant(roi))["y"]
    np.testing.assert_allclose(result.numpy(), [[[0, 1.2, 2.4, 3.6]]], rtol=1e-6)


@pytest.mark.parametrize("weights", [(), ("roi", "sizes")])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_rows_of_a_part_are_halves_by_the_decimals_of_its_bounds(mode, weights):
    # A tenth of five rows is half a row, though float32's 0.1 is a little more.
    roi, sizes = np.float32([0, 0, 0.2, 0.1, 1, 1, 0.7, 1.2]), np.int64([1, 2, 4, 3])
    given = {"x": floats(1, 2, 5, 6), "roi": roi, "scales": None, "sizes": sizes}
    settings = {"mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize"}
    same("Resize", given, weights=weights, domain="", extrapolation_value=9.0, **settings)
