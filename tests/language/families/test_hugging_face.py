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


def test_long_texts_have_the_frequencies_that_were_made_for_them():
    config = config_of("phi3-longrope")
    long, short = (architecture_of(config, "", length).ropes[0] for length in (64, 16))
    factors = config["rope_parameters"]
    ratio = np.divide(short.frequencies, long.frequencies)
    np.testing.assert_allclose(
        ratio, np.divide(factors["long_factor"], factors["short_factor"]), rtol=1e-12
    )
    assert long.magnitude == short.magnitude == math.sqrt(1 + math.log(4) / math.log(16))


REFUSED = [
    ("llama", {"model_type": "mamba"}, tf.errors.UnimplementedError, "'mamba'"),
    ("llama", {"model_type": ...}, tf.errors.DataLossError, "'model_type'"),
    ("llama", {"hidden_size": -1}, tf.errors.DataLossError, "'hidden_size': .*Found -1"),
    ("llama", {"num_hidden_layers": 1 << 60}, tf.errors.DataLossError, "num_hidden_layers"),
    ("llama", {"vocab_size": True}, tf.errors.DataLossError, "vocab_size"),
    ("llama", {"hidden_act": "relu6"}, tf.errors.UnimplementedError, "relu6"),
    ("llama", {"rms_norm_eps": math.nan}, tf.errors.DataLossError, "rms_norm_eps"),
    ("llama", {"quantization_config": {}}, tf.errors.UnimplementedError, "quantization_config"),
    ("llama", {"rope_parameters": {"rope_type": "dynamic"}}, tf.errors.UnimplementedError, "dynamic"),
    ("llama", {"rope_parameters": 7}, tf.errors.DataLossError, "rope_parameters"),
    ("gemma2", {"layer_types": ["full_attention"]}, tf.errors.UnimplementedError, "layer_types"),
    ("phi3", {"rope_parameters": {"partial_rotary_factor": 9.0}}, tf.errors.DataLossError, "partial"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "kind", "message"), REFUSED)
def test_what_cannot_be_is_refused_by_name(name, changes, kind, message):
    with pytest.raises(kind, match=f"config.json: .*{message}"):
        architecture_of(config_of(name, **changes), "config.json")
