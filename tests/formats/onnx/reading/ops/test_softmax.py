"""Softmax of the standard's first versions, beside ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value
from tests.formats.onnx.reading.ops.microsoft.beside import floats


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize(("shape", "axis"), [((5,), -1), ((5,), 0), ((2, 3, 4), -2), ((2, 3), 1)])
def test_axes_counted_from_the_end_before_version_13(op, shape, axis):
    x = floats(*shape)
    made = graph([node(op, "x", "y", axis=axis)], [value("x", shape)], [value("y", shape)])
    proto = model(made, version=11)
    options = onnxruntime.SessionOptions()
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    here = read_proto(proto).signatures["serving_default"](x=tf.constant(x))["y"]
    assert here.dtype == dtypes.float32
    np.testing.assert_allclose(here, session.run(None, {"x": x})[0], rtol=1e-6, atol=1e-6)
