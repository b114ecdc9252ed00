"""Files of weights are described and written in other formats and types."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.cli.models.description import describe
from penstock._src.formats import table
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.safetensors import folder
from penstock._src.language.model import load
from tests.language.tiny import KEPT, TOKENS, gguf_of, logits_of, weights_of


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("weights") / "tiny.gguf")
    write(gguf_of("llama", "Q8_0"), path)
    return path


def test_files_are_described(path):
    lines = "\n".join(describe(path).lines())
    for text in ("GGUF", "llama.block_count  2", "96 values", "bits each", "14 Q8_0"):
        assert text in lines, lines


@pytest.mark.parametrize("kind", ["F16", "Q4_1"])
def test_gguf_files_take_other_types(path, kind, tmp_path):
    target = str(tmp_path / "other.gguf")
    table.convert(path, target, quantize=kind)
    found = table.FORMATS["gguf"].read_weights(target).tensors
    assert found["blk.0.attn_q.weight"].type.name == kind
    assert found["blk.0.attn_norm.weight"].type.name == "F32"
    wanted = logits_of("llama")
    error = np.abs(load(target).logits(TOKENS)[KEPT] - wanted).max() / np.abs(wanted).max()
    assert error < {"F16": 0.02, "Q4_1": 0.5}[kind]


def test_packed_weights_are_unpacked_for_safetensors(path, tmp_path):
    target = str(tmp_path / "other.safetensors")
    table.convert(path, target)
    found = table.FORMATS["safetensors"].read_weights(target)
    packed = table.FORMATS["gguf"].read_weights(path)
    assert found.metadata["general.architecture"] == "llama"
    for name, tensor in packed.tensors.items():
        np.testing.assert_array_equal(found.tensors[name].array(), tensor.array())


def test_language_models_are_functions_of_tokens(path, tmp_path):
    table.convert(path, str(tmp_path / "saved"))
    found = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    logits = found(tokens=tf.constant(TOKENS))["logits"]
    np.testing.assert_allclose(logits, load(path, packed=False).logits(TOKENS), atol=1e-5)


def test_what_is_not_converted_says_so(path, tmp_path):
    folder.write(weights_of("llama"), str(tmp_path / "folder"))
    with pytest.raises(tf.errors.UnimplementedError, match="other names, orders and facts in GGUF"):
        table.convert(str(tmp_path / "folder"), str(tmp_path / "a.gguf"))
    folder.write(weights_of("llama"), str(tmp_path / "a.safetensors"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="a folder with a config.json"):
        table.read(str(tmp_path / "a.safetensors"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="do not hold weights as float16"):
        table.convert(path, str(tmp_path / "b.gguf"), quantize="float16")
