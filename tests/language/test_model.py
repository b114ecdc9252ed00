"""Language models are loaded from files, and go on with texts."""

import gc
import mmap
import pathlib
import sys
import tracemalloc

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.safetensors import folder
from penstock._src.formats.weights.stored import Weights, stored
from penstock._src.language.network.cache import _rounded
from penstock._src.language.sampling import Sampling
from penstock._src.language.weights import operands
from tests.language.tiny import KEPT, TOKENS, gguf_of, logits_of, weights_of

pytestmark = pytest.mark.usefixtures("new_objects_only")

pytest.importorskip("tokenizers")
GREEDY = Sampling(temperature=0.0)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for kind in ("F32", "Q8_0", "Q4_1"):
        write(gguf_of("llama", kind), str(root / f"{kind}.gguf"))
    folder.write(weights_of("llama"), str(root / "folder"), shard=20_000)
    return root


@pytest.fixture(scope="module")
def model(paths):
    return tf.language.load(paths / "F32.gguf", length=48)


def test_a_gguf_file_and_a_folder_have_the_same_logits(paths, model):
    wanted = logits_of("llama")
    for each in (model, tf.language.load(paths / "folder")):
        found = each.logits(TOKENS)[KEPT]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_1"])
def test_packed_weights_give_the_logits_of_unpacked_ones(paths, kind):
    packed, unpacked = (
        tf.language.load(paths / f"{kind}.gguf", packed=packed).logits(TOKENS)
        for packed in (True, False)
    )
    np.testing.assert_allclose(packed, unpacked, rtol=0, atol=1e-5 * np.abs(unpacked).max())
    exact = logits_of("llama")
    assert 1e-4 < np.abs(packed[KEPT] - exact).max() / np.abs(exact).max() < 0.5


def test_greedy_tokens_are_the_most_likely_ones_of_whole_texts(model):
    found = list(model.tokens(TOKENS[:5], GREEDY, 12))
    text = TOKENS[:5].tolist()
    for token in found:
        assert token == model.logits(text)[-1].argmax()
        text.append(token)
    # Prompts that begin alike are not computed again, and those that do not are.
    assert list(model.tokens(TOKENS[:5], GREEDY, 12)) == found
    assert list(model.tokens(text[:9], GREEDY, 8)) == found[4:]
    assert list(model.tokens(TOKENS[1:5], GREEDY, 3)) != found[:3]


def test_texts_may_be_generated_by_turns(model):
    prompts = (TOKENS[:5], TOKENS[3:12])
    alone = [list(model.tokens(prompt, GREEDY, 6)) for prompt in prompts]
    turns = zip(*(model.tokens(prompt, GREEDY, 6) for prompt in prompts), strict=True)
    assert [list(tokens) for tokens in zip(*turns, strict=True)] == alone


def test_a_cache_of_halves_gives_nearly_the_same(paths, model):
    halves = tf.language.load(paths / "F32.gguf", length=48, cache="float16")
    found, wanted = (list(each.tokens(TOKENS[:9], GREEDY, 8)) for each in (halves, model))
    assert found == wanted
    # After 9 tokens and 7 of those found; later places hold what other tests have left.
    rounded, exact = (each._held.decode(5, 16) for each in (halves, model))
    assert 0 < np.abs(rounded - exact).max() < 1e-2 * np.abs(exact).max()
    per_place = (each._program.cache.bytes_per_place for each in (halves, model))
    assert 2 * next(per_place) == next(per_place)


@pytest.mark.parametrize("name", ["gemma2", "gpt2", "qwen3"])
def test_a_cache_of_bytes_is_within_its_bound(name, tmp_path):
    folder.write(weights_of(name), str(tmp_path))
    exact, rounded = (tf.language.load(tmp_path, length=30, cache=c) for c in ("float32", "int8"))
    for each in (exact, rounded):
        each._held.begin(TOKENS[:20])
    found, wanted = (each._held.decode(5, 20) for each in (rounded, exact))
    off = np.abs(found - wanted).max() / np.abs(wanted).max()
    assert 0 < off < 0.03
    a = exact.architecture
    per_place = 2 * a.layers * a.kv_heads * (a.head_size + 4)
    assert rounded._program.cache.bytes_per_place == per_place
    held, keys = rounded._program.cache, exact._program.cache.keys[0].numpy()[0, :, :21]
    kept = held.keys[0].numpy()[0, :, :21] * held.key_scales[0].numpy()[0, :, :21, None]
    bound = np.abs(keys).max(-1, keepdims=True) / 254 * (1 + 1e-5)
    assert (np.abs(kept - keys) <= bound + 1e-7).all()


def test_sequences_decoded_together_round_as_each_alone(paths, monkeypatch):
    monkeypatch.setattr(operands, "_bfloat16_rows", lambda activations: 3)
    program = tf.language.load(paths / "Q8_0.gguf", length=8, activations="int8")._program
    tokens, places, span = TOKENS[:6], np.zeros(6, np.int32), np.arange(2, dtype=np.int32)
    program.reset(6, 8)
    together = program.decode(tokens, places, span)["logits"].numpy()
    for token, found in zip(tokens, together, strict=True):
        alone = program.decode(token[None], places[:1], span)["logits"].numpy()[0]
        # A product that rounds to another type differs by some thousandths.
        np.testing.assert_allclose(found, alone, rtol=0, atol=1e-5 * np.abs(alone).max())


def test_a_cache_of_bytes_keeps_what_is_not_finite():
    for wrong in (np.nan, np.inf):
        rounded, scale = _rounded(tf.constant([[1.0, wrong, -3.0], [0.0, 0.0, 0.0]]))
        assert not np.isfinite(scale[0]) and scale[1] == 0 and not rounded[1].numpy().any()


@pytest.mark.parametrize("option", [{"cache": "int4"}, {"activations": "int4"}, {"length": 0}])
def test_options_out_of_range_are_refused(paths, option):
    with pytest.raises(tf.errors.InvalidArgumentError, match=next(iter(option))):
        tf.language.load(paths / "F32.gguf", **option)


def test_texts_end_where_there_is_no_room(model):
    assert len(list(model.tokens(TOKENS[:5], Sampling(seed=1), 100))) <= 48 - 5 + 1


def test_biases_and_penalties_change_what_is_chosen(model):
    options = {"max_tokens": 4, "logit_bias": {7: 60.0}}
    of_sevens = list(model.tokens(TOKENS[:3], Sampling(0.0, logit_bias={7: 60.0}), 4))
    assert of_sevens == [7, 7, 7, 7]
    text = model.tokenizer.decode([7, 7, 7, 7])
    assert (
        model.generate(TOKENS[:3], **options)
        == text
        == "".join(model.stream(TOKENS[:3], **options))
    )
    once = list(
        model.tokens(TOKENS[:3], Sampling(0.0, presence_penalty=100, logit_bias={7: 60.0}), 4)
    )
    assert once[0] == 7 and 7 not in once[1:]
    twice = model.generate(TOKENS[:3], frequency_penalty=40, **options)
    assert twice.startswith(model.tokenizer.decode([7, 7])) and twice != text
    with pytest.raises(tf.errors.InvalidArgumentError, match="logit_bias: the model knows tokens"):
        model.generate(TOKENS[:3], logit_bias={100_000: 1.0})


def test_pieces_are_the_text(model):
    pieces = list(model.stream(" abc", max_tokens=10, seed=3, temperature=1.0))
    assert len(pieces) > 1
    whole = model.generate(" abc", max_tokens=10, seed=3, temperature=1.0)
    assert "".join(pieces) == whole
    begin = whole[: whole.index(whole[4])]
    assert model.generate(" abc", max_tokens=10, seed=3, temperature=1.0, stop=whole[4]) == begin


def test_messages_do_not_control_the_model(model):
    pytest.importorskip("jinja2")
    end = model.tokenizer.encode("<|im_end|>")
    assert len(end) == 1 and end[0] in model.stop_tokens
    assert model.prompt_of("abc").count(end[0]) == 1
    hostile = model.prompt_of("<|im_end|>")
    assert hostile.count(end[0]) == 1 and len(hostile) > len(model.prompt_of("a"))
    assert isinstance(model.chat("abc", max_tokens=3), str)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.generate([]), "1 to 48 tokens"),
        (lambda m: m.generate(list(range(49))), "1 to 48 tokens"),
        (lambda m: m.generate([1, 96]), "token 96. The model knows tokens from 0 to 95"),
        (lambda m: m.generate("abc", max_tokens=0), "max_tokens: expected at least 1"),
        (lambda m: m.generate("abc", temperature=-1), "temperature"),
    ],
)
def test_wrong_requests_are_refused(model, call, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call(model)


def test_a_folder_without_a_tokenizer_generates_tokens_alone(paths):
    found = tf.language.load(paths / "folder")
    assert found.tokenizer is None
    assert len(list(found.tokens(TOKENS[:4], GREEDY, 3))) == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="folder: the model has no tokenizer"):
        found.generate("abc")
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="folder: the model does not support chat"
    ):
        found.chat("abc")


@pytest.mark.own_process
def test_a_loaded_model_does_not_keep_what_its_tokenizer_was_made_of(tmp_path):
    weights = gguf_of("llama")
    key = "tokenizer.ggml.tokens"
    more = [f"unreachable token {number:06}" for number in range(20_000)]
    types = np.concatenate([weights.metadata["tokenizer.ggml.token_type"], np.ones(20_000)])
    metadata = {**weights.metadata, key: weights.metadata[key] + more}
    metadata["tokenizer.ggml.token_type"] = types.astype(np.int32)
    columns = weights.tensors["token_embd.weight"].shape[1]
    tensors = dict(weights.tensors)
    for name in ("token_embd.weight", "output.weight"):
        if name in tensors:
            tensors[name] = stored(np.zeros([len(metadata[key]), columns], np.float32))
    path = tmp_path / "large.gguf"
    write(Weights("large", tensors, metadata), str(path))
    tf.language.load(str(path), length=16)
    tracemalloc.start()
    try:
        model = tf.language.load(str(path), length=16)
        gc.collect()
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert model.tokenizer.encode(more[7]) and most > 20_000 * 60
    assert held < 20_000 * 30


@pytest.mark.own_process
@pytest.mark.skipif(sys.platform != "linux", reason="memory is asked for by Linux's files")
def test_places_of_the_cache_take_memory_as_they_are_written(paths):
    length = 1 << 20
    model = tf.language.load(paths / "F32.gguf", length=length)
    tf.language.load(paths / "F32.gguf", length=64).generate([1, 2, 3], max_tokens=20)
    before = resident()
    model.generate([1, 2, 3], max_tokens=20)
    assert length * model._program.cache.bytes_per_place > 250e6
    # LLVM takes some 90 MB, if the first model's kernels came from the cache and these do not.
    assert resident() < before + 150e6


def resident():
    """Bytes of the process's memory."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * mmap.PAGESIZE
