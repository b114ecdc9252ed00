"""ONNX Runtime's Tokenizer: texts cut into tokens, a row of them for each text."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads

_ANY = b"(?s).*"
_CHARACTER = b"(?s)."
_BEGIN, _END = b"\x02", b"\x03"  # the marks of a text's ends
_FAR = 1 << 32  # more than the bytes of a text


def _strings(values: Any) -> Any:
    return t.constant(np.array(values, object), dtypes.string)


@reads("Tokenizer", domain=MICROSOFT)
def _tokenizer(n: Node, x: Any) -> Any:
    texts = t.reshape(x, [-1])
    separators = [s.encode() for s in n.attr("separators", [])]
    expression = n.attr("tokenexp", "").encode()
    if bool(separators) == bool(expression):
        raise InvalidArgumentError("Tokenizer: one of separators and tokenexp must be given.")
    least = n.attr("mincharnum")
    if least < 1:
        raise InvalidArgumentError(f"Tokenizer: mincharnum must be positive. Received: {least}")
    if expression or separators == [b""]:
        tokens, splits = _matches(texts, expression or _CHARACTER)
    else:
        tokens, splits = _parts(texts, separators)
    lengths = t.cast(raw.StringLength(tokens, unit="UTF8_CHAR"), dtypes.int64)
    tokens, splits = _kept(tokens, splits, raw.GreaterEqual(lengths, t.int64(least)))
    table = raw.RaggedTensorToTensor(
        t.int64([-1, -1]),
        tokens,
        _strings(n.attr("pad_value").encode()),
        [splits],
        row_partition_types=["ROW_SPLITS"],
    )
    if n.flag("mark"):
        table = _marked(table, splits, n.attr("pad_value").encode())
    return t.reshape(table, [*t.extents(x), t.extent(table, 1)])


def _parts(texts: Any, separators: list[bytes]) -> tuple[Any, Any]:
    """The parts between separators, and the bounds of rows: texts are cut at the first separator, the parts at the next ..."""
    splits = t.numbers(t.extent(texts, 0) + 1)
    for separator in separators:
        parts, _, _, bounds = raw.RegexSplitWithOffsets(texts, _strings(separator), _strings(b""))
        texts, splits = parts, t.batched_gather(bounds, splits, 0)
    return texts, splits


def _matches(texts: Any, expression: bytes) -> tuple[Any, Any]:
    """The matches of an expression, and the bounds of rows."""
    cut = _strings(expression)
    every, begins, _, splits = raw.RegexSplitWithOffsets(texts, cut, _strings(_ANY))
    _, others, _, bounds = raw.RegexSplitWithOffsets(texts, cut, _strings(b""))
    # What is a match begins where nothing between matches begins.
    places, others = (_rows(s) * _FAR + b for s, b in ((splits, begins), (bounds, others)))
    _, matches = raw.ListDiff(places, others, out_idx=dtypes.int64)
    is_match = raw.ScatterNd(t.expand_dims(matches, [1]), raw.OnesLike(matches), t.shape(begins))
    return _kept(every, splits, raw.Greater(is_match, t.int64(0)))


def _rows(splits: Any) -> Any:
    """The row of each token."""
    sizes = raw.Sub(t.slice_along(splits, 0, 1, None), t.slice_along(splits, 0, None, -1))
    total = t.element(splits, -1)
    ends = raw.Cumsum(sizes, np.int32(0))
    return raw.UpperBound(
        t.expand_dims(ends, [0]), t.expand_dims(t.numbers(total), [0]), out_type=dtypes.int64
    )[0]


def _kept(tokens: Any, splits: Any, is_kept: Any) -> tuple[Any, Any]:
    """The tokens for which a condition is true, and the bounds of rows."""
    before = t.concat([t.int64([0]), raw.Cumsum(t.cast(is_kept, dtypes.int64), np.int32(0))], 0)
    at = t.reshape(raw.Where(is_kept), [-1])
    return t.batched_gather(tokens, at, 0), t.batched_gather(before, splits, 0)


def _marked(table: Any, splits: Any, pad: bytes) -> Any:
    """Rows with a mark before the first token and behind the last one; no marks if no row has a token."""
    sizes = raw.Sub(t.slice_along(splits, 0, 1, None), t.slice_along(splits, 0, None, -1))
    rows, width = t.extent(table, 0), t.extent(table, 1)
    wider = t.concat([table, raw.Fill(t.vector([rows, 1]), _strings(pad))], 1)
    is_end = raw.Equal(t.expand_dims(t.numbers(width + 1), [0]), t.expand_dims(sizes, [1]))
    body = raw.SelectV2(is_end, _strings(_END), wider)
    marked = t.concat([raw.Fill(t.vector([rows, 1]), _strings(_BEGIN)), body], 1)
    left = raw.SelectV2(raw.Greater(width, t.int64(0)), width + 2, t.int64(0))
    return t.batched_gather(marked, t.numbers(left), 1)
