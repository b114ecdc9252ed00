"""Decoders of every family compute transformers' logits, whole, in pieces over the cache, and among other sequences."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.graph.members.repetition import Repetition
from penstock._src.language.families.hugging_face import architecture_of
from penstock._src.language.network.cache import attending_all
from penstock._src.language.network.decoder import Decoder
from penstock._src.language.network.program import Program
from penstock._src.language.weights.finding import Finder
from penstock._src.language.weights.loading import load
from tests.language.tiny import ENCODERS, KEPT, TOKENS, logits_of, models, weights_of

SPAN = np.arange(32, dtype=np.int32)
NAMES = sorted(name for name in models() if name not in ENCODERS)


def program_of(weights, length=32):
    architecture = architecture_of(weights.metadata, weights.path)
    finder = Finder(weights, architecture.family, is_gguf=False, packs=True)
    return Program(Decoder(architecture, load(finder, architecture)), length)


def check(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_those_of_transformers(name):
    program = program_of(weights_of(name))
    found = program.whole(tf.constant(TOKENS))["logits"]
    check(found.numpy()[KEPT], logits_of(name))


@pytest.mark.parametrize("name", ENCODERS)
def test_values_of_an_encoder_are_those_of_transformers(name):
    weights = weights_of(name)
    architecture = architecture_of(weights.metadata, weights.path)
    finder = Finder(weights, architecture.family, is_gguf=False, packs=True)
    encoder = Decoder(architecture, load(finder, architecture))
    rows = np.stack([np.pad(TOKENS, (0, 3)), np.pad(TOKENS[:9], (0, 18))])

    @tf.function
    def values(tokens, lengths):
        attend = attending_all(architecture, tokens, lengths)
        return encoder.values(tokens, tf.range(tf.shape(tokens)[1])[None], attend)

    found = values(rows, np.int32([24, 9])).numpy()
    check(found[0, KEPT], logits_of(name))
    check(found[1, :9], values(rows[1:, :9], np.int32([9]))[0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="an encoder"):
        encoder.logits(found)


# One of each kind of attention: all tokens, windows of some layers, shared heads, learned positions, queries that grow with these.
@pytest.mark.parametrize("name", ["llama", "gemma3", "gpt2", "cohere2", "opt", "ministral3"])
def test_cached_pieces_and_tokens_give_the_same(name):
    program, wanted = program_of(weights_of(name)), logits_of(name)
    program.reset(3, 32)
    pieces = [
        program.prefill(TOKENS[:7], 1, 0, 6, SPAN),
        program.prefill(TOKENS[7:12], 1, 7, 4, SPAN),
    ]
    check(pieces[0]["logits"], wanted[1])
    check(pieces[1]["logits"], wanted[2])
    scored = program.score(TOKENS[7:12], 2, 7, SPAN)["logits"]  # over what a slot of its own has
    program.score(TOKENS[:7], 2, 0, SPAN)
    assert np.abs(scored[4] - wanted[2]).max() > 1e-3
    check(program.score(TOKENS[7:12], 2, 7, SPAN)["logits"][4], wanted[2])
    for at in range(12, 24):
        row, position = np.array([5, TOKENS[at]], np.int32), np.array([0, at], np.int32)
        found = program.decode(row, position, SPAN)["logits"][1]
        if at in KEPT:
            check(found, wanted[KEPT.index(at)])


@pytest.mark.parametrize("name", ["llama", "gemma3", "qwen3", "gpt2"])
def test_layers_are_copied_in_the_graph_that_tracing_each_would_give(name, monkeypatch):
    copied, runs = program_of(weights_of(name)), []
    layer = Decoder._layer
    monkeypatch.setattr(
        Decoder, "_layer", lambda self, *args: runs.append(args) or layer(self, *args)
    )
    graphs = [copied.decode.get_concrete_function().graph]
    count = len(copied.decoder.weights.layers)
    assert (
        0 < len(runs) < count or name == "gemma3"
    )  # each of whose two layers has a window of its own
    monkeypatch.setattr(Repetition, "call", lambda self, function, x, *outer: function(x))
    graphs.append(program_of(weights_of(name)).decode.get_concrete_function().graph)
    assert len(runs) > count
    found, wanted = (
        [(op.type, *map(str, op.raw_op.attrs.items())) for op in graph.get_operations()]
        for graph in graphs
    )
    assert found == wanted
    found, wanted = (
        [[positions[t.op] for t in op.inputs] for op in positions]
        for positions in (
            {op: at for at, op in enumerate(graph.get_operations())} for graph in graphs
        )
    )
    assert found == wanted


def test_one_program_serves_all_lengths():
    program = program_of(weights_of("llama"))
    program.reset(1, 32)
    for count in (3, 5, 9, 4):
        program.prefill(TOKENS[:count], 0, 0, count - 1, SPAN[: count + 8])
        program.decode(TOKENS[:1], np.int32([count]), SPAN[: count + 8])
    for function in (program.prefill, program.decode):
        assert function.experimental_get_tracing_count() == 1


def test_an_output_that_is_missing_is_not_taken_for_tied():
    weights = weights_of("llama")
    del weights.tensors["lm_head.weight"]
    with pytest.raises(tf.errors.NotFoundError, match=r"llama: .*'lm_head.weight'"):
        program_of(weights)


def test_tensors_of_other_shapes_are_named():
    weights = weights_of("llama")
    weights.metadata["intermediate_size"] = 50
    message = (
        r"'model.layers.0.mlp.gate_proj.weight': expected the shape \[50, 32\]. Found \[48, 32\]"
    )
    with pytest.raises(tf.errors.DataLossError, match=message):
        program_of(weights)


@pytest.mark.parametrize("name", ["llama", "gemma3", "olmo2"])
def test_tensors_that_no_layer_reads_are_refused_by_name(name):
    weights = weights_of(name)
    extra = "model.layers.1.self_attn.sinks"
    weights.tensors[extra] = weights.tensors["model.norm.weight"]
    with pytest.raises(tf.errors.UnimplementedError, match=f"{name}: .*'{extra}'"):
        program_of(weights)


def test_tables_that_follow_from_the_configuration_are_not_read():
    weights = weights_of("llama")
    weights.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = weights.tensors[
        "model.norm.weight"
    ]
    found = program_of(weights).whole(tf.constant(TOKENS))["logits"]
    check(found.numpy()[KEPT], logits_of("llama"))


def test_a_norm_that_is_missing_is_named():
    weights = weights_of("llama")
    del weights.tensors["model.layers.1.input_layernorm.weight"]
    with pytest.raises(tf.errors.NotFoundError, match=r"'model.layers.1.input_layernorm.weight'"):
        program_of(weights)
