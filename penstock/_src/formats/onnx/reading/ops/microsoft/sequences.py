"""Operators of decoding loops and audio: banned repetitions, windows along a dimension."""

import math
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


@reads("NGramRepeatBlock", domain=MICROSOFT)
def _ngram_repeat_block(n: Node, tokens: Any, scores: Any) -> Any:
    """Scores that are -inf for tokens that would repeat a sequence of `ngram_size` tokens."""
    size = n.attr("ngram_size")
    if size < 1:
        raise InvalidArgumentError(
            f"NGramRepeatBlock: ngram_size must be positive. Received: {size}"
        )
    return without_repetitions(t.of_rank(tokens, 2), t.of_rank(scores, 2), size, -math.inf)


def without_repetitions(tokens: Any, scores: Any, size: int, lowest: float) -> Any:
    """Scores of next tokens that are `lowest` for those that would repeat a sequence of `size` tokens.

    Args:
      tokens: so far [rows, length].
      scores: [rows, vocabulary].
      size: of the sequences.
      lowest: the score of what is banned.
    """
    tokens = t.cast(tokens, dtypes.int64)
    length = t.extent(tokens, 1)
    count = raw.Maximum(raw.Sub(length, t.int64(size - 1)), t.int64(0))
    places = t.numbers(count)
    banned = raw.Fill(t.vector([t.extent(tokens, 0), count]), np.bool_(True))
    for offset in range(size - 1):
        # The last tokens are the beginning of the sequence that may repeat.
        last = raw.Maximum(raw.Sub(length, t.int64(size - 1 - offset)), t.int64(0))
        seen = t.batched_gather(tokens, raw.AddV2(places, t.int64(offset)), 1)
        new = t.batched_gather(tokens, raw.Minimum(last, raw.Sub(length, t.int64(1))), 1)
        banned = raw.LogicalAnd(banned, raw.Equal(seen, t.expand_dims(new, [1])))
    following = t.batched_gather(tokens, raw.AddV2(places, t.int64(size - 1)), 1)
    following = raw.SelectV2(banned, following, t.like(0, following))
    rows = raw.BroadcastTo(t.aligned(t.numbers(t.extent(tokens, 0)), 2, 0), t.shape(following))
    limits = raw.SelectV2(banned, t.like(lowest, scores), t.like(math.inf, scores))
    return raw.TensorScatterMin(scores, raw.Pack([rows, following], axis=2), limits)


@reads("UnfoldTensor", domain=MICROSOFT)
def _unfold_tensor(n: Node, x: Any) -> Any:
    """Windows along a dimension, whose elements are a new last dimension."""
    axis, size, step = t.axis_of(n.attr("dim", -1), t.rank(x)), n.attr("size"), n.attr("step", 1)
    if size < 1 or step < 1:
        raise InvalidArgumentError(
            f"UnfoldTensor: size and step must be positive. Received: {size}, {step}"
        )
    span = raw.Sub(t.extent(x, axis), t.int64(size))
    first = raw.Mul(
        t.numbers(raw.AddV2(raw.FloorDiv(span, t.int64(step)), t.int64(1))), t.int64(step)
    )
    places = raw.AddV2(t.aligned(first, 2, 0), t.aligned(t.numbers(size), 2, 1))
    windows = t.batched_gather(x, places, axis)
    order = [*range(axis + 1), *range(axis + 2, t.rank(x) + 1), axis + 1]
    return t.transpose(windows, order)
