"""Characters replaced natively are those of the Python code."""

import numpy as np
import pytest

from penstock._src.ops.text.characters import normalization
from penstock._src.ops.text.models.normalizer import build_model
from penstock._src.ops.text.pieces import fast_bert
from tests.harness.native_forms import assert_same_in_python, vector_of

_TEXTS = [
    "", "plain", "a longer text in ASCII, ", "A\u00c9\ufb01x\u0301 \x00\u5b57\u200d", "e\u0301\u0323 \u1e69 \u00adS\u00df", "\uac01\u1100\u1161\u11a8", "\ufdfa\u2460\u0344", "\u0301x", "\u0391\u03a3\u03c2 \u1f80",
    "\u0939\u093f\u0928\u094d\u0926\u0940", "\U0001f600\U000e0041a", "\u212b\u3000\uff21",
]  # fmt: skip


@pytest.mark.parametrize("texts", [_TEXTS, [*_TEXTS, b"a\xff\xe4\xb8B"], []])
@pytest.mark.parametrize("lower_case", [False, True])
def test_bert_normalizer(texts, lower_case, monkeypatch):
    model = np.frombuffer(build_model(lower_case), np.uint8)
    op = fast_bert.FastBertNormalize.instance({"get_offsets": True})
    assert_same_in_python(fast_bert, monkeypatch, lambda: op.eager(vector_of(texts), model))


@pytest.mark.parametrize("form", ["NFC", "NFKC", "NFD", "NFKD"])
def test_normalization_forms(form, monkeypatch):
    op = normalization.NormalizeUTF8.instance({"normalization_form": form})
    rows = vector_of([a + b for a in _TEXTS for b in _TEXTS])
    assert_same_in_python(normalization, monkeypatch, lambda: [op.eager(rows)])


def test_case_folding(monkeypatch):
    rows = vector_of([a + b for a in _TEXTS for b in _TEXTS])
    assert_same_in_python(
        normalization, monkeypatch, lambda: [normalization.CaseFoldUTF8().eager(rows)]
    )
    malformed = vector_of(["\u00c9", b"\xffA"])
    found = normalization.CaseFoldUTF8().eager(malformed)
    assert found.tolist() == ["\u00e9".encode(), b"\xffa"]


def test_strings_of_any_shape_fold():
    assert (
        normalization.CaseFoldUTF8().eager(vector_of(["\u00c9"]).reshape(())).item() == b"\xc3\xa9"
    )
    assert normalization.CaseFoldUTF8().eager(vector_of(["A"] * 6).reshape(2, 3)).shape == (2, 3)
