"""Rotary positions and attention over a cache, as exporters of language models write them: beside ONNX Runtime."""

import numpy as np
import pytest

from tests.formats.onnx.reading.ops.microsoft.beside import both, floats, same

BATCH, HEADS, SHARED, SIZE, LONGEST = 2, 4, 2, 16, 16
NAMES = "q k v pk pv last total cos sin places added sinks"
OUTPUTS = {"y": np.float32, "k2": np.float32, "v2": np.float32}


def angles(size=SIZE):
    each = np.outer(np.arange(LONGEST), 100.0 ** (-np.arange(size // 2) / size))
    return np.cos(each).astype(np.float32), np.sin(each).astype(np.float32)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("of_each", [True, False])
@pytest.mark.parametrize("rank", [3, 4])
def test_rotary_positions(interleaved, of_each, rank):
    cosines, sines = angles()
    x = floats(BATCH, HEADS, 5, SIZE) if rank == 4 else floats(BATCH, 5, HEADS * SIZE)
    places = np.array([[0, 1, 2, 3, 4], [7, 8, 3, 1, 15]]) if of_each else np.array([6])
    given = {"x": x, "places": places, "cos": cosines, "sin": sines}
    same("RotaryEmbedding", given, weights=("cos", "sin"), interleaved=interleaved)


def test_heads_follow_from_angles_where_no_extent_is_declared():
    cosines, sines = angles()
    places = np.array([[0, 1, 2], [7, 8, 3]])
    given = {"x": floats(BATCH, 3, HEADS * SIZE), "p": places, "c": cosines, "s": sines}
    same("RotaryEmbedding", given, weights=("c", "s"), dynamic=(0, 1, 2))


def test_a_part_of_each_head_is_turned():
    cosines, sines = angles(4)
    given = {"x": floats(BATCH, 5, HEADS * SIZE), "p": np.array([1]), "c": cosines, "s": sines}
    settings = {"num_heads": HEADS, "rotary_embedding_dim": 4}
    same("RotaryEmbedding", given, **settings)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("dynamic", [(), (0, 1, 2)])
def test_times_rows_and_columns_of_images_turn_parts_of_the_frequencies(
    layout, interleaved, dynamic
):
    cosines, sines = angles()
    places = np.random.default_rng(0).integers(0, LONGEST, (3, BATCH, 5))
    given = {"x": floats(BATCH, 5, HEADS * SIZE), "p": places, "c": cosines, "s": sines}
    settings = {"num_heads": HEADS, "mrope_section": [4, 2, 2], "mrope_layout": layout}
    settings["interleaved"] = interleaved
    same("MRotaryEmbedding", given, weights=("c", "s"), dynamic=dynamic, **settings)


def test_a_part_of_each_head_of_images_is_turned():
    cosines, sines = angles(8)
    places = np.random.default_rng(0).integers(0, LONGEST, (3, BATCH, 5))
    given = {"x": floats(BATCH, HEADS, 5, SIZE), "p": places, "c": cosines, "s": sines}
    settings = {"num_heads": HEADS, "rotary_embedding_dim": 8, "mrope_section": [2, 1, 1]}
    same("MRotaryEmbedding", given, **settings)


def call(count, past, last, rotary=False, packed=False, **others):
    """Inputs of a call of `count` tokens after a cache of `past` places."""
    batch = len(last)
    widths = [HEADS * SIZE, SHARED * SIZE, SHARED * SIZE]
    q, k, v = (floats(batch, count, width, seed=at) for at, width in enumerate(widths))
    given = {
        "q": np.concatenate([q, k, v], 2) if packed else q,
        "k": None if packed else k,
        "v": None if packed else v,
        "last": np.array(last, np.int32),
        "total": np.array(max(last) + 1, np.int32),
    }
    given["pk"], given["pv"] = (floats(batch, SHARED, past, SIZE, seed=s) for s in (8, 9))
    if rotary:
        given["cos"], given["sin"] = angles()
    given |= others
    return {name: given.get(name) for name in NAMES.split()}


SETTINGS = {"num_heads": HEADS, "kv_num_heads": SHARED}
CALLS = {
    "prompt": (5, 0, [4, 4]),
    "token": (1, 6, [6, 6]),
    "tokens of different lengths": (1, 6, [6, 3]),
    "a piece": (3, 4, [6]),
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("rotary", [0, 1])
def test_queries_share_keys_and_values(kind, packed, rotary):
    given = call(*CALLS[kind], rotary=rotary, packed=packed)
    there, here = both("GroupQueryAttention", given, OUTPUTS, do_rotary=rotary, **SETTINGS)
    np.testing.assert_allclose(here["y"], there["y"], atol=1e-5)
    for name in ("k2", "v2"):
        assert here[name].shape == there[name].shape
        for row, last in enumerate(given["last"]):  # what is behind is not looked at
            seen = (row, slice(None), slice(last + 1))
            np.testing.assert_allclose(here[name][seen], there[name][seen], atol=1e-5)


@pytest.mark.parametrize(
    ("attributes", "others"),
    [
        ({"local_window_size": 3}, {}),
        ({"softcap": 2.0}, {}),
        ({"scale": 0.3}, {}),
        ({"smooth_softmax": 1}, {}),
        ({}, {"sinks": floats(HEADS, seed=4)}),
        ({}, {"added": floats(1, HEADS, 3, 7, seed=5)}),
        (
            {"rotary_interleaved": 1, "do_rotary": 1},
            dict(zip(("cos", "sin"), angles(), strict=True)),
        ),
    ],
    ids=lambda value: " ".join(value),
)
def test_kinds_of_scores(attributes, others):
    given = call(*CALLS["a piece"], **others)
    same("GroupQueryAttention", given, OUTPUTS, **SETTINGS, **attributes)


def test_a_prompt_after_another_of_one_length():
    """The cache is longer than what is written: what a shared buffer looks like from here."""
    given = call(5, LONGEST, [4, 4])
    there, here = both("GroupQueryAttention", given, OUTPUTS, **SETTINGS)
    np.testing.assert_allclose(here["y"], there["y"], atol=1e-5)
    assert here["k2"].shape == there["k2"].shape
    np.testing.assert_allclose(here["k2"][:, :, :5], there["k2"][:, :, :5], atol=1e-5)
