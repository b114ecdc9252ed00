"""Searches for texts by the graphs of a decoder, or of an encoder and a decoder, beside ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value
from tests.formats.onnx.reading.ops.microsoft.beside import MICROSOFT, floats

WORDS, HEADS, SIZE = 11, 2, 4
WIDTH = HEADS * SIZE
END, FILL, START = 3, 0, 1
PAST = [f"past_{kind}_{of}_0" for of in ("self", "cross") for kind in ("key", "value")]
PRESENT = [name.replace("past", "present") for name in PAST]
TEXTS = np.array([[5, 7, 2], [0, 6, 4], [9, 9, 9]], np.int32)


def decoder(seed):
    """A decoder of one layer: tokens, positions, a mask and a past."""
    nodes = [
        node("Gather", "words input_ids", "w"),
        node("Gather", "places position_ids", "p"),
        node("Add", "w p", "x"),
        node(
            "Attention",
            "x weights bias attention_mask past_0",
            "y present_0",
            domain=MICROSOFT,
            num_heads=HEADS,
            unidirectional=1,
        ),
        node("Add", "x y", "z"),
        node("MatMul", "z out", "logits"),
    ]
    inputs = [
        value("input_ids", ["b", "s"], dtypes.int32),
        value("position_ids", ["b", "s"], dtypes.int32),
        value("attention_mask", ["b", "t"], dtypes.int32),
        value("past_0", [2, "b", HEADS, "q", SIZE]),
    ]
    outputs = [
        value("logits", ["b", "s", WORDS]),
        value("present_0", [2, "b", HEADS, "r", SIZE]),
    ]
    weights = {
        "words": floats(WORDS, WIDTH, seed=seed),
        "places": floats(32, WIDTH, seed=seed + 1),
        "weights": floats(WIDTH, 3 * WIDTH, seed=seed + 2, scale=0.5),
        "bias": floats(3 * WIDTH, seed=seed + 3),
        "out": floats(WIDTH, WORDS, seed=seed + 4, scale=0.5),
    }
    return graph(nodes, inputs, outputs, **weights)


def cross_attention(prefix, x):
    """Nodes from queries `x` to scores of tokens, by the keys and values of the encoder."""
    return [
        node("Transpose", f"{prefix}_key_cross_0", "kt", perm=[0, 1, 3, 2]),
        node("Unsqueeze", f"{x} one", "q"),
        node("MatMul", "q kt", "scores"),
        node("Cast", "encoder_attention_mask", "m", to=1),
        node("Unsqueeze", "m axes", "seen"),
        node("Log", "seen", "hidden"),
        node("Add", "scores hidden", "masked"),
        node("Softmax", "masked", "weights_c", axis=-1),
        node("MatMul", f"weights_c {prefix}_value_cross_0", "heads_c"),
        node("ReduceSum", "heads_c one", "c", keepdims=0),
        node("Add", f"{x} c", "z"),
        node("MatMul", "z out", "logits"),
    ]


def encoder_and_decoder(seed, last_only):
    """Graphs of one layer: keys and values of the encoder, and of the decoder's tokens so far."""
    weights = {
        "words": floats(WORDS, SIZE, seed=seed),
        "out": floats(SIZE, WORDS, seed=seed + 4),
        "keys": floats(1, 1, SIZE, SIZE, seed=seed + 1),
        "one": np.int64([1]),
        "axes": np.int64([1, 2]),
    }
    source = [
        value(f"encoder_{n}", ["b", "s"], dtypes.int32) for n in ("input_ids", "attention_mask")
    ]
    past = ["b", 1, "n", SIZE]
    own = [node("Gather", "words tokens", "e"), node("Unsqueeze", "e one", "new")]
    encoder = graph(
        [
            node("Gather", "words encoder_input_ids", "encoder_hidden_states"),
            node("Unsqueeze", "encoder_hidden_states one", "present_value_cross_0"),
            node("MatMul", "present_value_cross_0 keys", "present_key_cross_0"),
            node("Identity", "decoder_input_ids", "tokens"),
            *own,
            node("Identity", "new", "present_key_self_0"),
            node("Identity", "new", "present_value_self_0"),
            *cross_attention("present", "e"),
        ],
        [*source, value("decoder_input_ids", ["b", "d"], dtypes.int32)],
        [
            value("logits", ["b", "d", WORDS]),
            value("encoder_hidden_states", ["b", "s", SIZE]),
            *(value(name, past) for name in PRESENT),
        ],
        **weights,
    )
    ids = value("input_ids", ["b", 1 if last_only else "d"], dtypes.int32)
    decoder = graph(
        [
            node("Slice", "input_ids start end one", "tokens"),
            *own,
            node("Concat", "past_key_self_0 new", "present_key_self_0", axis=2),
            node("Concat", "past_value_self_0 new", "present_value_self_0", axis=2),
            node("ReduceMean", "present_value_self_0", "x", axes=[2], keepdims=1),
            node("Squeeze", "x one", "x3"),
            *cross_attention("past", "x3"),
        ],
        [
            ids,
            source[1],
            value("encoder_hidden_states", ["b", "s", SIZE]),
            *(value(name, past) for name in PAST),
        ],
        [
            value("logits", ["b", 1, WORDS]),
            *(value(name, past) for name in PRESENT[:2]),
        ],
        start=np.int64([-1]),
        end=np.int64([2**31]),
        **weights,
    )
    return encoder, decoder


def both(op_type, given, outputs, constants=(), **attributes):
    """The outputs there and here."""
    names = [name if array is not None else "-" for name, array in given.items()]
    there = {name: array for name, array in given.items() if array is not None}
    kinds = {"sequences": dtypes.int32}
    shapes = {
        "sequences": ["b", "l"] if op_type == "GreedySearch" else ["b", "r", "l"],
        "sequences_scores": ["b", "r"],
        "scores": ["t", "b", "k", "v"],
    }
    proto = model(
        graph(
            [
                node(
                    op_type,
                    " ".join(names),
                    " ".join(outputs),
                    domain=MICROSOFT,
                    eos_token_id=END,
                    pad_token_id=FILL,
                    **attributes,
                )
            ],
            [
                value(k, [f"{k}{i}" for i in range(a.ndim)], dtypes.as_dtype(a.dtype))
                for k, a in there.items()
                if k not in constants
            ],
            [value(k, shapes[k], kinds.get(k, dtypes.float32)) for k in outputs],
            **{k: there[k] for k in constants if k in there},
        ),
        version=17,
    )
    proto.opset_import.add(domain=MICROSOFT, version=1)
    proto.ir_version = 8
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    fed = {k: a for k, a in there.items() if k not in constants}
    function = read_proto(proto).signatures["serving_default"]
    here = function(**{k: tf.constant(a) for k, a in fed.items()})
    return session.run(None, fed), [here[k].numpy() for k in outputs]


def same(op_type, given, outputs=("sequences",), **options):
    """The search finds the same there and here."""
    there, here = both(op_type, given, outputs, **options)
    for name, found, expected in zip(outputs, here, there, strict=True):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        if op_type == "GreedySearch":
            # ONNX Runtime leaves the columns after the last text's end as they are in memory.
            count = 1 + np.flatnonzero((found != FILL).any(0))[-1]
            found, expected = found[:, :count], expected[:, :count]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=name)
    return here


def greedy(**others):
    given = {"input_ids": TEXTS, "max_length": np.int32([9])}
    order = (
        "min_length",
        "repetition_penalty",
        "vocab_mask",
        "prefix_vocab_mask",
        "attention_mask",
    )
    return {**given, **{name: others.get(name) for name in order}}


def beams(**others):
    given = {
        "input_ids": TEXTS,
        "max_length": np.int32([9]),
        "min_length": np.int32([0]),
        "num_beams": np.int32([3]),
        "num_return_sequences": np.int32([2]),
    }
    order = (
        "length_penalty repetition_penalty vocab_mask prefix_vocab_mask attention_mask "
        "decoder_input_ids logits_processor"
    )
    return {**given, **dict.fromkeys(order.split()), "length_penalty": np.float32([1]), **others}


SETTINGS = {
    "nothing": {},
    "a least length": {"min_length": np.int32([6])},
    "a penalty": {"repetition_penalty": np.float32([1.7])},
    "allowed tokens": {"vocab_mask": np.int32([1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1])},
    "allowed first tokens": {
        "prefix_vocab_mask": np.random.default_rng(1).integers(0, 2, (3, WORDS)).astype(np.int32)
    },
    "a mask": {"attention_mask": np.array([[1, 1, 1], [0, 1, 1], [1, 0, 1]], np.int32)},
}


@pytest.mark.parametrize(("seed", "setting"), enumerate(SETTINGS))
def test_the_likeliest_token_each_time(setting, seed):
    same("GreedySearch", greedy(**SETTINGS[setting]), decoder=decoder(10 * seed))


@pytest.mark.parametrize("size", [1, 2])
def test_no_sequence_occurs_twice(size):
    same("GreedySearch", greedy(), decoder=decoder(30), no_repeat_ngram_size=size)


def test_a_text_that_ended_is_filled_up():
    found = [same("GreedySearch", greedy(), decoder=decoder(10 * seed))[0] for seed in range(3)]
    assert any((rows[:, -1] == FILL).any() for rows in found)


@pytest.mark.parametrize(("seed", "setting"), enumerate([*SETTINGS, "a power"]))
def test_the_best_beams(setting, seed):
    chosen = {"a power": {"length_penalty": np.float32([0.3])}, **SETTINGS}[setting]
    outputs = ("sequences", "sequences_scores")
    same("BeamSearch", beams(**chosen), outputs, decoder=decoder(10 * seed))


@pytest.mark.parametrize("early", [0, 1])
def test_scores_of_every_step(early):
    outputs = ("sequences", "sequences_scores", "scores")
    same("BeamSearch", beams(), outputs, decoder=decoder(20), early_stopping=early)


def test_settings_that_are_constants():
    fixed = ("max_length", "num_beams", "num_return_sequences")
    same("BeamSearch", beams(), decoder=decoder(20), constants=fixed, no_repeat_ngram_size=2)


@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("setting", ["nothing", "a mask", "first tokens"])
def test_beams_of_an_encoder_and_a_decoder(last_only, setting):
    first = {"decoder_input_ids": np.array([[1, 4]] * 3, np.int32)}
    chosen = first if setting == "first tokens" else SETTINGS[setting]
    encoder, decoder = encoder_and_decoder(5, last_only)
    same(
        "BeamSearch",
        beams(**chosen),
        ("sequences", "sequences_scores"),
        encoder=encoder,
        decoder=decoder,
        model_type=1,
        decoder_start_token_id=START,
    )


def test_an_encoder_that_gives_its_own_keys_and_values_only():
    encoder, decoder = encoder_and_decoder(5, True)
    del encoder.input[2], encoder.output[:4], decoder.input[2]
    kept = [
        n for n in encoder.node if "tokens" not in n.input and "decoder_input_ids" not in n.input
    ]
    kept = [n for n in kept if n.output[0] in ("encoder_hidden_states", *PRESENT[2:])]
    del encoder.node[:]
    encoder.node.extend(kept)
    outputs = ("sequences", "sequences_scores")
    options = {"model_type": 1, "decoder_start_token_id": START}
    same("BeamSearch", beams(), outputs, encoder=encoder, decoder=decoder, **options)


def test_a_text_without_a_place_for_a_token_is_an_error():
    given = greedy() | {"max_length": np.int32([3])}
    with pytest.raises(tf.errors.InvalidArgumentError):
        both("GreedySearch", given, ("sequences",), decoder=decoder(0))
