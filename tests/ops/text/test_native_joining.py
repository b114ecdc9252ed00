"""Pieces and neighbours joined natively are those of the Python code."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.ops.text.models.wordpiece import build_model
from penstock._src.ops.text.pieces import fast_wordpiece
from penstock._src.ops.text.sentencepiece import ops, processor
from penstock._src.ops.text.sequences import ngrams
from tests.ops.text.test_sentencepiece import PIECES, model

_SPLITS = [[0, 0, 3, 4, 9], [0], [2, 5], [0, 9, 3]]


def _strings(texts):
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


@pytest.mark.parametrize("splits", _SPLITS)
def test_wordpieces(splits, monkeypatch):
    data = build_model(["[UNK]", "the", "##y", "a", "##"], 100, "##", "[UNK]", False, True)
    args = (np.array([2, 2, 1, 4, 3, 2, 0, 1, 1], np.int32), np.array(splits), np.frombuffer(data, np.uint8))  # fmt: skip
    op = fast_wordpiece._FastWordpieceDetokenize()
    native = op.eager(*args)
    monkeypatch.setattr(fast_wordpiece, "runs_native_code", lambda: False)
    assert native.tolist() == op.eager(*args).tolist()


@pytest.mark.parametrize("splits", _SPLITS)
@pytest.mark.parametrize(
    "options", [{}, {"remove_extra_whitespaces": False}, {"add_dummy_prefix": False}]
)
def test_sentencepieces(splits, options, monkeypatch):
    own = processor.processor(model(PIECES, **options))
    handle = ops.SentencepieceResource(own, "", "")
    args = (handle, np.array([3, 4, 0, 3, 3, 8, 2, 9, 3], np.int32), np.array(splits))
    op, flags = ops.SentencepieceDetokenizeOp(), [np.array(False)] * 3
    native = op.eager(*args, *flags)
    monkeypatch.setattr(processor, "runs_native_code", lambda: False)
    assert native.tolist() == op.eager(*args, *flags).tolist()


@pytest.mark.parametrize("splits", _SPLITS)
@pytest.mark.parametrize("width", [1, 2, 4])
def test_neighbours(splits, width, monkeypatch):
    values = _strings([b"a", b"", b"bc", b"\xff", b"d", b"e", b"f", b"g", b"h"])
    op = ngrams._NgramsStringJoin.instance(
        {"width": width, "string_separator": "--", "RAGGED_RANK": 1, "Tsplits": dtypes.int64}
    )
    native = op.eager(values, [np.array(splits)])
    monkeypatch.setattr(ngrams, "runs_native_code", lambda: False)
    python = op.eager(values, [np.array(splits)])
    assert native[0].tolist() == python[0].tolist()
    assert native[1][0].tolist() == python[1][0].tolist()
