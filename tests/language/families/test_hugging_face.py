"""Architectures of `config.json`, in the forms of older and newer files."""

import math

import numpy as np
import pytest

import penstock as tf
from penstock._src.language.families.hugging_face import architecture_of
from tests.language.tiny import models

ROPE = ("rope_theta", "rope_parameters")


def config_of(name, **changes):
    config = {**models()[name]["config"], **changes}
    return {key: value for key, value in config.items() if value is not ...}


# As files were written before rotary positions had an object of their own.
OLD = {
    "llama": {"rope_theta": 10000.0},
    "llama-llama3": {
        "rope_theta": 10000.0,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16,
        },
    },
    "llama-linear": {"rope_theta": 10000.0, "rope_scaling": {"type": "linear", "factor": 4.0}},
    "gemma2": {"rope_theta": 10000.0, "layer_types": ...},
    "gemma3": {
        "rope_theta": 1000000.0,
        "rope_local_base_freq": 10000.0,
        "layer_types": ...,
        "sliding_window_pattern": 6,
    },
    "qwen2": {"rope_theta": 10000.0, "layer_types": ...},
    "phi3": {"rope_theta": 10000.0, "partial_rotary_factor": 0.75},
    "gpt_neox": {"rotary_emb_base": 10000, "rotary_pct": 0.5},
}


@pytest.mark.parametrize("name", OLD)
def test_older_files_say_the_same(name):
    old = architecture_of(config_of(name, rope_parameters=..., **OLD[name]), "config.json")
    assert old == architecture_of(config_of(name), "config.json")


def test_texts_of_models_of_pictures_have_their_own_config():
    whole = {"model_type": "gemma3", "text_config": config_of("gemma3")}
    assert architecture_of(whole, "config.json") == architecture_of(config_of("gemma3"), "")


@pytest.mark.parametrize("name", ["ministral3", "mistral"])
def test_the_config_of_texts_tells_the_type_of_a_model_around_others(name):
    config = {"model_type": "mistral3", "text_config": config_of(name)}
    assert architecture_of(config, "there") == architecture_of(config_of(name), "there")
    config["text_config"]["model_type"] = "mamba"
    with pytest.raises(tf.errors.UnimplementedError, match="'mamba'"):
        architecture_of(config, "there")


def test_queries_grow_only_in_models_that_say_so():
    (rope,) = architecture_of(config_of("ministral3"), "there").ropes
    assert (rope.growth, rope.growth_length) == (0.5, 8)
    parameters = config_of("ministral3")["rope_parameters"]
    with pytest.raises(tf.errors.UnimplementedError, match="'llama_4_scaling_beta'|'max_position"):
        architecture_of(config_of("llama", rope_parameters=parameters), "there")
    parameters = {k: v for k, v in parameters.items() if k != "original_max_position_embeddings"}
    with pytest.raises(tf.errors.DataLossError, match="original_max_position_embeddings"):
        architecture_of(config_of("ministral3", rope_parameters=parameters), "there")


def test_long_texts_have_the_frequencies_that_were_made_for_them():
    config = config_of("phi3-longrope")
    long, short = (architecture_of(config, "", length).ropes[0] for length in (64, 16))
    factors = config["rope_parameters"]
    ratio = np.divide(short.frequencies, long.frequencies)
    np.testing.assert_allclose(
        ratio, np.divide(factors["long_factor"], factors["short_factor"]), rtol=1e-12
    )
    assert long.magnitude == short.magnitude == math.sqrt(1 + math.log(4) / math.log(16))


def test_what_changes_nothing_is_not_refused():
    changes = {"residual_multiplier": 1.0, "sliding_window": 64, "is_decoder": False}
    changed = architecture_of(config_of("llama", **changes), "config.json")
    assert changed == architecture_of(config_of("llama"), "config.json")


def test_files_may_leave_out_what_is_usual_for_the_family():
    left_out = ("num_attention_heads", "num_key_value_heads", "rope_parameters")
    left_out += ("query_pre_attn_scalar", "head_dim", "rms_norm_eps", "vocab_size")
    found = architecture_of(config_of("gemma3", **dict.fromkeys(left_out, ...)), "config.json")
    assert (found.heads, found.kv_heads, found.head_size, found.vocabulary) == (8, 4, 256, 262208)
    assert (found.attention_scale, found.epsilon) == (1 / 16, 1e-6)
    assert found.ropes[0].frequencies[1] == 1000000.0 ** (-1 / 128)
    mistral = architecture_of(config_of("mistral", sliding_window=...), "config.json")
    assert mistral.windows == (4096, 4096)
    qwen = config_of("qwen2", use_sliding_window=..., layer_types=...)
    assert architecture_of(qwen, "config.json").windows == (0, 0, 0)


def test_dynamic_positions_are_plain_up_to_the_length_that_the_model_was_made_for():
    config = config_of("llama-dynamic")
    plain = architecture_of(config_of("llama"), "config.json").ropes
    assert architecture_of(config, "config.json").ropes == plain
    assert architecture_of(config, "config.json", 64).ropes == plain
    with pytest.raises(tf.errors.UnimplementedError, match="'dynamic', for 65 tokens|more than 64"):
        architecture_of(config, "config.json", 65)


def test_a_factor_of_long_positions_counts_before_the_ratio_of_lengths():
    config = config_of("phi3-longrope")
    rope = {**config["rope_parameters"], "factor": 16.0}
    found = architecture_of({**config, "rope_parameters": rope}, "config.json").ropes[0]
    assert found.magnitude == math.sqrt(1 + math.log(16) / math.log(16))


REFUSED = [
    ("llama", {"model_type": "mamba"}, tf.errors.UnimplementedError, "'mamba'"),
    ("llama", {"model_type": ...}, tf.errors.DataLossError, "'model_type'"),
    ("llama", {"hidden_size": -1}, tf.errors.DataLossError, "'hidden_size': .*Found -1"),
    ("llama", {"num_hidden_layers": 1 << 60}, tf.errors.DataLossError, "num_hidden_layers"),
    ("llama", {"vocab_size": True}, tf.errors.DataLossError, "vocab_size"),
    ("llama", {"hidden_act": "relu6"}, tf.errors.UnimplementedError, "relu6"),
    ("llama", {"rms_norm_eps": math.nan}, tf.errors.DataLossError, "rms_norm_eps"),
    ("llama", {"quantization_config": {}}, tf.errors.UnimplementedError, "quantization_config"),
    ("llama", {"rope_parameters": {"rope_type": "ntk"}}, tf.errors.UnimplementedError, "'rope_type': .*ntk"),
    ("llama", {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "alpha": 9.0}}, tf.errors.UnimplementedError, "'alpha'"),
    ("llama", {"rope_parameters": {"partial_rotary_factor": 0.5}}, tf.errors.UnimplementedError, "partial_rotary_factor"),
    ("llama", {"rope_parameters": {"rope_theta": 0.5}}, tf.errors.DataLossError, "'rope_theta'"),
    ("llama", {"sliding_window": 5}, tf.errors.UnimplementedError, "sliding_window"),
    ("llama", {"final_logit_softcapping": 30.0}, tf.errors.UnimplementedError, "final_logit_softcapping"),
    ("llama", {"residual_multiplier": 0.5}, tf.errors.UnimplementedError, "residual_multiplier"),
    ("gemma3", {"attn_logit_softcapping": 2.0}, tf.errors.UnimplementedError, "attn_logit_softcapping"),
    ("gemma3", {"use_bidirectional_attention": True}, tf.errors.UnimplementedError, "use_bidirectional"),
    ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, tf.errors.UnimplementedError, "inverse_layer"),
    ("gpt2", {"scale_attn_weights": False}, tf.errors.UnimplementedError, "scale_attn_weights"),
    ("bert", {"is_decoder": True}, tf.errors.UnimplementedError, "is_decoder"),
    ("llama", {"use_qk_norm": True}, tf.errors.UnimplementedError, "use_qk_norm"),
    ("opt", {"do_layer_norm_before": False}, tf.errors.UnimplementedError, "do_layer_norm_before"),
    ("smollm3", {"no_rope_layers": [1, 2]}, tf.errors.DataLossError, "no_rope_layers"),
    ("roberta", {"pad_token_id": -1}, tf.errors.DataLossError, "pad_token_id"),
    ("llama", {"rope_parameters": 7}, tf.errors.DataLossError, "rope_parameters"),
    ("gemma2", {"layer_types": ["full_attention"]}, tf.errors.UnimplementedError, "layer_types"),
    ("phi3", {"rope_parameters": {"partial_rotary_factor": 9.0}}, tf.errors.DataLossError, "partial"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "kind", "message"), REFUSED)
def test_what_cannot_be_is_refused_by_name(name, changes, kind, message):
    with pytest.raises(kind, match=f"config.json: .*{message}"):
        architecture_of(config_of(name, **changes), "config.json")
