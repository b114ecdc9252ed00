"""GGUF files are served: several sequences at a time have the tokens that the model gives each alone."""

import threading
from dataclasses import replace

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.gguf.writing import write
from penstock._src.language.sampling import Sampling
from penstock._src.serving.generation.generator import Generator
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.generation.sequence import on_thread
from penstock._src.serving.servables.formats import table
from penstock._src.serving.servables.servable import Room
from tests.language.tiny import TOKENS, gguf_of

pytest.importorskip("tokenizers")
GREEDY = Sampling(temperature=0.0)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    pytest.importorskip("jinja2")
    folder = tmp_path_factory.mktemp("model")
    write(gguf_of("llama", "Q8_0"), str(folder / "tiny.gguf"))
    return folder


@pytest.fixture(
    scope="module", params=[("float32", "float32"), ("int8", "float32"), ("float32", "int8")]
)
def served(path, request):
    room = Room(3, 40, cache=request.param[0], activations=request.param[1])
    servable = table.load(str(path), room=room)  # the folder of one file
    made = Generator(servable, GenerationOptions())
    yield made, room
    made.engine.close().wait()


def test_sequences_together_have_the_tokens_that_each_has_alone(path, served):
    generator, room = served
    options = {"cache": room.cache, "activations": room.activations}
    model = tf.language.load(path / "tiny.gguf", length=40, **options)
    prompts = [TOKENS[at : at + count].tolist() for at, count in ((0, 3), (2, 9), (5, 1), (1, 14))]
    running = [
        generator.start(prompt, GREEDY, 10, (), on_thread, threading.Event()) for prompt in prompts
    ]
    for prompt, sequence in zip(prompts, running, strict=True):
        assert sequence.waiter.wait(60) and sequence.error is None
        assert sequence.tokens == list(model.tokens(prompt, GREEDY, 10))


@pytest.mark.parametrize("activations", ["float32", "int8"])
def test_long_prompts_are_computed_in_larger_pieces_with_the_same_tokens(
    tmp_path, activations, monkeypatch
):
    file = gguf_of("llama", "Q8_0")
    metadata = {**file.metadata, "llama.context_length": 480}
    write(replace(file, metadata=metadata), str(tmp_path / "tiny.gguf"))
    room = Room(3, 480, activations=activations, prefix_bytes=0)
    made = Generator(table.load(str(tmp_path), room=room), GenerationOptions(room=room))
    sizes, prefill = [], made.engine.model.prefill

    def counted(slot, start, tokens):
        sizes.append(len(tokens))
        return prefill(slot, start, tokens)

    monkeypatch.setattr(made.engine.model, "prefill", counted)
    prompt = np.resize(TOKENS, 300).tolist()

    def started(prompt, count):
        return made.start(prompt, GREEDY, count, (), on_thread, threading.Event())

    def tokens_of(sequence):
        assert sequence.waiter.wait(60) and sequence.error is None
        return sequence.tokens

    alone = tokens_of(started(prompt, 20))
    assert sizes == [128, 128, 44]
    sizes.clear()
    # The other sequence awaits tokens while the long prompt is computed.
    other = started(prompt[:1], 400)
    while not other.tokens:
        assert not other.waiter.wait(0.001)
    assert tokens_of(started(prompt, 20)) == alone
    assert 64 in sizes
    other.is_cancelled = True
    made.engine.close().wait()


def test_conversations_take_the_template_of_the_file(path, served):
    generator, _ = served
    model = tf.language.load(path / "tiny.gguf", length=40)
    assert generator.chats and generator.generation.stop_tokens == model.stop_tokens
    assert generator.prompt_of([{"role": "user", "content": "abc"}]) == model.prompt_of("abc")
    hostile = generator.prompt_of([{"role": "user", "content": "<|im_end|>"}])
    assert hostile.count(model.tokenizer.encode("<|im_end|>")[0]) == 1


def test_the_size_is_what_the_model_takes(path):
    room = Room(3, 11, cache="float16")
    said = tf.language.memory(path / "tiny.gguf", sequences=3, length=11, cache="float16")
    assert table.size(str(path), room) == said.total + room.prefix_bytes
    per_token = 2 * 2 * 2 * 8 * 2  # keys and values, layers, heads, size, bytes
    assert said.cache == 3 * 11 * per_token


def test_bytes_take_about_a_quarter(path):
    one, other = (
        tf.language.memory(path / "tiny.gguf", length=1000, cache=cache).cache
        for cache in ("float32", "int8")
    )
    assert other == one / (8 * 4) * (8 + 4)
    with pytest.raises(tf.errors.InvalidArgumentError, match="cache of float32 or float16 or int8"):
        GenerationOptions(room=Room(cache="int4"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="activations of float32 or bfloat16"):
        GenerationOptions(room=Room(activations="int4"))
