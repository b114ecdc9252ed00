"""Rotary positions, and attention whose queries share keys and values, over a cache: what exporters of language models write."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.microsoft.attention import scaled_scores
from penstock._src.formats.onnx.reading.ops.nn.attention import (
    joined_heads,
    repeated_heads,
    split_heads,
    turned_by,
)
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


@reads("RotaryEmbedding", domain=MICROSOFT)
def _rotary_embedding(n: Node, x: Any, positions: Any, cosines: Any, sines: Any) -> Any:
    n.only(is_packed_batching=0, scale=1.0)
    size = n.attr("rotary_embedding_dim", 0) or 2 * t.extents(cosines)[1]
    flat = t.rank(x) == 3
    if flat:
        heads = n.attr("num_heads", 0) or t.extents(x)[2] // size
        x = split_heads(x, heads)
    if t.rank(positions) == 1:  # the first one's
        positions = raw.AddV2(t.cast(positions, dtypes.int64), t.numbers(t.extents(x)[2]))
        positions = t.expand_dims(positions, [0])
    y = turned_by(x, *_rows(cosines, sines, positions), size, n.flag("interleaved"))
    return joined_heads(y) if flat else y


@reads("MRotaryEmbedding", domain=MICROSOFT, settings=(1,))
def _rotary_embedding_of_images(n: Node, x: Any, positions: Any, cosines: Any, sines: Any) -> Any:
    """Angles of three positions of each token: its time, its row and its column, for parts of the frequencies."""
    n.only(is_packed_batching=0, scale=1.0)
    source = _position_of_frequencies(n)
    size = 2 * len(source)
    flat = t.rank(x) == 3
    if flat:
        x = split_heads(x, n.attr("num_heads", 0) or t.extents(x)[2] // size)
    each = [_rows(cosines, sines, row) for row in raw.Unpack(positions, num=3, axis=0)]
    mixed_cosines, mixed_sines = (
        raw.SelectV2(source == 0, times, raw.SelectV2(source == 1, rows, columns))
        for times, rows, columns in zip(*each, strict=True)
    )
    y = turned_by(x, mixed_cosines, mixed_sines, size, n.flag("interleaved"))
    return joined_heads(y) if flat else y


def _position_of_frequencies(n: Node) -> np.ndarray:
    """Which of the three positions turns each frequency."""
    sections, size = n.attr("mrope_section"), n.attr("rotary_embedding_dim", 0)
    if len(sections) != 3 or min(sections) < 0 or size not in (0, 2 * sum(sections)):
        raise InvalidArgumentError(
            f"MRotaryEmbedding: mrope_section must be three numbers whose sum is half of the size {size or ''}. Received: {sections}"
        )
    if not n.flag("mrope_layout"):
        return np.repeat(np.arange(3), sections)
    source = np.zeros(sum(sections), np.int64)
    for i in (1, 2):
        source[i : 3 * sections[i] : 3] = i
    return source


def _rows(cosines: Any, sines: Any, positions: Any) -> tuple[Any, Any]:
    return t.batched_gather(cosines, positions, 0), t.batched_gather(sines, positions, 0)


@reads("GroupQueryAttention", domain=MICROSOFT, optional=(1, 2, 3, 4))
def _group_query_attention(
    n: Node,
    query: Any,
    key: Any,
    value: Any,
    past_key: Any,
    past_value: Any,
    last_places: Any,
    total_length: Any,
    cosines: Any = None,
    sines: Any = None,
    positions: Any = None,
    added: Any = None,
    sinks: Any = None,
    *others: Any,
) -> Any:
    n.only(sliding_window_cache=0, qk_output=0, k_quant_type="NONE", v_quant_type="NONE")
    if any(x is not None for x in others):
        raise UnimplementedError(
            "quantized caches, normalized queries and keys, and chunks of different lengths."
        )
    q, k, v = _split(n, query, key, value)
    count = t.extent(q, 2)
    total_length = raw.Reshape(t.cast(total_length, dtypes.int64), t.int64([]))
    ends = raw.AddV2(raw.Reshape(t.cast(last_places, dtypes.int64), t.int64([-1])), t.int64(1))
    # Prompts begin at 0 and are filled up behind; what follows them begins where the cache ends.
    is_prompt = raw.Equal(count, total_length)
    begins = raw.SelectV2(is_prompt, t.int64(0), raw.Sub(ends, count))
    places = raw.AddV2(t.expand_dims(begins, [1]), t.expand_dims(t.numbers(count), [0]))
    if n.flag("do_rotary"):
        of_rotation = places if positions is None else t.cast(positions, dtypes.int64)
        rows = _rows(cosines, sines, of_rotation)
        size = 2 * t.extents(cosines)[1]
        is_interleaved = n.flag("rotary_interleaved")
        q, k = (turned_by(x, *rows, size, is_interleaved) for x in (q, k))
    k, v = (
        _cached(past, new, begins, total_length) for past, new in ((past_key, k), (past_value, v))
    )
    heads = t.extents(q)[1]
    seen_k, seen_v = (repeated_heads(x, heads) for x in (k, v))
    scores = _scores(n, q, seen_k, added, _hidden(n, places, t.extent(k, 2)))
    return joined_heads(t.matmul(_softmax(n, scores, sinks), seen_v)), k, v


def _split(n: Node, query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values by heads, from three tensors or from one."""
    heads, shared = n.attr("num_heads"), n.attr("kv_num_heads")
    if key is not None:
        return split_heads(query, heads), split_heads(key, shared), split_heads(value, shared)
    size = t.extents(query)[2] // (heads + 2 * shared)
    ends = [heads * size, (heads + shared) * size, (heads + 2 * shared) * size]
    begins = [0, *ends[:2]]
    parts = [t.slice_along(query, 2, begin, end) for begin, end in zip(begins, ends)]
    q, k, v = (split_heads(x, c) for x, c in zip(parts, (heads, shared, shared), strict=True))
    return q, k, v


def _cached(past: Any, new: Any, begins: Any, total: Any) -> Any:
    """The cache [batch, heads, positions, size] with new rows at each sequence's position, long enough for both."""
    if past is None:
        return new
    base = t.filled_up(past, 2, total, 0)
    offsets = raw.Sub(t.expand_dims(t.numbers(t.extent(base, 2)), [0]), t.expand_dims(begins, [1]))
    last = raw.Sub(t.extent(new, 2), t.int64(1))
    rows = raw.Minimum(raw.Maximum(offsets, t.int64(0)), last)
    moved = t.transpose(t.batched_gather(t.transpose(new, [0, 2, 1, 3]), rows, 1, 1), [0, 2, 1, 3])
    is_new = raw.Equal(offsets, rows)
    return raw.SelectV2(t.expand_dims(is_new, [1, 3]), moved, base)


def _hidden(n: Node, places: Any, keys: Any) -> Any:
    """True where a query [batch, 1, queries, keys] must not see a key: behind it, or before its window."""
    columns, rows = t.numbers(keys), t.expand_dims(places, [1, 3])
    window = n.attr("local_window_size", -1)
    if not n.flag("causal", 1):
        raise UnimplementedError("causal=0 is not supported; it is 1.")
    hidden = raw.Greater(columns, rows)
    if window < 0:
        return hidden
    return raw.LogicalOr(hidden, raw.LessEqual(columns, raw.Sub(rows, t.int64(window))))


def _scores(n: Node, q: Any, k: Any, added: Any, hidden: Any) -> Any:
    scores = scaled_scores(n, q, k)
    limit = n.attr("softcap", 0.0)
    if limit:
        scores = raw.Mul(raw.Tanh(raw.RealDiv(scores, t.like(limit, q))), t.like(limit, q))
    if added is not None:
        scores = raw.AddV2(scores, t.filled_up(added, 3, t.extent(k, 2), 0))
    return raw.SelectV2(hidden, t.like(-math.inf, scores), scores)


def _softmax(n: Node, scores: Any, sinks: Any) -> Any:
    """Softmax over keys, with one more score that takes its share and has no value, where heads have such a sink."""
    if sinks is None and not n.flag("smooth_softmax"):
        return raw.Softmax(scores)
    batch, heads, queries, keys = t.extents(scores)
    sink = t.like(0, scores) if sinks is None else t.aligned(t.cast(sinks, scores.dtype), 4, 1)
    column = raw.BroadcastTo(sink, t.vector([batch, heads, queries, 1]))
    weights = raw.Softmax(t.concat([scores, column], 3))
    begin, size = np.zeros(4, np.int64), t.vector([batch, heads, queries, keys])
    return raw.Slice(weights, begin, size)
