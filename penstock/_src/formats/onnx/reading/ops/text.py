"""Strings: joining, splitting, patterns, n-grams; and images from their files' bytes."""

from typing import Any

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads


def _strings(values: Any) -> Any:
    return t.constant(np.array(values, object), dtypes.string)


@reads("StringConcat")
def _string_concat(n: Node, a: Any, b: Any) -> Any:
    shape = raw.BroadcastArgs(t.shape(a), t.shape(b))
    return raw.StringJoin([raw.BroadcastTo(a, shape), raw.BroadcastTo(b, shape)])


@reads("RegexFullMatch")
def _regex_full_match(n: Node, x: Any) -> Any:
    return raw.RegexFullMatch(x, _strings(n.attr("pattern").encode()))


@reads("StringSplit")
def _string_split(n: Node, x: Any) -> Any:
    flat = t.reshape(x, [-1])
    most = n.attr("maxsplit", -1)
    places, values, sizes = raw.StringSplitV2(
        flat, _strings(n.attr("delimiter", "").encode()), maxsplit=most
    )
    if not n.attr(
        "delimiter", ""
    ):  # between white space there is nothing empty, not even at the end
        filled = raw.Reshape(raw.Where(raw.NotEqual(values, _strings(b""))), t.int64([-1]))
        places, values = t.batched_gather(places, filled, 0), t.batched_gather(values, filled, 0)
        columns = t.slice_along(places, 1, 1, 2)
        most_columns = raw.Max(t.concat([t.int64([[-1]]), columns], 0), np.array([0, 1], np.int32))
        sizes = t.vector([t.element(sizes, 0), raw.AddV2(most_columns, t.int64(1))])
    rows, width = t.element(sizes, 0), t.element(sizes, 1)
    counts = _counted(places, rows)
    table = raw.SparseToDense(places, raw.Pack([rows, width], axis=0), values, _strings(b""))
    shape = t.extents(x)
    return t.reshape(table, [*shape, width]), t.reshape(counts, shape)


def _counted(places: Any, rows: Any) -> Any:
    """The number of indices in each row."""
    owners = raw.Squeeze(t.slice_along(places, 1, 0, 1), axis=[1])
    return raw.UnsortedSegmentSum(raw.OnesLike(owners), owners, rows)


@reads("StringNormalizer")
def _string_normalizer(n: Node, x: Any) -> Any:
    action = n.attr("case_change_action", "NONE")
    sensitive, stopwords = n.flag("is_case_sensitive"), n.attr("stopwords", [])

    def changed(x: Any) -> Any:
        if action == "LOWER":
            return raw.StringLower(x, encoding="utf-8")
        if action == "UPPER":
            return raw.StringUpper(x, encoding="utf-8")
        return x

    if not stopwords:
        return changed(x)
    row = t.reshape(x, [-1])
    seen = row if sensitive else raw.StringLower(row, encoding="utf-8")
    words = [w if sensitive else w.lower() for w in stopwords]
    hits = raw.Equal(t.expand_dims(seen, [1]), _strings([w.encode() for w in words]))
    kept = raw.LogicalNot(raw.Any(hits, np.int32(1)))
    left = changed(t.batched_gather(row, raw.Reshape(raw.Where(kept), t.int64([-1])), 0))
    count = raw.Size(left, out_type=dtypes.int64)
    lacking = raw.Maximum(raw.Sub(t.int64(1), count), t.int64(0))  # nothing left: one empty string
    blank = raw.Fill(raw.Reshape(lacking, t.int64([1])), _strings(b""))
    left = t.concat([left, blank], 0)
    return t.expand_dims(left, [0]) if t.rank(x) == 2 else left


@reads("TfIdfVectorizer")
def _tf_idf_vectorizer(n: Node, x: Any) -> Any:
    """Counts of n-grams; each of the pool is compared with all windows of the input."""
    if n.has("pool_strings"):
        pool: Any = np.array([s.encode() for s in n.attr("pool_strings")], object)
    else:
        pool = np.array(n.attr("pool_int64s"), np.int64)
        x = t.cast(x, dtypes.int64)
    starts, places = n.attr("ngram_counts"), n.attr("ngram_indexes")
    shortest, longest = n.attr("min_gram_length"), n.attr("max_gram_length")
    skips, weights = n.attr("max_skip_count"), n.attr("weights", None)
    flat = t.rank(x) == 1
    rows = t.expand_dims(x, [0]) if flat else x
    width = rows.shape.as_list()[1]
    if width is None:
        raise UnimplementedError("rows of a length that is not known are not supported.")
    counts = {}
    position = 0
    for size, start in enumerate(starts, 1):
        end = starts[size] if size < len(starts) else len(pool)
        for first in range(start, end, size):
            if shortest <= size <= longest:
                counts[places[position]] = _occurrences(
                    rows, pool[first : first + size], width, skips
                )
            position += 1
    zero = raw.Fill(raw.Reshape(t.extent(rows, 0), t.int64([1])), t.constant(0, dtypes.float32))
    totals = [counts.get(i, zero) for i in range(max(places) + 1)]
    y = raw.Pack(totals, axis=1)
    mode = n.attr("mode")
    if mode not in ("TF", "IDF", "TFIDF"):
        raise InvalidArgumentError(f"the mode '{mode}' is unknown.")
    if mode == "IDF":
        y = raw.Minimum(y, t.like(1, y))
    if mode != "TF" and weights is not None:
        by_place = np.ones(max(places) + 1, np.float32)
        by_place[places] = weights
        y = raw.Mul(y, t.like(by_place, y))
    return raw.Squeeze(y, axis=[0]) if flat else y


def _occurrences(rows: Any, gram: Any, width: int, skips: int) -> Any:
    """The number of occurrences of an n-gram in each row, with up to `skips` entries between its parts."""
    total = None
    # One part has no distance to another: skips make no difference.
    for skip in range(1 if len(gram) == 1 else skips + 1):
        reach = (len(gram) - 1) * (skip + 1)
        if reach >= width:
            break
        hits = None
        for k, part in enumerate(gram):
            begin = k * (skip + 1)
            view = t.slice_along(rows, 1, begin, begin + width - reach)
            same = raw.Equal(view, t.like(part, rows))
            hits = same if hits is None else raw.LogicalAnd(hits, same)
        count = raw.Sum(t.cast(hits, dtypes.float32), np.int32(1))
        total = count if total is None else raw.AddV2(total, count)
    if total is None:
        size = raw.Reshape(t.extent(rows, 0), t.int64([1]))
        total = raw.Fill(size, t.constant(0, dtypes.float32))
    return total


@reads("ImageDecoder")
def _image_decoder(n: Node, stream: Any) -> Any:
    """The image of a file's bytes; its format is one of those that `tf.io.decode_image` knows."""
    letters = _strings([bytes([b]) for b in range(256)])
    characters = t.batched_gather(letters, t.cast(stream, dtypes.int32), 0)
    contents = raw.ReduceJoin(characters, np.int32(0))
    form = n.attr("pixel_format", "RGB")
    channels = 1 if form == "Grayscale" else 3
    is_jpeg = raw.Equal(raw.Substr(contents, np.int32(0), np.int32(2)), _strings(b"\xff\xd8"))
    image = cond(
        is_jpeg,
        lambda: raw.DecodeJpeg(contents, channels=channels, dct_method="INTEGER_ACCURATE"),
        lambda: raw.DecodeImage(contents, channels=channels, expand_animations=False),
    )
    if channels == 1:
        return image
    return raw.ReverseV2(image, np.array([2], np.int32)) if form == "BGR" else image
