"""Layers that keep a state, beside ONNX Runtime."""

import numpy as np
import pytest

from tests.formats.onnx.reading.ops.microsoft.beside import floats, same

BATCH, TIME, HEADS, SIZE, WIDE = 2, 5, 4, 3, 6


@pytest.mark.parametrize("has_past", [False, True])
@pytest.mark.parametrize("activation", ["none", "silu"])
@pytest.mark.parametrize("dilation", [1, 2])
def test_convolutions_of_what_came_before(has_past, activation, dilation):
    given = {
        "x": floats(BATCH, 3, TIME),
        "w": floats(3, 1, 4, seed=1),
        "b": floats(3, seed=2) if has_past else None,
        "past": floats(BATCH, 3, 3 * dilation, seed=3) if has_past else None,
    }
    outputs = {"y": np.float32, "state": np.float32}
    options = {"activation": activation, "dilation": dilation}
    for dynamic in ((), (0, 2)):
        same("CausalConvWithState", given, outputs, ("w", "b"), dynamic=dynamic, **options)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize("shared", [1, 2])
@pytest.mark.parametrize("by_number", [False, True])
def test_attention_to_a_state(rule, shared, by_number):
    heads = HEADS // shared
    decay = -np.abs(floats(BATCH, TIME, heads * (SIZE if by_number else 1), seed=4))
    given = {
        "q": floats(BATCH, TIME, HEADS * SIZE),
        "k": floats(BATCH, TIME, heads * SIZE, seed=1, scale=0.5),
        "v": floats(BATCH, TIME, heads * WIDE, seed=2),
        "past": floats(BATCH, heads, SIZE, WIDE, seed=3),
        "decay": decay if "gated" in rule else None,
        "beta": np.abs(floats(BATCH, TIME, heads, seed=5)) if "delta" in rule else None,
    }
    outputs = {"y": np.float32, "state": np.float32}
    options = {"q_num_heads": HEADS, "kv_num_heads": heads, "update_rule": rule}
    same("LinearAttention", given, outputs, **options)


def test_gates_of_a_state():
    given = {
        "a": floats(BATCH, TIME, HEADS),
        "bias": floats(HEADS, seed=1),
        "scale": floats(HEADS, seed=2),
        "b": floats(BATCH, TIME, HEADS, seed=3),
    }
    same("LinearAttentionGate", given, {"decay": np.float32, "beta": np.float32})


@pytest.mark.parametrize("activation", ["silu", "sigmoid"])
@pytest.mark.parametrize("groups", [1, 4])
def test_gated_norms(activation, groups):
    width = 12
    given = {
        "x": floats(3, width),
        "s": floats(width // groups, seed=1),
        "z": floats(3, width, seed=2),
    }
    same("GatedRMSNorm", given, activation=activation, epsilon=1e-3)


def test_gated_sums():
    same("GatedAdd", {"x": floats(3, 4), "y0": floats(3, 4, seed=1), "g": floats(3, 1, seed=2)})


@pytest.mark.parametrize("scale", [None, np.array(1.3, np.float32)])
def test_scaled_silu(scale):
    same("ScaledSiLU", {"x": floats(3, 4), "scale": scale}, alpha=0.7)
