"""Normalization of layers with the sums that ONNX Runtime fuses before it."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.indexing import wrapped
from penstock._src.formats.onnx.reading.ops.nn.normalization import (
    normalized,
    root_mean_square,
)
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads


@reads("SkipLayerNormalization", domain=MICROSOFT)
def _skip_layer_normalization(
    n: Node, x: Any, skip: Any, scale: Any, shift: Any = None, bias: Any = None
) -> Any:
    total = _total(x, skip, bias)
    y, mean, inverse = _layer(total, scale, shift, n.attr("epsilon", 1e-12))
    return y, mean, inverse, total


@reads("SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def _skip_simplified_layer_normalization(
    n: Node, x: Any, skip: Any, scale: Any, bias: Any = None
) -> Any:
    total = _total(x, skip, bias)
    y, inverse = root_mean_square(t.wide(total), [t.rank(x) - 1], n.attr("epsilon", 1e-12))
    return raw.Mul(t.cast(y, x.dtype), scale), inverse, inverse, total


@reads("EmbedLayerNormalization", domain=MICROSOFT, optional=(1,))
def _embed_layer_normalization(
    n: Node,
    words: Any,
    segments: Any,
    of_words: Any,
    of_positions: Any,
    of_segments: Any = None,
    scale: Any = None,
    shift: Any = None,
    mask: Any = None,
    positions: Any = None,
) -> Any:
    if positions is None:
        positions = t.expand_dims(t.numbers(t.extents(words)[1]), [0])
    total = raw.AddV2(_rows(of_words, words), _rows(of_positions, positions))
    if segments is not None and of_segments is not None:
        total = raw.AddV2(total, _rows(of_segments, segments))
    y, _, _ = _layer(total, scale, shift, n.attr("epsilon", 1e-12))
    counted = raw.ZerosLike(words) if mask is None else mask
    return y, t.cast(t.reduced("Sum", counted, [1]), dtypes.int32), total


def _total(x: Any, skip: Any, bias: Any) -> Any:
    total = raw.AddV2(x, skip)
    return total if bias is None else raw.AddV2(total, bias)


def _layer(x: Any, scale: Any, shift: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """The normalization of the last dimension, its means and one over its deviations."""
    y, mean, inverse = normalized(t.wide(x), [t.rank(x) - 1], epsilon)
    y = raw.Mul(t.cast(y, x.dtype), scale)
    return (y if shift is None else raw.AddV2(y, shift)), mean, inverse


def _rows(table: Any, numbers: Any) -> Any:
    return t.batched_gather(table, wrapped(numbers, t.extent(table, 0)), 0)
