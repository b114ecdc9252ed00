"""Damaged and hostile files of language models: an error that names them."""

import json

import pytest

import penstock as tf
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.safetensors import folder
from penstock._src.formats.weights.stored import Weights
from tests.language.tiny import gguf_of, weights_of

tokenizers = pytest.importorskip("tokenizers")
DATA_LOSS = tf.errors.DataLossError


@pytest.fixture
def path(tmp_path):
    folder.write(weights_of("llama"), str(tmp_path))
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "b": 1}, "a"))
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def changed(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("name", ["tokenizer.json", "chat_template.jinja"])
def test_files_that_are_not_texts_are_refused(path, name):
    (path / name).write_bytes(b"\xff\xfe")
    with pytest.raises(DATA_LOSS, match=f"{name}.*UTF-8"):
        tf.language.load(path, length=8)


@pytest.mark.parametrize("value", [10**400, float("inf"), True, "1"])
def test_numbers_that_no_float_holds_are_refused(path, value):
    changed(path / "config.json", rms_norm_eps=value)
    with pytest.raises(DATA_LOSS, match="rms_norm_eps"):
        tf.language.load(path, length=8)


@pytest.mark.parametrize("value", [10**400, 1.0, -3, "1"])
def test_a_base_of_positions_that_cannot_be_is_refused(path, value):
    changed(path / "config.json", rope_theta=value)
    with pytest.raises(DATA_LOSS, match="rope_theta"):
        tf.language.load(path, length=8)


@pytest.mark.parametrize("change", [{"r": 2**40}, {"lora_alpha": 10**400}, {"r": 10**400}])
def test_adapters_whose_numbers_cannot_be_are_refused(path, tmp_path, change):
    model = tf.language.load(path, length=8)
    model.enable_lora(rank=2).save(str(tmp_path / "adapter"))
    changed(tmp_path / "adapter" / "adapter_config.json", **change)
    with pytest.raises(DATA_LOSS, match=next(iter(change))):
        tf.language.load(path, length=8).load_lora(str(tmp_path / "adapter"))


def test_texts_without_bytes_are_refused(path):
    model = tf.language.load(path, length=8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="UTF-16"):
        model.generate("a\ud800")


def test_tokens_that_are_not_texts_are_refused(tmp_path):
    weights = gguf_of("llama")
    tokens = list(weights.metadata["tokenizer.ggml.tokens"])
    tokens[5] = "\udcff"
    metadata = {**weights.metadata, "tokenizer.ggml.tokens": tokens}
    write(Weights("a", weights.tensors, metadata), str(tmp_path / "a.gguf"))
    with pytest.raises(DATA_LOSS, match="tokenizer.ggml.tokens.*UTF-8"):
        tf.language.load(tmp_path / "a.gguf", length=8)
