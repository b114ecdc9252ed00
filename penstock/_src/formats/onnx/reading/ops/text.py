"""Strings: joining, splitting, patterns, n-grams; and images from their files' bytes."""

from typing import Any

import numpy as np

from penstock._src.api.control.conditionals import cond
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
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
    # Between white space there is nothing empty, not even at the end.
    if not n.attr("delimiter", ""):
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
    """Counts of n-grams: entries become numbers of words, windows of them numbers of n-grams, whose indices are counted."""
    mode = n.attr("mode")
    if mode not in ("TF", "IDF", "TFIDF"):
        raise InvalidArgumentError(f"the mode '{mode}' is unknown.")
    if n.has("pool_strings"):
        pool: Any = np.array([s.encode() for s in n.attr("pool_strings")], object)
    else:
        pool = np.array(n.attr("pool_int64s"), np.int64)
        x = t.cast(x, dtypes.int64)
    flat = t.rank(x) == 1
    rows = t.expand_dims(x, [0]) if flat else x
    y = _counts(n, rows, pool)
    weights = n.attr("weights", None)
    if mode == "IDF":
        y = raw.Minimum(y, t.like(1, y))
    if mode != "TF" and weights is not None:
        places = n.attr("ngram_indexes")
        by_place = np.ones(max(places) + 1, np.float32)
        by_place[places] = weights
        y = raw.Mul(y, t.like(by_place, y))
    return raw.Squeeze(y, axis=[0]) if flat else y


def _counts(n: Node, rows: Any, pool: np.ndarray) -> Any:
    """Counts of each n-gram of the pool in each row, [rows, columns of the output]."""
    starts, places = n.attr("ngram_counts"), n.attr("ngram_indexes")
    width = max(places) + 1
    words, numbers = np.unique(pool, return_inverse=True)
    ids = _positions(rows, words)
    count = t.extents(rows)[0]
    row = t.aligned(t.numbers(count), 2, 0) * width
    found, position = [], 0
    for size, start in enumerate(starts, 1):
        end = starts[size] if size < len(starts) else len(pool)
        grams = numbers[start:end].reshape(-1, size)
        of_grams = np.array(places[position : position + len(grams)], np.int64)
        position += len(grams)
        if not (len(grams) and n.attr("min_gram_length") <= size <= n.attr("max_gram_length")):
            continue
        # A single part has no distances, so skips have no effect.
        for skip in range(1 if size == 1 else n.attr("max_skip_count") + 1):
            seen = _grams(ids, grams, len(words), skip + 1)
            place = t.batched_gather(t.int64([-1, *of_grams]), seen + 1, 0)
            at = raw.SelectV2(raw.Less(place, t.int64(0)), t.int64(-1), place + row)
            found.append(t.reshape(at, [-1]))
    total = t.product([count, width])
    if not found:
        return raw.Fill(t.vector([count, width]), t.constant(0, dtypes.float32))
    hits = t.concat(found, 0)
    ones = raw.Fill(t.shape(hits), t.constant(1, dtypes.float32))
    limit = t.int64(total) if isinstance(total, int) else total
    return t.reshape(raw.UnsortedSegmentSum(ones, hits, limit), [count, width])


def _grams(ids: Any, grams: np.ndarray, words: int, step: int) -> Any:
    """The number of the n-gram that begins at each index of rows of words' numbers, -1 for none.

    Args:
      ids: [rows, width], -1 for unknown words.
      grams: [n-grams, size], numbers of words.
      words: how many words there are.
      step: from one part of an n-gram to the next.
    """
    size = grams.shape[1]
    reach = (size - 1) * step
    # Beginnings of n-grams get numbers as well: one part more is looked up in pairs of such a number and a word.
    starts: Any = None
    known = np.zeros(len(grams), np.int64)
    for part in range(size):
        begin = part * step
        view = t.slice_along(ids, 1, begin or None, (begin - reach) or None)
        keys, known = np.unique(known * words + grams[:, part], return_inverse=True)
        code = view if starts is None else starts * words + view
        is_known = raw.GreaterEqual(view, t.int64(0))
        if starts is not None:
            is_known = raw.LogicalAnd(is_known, raw.GreaterEqual(starts, t.int64(0)))
        starts = _positions(raw.SelectV2(is_known, code, t.int64(-1)), keys)
    # Of n-grams that are there twice the last one counts.
    last = np.full(int(known.max()) + 1, -1, np.int64)
    last[known] = np.arange(len(grams))
    return t.batched_gather(t.int64([-1, *last]), starts + 1, 0)


def _positions(x: Any, keys: np.ndarray) -> Any:
    """The index of each element of x among sorted distinct keys; -1 if it is not there."""
    return raw.KeyPositions(x, t.like(keys, x))


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
