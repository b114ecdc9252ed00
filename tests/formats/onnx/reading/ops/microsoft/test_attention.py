"""Attention as ONNX Runtime fuses it: beside ONNX Runtime."""

import numpy as np
import pytest

from penstock._src.formats.onnx.reading.model import read_proto
from penstock.errors import UnimplementedError
from tests.formats.onnx.reading.ops.microsoft.beside import (
    both,
    floats,
    node_model,
    numbers,
    same,
    weights_of_7_bits,
)

BATCH, TIME, HEADS, SIZE = 2, 5, 3, 4
WIDTH = HEADS * SIZE
MASKS = {
    "none": None,
    "keys": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32),
    "queries": np.tril(np.ones((BATCH, TIME, TIME), np.int32)),
    "lengths": np.array([3, 5], np.int32),
    "places": np.array([4, 5, 1, 0], np.int32),
}


def order(given, names):
    return {name: given.get(name) for name in names.split()}


def self_attention(**others):
    return {
        "x": floats(BATCH, TIME, 6),
        "w": floats(6, 3 * WIDTH, seed=1),
        "b": floats(3 * WIDTH, seed=2),
        **others,
    }


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("causal", [0, 1])
def test_attention_of_a_sequence_to_itself(mask, causal):
    given = order(self_attention(mask=MASKS[mask]), "x w b mask")
    same("Attention", given, weights=("w", "b"), num_heads=HEADS, unidirectional=causal)


@pytest.mark.parametrize("mask", ["lengths", "places"])
def test_lengths_of_any_number_of_sequences(mask):
    given = order(self_attention(mask=MASKS[mask]), "x w b mask")
    same("Attention", given, weights=("w", "b"), num_heads=HEADS, dynamic=(0, 1))


def test_attention_continues_past_keys_and_values():
    given = self_attention(past=floats(2, BATCH, HEADS, 3, SIZE, seed=3))
    given = order(given, "x w b mask past")
    outputs = {"y": np.float32, "present": np.float32}
    same("Attention", given, outputs, num_heads=HEADS, unidirectional=1, scale=0.4)


def test_an_addend():
    given = self_attention(added=floats(BATCH, HEADS, TIME, TIME, seed=4))
    same("Attention", order(given, "x w b mask past added"), num_heads=HEADS)


def test_values_of_another_size():
    given = order(
        {**self_attention(), "w": floats(6, 42, seed=1), "b": floats(42, seed=2)}, "x w b"
    )
    same("Attention", given, num_heads=HEADS, qkv_hidden_sizes=[12, 12, 18])


@pytest.mark.parametrize("mask", ["none", "keys", "lengths"])
def test_quantized_attention(mask):
    if mask == "keys":
        pytest.skip("ONNX Runtime's has lengths only")
    given = {
        "x": numbers(BATCH, TIME, 6),
        "w": weights_of_7_bits(6, 3 * WIDTH),
        "b": floats(3 * WIDTH, seed=2),
        "xs": np.array(np.float32(0.02)),
        "ws": np.array(np.float32(0.01)),
        "mask": MASKS[mask],
        "xz": np.array(128, np.uint8),
        "wz": np.array(0, np.int8),
    }
    constants = ("w", "b", "xs", "ws", "xz", "wz")
    same("QAttention", given, weights=constants, num_heads=HEADS, atol=1e-4)


def three(**others):
    return {
        "q": floats(BATCH, TIME, WIDTH),
        "k": floats(BATCH, 7, WIDTH, seed=1),
        "v": floats(BATCH, 7, WIDTH, seed=2),
        **others,
    }


NAMES = "q k v b mask added pk pv"


@pytest.mark.parametrize("mask", [None, "keys", "lengths"])
@pytest.mark.parametrize("biased", [True, False])
def test_attention_to_another_sequence(mask, biased):
    masks = {"keys": np.array([[1] * 7, [1] * 4 + [0] * 3], np.int32), "lengths": MASKS["lengths"]}
    given = three(b=floats(3 * WIDTH, seed=3) if biased else None, mask=masks.get(mask))
    same("MultiHeadAttention", order(given, NAMES), num_heads=HEADS)
    same("MultiHeadAttention", order(given, NAMES), num_heads=HEADS, dynamic=(1,))


def test_keys_and_values_by_heads():
    given = {
        "q": floats(BATCH, TIME, WIDTH),
        "k": floats(BATCH, HEADS, 7, SIZE, seed=1),
        "v": floats(BATCH, HEADS, 7, SIZE, seed=2),
    }
    same("MultiHeadAttention", given, num_heads=HEADS)


@pytest.mark.parametrize("causal", [0, 1])
def test_a_cache_of_keys_and_values(causal):
    given = three(
        k=floats(BATCH, TIME, WIDTH, seed=1),
        v=floats(BATCH, TIME, WIDTH, seed=2),
        added=floats(1, HEADS, TIME, 9, seed=5),
        pk=floats(BATCH, HEADS, 4, SIZE, seed=6),
        pv=floats(BATCH, HEADS, 4, SIZE, seed=7),
    )
    outputs = {"y": np.float32, "k2": np.float32, "v2": np.float32}
    same("MultiHeadAttention", order(given, NAMES), outputs, num_heads=HEADS, unidirectional=causal)


def test_a_shared_buffer_is_refused():
    given = order(three(length=np.array([4], np.int32)), f"{NAMES} length")
    proto = node_model("MultiHeadAttention", given, {"y": np.float32}, num_heads=HEADS)
    with pytest.raises(UnimplementedError, match=r"MultiHeadAttention.*buffer is shared"):
        read_proto(proto)


def test_packed_tensors_are_as_three():
    """ONNX Runtime has no code for processors that reads packed ones."""
    packed = floats(BATCH, TIME, HEADS, 3, SIZE)
    q, k, v = (packed[:, :, :, part].reshape(BATCH, TIME, WIDTH) for part in range(3))
    three = {"q": q, "k": k, "v": v}
    expected, _ = both("MultiHeadAttention", three, {"y": np.float32}, num_heads=HEADS)
    for given in ({"q": packed}, {"q": q, "k": packed[:, :, :, 1:]}):
        proto = node_model("MultiHeadAttention", given, {"y": np.float32}, num_heads=HEADS)
        found = read_proto(proto).signatures["serving_default"](**given)["y"]
        np.testing.assert_allclose(found, expected["y"], atol=1e-5)


@pytest.mark.parametrize("keys", [2, 7])
@pytest.mark.parametrize("dynamic", [(), (1, 2)])
def test_queries_see_the_keys_up_to_their_own_place(keys, dynamic):
    given = order(
        {
            "query": floats(BATCH, TIME, WIDTH),
            "key": floats(BATCH, keys, WIDTH, seed=1),
            "value": floats(BATCH, keys, WIDTH, seed=2),
        },
        "query key value",
    )
    same("MultiHeadAttention", given, num_heads=HEADS, unidirectional=1, dynamic=dynamic)


def test_biases_of_heads_whose_size_is_not_declared():
    given = {
        "q": floats(2, 3, 8),
        "k": floats(2, 4, 8, seed=1),
        "v": floats(2, 4, 8, seed=2),
        "b": floats(24, seed=3),
    }
    same("MultiHeadAttention", given, dynamic=(0, 1, 2), num_heads=2)
