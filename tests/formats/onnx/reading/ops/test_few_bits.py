"""Weights of 4 bits: programs with them are compiled."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("kind", [dtypes.int4, dtypes.uint4], ids=str)
@pytest.mark.parametrize(
    "scales, attributes", [((), {}), ((16,), {"axis": 1}), ((4, 16), {"axis": 0, "block_size": 8})]
)
def test_weights_with_zero_points_are_compiled(kind, scales, attributes, capfd):
    w = RANDOM.integers(kind.min, kind.max + 1, (32, 16)).astype(kind.np)
    z = RANDOM.integers(kind.min, kind.max + 1, scales).astype(kind.np)
    s = np.asarray(RANDOM.random(scales), np.float32)
    main = graph(
        [node("DequantizeLinear", "w s z", "d", **attributes), node("MatMul", "x d", "y")],
        [value("x", ["n", 32])],
        [value("y", ["n", 16])],
        w=w,
        s=s,
        z=z,
    )
    f = read_proto(model(main)).signatures["serving_default"]
    x = RANDOM.random((3, 32)).astype(np.float32)
    rows = 8 if len(scales) == 2 else 1
    zeros, scale = (np.repeat(a, rows, 0) if rows > 1 else a for a in (z.astype(np.int32), s))
    expected = x @ ((w.astype(np.int32) - zeros) * scale)
    np.testing.assert_allclose(
        f(x=tf.constant(x))["y"], expected, rtol=1e-5, atol=1e-4
    )  # sums of 32
    assert "interpreted" not in capfd.readouterr().err
