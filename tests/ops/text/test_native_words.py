"""Words and pieces found natively are those of the NumPy code."""

import numpy as np
import pytest

from penstock._src.ops.text.characters import whitespace
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
