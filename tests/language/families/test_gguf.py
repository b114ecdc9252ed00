"""Architectures of GGUF's metadata, as llama.cpp reads the same keys: logits of such models equal its own to 3e-6 of the largest."""

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.formats.weights.stored import Weights, stored
from penstock._src.language.families import frequencies
from penstock._src.language.families.gguf import architecture_of
from penstock._src.language.families.names import GGUF, GGUF_OF, LAYOUTS, OR
from penstock._src.language.families.table import FAMILIES
from penstock._src.language.network.decoder import Decoder
from penstock._src.language.network.program import Program
from penstock._src.language.weights.finding import Finder
from penstock._src.language.weights.loading import load
from tests.language.tiny import KEPT, TOKENS, logits_of, models, weights_of

SIZE, LAYERS = 16, 6
GROWTH = 0.1 * np.log(4) + 1


def read(name, length=64, tensors=None, **facts):
    about = {
        "block_count": LAYERS,
        "embedding_length": 64,
        "feed_forward_length": 96,
        "context_length": 512,
        "attention.head_count": 4,
        "attention.layer_norm_rms_epsilon": 1e-6,
        **{key.replace("__", "."): value for key, value in facts.items()},
    }
    metadata = {"general.architecture": name} | {f"{name}.{k}": v for k, v in about.items()}
    values = {"token_embd.weight": np.zeros((128, 64), np.float32), **(tensors or {})}
    return architecture_of(
        Weights("file.gguf", {k: stored(v) for k, v in values.items()}, metadata), length
    )


def plain(divisor=1.0, base=10000.0):
    return np.array(frequencies.plain(base, SIZE).frequencies) / divisor


@pytest.mark.parametrize(
    "facts, divisor",
    [
        ({}, 1),
        ({"rope__scaling__factor": 4.0}, 4),
        ({"rope__scale_linear": 4.0}, 4),
        ({"rope__scaling__type": "linear", "rope__scaling__factor": 4.0}, 4),
        ({"rope__scaling__type": "linear", "rope__scaling__factor": 0.0}, 1),
        ({"rope__scaling__type": "none", "rope__scaling__factor": 4.0}, 1),
    ],
)
def test_a_factor_divides_unless_there_is_no_scaling(facts, divisor):
    (rope,) = read("llama", **facts).ropes
    np.testing.assert_allclose(rope.frequencies, plain(divisor), rtol=1e-12)
    assert rope.magnitude == 1
    (rope,) = read("llama", **facts, rope__scaling__attn_factor=1.3).ropes
    assert rope.magnitude == 1.3


def test_factors_of_frequencies_are_divided_by_that_for_all():
    each = np.linspace(1, 8, SIZE // 2).astype(np.float32)
    facts = {"rope__scaling__type": "linear", "rope__scaling__factor": 4.0}
    (rope,) = read("llama", tensors={"rope_freqs.weight": each}, **facts).ropes
    np.testing.assert_allclose(rope.frequencies, plain() / each / 4, rtol=1e-6)
    with pytest.raises(UnimplementedError, match="'llama.rope.scaling.type': expected none or lin"):
        facts["rope__scaling__type"] = "yarn"
        read("llama", tensors={"rope_freqs.weight": each}, **facts)


@pytest.mark.parametrize("length, name", [(64, "short"), (512, "long")])
def test_long_texts_have_factors_of_their_own(length, name):
    each = {"short": np.full(SIZE // 2, 1.5, np.float32), "long": np.full(8, 6, np.float32)}
    tensors = {f"rope_factors_{kind}.weight": values for kind, values in each.items()}
    facts = {"rope__scaling__original_context_length": 256}
    (rope,) = read("phi3", length, tensors, **facts).ropes
    np.testing.assert_allclose(rope.frequencies, plain() / each[name], rtol=1e-6)
    assert rope.magnitude == 1
    (rope,) = read("phi3", length, tensors, **facts, rope__scaling__attn_factor=1.1).ropes
    assert rope.magnitude == 1.1


def test_yarn_grows_with_its_factor():
    facts = {"type": "yarn", "factor": 4.0, "original_context_length": 128}
    facts = {f"rope__scaling__{key}": value for key, value in facts.items()}
    (rope,) = read("qwen2", **facts).ropes
    np.testing.assert_allclose(rope.magnitude, GROWTH)
    (rope,) = read("qwen2", **facts, rope__scaling__attn_factor=1.3).ropes
    np.testing.assert_allclose(rope.magnitude, 1.3 * GROWTH)


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen3", "phi3"])
def test_windows_count_where_models_of_the_family_have_some(name):
    assert read(name, attention__sliding_window=6).windows == (0,) * LAYERS


def test_windows_of_layers():
    assert read("gemma3", attention__sliding_window=6).windows == (6, 6, 6, 6, 6, 0)
    assert read("gemma3").windows == (0,) * LAYERS
    assert read("gemma2").windows == (4096, 0) * 3

    def patterned(pattern):
        given = {"attention__sliding_window": 6, "attention__sliding_window_pattern": pattern}
        return read("gemma3", **given).windows

    assert patterned(3) == (6, 6, 0, 6, 6, 0) and patterned(0) == (6,) * LAYERS
    assert patterned(np.array([1, 0, 0, 1, 1, 0], bool)) == (6, 0, 0, 6, 6, 0)
    with pytest.raises(DataLossError, match="one for each of 6 layers"):
        patterned(np.array([True]))


def test_positions_of_layers_with_a_window():
    window = {"attention__sliding_window": 6, "rope__freq_base": 1e6}
    ropes = read("gemma3", **window, rope__scaling__factor=8.0, rope__scaling__attn_factor=1.2)
    assert ropes.rope_of == (1, 1, 1, 1, 1, 0)
    np.testing.assert_allclose(ropes.ropes[0].frequencies, plain(8, 1e6))
    np.testing.assert_allclose(ropes.ropes[1].frequencies, plain())
    assert [rope.magnitude for rope in ropes.ropes] == [1.2, 1.2]
    local = read("gemma3", **window, rope__freq_base_swa=2e4).ropes[1]
    np.testing.assert_allclose(local.frequencies, plain(1, 2e4))
    both = read("gemma2", rope__freq_base_swa=2e4, rope__scaling__factor=2.0)
    assert both.rope_of == (1, 0) * 3
    np.testing.assert_allclose(both.ropes[1].frequencies, plain(2, 2e4))
    assert len(read("gemma2").ropes) == 1


def test_caps_of_logits_that_files_leave_out():
    gemma2, gemma3 = read("gemma2"), read("gemma3")
    assert (gemma2.attention_cap, gemma2.logits_cap) == (50, 30)
    assert (gemma3.attention_cap, gemma3.logits_cap) == (0, 0)
    assert read("gemma2", attn_logit_softcapping=20.0).attention_cap == 20


def test_layers_of_exaone_without_a_window_have_no_positions():
    assert read("exaone4").rope_of == (0,) * LAYERS
    found = read("exaone4", attention__sliding_window=6)
    assert found.windows == (6, 6, 6, 0, 6, 6) and found.rope_of == (0, 0, 0, -1, 0, 0)
    assert set(read("exaone4", block_count=64).windows) == {4096, 0}
    with pytest.raises(UnimplementedError, match="rope.freq_base_swa"):
        read("exaone4", attention__sliding_window=6, rope__freq_base_swa=2e4)


def test_layers_for_further_tokens_and_sections_of_positions_are_refused():
    with pytest.raises(UnimplementedError, match="'glm4.nextn_predict_layers': expected 0"):
        read("glm4", nextn_predict_layers=1)
    with pytest.raises(UnimplementedError, match="'glm4.rope.dimension_sections'"):
        read("glm4", rope__dimension_sections=np.array([2, 3, 3, 0]))


def test_decoders_that_look_ahead_are_refused():
    with pytest.raises(UnimplementedError, match="'llama.attention.causal': expected true"):
        read("llama", attention__causal=False)


# Facts of each model besides its extents, and True if only GGUF's files turn neighbors of queries and keys together.
LOGITS = {
    "arcee": ({}, True),
    "cohere": ({"logit_scale": 0.0625, "rope.freq_base": 500000.0}, False),
    "cohere-norms": ({"logit_scale": 0.0625, "rope.freq_base": 500000.0}, False),
    "cohere2": ({"logit_scale": 0.0625, "attention.sliding_window": 5}, False),
    "ernie4_5": ({"rope.freq_base": 500000.0}, False),
    "exaone4": ({"attention.sliding_window": 5}, False),
    "gemma": ({}, False),
    "glm4": ({"rope.dimension_count": 6}, False),
    "granite": (
        {"embedding_scale": 3.0, "logit_scale": 2.0, "residual_scale": 0.7, "attention.scale": 0.3},
        True,
    ),
    "nemotron": ({"rope.dimension_count": 4}, False),
    "olmo2": ({}, False),
    "olmo3": ({"attention.sliding_window": 5, "rope.freq_base": 500000.0}, False),
    "phi": ({"rope.dimension_count": 8}, False),
    "seed_oss": ({}, False),
    "smollm3": ({"rope.freq_base": 2000000.0}, True),
    "stablelm": ({"rope.dimension_count": 4}, False),
    "stablelm-parallel": ({"rope.dimension_count": 4, "use_parallel_residual": True}, False),
}


def as_gguf(name, facts, neighbors):
    """Returns a tiny model as llama.cpp's converter writes it: norms with their offset, rows of queries and keys as neighbors."""
    config, family = models()[name]["config"], FAMILIES[name.partition("-")[0]]
    tensors, of_file = {}, weights_of(name)
    finder = Finder(of_file, family.name, is_gguf=False, packs=False)
    names = {**GGUF, **GGUF_OF.get(family.name, {})}
    heads = {"query": config["num_attention_heads"], "key": config["num_key_value_heads"]}
    for ours, at, part in itertools.product(LAYOUTS[family.layout], range(4), ("weight", "bias")):
        # A layout may have one name for norms that stand at different places.
        is_of_heads = family.norms_by_head and ours in ("query_norm", "key_norm")
        is_unread = "norm" in ours and ours not in family.norms and not is_of_heads
        if is_unread or not finder.has(ours, at, part):
            continue
        array = of_file.tensors[finder.name(ours, at, part)].array()
        if "norm" in ours and part == "weight":
            array = array + np.float32(family.norm_offset)
        if neighbors and ours in heads:
            halves = array.reshape(heads[ours], 2, -1, *array.shape[1:])
            array = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(array.shape)
        ours = "up" if ours == "gate_up" else ours
        tensors[f"{names[ours].split(OR)[0].format(at)}.{part}"] = stored(array)
    for ours, at in itertools.product(heads, range(4) if family.norms_by_head else ()):
        norms = [
            finder.name(f"{ours}_norm", at, f"norms.{head}.weight") for head in range(heads[ours])
        ]
        if norms[0] in of_file.tensors:  # StableLM's, which are one tensor in such files
            array = np.stack([of_file.tensors[norm].array() for norm in norms])
            tensors[f"{names[f'{ours}_norm'].format(at)}.weight"] = stored(array)
    architecture = {"olmo3": "olmo2"}.get(name) or family.gguf_name or family.name
    about = {
        "block_count": config["num_hidden_layers"],
        "embedding_length": config["hidden_size"],
        "feed_forward_length": config["intermediate_size"],
        "context_length": config["max_position_embeddings"],
        "attention.head_count": config["num_attention_heads"],
        "attention.head_count_kv": config["num_key_value_heads"],
        "attention.layer_norm_rms_epsilon": config.get("rms_norm_eps", 1e-5),
        "attention.key_length": config.get("head_dim") or config["hidden_size"] // heads["query"],
        **facts,
    }
    metadata = {f"{architecture}.{key}": value for key, value in about.items()}
    return Weights("file.gguf", tensors, {"general.architecture": architecture, **metadata})


@pytest.mark.parametrize("name", LOGITS)
def test_logits_of_a_file_are_those_of_transformers(name):
    weights = as_gguf(name, *LOGITS[name])
    architecture = architecture_of(weights)
    finder = Finder(weights, architecture.family, is_gguf=True, packs=True)
    program = Program(Decoder(architecture, load(finder, architecture)), 32)
    found, wanted = program.whole(tf.constant(TOKENS))["logits"].numpy()[KEPT], logits_of(name)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-5 * np.abs(wanted).max())


def test_granite_without_positions_or_a_divisor_is_refused():
    with pytest.raises(UnimplementedError, match="'granite.rope.scaling.finetuned': expected true"):
        read("granite", logit_scale=2.0, rope__scaling__finetuned=False)
    with pytest.raises(DataLossError, match="'granite.logit_scale': expected a number"):
        read("granite")
    with pytest.raises(DataLossError, match="'granite.logit_scale': expected a number that is not"):
        read("granite", logit_scale=0.0)


def test_windows_of_olmo_3_leave_their_positions_unscaled():
    facts = {
        "rope__freq_base": 5e5,
        "rope__scaling__factor": 8.0,
        "rope__scaling__attn_factor": 2.0,
    }
    olmo3 = read("olmo2", attention__sliding_window=5, **facts)
    assert (olmo3.family, olmo3.windows) == ("olmo3", (5, 5, 5, 0, 5, 5))
    np.testing.assert_allclose(olmo3.ropes[1].frequencies, plain(1, 5e5))
    assert [rope.magnitude for rope in olmo3.ropes] == [2, 1] and olmo3.rope_of[3] == 0
    assert read("olmo2").family == "olmo2"
