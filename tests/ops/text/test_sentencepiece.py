"""SentencePiece: the ways of cutting beside all ways, and texts that come back."""

import itertools

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.ops.text.models.flatbuffer import Table
from penstock._src.ops.text.sentencepiece import drawing, fast, processor
from penstock._src.ops.text.sentencepiece.messages import ModelProto
from penstock._src.ops.text.sentencepiece.model import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    USER_DEFINED,
)
from penstock._src.ops.text.sentencepiece.segmenting import Lattice

PIECES = [
    ("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL), ("\u2581", -2.0, NORMAL), ("\u2581a", -1.5, NORMAL), ("ab", -1.0, NORMAL),
    ("a", -2.5, NORMAL), ("b", -2.6, NORMAL), ("\u2581ab", -2.2, NORMAL), ("[x]", 0.0, USER_DEFINED),
]  # fmt: skip


def model(pieces=PIECES, kind=UNIGRAM, **options):
    proto = ModelProto()
    for text, score, type in pieces:
        proto.pieces.add(piece=text.encode(), score=score, type=type)
    proto.trainer_spec.model_type = kind
    for name, value in options.items():
        spec = proto.trainer_spec if name == "byte_fallback" else proto.normalizer_spec
        setattr(spec, name, value)
    return proto.SerializeToString()


def test_the_best_way_is_the_best_of_all():
    scores = {"a": (1, -1.0), "b": (2, -1.5), "ab": (3, -2.4), "ba": (4, -2.2), "aab": (5, -3.3)}
    lattice = Lattice(scores, 0, -9.0)
    for text in map("".join, itertools.product("ab", repeat=6)):
        ways = drawing.best_ways(lattice, text, 100)
        best = sum(scores[piece][1] for piece, _ in lattice.best(text))
        assert best == pytest.approx(ways[0][0]) and [w[0] for w in ways] == sorted(
            (w[0] for w in ways), reverse=True
        )
        assert all("".join(p for p, _ in cut) == text for _, cut in ways)


def test_texts_are_cut_and_come_back():
    tokenizer = tf.text.SentencepieceTokenizer(model(), out_type=tf.string)
    pieces, starts, ends = tokenizer.tokenize_with_offsets(["ab  ab zz", "a[x]b", ""])
    space = "\u2581"
    assert [[p.decode() for p in row] for row in pieces.to_list()] == [
        [f"{space}ab", f"{space}ab", space, "zz"],
        [f"{space}a", "[x]", "b"],
        [],
    ]
    assert starts.to_list() == [[0, 2, 6, 7], [0, 1, 4], []] and ends.to_list() == [
        [2, 6, 7, 9],
        [1, 4, 5],
        [],
    ]
    assert tokenizer.detokenize(pieces).numpy().tolist() == [b"ab ab zz", b"a[x]b", b""]


def test_ends_are_added_and_rows_turned():
    tokenizer = tf.text.SentencepieceTokenizer(model(), add_bos=True, add_eos=True, reverse=True)
    assert tokenizer.tokenize(["ab", ""]).to_list() == [[2, 8, 1], [2, 1]]


def test_bytes_stand_for_unknown_characters():
    pieces = [*PIECES, *((f"<0x{value:02X}>", 0.0, BYTE) for value in range(256))]
    tokenizer = tf.text.SentencepieceTokenizer(model(pieces, byte_fallback=True))
    numbers, starts, ends = tokenizer.tokenize_with_offsets(["é"])
    assert numbers.to_list() == [[3, 10 + 0xC3, 10 + 0xA9]]
    assert starts.to_list() == [[0, 0, 0]] and ends.to_list() == [[0, 0, 2]]
    assert tokenizer.detokenize(numbers).numpy().tolist() == ["é".encode()]


def test_merges_come_by_their_scores():
    pieces = [
        ("<unk>", 0.0, UNKNOWN),
        ("ab", 0.0, NORMAL),
        ("bc", -1.0, NORMAL),
        ("abc", -2.0, NORMAL),
        ("\u2581", -3.0, NORMAL),
    ]
    pieces += [(letter, -4.0, NORMAL) for letter in "abc"]
    tokenizer = tf.text.SentencepieceTokenizer(
        model(pieces, BPE, add_dummy_prefix=False), out_type=tf.string
    )
    assert tokenizer.tokenize(["abc", "bcc", "abab"]).to_list() == [
        [b"abc"],
        [b"bc", b"c"],
        [b"ab", b"ab"],
    ]


def test_a_drawn_way_is_one_of_the_ways():
    tokenizer = tf.text.SentencepieceTokenizer(
        model(), nbest_size=-1, alpha=0.1, out_type=tf.string
    )
    found = {b"".join(row) for row in tokenizer.tokenize(["ab ab"] * 30).to_list()}
    assert found == {"\u2581ab\u2581ab".encode()}
    assert len({tuple(row) for row in tokenizer.tokenize(["ab ab"] * 30).to_list()}) > 1


def test_the_model_as_a_tensor_cuts_the_same():
    texts = ["ab  ab zz", "b a", ""]
    fast, own = tf.text.FastSentencepieceTokenizer(model()), tf.text.SentencepieceTokenizer(model())
    assert (
        fast.tokenize(texts).to_list() == own.tokenize(texts).to_list() and fast.vocab_size() == 10
    )
    assert fast.detokenize([[8, 3, 7]]).numpy().tolist() == [b"ab b"]


@pytest.mark.parametrize(
    ("data", "error"), [(b"", tf.errors.InvalidArgumentError), (b"abc", tf.errors.InternalError)]
)
def test_what_is_no_model(data, error):
    with pytest.raises(error):
        tf.text.SentencepieceTokenizer(data)


def test_numbers_without_a_piece():
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 9"):
        tf.text.SentencepieceTokenizer(model()).id_to_string(np.array([10], np.int32))


def test_a_saved_tokenizer_cuts_the_same(tmp_path):
    module = tf.Module()
    module.tokenizer = tf.text.SentencepieceTokenizer(model())
    module.cut = tf.function(
        lambda x: module.tokenizer.tokenize(x), input_signature=[tf.TensorSpec([None], tf.string)]
    )
    tf.saved_model.save(module, str(tmp_path))
    assert tf.saved_model.load(str(tmp_path)).cut(["ab b"]).to_list() == [[8, 3, 7]]


@pytest.mark.parametrize("is_native", [True, False])
def test_rounded_sums_decide_between_equal_ways_as_tensorflow_text_does(is_native, monkeypatch):
    scores = {"\u2581": -2.1, "-": -3.3, "--": -4.7, "|": -3.9, ":": -5.2}
    pieces = [*PIECES[:3], *((text, score, NORMAL) for text, score in scores.items())]
    pieces.append(("[x]", 0.0, USER_DEFINED))
    monkeypatch.setattr(processor, "runs_native_code", lambda: is_native)
    cutter = tf.text.SentencepieceTokenizer(model(pieces), out_type=tf.string)
    for cut in (
        "- --",
        "| -- -",
        "| | | | | - -- : - -- : - -- : - -- : -- - : -- - :",
        "[x] -- - [x]",
        "| -- - [x] [x] - -- : - --",
        "- -- | - -- | - -- | - -- | - -- | - -- | -- - | -- - |",
    ):
        parts = cutter.tokenize(cut.replace(" ", "")).numpy().tolist()
        assert b" ".join(parts[1:]).decode() == cut


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize("removes", [True, False])
@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("is_suffix", [True, False])
def test_a_text_loses_the_spaces_before_its_first_piece(
    is_suffix, adds, removes, is_native, monkeypatch
):
    monkeypatch.setattr(processor, "runs_native_code", lambda: is_native)
    options = dict(add_dummy_prefix=adds, remove_extra_whitespaces=removes)
    proto = ModelProto.FromString(model(**options))
    proto.trainer_spec.treat_whitespace_as_suffix = is_suffix
    cutter = tf.text.SentencepieceTokenizer(proto.SerializeToString(), out_type=tf.string)
    joined = cutter.detokenize(
        tf.ragged.constant([["\u2581", "\u2581a", "b", "\u2581"], ["\u2581ab", "\u2581"], ["a"]])
    )
    begin = b"" if adds or removes else b" "
    assert joined.numpy().tolist() == [begin * 2 + b"ab ", begin + b"ab ", b"a"]


def test_the_fast_tokenizer_compares_rounded_sums_as_tensorflow_text_does():
    scores = {"\u2581": -2.1, "-": -3.3, "--": -4.7, "|": -3.9, ":": -5.2}
    pieces = [*PIECES[:3], *((text, score, NORMAL) for text, score in scores.items())]
    names = [text for text, *_ in pieces]
    cutter = tf.text.FastSentencepieceTokenizer(model(pieces))
    for cut in ("- --", "| - --", "| - -- | - -- :", "| - -- : | - -- |"):
        numbers = cutter.tokenize(cut.replace(" ", "")).numpy().tolist()
        assert " ".join(names[number] for number in numbers[1:]) == cut


@pytest.mark.parametrize("number", [-(1 << 31), -1, len(PIECES), (1 << 31) - 1])
def test_fast_models_with_wrong_numbers_give_no_memory_of_the_process(number):
    """Of the unknown piece: native code takes the texts of pieces by their numbers."""
    data = bytearray(fast.convert(model()))
    place = Table(bytes(data), "model")._place(3)
    data[place : place + 4] = number.to_bytes(4, "little", signed=True)
    cut = getattr(raw, "TFText>FastSentencepieceTokenize")
    values, _ = cut(
        np.frombuffer(data, np.uint8), ["ab zz"], 0, 1.0, False, False, False, out_type=tf.string
    )
    assert [value.decode() for value in values.numpy()] == ["\u2581ab", "\u2581", "zz"]
