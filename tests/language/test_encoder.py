"""Encoders are loaded from files, and make vectors of texts."""

import json

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.weights.stored import Weights
from tests.language.tiny import WORDS, gguf_of, save_bert, weights_of

tokenizers = pytest.importorskip("tokenizers")
TEXTS = ["A cat sleeps", "a dog", "A dog sleeps, a cat", "cat"]


def tokens_of(text):
    cut = text.lower().replace(",", " ,").replace("sleeps", "sleep ##s").split()
    inner = [WORDS.index(word) if word in WORDS else 3 for word in cut]
    return [1, *inner, 2]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return save_bert(tmp_path_factory.mktemp("models") / "bert")


def expected(encoder, text, pooling):
    program = encoder._program
    tokens = np.int32([tokens_of(text)])
    found = program.vectors(tokens, np.int32([tokens.shape[1]])).numpy()[0]
    assert encoder.pooling == pooling
    return found / np.linalg.norm(found)


def test_texts_of_any_lengths_have_the_vectors_that_they_have_alone(path):
    encoder = tf.language.load_encoder(path)
    found = encoder.encode(TEXTS)
    assert found.shape == (4, 32)
    for text, vector in zip(TEXTS, found, strict=True):
        np.testing.assert_allclose(vector, expected(encoder, text, "mean"), atol=2e-6)
    np.testing.assert_allclose(encoder.encode(TEXTS[1]), found[1], atol=2e-6)
    assert np.abs(found @ found.T - 1).max() > 1e-3


def test_folders_say_how_values_are_pooled_and_how_long_texts_are(path):
    (path / "1_Pooling").mkdir()
    pooling, length = path / "1_Pooling" / "config.json", path / "sentence_bert_config.json"
    length.write_text(json.dumps({"max_seq_length": 4}))
    pooling.write_text(
        json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    )
    encoder = tf.language.load_encoder(path)
    assert encoder.length == 4
    long, short = encoder.encode(["a cat dog dog", "a cat"])
    np.testing.assert_allclose(long, short, atol=2e-6)
    np.testing.assert_allclose(short, expected(encoder, "a cat", "cls"), atol=2e-6)
    pooling.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(tf.errors.UnimplementedError, match="pooling_mode_max_tokens"):
        tf.language.load_encoder(path)


# What GGUF's files call the parts of an encoder.
NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def test_gguf_files_give_the_same_vectors(path, tmp_path):
    tensors = {}
    for key, tensor in weights_of("bert").tensors.items():
        stem, part = key.rsplit(".", 1)
        if stem.startswith("encoder.layer."):
            layer, inner = stem.removeprefix("encoder.layer.").split(".", 1)
            tensors[f"blk.{layer}.{NAMES[inner]}.{part}"] = tensor
        elif stem in NAMES:
            tensors[f"{NAMES[stem]}.{part}"] = tensor
    pieces = [w[2:] if w[:2] == "##" else w if w[0] == "[" else f"\u2581{w}" for w in WORDS]
    facts = {
        "general.architecture": "bert",
        "bert.block_count": 2,
        "bert.context_length": 64,
        "bert.embedding_length": 32,
        "bert.feed_forward_length": 48,
        "bert.attention.head_count": 4,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.token_type": np.int32([3, 3, 3, 3, 1, 1, 1, 1, 1]),
        "tokenizer.ggml.cls_token_id": 1,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.seperator_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 3,
    }
    write(Weights("bert", tensors, facts), str(tmp_path / "bert.gguf"))
    encoder = tf.language.load_encoder(tmp_path / "bert.gguf")
    assert encoder.tokenizer.encode(TEXTS[2]) == tokens_of(TEXTS[2])
    for text in TEXTS:
        np.testing.assert_allclose(encoder.encode(text), expected(encoder, text, "mean"), atol=2e-6)


def test_kinds_of_models_are_not_mixed_up(path, tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="load_encoder"):
        tf.language.load(path)
    write(gguf_of("llama"), str(tmp_path / "a.gguf"))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"use tf.language.load\."):
        tf.language.load_encoder(tmp_path / "a.gguf")
