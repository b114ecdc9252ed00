"""Attention in its forms: over keys and values, with modifiers, linear; and rotary positions."""

import math
from typing import Any

import numpy as np

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.element_types import element_type
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, reads

_MASKED = -math.inf


def split_heads(x: Any, heads: Any) -> Any:
    """[batch, time, heads * size] as [batch, heads, time, size]; `heads` is a number or a scalar of int64."""
    batch, time, width = t.extents(x)
    if isinstance(heads, int) and (heads < 1 or isinstance(width, int) and width % heads):
        raise InvalidArgumentError(f"{width} features do not form {heads} heads.")
    return t.transpose(t.reshape(x, [batch, time, heads, width // heads]), [0, 2, 1, 3])


def joined_heads(x: Any) -> Any:
    """[batch, heads, time, size] as [batch, time, heads * size]."""
    batch, heads, time, size = t.extents(x)
    return t.reshape(t.transpose(x, [0, 2, 1, 3]), [batch, time, t.product([heads, size])])


def repeated_heads(x: Any, count: Any) -> Any:
    """x with every head several times, so that there are `count`."""
    batch, heads, time, size = t.extents(x)
    group: Any
    if isinstance(heads, int) and isinstance(count, int):
        if heads == count:
            return x
        if not heads or count % heads:
            raise InvalidArgumentError(f"{count} heads do not share {heads} of keys and values.")
        group = count // heads
    else:  # where they do not share, the reshape fails
        group = raw.FloorDiv(*(t.int64(v) if isinstance(v, int) else v for v in (count, heads)))
    spread = raw.Tile(t.expand_dims(x, [2]), t.vector([1, 1, group, 1, 1]))
    return t.reshape(spread, [batch, count, time, size])


@reads("Attention")
def _attention(
    n: Node,
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    past_key: Any = None,
    past_value: Any = None,
    lengths: Any = None,
) -> Any:
    flat = t.rank(q) == 3
    if flat:
        heads, kv_heads = n.attr("q_num_heads"), n.attr("kv_num_heads")
        q, k, v = split_heads(q, heads), split_heads(k, kv_heads), split_heads(v, kv_heads)
    offset: Any = t.int64(0)
    if past_key is not None:
        offset = t.extent(past_key, 2)
        k, v = t.concat([past_key, k], 2), t.concat([past_value, v], 2)
    elif lengths is not None:
        offset = t.aligned(raw.Sub(lengths, t.extent(q, 2)), 4, 0)
    present = k, v
    scores = _scores(n, q, repeated_heads(k, t.extents(q)[1]))
    outputs = {0: scores}
    limit = n.attr("softcap", 0.0)
    if limit:
        scores = raw.Mul(raw.Tanh(raw.RealDiv(scores, t.like(limit, q))), t.like(limit, q))
    outputs[1] = scores
    bias = _bias(n, q, k, mask, lengths, offset)
    if bias is not None:
        scores = raw.AddV2(scores, bias)
    outputs[2] = scores
    dtype = _softmax_type(n, q.dtype, q.dtype)
    weights = _masked_softmax(t.cast(scores, dtype), bias)
    outputs[3] = weights = t.cast(weights, q.dtype)
    y = t.matmul(weights, repeated_heads(v, t.extents(q)[1]))
    shown = outputs[n.attr("qk_matmul_output_mode", 0)]
    return (joined_heads(y) if flat else y), *present, shown


def _softmax_type(n: Node, dtype: DType, default: DType) -> DType:
    if not n.has("softmax_precision"):
        return default
    return element_type(n.attr("softmax_precision")).dtype


def _scores(n: Node, q: Any, k: Any) -> Any:
    """Products of queries and keys; each is scaled by the root, so that narrow floats do not overflow."""
    root = t.like(math.sqrt(n.attr("scale")), q) if n.has("scale") else root_of_scale(q)
    return t.matmul(raw.Mul(q, root), raw.Mul(k, root), adj_y=True)


def root_of_scale(q: Any) -> Any:
    """The square root of the default scale, 1 / sqrt(size of a head)."""
    size = t.extents(q)[3]
    if isinstance(size, int):
        return t.like(size**-0.25, q)
    return t.cast(raw.Pow(t.cast(size, dtypes.float64), t.constant(-0.25, dtypes.float64)), q.dtype)


def _bias(n: Node, q: Any, k: Any, mask: Any, lengths: Any, offset: Any) -> Any:
    """The addend of scores: the mask, and -inf where a query must not see a key; None if it sees all."""
    rows, columns = t.numbers(t.extents(q)[2]), t.numbers(t.extents(k)[2])
    distance = raw.Sub(raw.AddV2(t.expand_dims(rows, [1]), offset), columns)  # query - key
    allowed = []
    left, right = n.attr("left_window_size", -1), n.attr("right_window_size", -1)
    if n.flag("is_causal"):
        allowed.append(raw.GreaterEqual(distance, t.int64(0)))
    if left >= 0:
        allowed.append(raw.LessEqual(distance, t.int64(left)))
    if right >= 0:
        allowed.append(raw.GreaterEqual(distance, t.int64(-right)))
    if lengths is not None:
        allowed.append(raw.Less(columns, t.aligned(lengths, 4, 0)))
    added = None
    if mask is not None:
        width, keys = mask.shape.as_list()[-1], k.shape.as_list()[2]
        mask = _as_wide_as(mask, t.extent(k, 2), width is not None and width == keys)
        if mask.dtype.is_bool:
            allowed.append(mask)
        else:
            added = mask
    for seen in allowed:
        part = raw.SelectV2(seen, t.like(0, q), t.like(_MASKED, q))
        added = part if added is None else raw.AddV2(added, part)
    return added


def _as_wide_as(mask: Any, size: Any, same: bool) -> Any:
    """A mask with an entry for each key: those that it lacks are not seen."""
    if same:
        return mask
    return t.filled_up(mask, t.rank(mask) - 1, size, False if mask.dtype.is_bool else _MASKED)


def _masked_softmax(scores: Any, bias: Any) -> Any:
    """Softmax over keys; rows in which no key is seen are zero."""
    if bias is None:
        return raw.Softmax(scores)
    hidden = raw.LessEqual(raw.Max(bias, np.int32(-1), keep_dims=True), t.like(_MASKED, bias))
    safe = raw.SelectV2(hidden, t.like(0, scores), scores)
    return raw.SelectV2(hidden, t.like(0, scores), raw.Softmax(safe))


@reads("FlexAttention", domain="ai.onnx.preview")
def _flex_attention(n: Node, q: Any, k: Any, v: Any) -> Any:
    heads, dtype = t.extents(q)[1], q.dtype
    default = dtypes.float64 if dtype is dtypes.float64 else dtypes.float32
    kind = _softmax_type(n, dtype, default)
    scores = t.matmul(t.cast(q, kind), t.cast(repeated_heads(k, heads), kind), adj_y=True)
    if n.has("scale"):
        scale = t.like(n.attr("scale"), scores)
    else:
        scale = raw.Square(root_of_scale(t.cast(q, kind)))
    scores = raw.Mul(scores, scale)
    if n.has("score_mod"):
        (scores,) = n.subgraph("score_mod")(scores)
    weights = raw.Softmax(scores)
    if n.has("prob_mod"):
        (weights,) = n.subgraph("prob_mod")(weights)
    return t.cast(t.matmul(weights, t.cast(repeated_heads(v, heads), kind)), dtype)


@reads("LinearAttention")
def linear_attention(
    n: Node, q: Any, k: Any, v: Any, past: Any = None, decay: Any = None, beta: Any = None
) -> Any:
    """Attention to a state that keys and values are added to, and the last state."""
    heads, kv_heads, dtype = n.attr("q_num_heads"), n.attr("kv_num_heads"), q.dtype
    rule = n.attr("update_rule", "gated_delta")
    if rule not in ("linear", "gated", "delta", "gated_delta"):
        raise InvalidArgumentError(f"the update_rule '{rule}' is unknown.")
    if ("gated" in rule) != (decay is not None) or ("delta" in rule) != (beta is not None):
        raise InvalidArgumentError(f"the inputs decay and beta do not fit the rule '{rule}'.")
    queries = split_heads(t.wide(q), heads)
    keys, values = split_heads(t.wide(k), kv_heads), split_heads(t.wide(v), kv_heads)
    size = t.extents(keys)[3]
    scale = n.attr("scale", 0.0) or 1 / math.sqrt(size)
    batch = t.extents(q)[0]
    if past is None:
        shape = t.vector([batch, kv_heads, size, t.extents(values)[3]])
        state = raw.Fill(shape, t.like(0, keys))
    else:
        state = t.wide(past)
    gates = None if decay is None else raw.Exp(_per_step(t.wide(decay), kv_heads))
    rates = None if beta is None else _per_step(t.wide(beta), t.extents(beta)[2])
    y, last = _recurrence(
        _Steps(queries, keys, values, gates, rates), state, heads // kv_heads, scale
    )
    return t.cast(joined_heads(y), dtype), t.cast(last, dtype if past is None else past.dtype)


def _per_step(x: Any, heads: int) -> Any:
    """[batch, time, heads * size] as [batch, heads, time, size]; the size may be one."""
    return split_heads(x, heads)


class _Steps:
    """The inputs of the recurrence at each time: arrays [batch, heads, time, size], some of which may be None."""

    def __init__(self, *arrays: Any) -> None:
        self.arrays = [None if a is None else t.transpose(a, [2, 0, 1, 3]) for a in arrays]
        self.count = t.cast(t.extent(self.arrays[0], 0), dtypes.int32)

    def at(self, time: Any) -> list[Any]:
        """The rows of a time."""
        return [None if a is None else t.batched_gather(a, time, 0) for a in self.arrays]


def _recurrence(steps: _Steps, state: Any, group: int, scale: float) -> tuple[Any, Any]:
    outputs = TensorArray(state.dtype, size=steps.count)

    def body(time: Any, kept: Any, state: Any) -> Any:
        q, k, v, gate, rate = steps.at(time)
        if gate is not None:
            state = raw.Mul(state, t.expand_dims(gate, [3]))
        key = t.expand_dims(k, [3])
        if rate is not None:
            recalled = raw.Sum(raw.Mul(state, key), np.int32(2))
            v = raw.Mul(rate, raw.Sub(v, recalled))
        state = raw.AddV2(state, raw.Mul(key, t.expand_dims(v, [2])))
        shared = state if group == 1 else _repeated(state, group)
        answer = raw.Sum(raw.Mul(shared, t.expand_dims(q, [3])), np.int32(2))
        return raw.AddV2(time, np.int32(1)), kept.write(time, answer), state

    first = t.constant(0, dtypes.int32)
    _, kept, last = while_loop(
        lambda time, *_: raw.Less(time, steps.count),
        body,
        (first, outputs, state),
        maximum_iterations=steps.count,
    )
    rows = raw.Mul(kept.stack(), t.like(scale, state))
    return t.transpose(rows, [1, 2, 0, 3]), last


def _repeated(state: Any, group: int) -> Any:
    batch, heads, rows, columns = t.extents(state)
    spread = raw.Tile(t.expand_dims(state, [2]), np.array([1, 1, group, 1, 1], np.int32))
    return t.reshape(spread, [batch, t.product([heads, group]), rows, columns])


@reads("RotaryEmbedding")
def _rotary_embedding(n: Node, x: Any, cosines: Any, sines: Any, positions: Any = None) -> Any:
    flat = t.rank(x) == 3
    if flat:
        x = split_heads(x, n.attr("num_heads"))
    size = n.attr("rotary_embedding_dim", 0) or x.shape.as_list()[3]
    if positions is not None:
        cosines, sines = (
            t.batched_gather(cosines, positions, 0),
            t.batched_gather(sines, positions, 0),
        )
    y = turned_by(x, cosines, sines, size, n.flag("interleaved"))
    return joined_heads(y) if flat else y


def turned_by(x: Any, cosines: Any, sines: Any, size: int | None, is_interleaved: bool) -> Any:
    """Pairs of numbers, turned by angles.

    Args:
      x: [batch, heads, time, at least size].
      cosines: of the angles, [batch or 1, time, size / 2].
      sines: as the cosines.
      size: how many numbers of each head are turned, the first ones; None for all.
      is_interleaved: pairs stand side by side, else in two halves.
    """
    cosines, sines = t.expand_dims(cosines, [1]), t.expand_dims(sines, [1])
    size = None if size == x.shape.as_list()[3] else size
    part = x if size is None else t.slice_along(x, 3, 0, size)
    if is_interleaved:
        a, b = t.slice_along(part, 3, 0, None, 2), t.slice_along(part, 3, 1, None, 2)
    else:
        a, b = raw.Split(np.int32(3), part, num_split=2)
    real = raw.Sub(raw.Mul(cosines, a), raw.Mul(sines, b))
    imaginary = raw.AddV2(raw.Mul(sines, a), raw.Mul(cosines, b))
    if is_interleaved:
        pairs = raw.Pack([real, imaginary], axis=4)
        part = t.reshape(pairs, t.extents(part))
    else:
        part = t.concat([real, imaginary], 3)
    return part if size is None else t.concat([part, t.slice_along(x, 3, size, None)], 3)
