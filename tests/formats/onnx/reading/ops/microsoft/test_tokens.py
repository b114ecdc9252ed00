"""Texts cut into tokens: beside ONNX Runtime."""

import numpy as np
import pytest

from penstock._src.formats.onnx.reading.model import read_proto
from penstock.errors import InvalidArgumentError
from tests.formats.onnx.reading.ops.microsoft.beside import both, node_model

TEXTS = {
    "texts": np.array(["ab cd,ef  gh", "x", "", "日本 語,k"], object),
    "rows": np.array([["a b", "cc,dd ee"], ["é ü", "q"]], object),
    "nothing": np.array(["", "  "], object),
}
WAYS = {
    "spaces": {"separators": [" "]},
    "one separator after the other": {"separators": [",", "c"]},
    "an expression": {"separators": ["[ ,]+"]},
    "letters": {"separators": [""]},
    "words": {"tokenexp": "[a-z]+"},
    "an anchor": {"tokenexp": "^a|b"},
}


@pytest.mark.parametrize("mark", [0, 1])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("texts", TEXTS)
def test_texts_are_cut_as_by_onnx_runtime(texts, way, mark):
    given = {"x": TEXTS[texts]}
    options = dict(WAYS[way], mark=mark, mincharnum=1, pad_value="#")
    there, here = both("Tokenizer", given, {"y": np.dtype(object)}, dynamic=(0, 1), **options)
    found = [x.decode() for x in here["y"].ravel()]
    assert (here["y"].shape, found) == (there["y"].shape, there["y"].ravel().tolist())


def test_short_tokens_are_left_out():
    given = {"x": np.array(["a bcd é", "日本 x"], object)}
    options = {"separators": [" "], "mark": 0, "mincharnum": 2, "pad_value": ""}
    there, here = both("Tokenizer", given, {"y": np.dtype(object)}, **options)
    assert [x.decode() for x in here["y"].ravel()] == there["y"].ravel().tolist()


def test_separators_or_an_expression_must_be_given():
    options = {"mark": 0, "mincharnum": 1, "pad_value": ""}
    made = node_model(
        "Tokenizer", {"x": np.array(["a"], object)}, {"y": np.dtype(object)}, **options
    )
    with pytest.raises(InvalidArgumentError, match="separators and tokenexp"):
        read_proto(made)
