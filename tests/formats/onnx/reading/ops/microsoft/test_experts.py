"""Mixtures of experts, beside ONNX Runtime and their definition."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.reading.ops.microsoft.beside import floats, node_model, same

TOKENS, WIDTH, INNER, EXPERTS = 7, 8, 6, 4
WEIGHTS = ("first", "first_bias", "second", "second_bias", "third", "third_bias")


def given(fused=1, biases=True, third=False):
    return {
        "x": floats(TOKENS, WIDTH),
        "router": floats(TOKENS, EXPERTS, seed=1, scale=2),
        "first": floats(EXPERTS, fused * INNER, WIDTH, seed=2),
        "first_bias": floats(EXPERTS, fused * INNER, seed=3) if biases else None,
        "second": floats(EXPERTS, WIDTH, INNER, seed=4),
        "second_bias": floats(EXPERTS, WIDTH, seed=5) if biases else None,
        "third": floats(EXPERTS, INNER, WIDTH, seed=6) if third else None,
        "third_bias": floats(EXPERTS, INNER, seed=7) if third else None,
    }


@pytest.mark.parametrize("kind", ["relu", "gelu", "silu", "identity"])
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("normalized", [0, 1])
def test_tokens_take_the_experts_of_the_greatest_scores(kind, k, normalized):
    options = {"activation_type": kind, "k": k, "normalize_routing_weights": normalized}
    same("MoE", given(biases=k == 1), weights=WEIGHTS, **options)


@pytest.mark.parametrize("dynamic", [(), (0,)])
@pytest.mark.parametrize("weights", [(), WEIGHTS])
def test_gated_experts(dynamic, weights):
    options = {"activation_alpha": 1.7, "activation_beta": 1.0, "swiglu_limit": 0.5}
    common = {"activation_type": "swiglu", "k": 3, "swiglu_fusion": 1}
    dynamic = dynamic if weights else ()
    same("MoE", given(2), weights=weights, dynamic=dynamic, **options, **common)


def test_sequences_of_a_batch():
    batch = given() | {"x": floats(2, 3, WIDTH), "router": floats(6, EXPERTS, seed=1)}
    same("MoE", batch, weights=WEIGHTS, k=2)


def test_gates_stand_side_by_side_or_apart():
    """ONNX Runtime's processor code has gates that alternate with values only."""
    common = {"activation_type": "swiglu", "k": 2, "normalize_routing_weights": 1}
    results = []
    whole = given(third=True)
    gates = {name: whole.pop(name) for name in ("third", "third_bias")}
    for fusion in range(3):
        fed = dict(whole)
        for name, gate in zip(("first", "first_bias"), gates.values(), strict=True):
            if fusion == 1:
                pairs = np.stack([whole[name], gate], 2)
                fed[name] = pairs.reshape(EXPERTS, 2 * INNER, *whole[name].shape[2:])
            elif fusion == 2:
                fed[name] = np.concatenate([whole[name], gate], 1)
        fed |= gates if fusion == 0 else {}
        proto = node_model("MoE", fed, {"y": np.float32}, **common, swiglu_fusion=fusion)
        function = read_proto(proto).signatures["serving_default"]
        results.append(function(**{k: tf.constant(v) for k, v in fed.items()})["y"].numpy())
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-5, atol=1e-5)
