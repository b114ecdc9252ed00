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
