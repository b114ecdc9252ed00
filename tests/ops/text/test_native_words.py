"""Words and pieces found natively are those of the NumPy code."""

import numpy as np
import pytest

from penstock._src.native.algorithms.texts.wordpiece import texts_of
from penstock._src.ops.text.characters import whitespace
from penstock._src.ops.text.models.flatbuffer import Table
from penstock._src.ops.text.models.wordpiece import build_model
from penstock._src.ops.text.pieces import fast_wordpiece
from tests.harness.native_forms import assert_same_in_python, vector_of

_VOCAB = ["[UNK]", "the", "##y", "##ere", "un", "##a", "##\u00df", "!", "\u4e00", "##", "[", "]"]
_TEXTS = [
    "", " ", "they", "  there! they", "un\u2003una\u3000\u3000y \U0001f600", "\u4e00\u4e01the[UNK]", "##y a\u00df una\u00df", "x" * 120,
    "the\u0085y\u00a0un", "\u0939\u093f\u0928\u094d the\ttheyy",
]  # fmt: skip
_MALFORMED = [b"the\xff y", b"\xe4\xb8", b"\xed\xa0\x80they", b"\xf0\x9f\x98", b"\xc0\x80 un"]


@pytest.mark.parametrize("texts", [_TEXTS, _MALFORMED, _TEXTS + _MALFORMED, []])
def test_words_between_white_space(texts, monkeypatch):
    config = whitespace.whitespace_config()
    assert_same_in_python(
        whitespace, monkeypatch, lambda: whitespace.words_of_texts(vector_of(texts), config)
    )


@pytest.mark.parametrize("texts", [_TEXTS, _MALFORMED, []])
@pytest.mark.parametrize("are_words", [False, True])
def test_native_pieces_equal_those_in_python(texts, are_words, monkeypatch):
    data = build_model(_VOCAB, 100, "##", "[UNK]", are_words, False)
    model = np.frombuffer(data, np.uint8)
    op = fast_wordpiece.FastWordpieceTokenizeWithOffsets()
    assert_same_in_python(fast_wordpiece, monkeypatch, lambda: op.eager(vector_of(texts), model))


@pytest.mark.parametrize("number", [-(1 << 31), -1, 5, 1 << 20, (1 << 31) - 1])
def test_models_with_wrong_numbers_give_no_memory_of_the_process(number):
    """Of the unknown piece: native code takes the texts of pieces by their numbers."""
    data = bytearray(build_model(["a", "[UNK]"], 100, "##", "[UNK]", True, False))
    place = Table(bytes(data), "model")._place(7)
    data[place : place + 4] = number.to_bytes(4, "little", signed=True)
    op = fast_wordpiece.FastWordpieceTokenizeWithOffsets()
    texts, numbers, *_ = op.eager(vector_of([b"a", b"xyz"]), np.frombuffer(data, np.uint8))
    assert list(texts) == [b"a", b"[UNK]"] and list(numbers) == [0, number]


def test_texts_of_numbers_beyond_the_texts_are_none():
    texts = vector_of([b"a", b"b"])
    assert list(texts_of(np.array([1, 0]), texts)) == [b"b", b"a"]
    assert texts_of(np.array([2]), texts) is None and texts_of(np.array([-1]), texts) is None
    assert texts_of(np.empty(0, np.int64), texts[:0]).size == 0
