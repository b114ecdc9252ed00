"""The layers of a decoder or encoder, of every family."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.api.array.joining import concat, split, stack
from penstock._src.api.array.shaping import reshape
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_mean
from penstock._src.api.nn.activations import gelu, silu
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.eager.variable import Variable
from penstock._src.graph.members.repetition import Repetition
from penstock._src.language.architecture import Activation, Architecture, Rope
from penstock._src.language.network.operands import Operands
from penstock._src.language.weights.loading import DecoderWeights, Layer
from penstock._src.language.weights.operands import Linear, Norm

# From a function of one tensor to another one.
Around = Callable[[Callable[[Any], Any]], Callable[[Any], Any]]
_ACTIVATIONS: dict[Activation, Callable[[Any], Any]] = {
    "silu": silu,
    "gelu": lambda x: gelu(x, approximate=False),
    "gelu_tanh": lambda x: gelu(x, approximate=True),
    "quick_gelu": lambda x: x * raw.Sigmoid(x * np.float32(1.702)),
    "relu": raw.Relu,
    "relu2": lambda x: raw.Square(raw.Relu(x)),
}


class Attend(NamedTuple):
    """Attention of a layer.

    Attributes:
      call: (window, variables, queries `[n, tokens, heads, size]`, keys and values `[n, tokens, kv_heads, size]`) -> `[n, tokens, heads * size]`.
        Of the layer it knows no more than its window, and the variables that it reads and writes.
      windows: that layers look at.
      kept: kinds of variables, each with one for every layer.
    """

    call: Callable[[int, Sequence[Variable], Any, Any, Any], Any]
    windows: Sequence[int]
    kept: Sequence[Sequence[Variable]] = ()


class Turn(NamedTuple):
    """Cosines and sines that heads of queries and of keys are turned by; None if positions are learned, or the layer has none."""

    query: tuple[Any, Any] | None
    key: tuple[Any, Any] | None


_UNTURNED = Turn(None, None)


def as_it_is(layer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns the function of a layer unchanged."""
    return layer


class Decoder:
    """A stack of layers that look at tokens before them, or at all of them.

    Args:
      architecture: the computation.
      weights: the operands.
    """

    def __init__(self, architecture: Architecture, weights: DecoderWeights) -> None:
        self.architecture, self.weights = architecture, weights

    def values(self, tokens: Any, positions: Any, attend: Attend, around: Around = as_it_is) -> Any:
        """Returns the normed output of the last layer.

        Args:
          tokens: int32 `[n, tokens]`.
          positions: of the tokens in their sequences, likewise.
          attend: attention.
          around: what is put around each layer, such as `tf.recompute_grad`.

        Returns:
          float32 `[n, tokens, width]`.
        """
        a, weights = self.architecture, self.weights
        x = weights.embedding.looked_up(tokens)
        if a.embedding_scale != 1.0:
            x = x * np.float32(a.embedding_scale)
        if weights.positions is not None:
            x = x + weights.positions.looked_up(positions)
        x = self._normed(weights.embedding_norm, x)
        # Once for all layers: graphs are kept in memory, and every operation takes time when a model is first used.
        count, extent = shape_of(tokens)[0], shape_of(tokens)[1]
        shapes = {
            heads: stack([count, extent, heads, a.head_size]) for heads in {a.heads, a.kv_heads}
        }
        turns = [_turns(rope, positions) for rope in a.ropes]
        repetition = Repetition()
        for at, layer in enumerate(weights.layers):
            rope = a.rope_of[at] if turns else -1
            turn = turns[rope] if rope >= 0 else _UNTURNED
            window, kept = attend.windows[at], [variables[at] for variables in attend.kept]
            attended = functools.partial(attend.call, window, kept)
            call = around(functools.partial(self._layer, layer, shapes, turn, attended))
            # All that differs among layers: `call` is made of no more.
            operands = Operands((layer, rope, window, kept))
            is_alike = around is as_it_is
            x = (
                repetition.call(call, x, operands.form, operands.outer, operands.variables)
                if is_alike
                else call(x)
            )
        return self._normed(weights.final_norm, x)

    def logits(self, values: Any) -> Any:
        """Returns the logits of values `[..., width]`.

        Raises:
          InvalidArgumentError: an encoder has none.
        """
        if self.weights.output is None:
            raise InvalidArgumentError("The model is an encoder, which gives no logits.")
        a, unscaled = self.architecture, self.weights.output(values)
        return capped(_scaled(unscaled, a.logits_scale), a.logits_cap)

    def _layer(self, layer: Layer, shapes: dict[int, Any], turn: Turn, attend: Any, x: Any) -> Any:
        """The output of a layer.

        Args:
          layer: the operands.
          shapes: `[n, tokens, heads, size]` by numbers of heads.
          turn: cosines and sines.
          attend: attention of queries, keys and values.
          x: float32 `[n, tokens, width]`.
        """
        a = self.architecture
        normed = self._normed(layer.attention_norm, x)
        query = self._heads(layer.query, layer.query_norm, shapes[a.heads], normed, turn.query)
        key = self._heads(layer.key, layer.key_norm, shapes[a.kv_heads], normed, turn.key)
        value = reshape(layer.value(normed), shapes[a.kv_heads])
        attended = layer.attention_output(attend(query, key, value))
        if a.is_parallel:
            read = normed if layer.inner_norm is None else self._normed(layer.inner_norm, x)
            return x + attended + self._inner(layer, read)
        if a.norms_sums:
            x = self._normed(layer.post_attention_norm, x + attended)
            return self._normed(layer.post_inner_norm, x + self._inner(layer, x))
        x = x + _scaled(self._normed(layer.post_attention_norm, attended), a.residual_scale)
        inner = self._inner(layer, self._normed(layer.inner_norm, x))
        return x + _scaled(self._normed(layer.post_inner_norm, inner), a.residual_scale)

    def _heads(self, linear: Linear, norm: Norm | None, shape: Any, x: Any, turn: Any) -> Any:
        """Queries or keys, normed and turned."""
        heads = linear(x)
        if norm is not None and norm.scale.shape[-1] != self.architecture.head_size:
            heads, norm = self._normed(norm, heads), None  # of all heads together
        heads = self._normed(norm, reshape(heads, shape))
        return heads if turn is None else _turned(heads, *turn)

    def _inner(self, layer: Layer, x: Any) -> Any:
        activate = _ACTIVATIONS[self.architecture.activation]
        if layer.gate is None:
            return layer.down(activate(layer.up(x)))
        return layer.down(activate(layer.gate(x)) * layer.up(x))

    def _normed(self, norm: Norm | None, x: Any) -> Any:
        """`x`, normed along its last axis; unchanged if there is no norm."""
        if norm is None:
            return x
        epsilon = np.float32(self.architecture.epsilon)
        if self.architecture.norm == "layer":
            x = x - reduce_mean(x, -1, keepdims=True)
        scaled = x * raw.Rsqrt(reduce_mean(raw.Square(x), -1, keepdims=True) + epsilon) * norm.scale
        return scaled if norm.bias is None else scaled + norm.bias


def _scaled(x: Any, scale: float) -> Any:
    return x if scale == 1.0 else x * np.float32(scale)


def _turns(rope: Rope, positions: Any) -> Turn:
    """Cosines and sines `[n, tokens, 1, frequencies]`."""
    cosines, sines = _circle(rope, positions)
    if not rope.growth:
        return Turn((cosines, sines), (cosines, sines))
    spans = cast(raw.FloorDiv(positions, np.int32(rope.growth_length)), dtypes.float32)
    growth = raw.Log1p(spans)[:, :, None, None] * np.float32(rope.growth) + np.float32(1)
    return Turn((cosines * growth, sines * growth), (cosines, sines))


def _circle(rope: Rope, positions: Any) -> tuple[Any, Any]:
    angles = cast(positions, dtypes.float32)[:, :, None, None] * np.float32(rope.frequencies)
    magnitude = np.float32(rope.magnitude)
    if magnitude == 1:
        return raw.Cos(angles), raw.Sin(angles)
    return raw.Cos(angles) * magnitude, raw.Sin(angles) * magnitude


def _turned(x: Any, cosines: Any, sines: Any) -> Any:
    """`x` with rotary positions: in each head, entries `i` and `i + half` of the first `2 * half` are rotated as pairs."""
    half = cosines.shape[-1]
    rest = x.shape[-1] - 2 * half
    first, second, *others = split(x, [half, half, rest] if rest else 2, axis=-1)
    return concat([first * cosines - second * sines, second * cosines + first * sines, *others], -1)


def capped(x: Any, cap: float) -> Any:
    """Returns numbers bent by a hyperbolic tangent, so that they stay below a cap; 0 for none."""
    return raw.Tanh(x / np.float32(cap)) * np.float32(cap) if cap else x
