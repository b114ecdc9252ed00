"""DynamicQuantizeLSTM: beside a loop in NumPy that quantizes as DynamicQuantizeLinear does."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

STEPS, BATCH, DEPTH, UNITS = 5, 2, 6, 4


def _product(x, w, scale, zero):
    low, high = min(x.min(), 0), max(x.max(), 0)
    step = np.float32((high - low) / 255) if high > low else np.float32(1)
    point = np.clip(np.round(-low / step), 0, 255)
    values = np.clip(np.round(x / step) + point, 0, 255) - point
    return (values @ (w.astype(np.float64) - zero)) * step * scale


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _lstm(x, w, r, b, scales, zeros):
    """The outputs of a direction at all times, and the last cell."""
    inputs = _product(x.reshape(-1, DEPTH), w, scales[0], zeros[0]).reshape(STEPS, BATCH, -1)
    h = c = np.zeros((BATCH, UNITS))
    rows = []
    for row in inputs + b[: 4 * UNITS] + b[4 * UNITS :]:
        i, o, f, new = np.split(row + _product(h.astype(np.float32), r, scales[1], zeros[1]), 4, 1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(new)
        h = _sigmoid(o) * np.tanh(c)
        rows.append(h)
    return np.stack(rows), c


@pytest.mark.parametrize("by_column", [False, True])
def test_both_directions_quantize_inputs_and_states(by_column):
    random = np.random.default_rng(0)
    of_scales = (2, 4 * UNITS) if by_column else (2,)
    weights = {
        "w": random.integers(-127, 128, (2, DEPTH, 4 * UNITS)).astype(np.int8),
        "r": random.integers(-127, 128, (2, UNITS, 4 * UNITS)).astype(np.int8),
        "b": (random.normal(size=(2, 8 * UNITS)) / 8).astype(np.float32),
        "ws": random.uniform(0.002, 0.01, of_scales).astype(np.float32),
        "rs": random.uniform(0.002, 0.01, of_scales).astype(np.float32),
        "wz": random.integers(-3, 4, of_scales).astype(np.int8),
        "rz": random.integers(-3, 4, of_scales).astype(np.int8),
    }
    lstm = node(
        "DynamicQuantizeLSTM",
        "x w r b - - - - ws wz rs rz",
        "y h c",
        domain="com.microsoft",
        hidden_size=UNITS,
        direction="bidirectional",
    )
    outputs = {"y": (STEPS, 2, BATCH, UNITS), "h": (2, BATCH, UNITS), "c": (2, BATCH, UNITS)}
    proto = model(
        graph(
            [lstm],
            [value("x", (STEPS, BATCH, DEPTH))],
            [value(*each) for each in outputs.items()],
            **weights,
        )
    )
    proto.opset_import.add(domain="com.microsoft", version=1)
    x = random.normal(size=(STEPS, BATCH, DEPTH)).astype(np.float32)
    found = read_proto(proto).signatures["serving_default"](x=tf.constant(x))
    for d, order in enumerate((slice(None), slice(None, None, -1))):
        w, r, b = (weights[name][d] for name in "wrb")
        scales, zeros = (weights["ws"][d], weights["rs"][d]), (weights["wz"][d], weights["rz"][d])
        rows, cell = _lstm(x[order], w, r, b, scales, zeros)
        np.testing.assert_allclose(found["y"][:, d], rows[order], atol=1e-5)
        np.testing.assert_allclose(found["h"][d], rows[-1], atol=1e-5)
        np.testing.assert_allclose(found["c"][d], cell, atol=1e-5)
