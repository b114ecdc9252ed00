"""Keys and values of tokens, kept for all sequences in variables that are written in place, and attention over them."""

from __future__ import annotations

from collections.abc import Sequence
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
from penstock._src.api.math.reduction import reduce_max
from penstock._src.api.module import Module
from penstock._src.api.nn.activations import softmax
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.values.arrays import zeros_aligned
from penstock._src.eager.variable import Variable
from penstock._src.language.architecture import Architecture
from penstock._src.language.network.decoder import Attend, capped
from penstock._src.language.weights.operands import tensor_of

# The score of a token that is not seen.
_UNSEEN = np.float32(-1e30)
# Of numbers that are kept as int8.
_LARGEST = 127


class Cache(Module):
    """Variables `[slots, kv_heads, length, size]`, of keys and values of each layer; empty until `reset`.

    As int8, each row of `size` numbers has a scale, in variables `[slots, kv_heads, length]`: its largest number is 127 times that.

    Args:
      architecture: of the model.
      dtype: of the numbers, float32, float16 or int8.
      bfloat16_rows: the least number of tokens of a piece whose attention is rounded to bfloat16; 0 for none.

    Attributes:
      dtype: of the numbers.
    """

    def __init__(
        self, architecture: Architecture, dtype: DType = dtypes.float32, bfloat16_rows: int = 0
    ) -> None:
        super().__init__()
        self._architecture, self.dtype = architecture, dtype
        self._bfloat16_rows = bfloat16_rows
        a = architecture
        self.keys, self.values = (self._variables(dtype, [a.head_size]) for _ in range(2))
        self.key_scales: list[Variable] = []
        self.value_scales: list[Variable] = []
        if dtype == dtypes.int8:
            self.key_scales, self.value_scales = (
                self._variables(dtypes.float32, []) for _ in range(2)
            )

    def _variables(self, dtype: DType, rest: list[int]) -> list[Variable]:
        a = self._architecture
        nothing, shape = zeros([0, a.kv_heads, 0, *rest], dtype), [None, a.kv_heads, None, *rest]
        return [Variable(nothing, trainable=False, shape=shape) for _ in range(a.layers)]

    @property
    def _numbers(self) -> list[Variable]:
        return [*self.keys, *self.values]

    @property
    def _scales(self) -> list[Variable]:
        return [*self.key_scales, *self.value_scales]

    @property
    def bytes_per_place(self) -> int:
        """That a token of a sequence takes."""
        return bytes_per_place(self._architecture, self.dtype)

    def reset(self, slots: Any, length: Any) -> None:
        """Makes all variables zeros of a size."""
        for variable in (*self._numbers, *self._scales):
            rest = variable.shape.as_list()[3:]
            shape = [slots, self._architecture.kv_heads, length, *rest]
            variable.assign(zeros(shape, variable.dtype))

    def allocate(self, slots: int, length: int) -> None:
        """Sets all variables to zeros of a size, now; memory is committed as positions are written."""
        for variable in (*self._numbers, *self._scales):
            shape = slots, self._architecture.kv_heads, length, *variable.shape.as_list()[3:]
            empty = zeros_aligned(shape, np.dtype(variable.dtype.as_numpy_dtype))
            variable.assign(tensor_of(empty))

    def clear(self, slot: Any) -> None:
        """Fills a row with zeros."""
        for variable in (*self._numbers, *self._scales):
            empty = zeros(shape_of(variable)[1:], variable.dtype)
            variable.scatter_nd_update([[slot]], empty[None])

    @property
    def parts(self) -> tuple[TensorSpec, ...]:
        """The types of the results of `read`: keys and values of all layers, `[2 * layers, kv_heads, places, size]`; scales likewise, if there are any."""
        a = self._architecture
        shape = [2 * a.layers, a.kv_heads, None]
        part = TensorSpec([*shape, a.head_size], self.dtype, "part")
        return (part, TensorSpec(shape, dtypes.float32, "scales")) if self._scales else (part,)

    def read(self, slot: Any, places: Any) -> dict[str, Any]:
        """Returns keys and values of a row at some positions, by the names of `parts`."""
        return {
            spec.name: stack([gather(gather(variable, slot), places, axis=1) for variable in held])
            for spec, held in zip(self.parts, (self._numbers, self._scales), strict=False)
        }

    def write(self, slot: Any, start: Any, parts: Sequence[Any]) -> None:
        """Writes the results of `read` into a row."""
        positions = start + numbers(shape_of(parts[0])[2])
        places = write_positions(stack([slot]), positions[None], self._architecture.kv_heads)
        for part, held in zip(parts, (self._numbers, self._scales), strict=False):
            for at, variable in enumerate(held):
                variable.scatter_nd_update(places, part[at][None])

    def attending_rows(self, positions: Any, span: Any) -> Attend:
        """Returns attention of the first rows.

        Args:
          positions: of the tokens of each row, `[n, tokens]`.
          span: the places that are looked at, 0 to any.
        """
        count, extent = shape_of(positions)[0], shape_of(span)[0]
        size = [count, self._architecture.kv_heads, extent]
        return self._attending(numbers(count), positions, span, 0, size)

    def attending_slot(self, slot: Any, positions: Any, span: Any) -> Attend:
        """Returns attention of one row, for the tokens at positions `[1, tokens]`."""
        size = [1, self._architecture.kv_heads, shape_of(span)[0]]
        return self._attending(stack([slot]), positions, span, slot, size)

    def _attending(
        self, rows: Any, positions: Any, span: Any, first: Any, size: list[Any]
    ) -> Attend:
        """Attention of rows of the cache, the first of which is `first`, over parts of a size."""
        a = self._architecture
        places = write_positions(rows, positions, a.kv_heads)
        attention = Attention(a, positions, self._bfloat16_rows)
        unseen = {w: attention.grouped(_unseen(positions, span, w)) for w in set(a.windows)}
        whole = {3: stack(size), 4: stack([*size, a.head_size])}
        begin = {rank: stack([first, *[0] * (rank - 1)]) for rank in whole}

        def kept(variable: Any) -> Any:
            rank = len(variable.shape)
            return part_of(variable, begin[rank], whole[rank])

        def attend(window: int, held: Sequence[Variable], query: Any, key: Any, value: Any) -> Any:
            rounds = len(held) > 2
            for at, each in enumerate((key, value)):
                new = transpose(each, [0, 2, 1, 3])
                if rounds:
                    new, scale = _rounded(new)
                    held[2 + at].scatter_nd_update(places, scale)
                held[at].scatter_nd_update(places, cast(new, self.dtype))
            keys, values, *scales = map(kept, held)
            return attention(query, keys, values, unseen[window], *scales)

        held = self.keys, self.values, self.key_scales, self.value_scales
        return Attend(attend, a.windows, [variables for variables in held if variables])


def bytes_per_place(a: Architecture, dtype: DType) -> int:
    """Returns the bytes of a cache that a token of a sequence takes.

    Args:
      a: the architecture.
      dtype: of the numbers.
    """
    scale = dtypes.float32.size if dtype == dtypes.int8 else 0
    return 2 * a.layers * a.kv_heads * (a.head_size * dtype.size + scale)


def _rounded(rows: Any) -> tuple[Any, Any]:
    """Rows of floats `[..., size]` as whole numbers up to 127, and the scales `[...]` that they are to be multiplied by."""
    scale = reduce_max(raw.Abs(rows), -1) / np.float32(_LARGEST)
    # A row of zeros has no scale; one of numbers that are not finite keeps them in its scale.
    divisor = where(scale > 0, scale, np.float32(1))
    return raw.Rint(rows / divisor[..., None]), scale


class Attention:
    """The attention of queries, several heads of which share a head of keys. Shapes are computed once for all layers.

    Args:
      a: the architecture.
      of_queries: a tensor with an element for each query, `[n, tokens]`.
      bfloat16_rows: number of queries from which operands are rounded to bfloat16; 0 for none.
    """

    def __init__(self, a: Architecture, of_queries: Any, bfloat16_rows: int = 0) -> None:
        self._architecture, self._of_queries = a, of_queries
        count, tokens = shape_of(of_queries)[0], shape_of(of_queries)[1]
        heads = [a.kv_heads, a.heads // a.kv_heads, a.head_size]
        # With one token, a group of heads replaces the token axis.
        self._is_one = of_queries.shape[1] == 1
        self._bfloat16_rows = 0 if self._is_one else bfloat16_rows
        self._groups = stack([count, *heads] if self._is_one else [count, tokens, *heads])
        self._flat = stack([count, tokens, a.heads * a.head_size])

    def grouped(self, unseen: Any) -> Any:
        """Returns the mask of positions to ignore, `[n, tokens, places]`, in the form of the calls."""
        return unseen[:, None] if self._is_one else unseen[:, None, None]

    def __call__(
        self,
        query: Any,
        keys: Any,
        values: Any,
        unseen: Any,
        key_scales: Any = None,
        value_scales: Any = None,
    ) -> Any:
        """Returns the attention.

        Args:
          query: `[n, tokens, heads, size]`.
          keys, values: `[n, kv_heads, places, size]`.
          unseen: what `grouped` returned.
          key_scales, value_scales: that rows of keys and values are multiplied by, `[n, kv_heads, places]`; None for none.

        Returns:
          float32 `[n, tokens, heads * size]`.
        """
        a = self._architecture
        keys, values = cast(keys, dtypes.float32), cast(values, dtypes.float32)
        # Numbers that have scales are whole ones of eight bits, whose products are stored.
        rounds = key_scales is None
        query, keys, values = (self._rounded(x) if rounds else x for x in (query, keys, values))
        query = reshape(query, self._groups)
        if not self._is_one:
            query = transpose(query, [0, 2, 3, 1, 4])
            keys, values = expand_dims(keys, 2), expand_dims(values, 2)
        scores = matmul(query, keys, transpose_b=True) * np.float32(a.attention_scale)
        scores = capped(self._scaled(scores, key_scales), a.attention_cap)
        weights = self._scaled(softmax(where(unseen, _UNSEEN, scores)), value_scales)
        attended = matmul(self._rounded(weights) if rounds else weights, values)
        if not self._is_one:
            attended = transpose(attended, [0, 3, 1, 2, 4])
        return reshape(attended, self._flat)

    def _rounded(self, x: Any) -> Any:
        """`x`, rounded to bfloat16 if there are so many queries."""
        if not self._bfloat16_rows:
            return x
        return raw.RoundToBfloat16(x, self._of_queries, rows=self._bfloat16_rows)

    def _scaled(self, scores: Any, scales: Any) -> Any:
        """Scores of places, multiplied by numbers of these, which are far fewer than those of keys or values."""
        if scales is None:
            return scores
        return scores * (scales[:, :, None] if self._is_one else scales[:, :, None, None])


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

    def attend(window: int, _held: Any, query: Any, key: Any, value: Any) -> Any:
        keys, values = (transpose(each, [0, 2, 1, 3]) for each in (key, value))
        return attention(query, keys, values, unseen[window])

    return Attend(attend, a.windows)


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

    def attend(window: int, _held: Any, query: Any, key: Any, value: Any) -> Any:
        keys, values = (transpose(each, [0, 2, 1, 3]) for each in (key, value))
        return attention(query, keys, values, unseen[window])

    return Attend(attend, a.windows)


def _unseen_around(span: Any, lengths: Any, window: int) -> Any:
    """Which places a token of an encoder does not look at, `[n, 1 or tokens, places]`: those that no text has, and those outside of its window."""
    missing = span >= lengths[:, None, None]
    if not window:
        return missing
    distance = span - span[:, None]
    return missing | (distance >= window) | (distance <= -window)


def write_positions(rows: Any, positions: Any, heads: int) -> Any:
    """The positions in a variable to which tokens are written: index vectors `[n, heads, tokens, 3]`."""
    count, tokens = shape_of(positions)[0], shape_of(positions)[1]
    shape = [count, heads, tokens]
    parts = rows[:, None, None], numbers(heads)[None, :, None], positions[:, None, :]
    return stack([broadcast_to(part, shape) for part in parts], -1)
