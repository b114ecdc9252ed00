"""The keys and values of tokens of all sequences, in variables that are updated in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.array.creation import zeros
from penstock._src.api.array.indexing import gather, where
from penstock._src.api.array.joining import stack
from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.array.shaping import transpose
from penstock._src.api.linalg.products import matmul
from penstock._src.api.math.elementwise import cast
from penstock._src.api.module import Module
from penstock._src.api.nn.activations import softmax
from penstock._src.core import dtypes
from penstock._src.core.specs import TensorSpec
from penstock._src.eager.variable import Variable
from penstock._src.language.network.cache import write_positions

# (queries, keys, values `[n, t, heads, size]`) -> the attended values, of the same shape except for the size, which is that of the values.
Attend = Callable[[Any, Any, Any], Any]
# The score of a token that is not seen yet.
_UNSEEN = -1e30


class Cache(Module):
    """Variables `[slots, heads, length, size]`, two for each attention of a model; empty until `reset`."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[list[Any]] = []  # variables; their operators come with the api

    def add(self, query: Any, key: Any, value: Any) -> Any:
        """Creates the variables of one attention, for tensors of these shapes; returns a tensor with the shape of its result."""
        self.pairs.append([_empty(key), _empty(value)])
        return zeros((*query.shape[:-1], value.shape[-1]), query.dtype)

    @property
    def bytes_per_place(self) -> int:
        """That a token of a sequence takes."""
        return sum(v.shape[1] * v.shape[3] * v.dtype.size for pair in self.pairs for v in pair)

    def reset(self, slots: Any, length: Any) -> None:
        """Makes all variables zeros of a size."""
        for variable in self._variables():
            heads, size = variable.shape[1], variable.shape[3]
            variable.assign(zeros([slots, heads, length, size], variable.dtype))

    def clear(self, slot: Any) -> None:
        """Fills a row with zeros."""
        for variable in self._variables():
            empty = zeros(shape_of(variable)[1:], variable.dtype)
            variable.scatter_nd_update([[slot]], empty[None])

    def _variables(self) -> list[Any]:
        return [variable for pair in self.pairs for variable in pair]

    @property
    def parts(self) -> dict[str, TensorSpec]:
        """The types of the results of `read`, by names: `[heads, positions, size]` of each variable."""
        return {
            f"part_{at}": TensorSpec([v.shape[1], None, v.shape[3]], v.dtype, f"part_{at}")
            for at, v in enumerate(self._variables())
        }

    def read(self, slot: Any, places: Any) -> dict[str, Any]:
        """Returns a row's content at some positions."""
        arrays = [gather(gather(v, slot), places, axis=1) for v in self._variables()]
        return dict(zip(self.parts, arrays, strict=True))

    def write(self, slot: Any, start: Any, arrays: Sequence[Any]) -> None:
        """Writes a result of `read` into a row."""
        for variable, array in zip(self._variables(), arrays, strict=True):
            positions = start + numbers(shape_of(array)[1])
            places = write_positions(stack([slot]), positions[None], variable.shape[1])
            variable.scatter_nd_update(places, array[None])

    def attending_rows(self, positions: Any, span: Any) -> Attend:
        """Attention of the first rows.

        Args:
          positions: of the tokens of each row, `[n, tokens]`.
          span: the places that are looked at, 0 to any.
        """
        count, extent = shape_of(positions)[0], shape_of(span)[0]

        def kept(variable: Any) -> Any:
            return variable[:count, :, :extent]

        return self._attending(numbers(count), positions, span, kept)

    def attending_slot(self, slot: Any, positions: Any, span: Any) -> Attend:
        """Attention of one row, for the tokens at positions `[1, tokens]`."""
        extent = shape_of(span)[0]

        def kept(variable: Any) -> Any:
            return gather(variable, [slot])[:, :, :extent]

        return self._attending(stack([slot]), positions, span, kept)

    def _attending(
        self, rows: Any, positions: Any, span: Any, kept: Callable[[Any], Any]
    ) -> Attend:
        unseen = span > positions[:, None, :, None]
        places: dict[int, Any] = {}
        layers = iter(self.pairs)

        def attend(query: Any, key: Any, value: Any) -> Any:
            heads, size = key.shape[2], key.shape[3]
            if heads not in places:
                places[heads] = write_positions(rows, positions, heads)
            pair = next(layers)
            for variable, new in zip(pair, (key, value), strict=True):
                variable.scatter_nd_update(places[heads], transpose(new, [0, 2, 1, 3]))
            keys, values = map(kept, pair)
            scores = matmul(transpose(query, [0, 2, 1, 3]), keys, transpose_b=True)
            scores = cast(scores, dtypes.float32) * float(size) ** -0.5
            shares = softmax(where(unseen, _UNSEEN, scores))
            return transpose(matmul(cast(shares, values.dtype), values), [0, 2, 1, 3])

        return attend


def attending_within() -> Attend:
    """Causal attention among the tokens that are given, without a cache."""

    def attend(query: Any, key: Any, value: Any) -> Any:
        at = numbers(shape_of(query)[1])
        queries, keys, values = (transpose(t, [0, 2, 1, 3]) for t in (query, key, value))
        scores = matmul(queries, keys, transpose_b=True)
        scores = cast(scores, dtypes.float32) * float(key.shape[3]) ** -0.5
        shares = softmax(where(at[None, :] > at[:, None], _UNSEEN, scores))
        return transpose(matmul(cast(shares, values.dtype), values), [0, 2, 1, 3])

    return attend


def _empty(new: Any) -> Variable:
    heads, size = new.shape[2], new.shape[3]
    nothing = zeros([0, heads, 0, size], new.dtype)
    return Variable(nothing, trainable=False, shape=[None, heads, None, size])
