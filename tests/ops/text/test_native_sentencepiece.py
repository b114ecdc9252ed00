"""SentencePiece's models cut texts natively as the Python code does."""

import random

import numpy as np
import pytest

from penstock._src.native.algorithms.texts.sentencepiece import cutting
from penstock._src.ops.text.models.double_array import Trie, build
from penstock._src.ops.text.sentencepiece import processor as module
from penstock._src.ops.text.sentencepiece.model import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Pieces,
    Rules,
)

_TEXTS = ["\u2581", "a", "b", "c", "ab", "abc", "bc", "\u2581a", "\u2581ab", "\u00e9", "\u2581\u2581", "ca", "\u4e2d", "aa"]  # fmt: skip
_PARTS = [" ", "a", "b", "c", "\u2581", "  ", "\u00e9", "\u4e2d", "\U0001f600", "[x]", b"\xff", b"\xe4\xb8", "\t", "A", "\u3000", "\0", "ss", "\ufdfa"]  # fmt: skip


def _pieces(kind, rng, symbols=(), unused=(), falls_back=False, is_suffix=False):
    texts = ["<unk>", "<s>", "</s>", *_TEXTS, *symbols]
    types = [UNKNOWN, CONTROL, CONTROL, *[NORMAL] * len(_TEXTS), *[USER_DEFINED] * len(symbols)]
    for text in unused:
        types[texts.index(text)] = UNUSED
    if falls_back:
        texts += [f"<0x{value:02X}>" for value in range(256)]
        types += [BYTE] * 256
    pieces = Pieces(
        kind=kind,
        texts=texts,
        scores=[round(rng.uniform(-9, 0), 1) for _ in texts],  # some are equal
        types=types,
        unknown=0,
        unknown_surface=b" ",
        bos="<s>",
        eos="</s>",
        falls_back_to_bytes=falls_back,
        space_is_suffix=is_suffix,
    )
    for number, (text, type) in enumerate(zip(texts, types, strict=True)):
        into = pieces.known if type in (NORMAL, USER_DEFINED, UNUSED) else pieces.reserved
        into.setdefault(text, number)
    return pieces


def _rules(**options):
    replacements = b"a\0 \0\0s\0" + b"ab ab\0"
    values = {b"A": 0, b"\t": 2, "\u3000".encode(): 2, b"ss": 5, b"\xef\xb7\xba": 7}
    flags = dict(adds_prefix=True, removes_spaces=True, escapes_spaces=True) | options
    return Rules(Trie(build(values)), replacements, **flags)


def _rows(rng, count=400):
    rows = []
    for _ in range(count):
        parts = [rng.choice(_PARTS) for _ in range(rng.randrange(9))]
        rows.append(b"".join(p if isinstance(p, bytes) else p.encode() for p in parts))
    found = np.empty(count, object)
    found[:] = rows
    return found


@pytest.mark.parametrize("kind", [UNIGRAM, BPE])
@pytest.mark.parametrize(
    "model",
    [
        {},
        {"falls_back": True},
        {"is_suffix": True},
        {"symbols": ["[x]", "ab"]},
        {"unused": ["ab", "\u2581a"]},
        {"unused": ["\u2581"]},
    ],
    ids=["plain", "bytes", "suffix", "symbols", "unused", "unused space"],
)
@pytest.mark.parametrize(
    "rules",
    [{}, {"adds_prefix": False}, {"removes_spaces": False}, {"escapes_spaces": False}],
    ids=["all", "no prefix", "spaces stay", "no symbol"],
)
def test_pieces_and_positions(kind, model, rules, monkeypatch):
    rng = random.Random(str((kind, model, rules)))
    own = module.Processor(_pieces(kind, rng, **model), _rules(**rules))
    is_known = kind == UNIGRAM or not {"symbols", "unused"} & set(model)
    assert (own._native is not None) == is_known
    rows = _rows(rng)
    native = own.encode(rows, True)
    monkeypatch.setattr(module, "runs_native_code", lambda: False)
    for mine, other in zip(native, own.encode(rows, True), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_long_chunks_of_merges_are_left_to_a_heap():
    own = module.Processor(_pieces(BPE, random.Random(0)), _rules())
    rows = np.array([b"abc" * cutting._LONGEST_MERGED], object)
    splits, texts, *_ = own.encode(rows, False)
    assert splits[-1] == len(texts)
    assert b"".join(texts.tolist()) == "\u2581".encode() + rows[0]
