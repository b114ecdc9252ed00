"""Normalization of layers with the sums that ONNX Runtime fuses before it."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.indexing import wrapped
from penstock._src.formats.onnx.reading.ops.microsoft.quantized import scalar
from penstock._src.formats.onnx.reading.ops.nn.normalization import (
    normalized,
    root_mean_square,
)
from penstock._src.formats.onnx.reading.ops.nn.quantization import dequantized
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
        positions = _places(words)
    total = raw.AddV2(_rows(of_words, words), _rows(of_positions, positions))
    if segments is not None and of_segments is not None:
        total = raw.AddV2(total, _rows(of_segments, segments))
    y, _, _ = _layer(total, scale, shift, n.attr("epsilon", 1e-12))
    return y, _lengths(words, mask), total


@reads(
    "QEmbedLayerNormalization",
    domain=MICROSOFT,
    settings=tuple(range(8, 18)),
    optional=(1, 4, 7, 10, 15),
)
def _quantized_embed_layer_normalization(
    n: Node,
    words: Any,
    segments: Any,
    of_words: Any,
    of_positions: Any,
    of_segments: Any,
    scale: Any,
    shift: Any,
    mask: Any,
    *steps_and_zeros: Any,
) -> Any:
    """Rows of quantized tables, each of which has a scale and a zero point: of words, positions, segments, the layer's scale and its shift."""
    if len(steps_and_zeros) != 10:
        raise InvalidArgumentError(f"takes 18 inputs, not {8 + len(steps_and_zeros)}.")
    steps, zeros = steps_and_zeros[:5], steps_and_zeros[5:]

    def values(numbers: Any, table: int) -> Any:
        return dequantized(numbers, scalar(steps[table]), scalar(zeros[table]), dtypes.float32)

    total = values(_rows(of_words, words), 0)
    total = raw.AddV2(total, values(_rows(of_positions, _places(words)), 1))
    if segments is not None and of_segments is not None:
        total = raw.AddV2(total, values(_rows(of_segments, segments), 2))
    y, _, _ = _layer(total, values(scale, 3), values(shift, 4), n.attr("epsilon", 1e-12))
    return y, _lengths(words, mask)


def _places(words: Any) -> Any:
    """The position of each word in its text, [1, words]."""
    return t.expand_dims(t.numbers(t.extents(words)[1]), [0])


def _lengths(words: Any, mask: Any) -> Any:
    """The number of words of each text that a mask lets be seen; 0 without a mask."""
    counted = raw.ZerosLike(words) if mask is None else mask
    return t.cast(t.reduced("Sum", counted, [1]), dtypes.int32)


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
