"""Weights that GPTQ and AWQ have quantized are the numbers of a reference, and models compute with them packed."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.safetensors import folder
from penstock._src.formats.weights.stored import Weights, stored
from penstock._src.language.weights.grouped import unpacked_groups
from tests.language.tiny import drawn, models

AWQ = [0, 2, 4, 6, 1, 3, 5, 7]
METHODS = {
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm"},
    "gptq": {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False},
    "gptq_v2": {"quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq_v2"},
    "gptq-8": {"quant_method": "gptq", "bits": 8, "group_size": 128},
}


def quantized(method, inputs, outputs, size, is_even, seed=0, dtype=np.float16):
    """Returns what a file has of a matrix, and its numbers [outputs, inputs], one after the other."""
    random, bits = np.random.default_rng(seed), METHODS[method]["bits"]
    count, most = 32 // bits, 2**bits
    q = random.integers(0, most, (inputs, outputs))
    zeros = np.full((inputs // size, outputs), most // 2)
    if not is_even:
        zeros = random.integers(0 if method in ("awq", "gptq_v2") else 1, most, zeros.shape)
    scales = (random.random(zeros.shape) * 0.02 + 0.005).astype(dtype)
    numbers = np.empty([outputs, inputs], np.float32)
    for o in range(outputs):
        for i in range(inputs):
            scale = np.float32(scales[i // size, o])
            numbers[o, i] = np.float32(int(q[i, o]) - int(zeros[i // size, o])) * scale
    kept = zeros - (method in ("gptq", "gptq-8"))
    if method == "awq":
        words = _words(q, AWQ, bits)
    else:
        words = _words(q.T, range(count), bits).T
    order = AWQ if method == "awq" else range(count)
    parts = {"qweight": words, "qzeros": _words(kept, order, bits), "scales": scales}
    if method != "awq":
        parts["g_idx"] = (np.arange(inputs) // size).astype(np.int32)
    return {key: stored(np.ascontiguousarray(each)) for key, each in parts.items()}, numbers


def _words(values, order, bits):
    """Packs neighbors of the last axis into int32."""
    values = values.astype(np.uint32).reshape(len(values), -1, 32 // bits)
    words = np.zeros(values.shape[:2], np.uint32)
    for at, column in enumerate(order):
        words |= values[..., column] << np.uint32(bits * at)
    return words.view(np.int32)


def read(method, parts, **about):
    tensors = {f"a.{key}": each for key, each in parts.items()}
    config = {"quantization_config": {**METHODS[method], **about}}
    return unpacked_groups(Weights("folder", tensors, config), "config.json")


@pytest.mark.parametrize("is_even", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_numbers_are_exact(method, is_even):
    if method == "gptq-8" and not is_even:
        return
    parts, numbers = quantized(method, 256, 24, 128, is_even)
    found = read(method, parts).tensors
    assert list(found) == ["a.weight"]
    kind = "Q8_0" if method == "gptq-8" else "Q4_0" if is_even else "Q5_0"
    assert (found["a.weight"].type.name, found["a.weight"].shape) == (kind, (24, 256))
    np.testing.assert_array_equal(found["a.weight"].array(), numbers)


@pytest.mark.parametrize("method", METHODS)
def test_scales_that_float16_does_not_hold_are_kept(method):
    parts, numbers = quantized(method, 128, 16, 64, True, dtype=np.float32)
    weights = read(method, parts).tensors["a.weight"]
    assert weights.type.name == ("Q8_0_F32" if method == "gptq-8" else "Q4_0_F32")
    np.testing.assert_array_equal(weights.array(), numbers)


@pytest.mark.parametrize("method", ["awq", "gptq"])
def test_models_compute_with_packed_groups(method, tmp_path):
    config = {
        **models()["llama"]["config"],
        "hidden_size": 64,
        "intermediate_size": 96,
        "head_dim": 16,
    }
    tensors, plain = {}, {}
    for at, (name, shape) in enumerate(models()["llama"]["shapes"].items()):
        shape = [{32: 64, 48: 96, 16: 32}.get(each, each) for each in shape]
        if name == "lm_head.weight" or "embed" in name:
            shape[0] = 96
        stem = name.removesuffix(".weight")
        if name.endswith("proj.weight"):
            parts, numbers = quantized(method, shape[1], shape[0], 32, at % 2 == 0, at)
            tensors |= {f"{stem}.{key}": each for key, each in parts.items()}
            plain[name] = stored(numbers)
        else:
            tensors[name] = plain[name] = stored(drawn(name, tuple(shape)))
    about = {**config, "quantization_config": {**METHODS[method], "group_size": 32}}
    folder.write(Weights("a", tensors, about), str(tmp_path / "packed"))
    folder.write(Weights("a", plain, config), str(tmp_path / "plain"))
    tokens = [5, 60, 7, 33, 8]
    wanted = tf.language.load(tmp_path / "plain", length=16).logits(tokens)
    model = tf.language.load(tmp_path / "packed", length=16)
    found = model.logits(tokens)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    assert model._program.decoder.weights.layers[0].up.matrix.format in ("Q4_0", "Q5_0")


def test_other_ways_are_refused_by_name():
    parts, _ = quantized("gptq", 128, 8, 64, True)
    refused = tf.errors.UnimplementedError
    with pytest.raises(refused, match="config.json: .*'bits': .*Found 3"):
        read("gptq", parts, bits=3)
    with pytest.raises(refused, match="'quant_method': expected awq or gptq. Found 'hqq'"):
        read("gptq", parts, quant_method="hqq")
    with pytest.raises(refused, match="marlin"):
        read("gptq", parts, checkpoint_format="marlin")
    turned = {**parts, "g_idx": stored(parts["g_idx"].array()[::-1].copy())}
    with pytest.raises(refused, match="desc_act"):
        read("gptq", turned)


@pytest.mark.parametrize("part", ["qzeros", "scales"])
def test_parts_that_do_not_fit_are_refused(part):
    parts, _ = quantized("gptq", 128, 8, 64, True)
    cut = {**parts, part: stored(parts[part].array()[:1].copy())}
    with pytest.raises(tf.errors.DataLossError, match=r"folder: tensor 'a.qweight'.*do not fit"):
        read("gptq", cut)
    del cut[part]
    with pytest.raises(tf.errors.DataLossError, match=f"there is no '{part}'"):
        read("gptq", cut)
