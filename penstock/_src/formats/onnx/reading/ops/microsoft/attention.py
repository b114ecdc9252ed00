"""Attention as ONNX Runtime fuses it: products with weights, heads, masks, caches of keys and values, rotary positions.

Masks add `mask_filter_value` to the scores of what is hidden; what a causal mask hides takes no part at all.
"""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.contraction import product_of
from penstock._src.formats.onnx.reading.ops.microsoft.quantized import scaled_product
from penstock._src.formats.onnx.reading.ops.nn.attention import (
    joined_heads,
    root_of_scale,
    split_heads,
)
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


def scaled_scores(n: Node, q: Any, k: Any) -> Any:
    """The products of queries and keys [batch, heads, time, size], times the node's `scale`: one over the root of the size, if it says none."""
    size = q.shape.as_list()[3]
    scale = n.attr("scale", 0.0) or (None if size is None else 1 / math.sqrt(size))
    factor = raw.Square(root_of_scale(q)) if scale is None else t.like(scale, q)
    return t.matmul(raw.Mul(q, factor), k, adj_y=True)


def attended(n: Node, q: Any, k: Any, v: Any, added: Any, hidden: Any = None) -> tuple[Any, Any]:
    """The values that queries attend to, and the weights by which.

    Args:
      n: the node.
      q, k, v: queries, keys and values [batch, heads, time, size], as many heads of each.
      added: to the scores; None for nothing.
      hidden: True where a query must not see a key; None if it sees all.
    """
    scores = scaled_scores(n, q, k)
    if added is not None:
        scores = raw.AddV2(scores, t.cast(added, scores.dtype))
    if hidden is not None:
        scores = raw.SelectV2(hidden, t.like(-math.inf, scores), scores)
    weights = raw.Softmax(scores)
    return t.matmul(weights, v), weights


def later_keys(q: Any, k: Any, past: Any) -> Any:
    """True where a key comes after the query, as ONNX Runtime counts.

    The first query is at the place of the first key that is not of the past, which may be None. The last query sees all keys.
    """
    rows, columns = t.numbers(t.extents(q)[2]), t.numbers(t.extents(k)[2])
    last = raw.Sub(t.extent(q, 2), t.like(1, rows))
    places = rows if past is None else raw.AddV2(rows, t.extent(past, 2))
    places = raw.SelectV2(raw.Equal(rows, last), t.extent(k, 2), places)
    return raw.Less(t.expand_dims(places, [1]), t.expand_dims(columns, [0]))


def mask_addend(n: Node, mask: Any, batch: Any, keys: Any) -> Any:
    """Addend of a mask for scores [batch, heads, queries, keys]; None without a mask.

    A mask is 1 at visible keys, [batch, keys] or [batch, queries, keys], or one vector of the ends of the rows, which may be followed by their starts.
    """
    if mask is None:
        return None
    rank = t.rank(mask)
    if rank == 1:
        seen = _within(mask, batch, keys)
    elif rank in (2, 3):
        seen = t.expand_dims(raw.NotEqual(mask, t.like(0, mask)), [1, 2] if rank == 2 else [1])
    else:
        raise UnimplementedError(f"a mask of shape {mask.shape} is not supported.")
    value = t.constant(n.attr("mask_filter_value", -10000.0), dtypes.float32)
    return raw.SelectV2(seen, t.like(0, value), value)


def _within(mask: Any, batch: Any, keys: Any) -> Any:
    """True for the keys before each sequence's length, and at or after its first position if the mask has one."""
    size = mask.shape.as_list()[0]
    places = t.numbers(keys)
    mask = t.cast(mask, dtypes.int64)
    if not isinstance(size, int) or not isinstance(batch, int):
        # The lengths, and the first places or nothing: a call with more rows is an error of the op that adds the other one.
        rows = t.reshape(mask, [-1, batch])
        lacking = raw.Sub(t.int64(2), t.extent(rows, 0))
        rows = raw.Pad(rows, t.reshape(t.vector([0, lacking, 0, 0]), [2, 2]))
        ends, begins = (t.aligned(t.batched_gather(rows, np.int64(i), 0), 4, 0) for i in range(2))
        return raw.LogicalAnd(raw.Less(places, ends), raw.GreaterEqual(places, begins))
    if size not in (batch, 2 * batch):
        raise UnimplementedError(f"a mask of {size} numbers for {batch} sequences.")
    seen = raw.Less(places, t.aligned(t.slice_along(mask, 0, 0, batch), 4, 0))
    if size == batch:
        return seen
    begins = t.aligned(t.slice_along(mask, 0, batch, None), 4, 0)
    return raw.LogicalAnd(seen, raw.GreaterEqual(places, begins))


@reads("Attention", domain=MICROSOFT)
def _attention(
    n: Node,
    x: Any,
    weights: Any,
    bias: Any = None,
    mask: Any = None,
    past: Any = None,
    added: Any = None,
    past_length: Any = None,
) -> Any:
    if past_length is not None:
        raise UnimplementedError("a past whose buffer is shared with the present.")
    product = product_of(x, weights)
    return _self_attention(n, product, bias, mask, past, added, n.attr("qkv_hidden_sizes", []))


@reads("QAttention", domain=MICROSOFT, settings=(3, 4, 6, 7))
def _quantized_attention(
    n: Node,
    x: Any,
    weights: Any,
    bias: Any,
    x_scale: Any,
    w_scale: Any,
    mask: Any = None,
    x_zero: Any = None,
    w_zero: Any = None,
    past: Any = None,
) -> Any:
    product = scaled_product(x, x_scale, x_zero, weights, w_scale, w_zero, None)
    return _self_attention(n, product, bias, mask, past, None, [])


def _self_attention(
    n: Node, product: Any, bias: Any, mask: Any, past: Any, added: Any, sizes: list[int]
) -> Any:
    """Attention of a sequence to itself, of its product with the weights of queries, keys and values."""
    n.only(do_rotary=0, past_present_share_buffer=0)
    if bias is not None:
        product = raw.AddV2(product, bias)
    width = product.shape.as_list()[2]
    sizes = list(sizes) or [width // 3] * 3
    if width != sum(sizes):
        raise InvalidArgumentError(f"{width} columns are not queries, keys and values of {sizes}.")
    ends = np.cumsum(sizes).tolist()
    parts = [t.slice_along(product, 2, end - size, end) for end, size in zip(ends, sizes)]
    q, k, v = (split_heads(part, n.attr("num_heads")) for part in parts)
    past_k = None
    if past is not None:
        past_k, past_v = raw.Unpack(past, num=2, axis=0)
        k, v = t.concat([past_k, k], 2), t.concat([past_v, v], 2)
    present = raw.Pack([k, v], axis=0) if n.wants(1) else k
    hidden = later_keys(q, k, past_k) if n.flag("unidirectional") else None
    total = _sum(mask_addend(n, mask, t.extents(q)[0], t.extents(k)[2]), added)
    y, _ = attended(n, q, k, v, total, hidden)
    return joined_heads(y), present


def _sum(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return raw.AddV2(one, other)


@reads("MultiHeadAttention", domain=MICROSOFT)
def _multi_head_attention(
    n: Node,
    query: Any,
    key: Any = None,
    value: Any = None,
    bias: Any = None,
    mask: Any = None,
    added: Any = None,
    past_key: Any = None,
    past_value: Any = None,
    past_length: Any = None,
    beams: Any = None,
) -> Any:
    if past_length is not None or beams is not None:
        raise UnimplementedError("a past whose buffer is shared with the present, and beams.")
    q, k, v = _unpacked(n, query, key, value, bias)
    if past_key is not None:
        k, v = t.concat([past_key, k], 2), t.concat([past_value, v], 2)
    hidden = later_keys(q, k, past_key) if n.flag("unidirectional") else None
    total = _sum(mask_addend(n, mask, t.extents(q)[0], t.extents(k)[2]), added)
    y, weights = attended(n, q, k, v, total, hidden)
    return joined_heads(y), k, v, weights


def _unpacked(n: Node, query: Any, key: Any, value: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values by heads, from three tensors, or from one or two of five dimensions."""
    count = n.attr("num_heads")
    if t.rank(query) == 5:
        q, k, v = (_of_packed(query, part) for part in range(3))
    elif key is None:
        raise InvalidArgumentError("keys are left out, and the queries are not packed with them.")
    elif t.rank(key) == 5:
        q, k, v = split_heads(query, count), _of_packed(key, 0), _of_packed(key, 1)
    else:
        q = split_heads(query, count)
        k, v = (x if t.rank(x) == 4 else split_heads(x, count) for x in (key, value))
    if bias is None:
        return q, k, v
    widths = [t.product([count, t.extents(x)[3]]) for x in (q, k, v)]
    rows = raw.SplitV(bias, t.vector(widths), np.int32(0), num_split=3)
    q, k, v = (_biased(x, row, count) for x, row in zip((q, k, v), rows, strict=True))
    return q, k, v


def _of_packed(x: Any, part: int) -> Any:
    """One of the tensors packed in [batch, time, heads, 2 or 3, size]."""
    kept = raw.Squeeze(t.slice_along(x, 3, part, part + 1), axis=[3])
    return t.transpose(kept, [0, 2, 1, 3])


def _biased(x: Any, row: Any, heads: int) -> Any:
    return raw.AddV2(x, t.reshape(row, [1, heads, 1, t.extents(x)[3]]))
