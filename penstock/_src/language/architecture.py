"""The architecture of a language model: numbers and choices, no code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Activation = Literal["silu", "gelu", "gelu_tanh", "quick_gelu", "relu", "relu2"]
# What packed weights are multiplied by.
Activations = Literal["float32", "bfloat16", "int8"]
# Of keys and values.
CacheType = Literal["float32", "float16", "int8"]
# Tokens of a text that there is room for by default, where a model was made for more: they take memory.
_LENGTH = 4096


def default_length(context: int) -> int:
    """Returns the tokens of a text that there is room for by default.

    Args:
      context: tokens that positions are made for.
    """
    return min(context, _LENGTH)


@dataclass(frozen=True)
class Rope:
    """Rotary positions: pairs of a head's numbers are turned by a frequency times the position.

    Attributes:
      frequencies: of the pairs; twice as many numbers of a head are turned, its first ones.
      magnitude: that cosines and sines are multiplied by.
      growth, growth_length: queries are also multiplied by `1 + growth * log(1 + position // growth_length)`; 0 for none.
    """

    frequencies: tuple[float, ...]
    magnitude: float = 1.0
    growth: float = 0.0
    growth_length: int = 0


@dataclass(frozen=True)
class Architecture:
    """A language model in numbers and choices.

    Facts that its tensors imply are not repeated here: biases, norms of queries and keys, and tied embeddings follow from the weights present.

    Attributes:
      family: the row of the table of families.
      layers, width, heads, kv_heads, head_size, inner, vocabulary: extents; `inner` is that of the feed-forward layers.
      context: tokens that positions are made for.
      norm: of rows: by their root mean square, or by mean and variance.
      epsilon: of norms.
      activation: of feed-forward layers.
      windows: tokens that a layer looks back at, and an encoder's on both sides, itself included, 0 for all; for each layer.
      ropes: kinds of rotary positions; empty if positions are learned.
      rope_of: which of `ropes` a layer has, -1 for none; for each layer.
      attention_scale: that products of queries and keys are multiplied by.
      is_gated: True if feed-forward layers multiply by an activated product.
      is_parallel: True if attention and feed-forward layers read the same values, and both are added; if there is one norm, it is that of both.
      attention_cap, logits_cap: that products of queries and keys, and logits, are bent to by a hyperbolic tangent; 0 for none.
      embedding_scale: that embeddings of tokens are multiplied by.
      norms_sums: True if norms are those of sums with what a layer got, instead of what it got or added.
      residual_scale, logits_scale: that what layers add, and logits, are multiplied by.
      first_position: row of the first token in the table of positions, if they are learned.
      is_causal: False if tokens look at all others: an encoder.
    """

    family: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_size: int
    inner: int
    vocabulary: int
    context: int
    norm: Literal["rms", "layer"]
    epsilon: float
    activation: Activation
    windows: tuple[int, ...]
    ropes: tuple[Rope, ...]
    rope_of: tuple[int, ...]
    attention_scale: float
    is_gated: bool = True
    is_parallel: bool = False
    attention_cap: float = 0.0
    logits_cap: float = 0.0
    embedding_scale: float = 1.0
    norms_sums: bool = False
    residual_scale: float = 1.0
    logits_scale: float = 1.0
    first_position: int = 0
    is_causal: bool = True
