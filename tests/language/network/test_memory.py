"""The memory that is said to be needed is what is taken, and too much of it is refused before any is."""

import gc

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values import memory_limit
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.weights.stored import Weights, stored
from penstock._src.formats.weights.types import TYPES
from penstock._src.language.sampling import Sampling
from penstock._src.runtime.sized import SizedProgram

pytest.importorskip("tokenizers")
WIDTH, INNER, HEADS, SHARED, LAYERS, VOCABULARY = 128, 384, 4, 2, 3, 512
SIZE = WIDTH // HEADS


def llama():
    """A llama of a few layers as a GGUF file has it, without a tokenizer."""
    random = np.random.default_rng(0)
    shapes = {"token_embd": (VOCABULARY, WIDTH), "output_norm": (WIDTH,)}
    for at in range(LAYERS):
        shapes |= {f"blk.{at}.{name}": (WIDTH,) for name in ("attn_norm", "ffn_norm")}
        shapes |= {f"blk.{at}.attn_{name}": (WIDTH, WIDTH) for name in ("q", "output")}
        shapes |= {f"blk.{at}.attn_{name}": (SHARED * SIZE, WIDTH) for name in "kv"}
        shapes |= {f"blk.{at}.ffn_{name}": (INNER, WIDTH) for name in ("gate", "up")}
        shapes |= {f"blk.{at}.ffn_down": (WIDTH, INNER)}
    drawn = {
        f"{n}.weight": random.standard_normal(s).astype(np.float32) * 0.1 for n, s in shapes.items()
    }
    tensors = {
        name: stored(each).stored_as(TYPES["Q8_0"]) if each.ndim == 2 else stored(each)
        for name, each in drawn.items()
    }
    facts = {
        "block_count": LAYERS,
        "context_length": 8192,
        "embedding_length": WIDTH,
        "feed_forward_length": INNER,
        "attention.head_count": HEADS,
        "attention.head_count_kv": SHARED,
        "rope.freq_base": 10000.0,
        "attention.layer_norm_rms_epsilon": 1e-5,
    }
    metadata = {"general.architecture": "llama"} | {f"llama.{k}": v for k, v in facts.items()}
    return Weights("llama", tensors, metadata)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("models") / "llama.gguf")
    write(llama(), path)
    return path


def temporaries():
    """The most bytes of temporaries of the programs that there are."""
    programs = [each for each in gc.get_objects() if issubclass(type(each), SizedProgram)]
    return max(each.arena_bytes for each in programs)


@pytest.mark.own_process
@pytest.mark.parametrize("cache", ["float32", "float16", "int8"])
def test_a_cache_takes_what_is_said(path, cache):
    said = tf.language.memory(path, length=700, cache=cache)
    model = tf.language.load(path, length=700, cache=cache)
    assert said.cache == 700 * said.cache_per_token
    list(model.tokens(np.arange(600) % VOCABULARY, Sampling(temperature=0.0), 20))
    held = model._program.cache
    assert said.cache == sum(v.numpy().nbytes for v in (*held._numbers, *held._scales))
    assert 0.8 < said.activations / temporaries() < 3


def test_weights_are_in_the_file_or_copied(path):
    said, unpacked = (tf.language.memory(path, packed=packed) for packed in (True, False))
    weights = llama()
    reordered = LAYERS * (WIDTH + SHARED * SIZE) * WIDTH // 32 * 34
    assert said.copied == reordered and said.mapped + said.copied == weights.bytes
    assert unpacked.copied == sum(
        np.prod(t.shape) * 4 for t in weights.tensors.values() if len(t.shape) == 2
    )


def test_more_sequences_have_more_caches(path):
    one, many = (tf.language.memory(path, sequences=n, length=64) for n in (1, 16))
    assert many.cache == 16 * one.cache and many.mapped == one.mapped
    assert f"{one.cache_per_token:,} bytes a token" in str(one)


@pytest.mark.own_process
@pytest.mark.parametrize("recompute", [False, True])
def test_a_step_of_training_takes_what_is_said(path, recompute):
    lora = tf.language.load(path, length=300).enable_lora(4, seed=0, recompute=recompute)
    tokens = np.arange(4 * 200, dtype=np.int32).reshape(4, 200) % VOCABULARY
    lora.train_step(tokens, np.ones((4, 200), np.float32), 1e-3)
    said = lora.memory(4, 200)
    assert 0.6 < said.activations / temporaries() < 1.6
    assert said.moments == 2 * sum(v.numpy().nbytes for v in lora._variables)


@pytest.fixture
def little_memory():
    tf.config.experimental.set_memory_limit(memory_limit.used() + (8 << 20))
    yield
    tf.config.experimental.set_memory_limit(None)


def test_too_long_a_cache_is_refused_before_it_is_taken(path, little_memory):
    with pytest.raises(tf.errors.ResourceExhaustedError, match="needs .* MB .* cache .*length"):
        tf.language.load(path, length=8192)
    assert tf.language.load(path, length=128).length == 128


def test_too_large_a_step_is_refused_before_it_begins(path, little_memory):
    lora = tf.language.load(path, length=256).enable_lora(4, seed=0)
    before = [v.numpy() for v in lora.trainable_variables]
    with pytest.raises(tf.errors.ResourceExhaustedError, match="fit: .*batch_size"):
        lora.fit([list(range(200))] * 8, batch_size=8)
    for variable, value in zip(lora.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_what_the_system_has_is_asked_for(tmp_path, monkeypatch):
    file = tmp_path / "meminfo"
    file.write_text("MemTotal: 100 kB\nMemAvailable: 3 kB\n")
    monkeypatch.setattr(memory_limit, "_SYSTEM", file)
    assert memory_limit.available() == 3 << 10
