"""Keys and values of tokens, kept for all sequences in variables that are written in place, and attention over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.array.creation import zeros
from penstock._src.api.array.indexing import gather, where
from penstock._src.api.array.indexing import slice as part_of
from penstock._src.api.array.joining import stack
from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import broadcast_to, expand_dims, reshape, transpose
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.linalg.products import matmul
from penstock._src.api.math.elementwise import cast
from penstock._src.api.module import Module
from penstock._src.api.nn.activations import softmax
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.specs import TensorSpec
from penstock._src.core.values.arrays import zeros_aligned
from penstock._src.eager.variable import Variable
from penstock._src.language.architecture import Architecture
from penstock._src.language.network.decoder import Attend, capped
from penstock._src.language.weights.operands import tensor_of

# The score of a token that is not seen.
_UNSEEN = np.float32(-1e30)


class Cache(Module):
    """Variables `[slots, kv_heads, length, size]`, of keys and values of each layer; empty until `reset`.

    Args:
      architecture: of the model.
      dtype: of the numbers, float32 or float16.

    Attributes:
      dtype: of the numbers.
    """

    def __init__(self, architecture: Architecture, dtype: DType = dtypes.float32) -> None:
        super().__init__()
        self._architecture, self.dtype = architecture, dtype
        a = architecture
        nothing = zeros([0, a.kv_heads, 0, a.head_size], dtype)
        shape = [None, a.kv_heads, None, a.head_size]
        self.keys, self.values = (
            [Variable(nothing, trainable=False, shape=shape) for _ in range(a.layers)]
            for _ in range(2)
        )

    @property
    def bytes_per_place(self) -> int:
        """That a token of a sequence takes."""
        a = self._architecture
        return 2 * a.layers * a.kv_heads * a.head_size * self.dtype.size

    def reset(self, slots: Any, length: Any) -> None:
        """Makes all variables zeros of a size."""
        a = self._architecture
        for variable in (*self.keys, *self.values):
            variable.assign(zeros([slots, a.kv_heads, length, a.head_size], self.dtype))

    def allocate(self, slots: int, length: int) -> None:
        """Sets all variables to zeros of a size, now; memory is committed as positions are written."""
        a, numpy_type = self._architecture, self.dtype.as_numpy_dtype
        for variable in (*self.keys, *self.values):
            empty = zeros_aligned((slots, a.kv_heads, length, a.head_size), np.dtype(numpy_type))
            variable.assign(tensor_of(empty))

    def clear(self, slot: Any) -> None:
        """Fills a row with zeros."""
        for variable in (*self.keys, *self.values):
            empty = zeros(shape_of(variable)[1:], self.dtype)
            variable.scatter_nd_update([[slot]], empty[None])

    @property
    def part(self) -> TensorSpec:
        """The type of the result of `read`: keys and values of all layers, `[2 * layers, kv_heads, places, size]`."""
        a = self._architecture
        shape = [2 * a.layers, a.kv_heads, None, a.head_size]
        return TensorSpec(shape, self.dtype, "part")

    def read(self, slot: Any, places: Any) -> Any:
        """Returns keys and values of a row at some positions."""
        variables = (*self.keys, *self.values)
        return stack([gather(gather(variable, slot), places, axis=1) for variable in variables])

    def write(self, slot: Any, start: Any, part: Any) -> None:
        """Writes the result of `read` into a row."""
        positions = start + numbers(shape_of(part)[2])
        places = _places(stack([slot]), positions[None], self._architecture.kv_heads)
        for at, variable in enumerate((*self.keys, *self.values)):
            variable.scatter_nd_update(places, part[at][None])

    def attending_rows(self, positions: Any, span: Any) -> Attend:
        """Returns attention of the first rows.

        Args:
          positions: of the tokens of each row, `[n, tokens]`.
          span: the places that are looked at, 0 to any.
        """
        count, extent = shape_of(positions)[0], shape_of(span)[0]
        a = self._architecture
        begin, size = [0, 0, 0, 0], stack([count, a.kv_heads, extent, a.head_size])
        return self._attending(
            numbers(count), positions, span, lambda variable: part_of(variable, begin, size)
        )

    def attending_slot(self, slot: Any, positions: Any, span: Any) -> Attend:
        """Returns attention of one row, for the tokens at positions `[1, tokens]`."""
        a, rows = self._architecture, stack([slot])
        begin, size = [0, 0, 0, 0], stack([1, a.kv_heads, shape_of(span)[0], a.head_size])
        return self._attending(
            rows, positions, span, lambda variable: part_of(gather(variable, rows), begin, size)
        )

    def _attending(
        self, rows: Any, positions: Any, span: Any, kept: Callable[[Any], Any]
    ) -> Attend:
        a = self._architecture
        places = _places(rows, positions, a.kv_heads)
        attention = Attention(a, positions)
        unseen = {w: attention.grouped(_unseen(positions, span, w)) for w in set(a.windows)}

        def attend(at: int, query: Any, key: Any, value: Any) -> Any:
            for variable, new in ((self.keys[at], key), (self.values[at], value)):
                variable.scatter_nd_update(places, cast(transpose(new, [0, 2, 1, 3]), self.dtype))
            keys, values = (kept(variables[at]) for variables in (self.keys, self.values))
            return attention(query, keys, values, unseen[a.windows[at]])

        return attend


class Attention:
    """The attention of queries, several heads of which share a head of keys. Shapes are computed once for all layers.

    Args:
      a: the architecture.
      of_queries: a tensor with an element for each query, `[n, tokens]`.
    """

    def __init__(self, a: Architecture, of_queries: Any) -> None:
        self._architecture = a
        count, tokens = shape_of(of_queries)[0], shape_of(of_queries)[1]
        heads = [a.kv_heads, a.heads // a.kv_heads, a.head_size]
        # With one token, a group of heads replaces the token axis.
        self._is_one = of_queries.shape[1] == 1
        self._groups = stack([count, *heads] if self._is_one else [count, tokens, *heads])
        self._flat = stack([count, tokens, a.heads * a.head_size])

    def grouped(self, unseen: Any) -> Any:
        """Returns the mask of positions to ignore, `[n, tokens, places]`, in the form of the calls."""
        return unseen[:, None] if self._is_one else unseen[:, None, None]

    def __call__(self, query: Any, keys: Any, values: Any, unseen: Any) -> Any:
        """Returns the attention.

        Args:
          query: `[n, tokens, heads, size]`.
          keys, values: `[n, kv_heads, places, size]`.
          unseen: what `grouped` returned.

        Returns:
          float32 `[n, tokens, heads * size]`.
        """
        a = self._architecture
        keys, values = cast(keys, dtypes.float32), cast(values, dtypes.float32)
        query = reshape(query, self._groups)
        if not self._is_one:
            query = transpose(query, [0, 2, 3, 1, 4])
            keys, values = expand_dims(keys, 2), expand_dims(values, 2)
        scores = capped(
            matmul(query, keys, transpose_b=True) * np.float32(a.attention_scale), a.attention_cap
        )
        attended = matmul(softmax(where(unseen, _UNSEEN, scores)), values)
        if not self._is_one:
            attended = transpose(attended, [0, 3, 1, 2, 4])
        return reshape(attended, self._flat)


def _unseen(positions: Any, span: Any, window: int) -> Any:
    """The positions that a token ignores, `[n, tokens, places]`: later ones, and those before its window."""
    later = span > positions[:, :, None]
    if not window:
        return later
    return later | (span <= positions[:, :, None] - window)


def attending_within(a: Architecture, tokens: Any, positions: Any) -> Attend:
    """Returns attention among the tokens that are given, without a cache.

    Args:
      a: the architecture.
      tokens: `[n, tokens]`.
      positions: of the tokens in every sequence, `[1, tokens]`.
    """
    attention = Attention(a, tokens)
    unseen = {w: attention.grouped(_unseen(positions, positions[0], w)) for w in set(a.windows)}

    def attend(at: int, query: Any, key: Any, value: Any) -> Any:
        keys, values = (transpose(each, [0, 2, 1, 3]) for each in (key, value))
        return attention(query, keys, values, unseen[a.windows[at]])

    return attend


def attending_all(a: Architecture, tokens: Any, lengths: Any) -> Attend:
    """Returns attention of an encoder among all tokens of each text.

    Args:
      a: the architecture.
      tokens: of all texts, with what follows them, `[n, tokens]`.
      lengths: tokens of each text, `[n]`; what follows is not looked at.
    """
    attention = Attention(a, tokens)
    span = numbers(shape_of(tokens)[1])
    unseen = {w: attention.grouped(_unseen_around(span, lengths, w)) for w in set(a.windows)}

    def attend(at: int, query: Any, key: Any, value: Any) -> Any:
        keys, values = (transpose(each, [0, 2, 1, 3]) for each in (key, value))
        return attention(query, keys, values, unseen[a.windows[at]])

    return attend


def _unseen_around(span: Any, lengths: Any, window: int) -> Any:
    """Which places a token of an encoder does not look at, `[n, 1 or tokens, places]`: those that no text has, and those outside of its window."""
    missing = span >= lengths[:, None, None]
    if not window:
        return missing
    distance = span - span[:, None]
    return missing | (distance >= window) | (distance <= -window)


def _places(rows: Any, positions: Any, heads: int) -> Any:
    """The positions in a variable to which tokens are written: index vectors `[n, heads, tokens, 3]`."""
    count, tokens = shape_of(positions)[0], shape_of(positions)[1]
    shape = [count, heads, tokens]
    parts = rows[:, None, None], numbers(heads)[None, :, None], positions[:, None, :]
    return stack([broadcast_to(part, shape) for part in parts], -1)
