"""The graphs of a search as functions of tokens and states."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.onnx.element_types import element_type, shape_of
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node

States = list[Any]


def each_repeated(x: Any, count: Any, axis: int = 0) -> Any:
    """x with every row `count` times, one after the other."""
    rows = raw.FloorDiv(t.numbers(raw.Mul(t.extent(x, axis), count)), count)
    return t.batched_gather(x, rows, axis)


def _last(logits: Any) -> Any:
    """The scores after the last token, as float32."""
    size = t.extent(logits, 1)
    return t.cast(t.batched_gather(logits, raw.Sub(size, t.int64(1)), 1), dtypes.float32)


def _ones(x: Any) -> Any:
    """A column of ones of the rows and dtype of a matrix."""
    return raw.Fill(t.vector([t.extent(x, 0), 1]), t.like(1, x))


def _declared(n: Node, first: int) -> list[TensorShape]:
    """The shapes that a decoder declares for its inputs."""
    return [shape_of(info.type.tensor_type) for info in list(n.attr("decoder").input)[first:]]


def _empty(info: Any, rows: Any) -> Any:
    """The keys or values, or both, of a layer before the first token: [..., rows, heads, length, size]."""
    kind = info.type.tensor_type
    shape = shape_of(kind)
    if shape.rank not in (4, 5) or None in (shape[-3], shape[-1]):
        raise UnimplementedError(
            f"a past of shape {shape}; it is [..., batch, heads, length, size]."
        )
    sizes = t.vector([*[2] * (shape.rank - 4), rows, shape[-3], 0, shape[-1]])
    return raw.Fill(sizes, t.constant(0, element_type(kind.elem_type).dtype))


class _Decoder:
    """A model whose texts begin with `tokens` [rows, length], int32."""

    tokens: Any

    def beginnings(self, beams: Any) -> Any:
        """The beginnings of texts, each `beams` times."""
        return each_repeated(self.tokens, beams)


class DecoderOnly(_Decoder):
    """A model such as GPT-2: a graph of tokens, their positions, a mask, and the keys and values of each layer before.

    Args:
      n: the node of the search.
      tokens: the beginnings of texts [rows, length], int32.
      mask: 0 for tokens that take no part; None to find them by the token that fills up.
    """

    def __init__(self, n: Node, tokens: Any, mask: Any) -> None:
        self.n, self.tokens = n, tokens
        inputs = list(n.attr("decoder").input)
        self.layers = len(inputs) - 3
        if self.layers != len(n.attr("decoder").output) - 1:
            raise UnimplementedError(
                f"a decoder of {len(inputs)} inputs: its past has a buffer that is shared."
            )
        is_token = raw.NotEqual(tokens, t.like(n.attr("pad_token_id"), tokens))
        counts = t.cast(is_token, dtypes.int32)
        self.mask = counts if mask is None else mask
        # Positions count tokens that do not fill up, also where a mask is given.
        self.counts = raw.Sum(counts, np.int32(1), keep_dims=True)
        before = raw.Cumsum(counts, np.int32(1), exclusive=True)
        self.positions = raw.Mul(before, raw.Sign(counts))

    def first(self, beams: Any) -> tuple[Any, States]:
        """The scores after the beginnings, and the states; each row `beams` times unless that is None."""
        given = [self.tokens, self.positions, self.mask]
        counts = self.counts
        if beams is not None:
            *given, counts = [each_repeated(x, beams) for x in (*given, counts)]
        rows = t.extents(given[0])[0]
        nothing = [_empty(info, rows) for info in list(self.n.attr("decoder").input)[3:]]
        # A graph of its own for the first step has other products fused.
        name = "init_decoder" if self.n.has("init_decoder") else "decoder"
        logits, *past = self.n.subgraph(name)(*given, *nothing)
        return _last(logits), [given[2], counts, *past]

    def next(self, tokens: Any, states: States) -> tuple[Any, States]:
        """The scores after texts [rows, length], of which all but the last token are in the states; and the new states."""
        mask, positions, *past = states
        mask = t.concat([mask, _ones(mask)], 1)
        last = t.slice_along(tokens, 1, -1, None)
        logits, *past = self.n.subgraph("decoder")(last, positions, mask, *past)
        return _last(logits), [mask, raw.AddV2(positions, t.like(1, positions)), *past]

    @property
    def shapes(self) -> list[TensorShape]:
        """The shapes that the states have in all steps."""
        past = _declared(self.n, 3)
        return [TensorShape([None, None]), TensorShape([None, 1]), *past]

    def chosen(self, states: States, rows: Any) -> States:
        """The states of some rows."""
        mask, positions, *past = states
        kept = [t.batched_gather(x, rows, 0) for x in (mask, positions)]
        return [*kept, *(t.batched_gather(x, rows, 1) for x in past)]


class EncoderDecoder(_Decoder):
    """A model such as T5 or BART: the encoder's graph gives keys and values for each layer of the decoder's.

    Args:
      n: the node of the search.
      source: tokens or features that the encoder reads.
      mask: of the source; None to find tokens by the one that fills up.
    """

    def __init__(self, n: Node, source: Any, mask: Any) -> None:
        self.n = n
        if mask is None:
            is_token = raw.NotEqual(source, t.like(n.attr("pad_token_id"), source))
            mask = t.cast(is_token, dtypes.int32)
        self.source, self.mask = source, mask
        start = t.constant(n.attr("decoder_start_token_id"), dtypes.int32)
        self.tokens = raw.Fill(t.vector([t.extent(source, 0), 1]), start)
        names = [info.name for info in n.attr("decoder").input]
        self.has_hidden = len(names) > 2 and names[2] == "encoder_hidden_states"
        self.fixed: States = []
        self.cross: States = []
        sizes = n.attr("decoder").input[0].type.tensor_type.shape.dim
        self.wants_last = len(sizes) == 2 and sizes[1].dim_value == 1
        count = len(names) - (3 if self.has_hidden else 2)
        self.own = len(n.attr("decoder").output) - 1
        if count != 2 * self.own:
            raise UnimplementedError(
                f"a decoder of {len(names)} inputs: its past has a buffer that is shared."
            )

    def first(self, beams: Any) -> tuple[Any, States]:
        """The scores after the first tokens, and the states; each row `beams` times unless that is None."""
        if len(self.n.attr("encoder").input) == 2:
            return self._from_nothing(beams)
        results = self.n.subgraph("encoder")(self.source, self.mask, self.tokens)
        if len(results) != 2 + 2 * self.own:
            raise UnimplementedError(f"an encoder of {len(results)} outputs.")
        mask, logits, hidden, *past = [self._for_beams(x, beams) for x in (self.mask, *results)]
        self.fixed = [mask, hidden] if self.has_hidden else [mask]
        self.cross = past[self.own :]
        return _last(logits), past[: self.own]

    def _from_nothing(self, beams: Any) -> tuple[Any, States]:
        """The first scores if the encoder gives its own keys and values only: the decoder begins with an empty past."""
        cross = self.n.subgraph("encoder")(self.source, self.mask)
        if self.has_hidden or len(cross) != self.own:
            raise UnimplementedError(f"an encoder of {len(cross)} outputs.")
        mask, tokens, *self.cross = [
            self._for_beams(x, beams) for x in (self.mask, self.tokens, *cross)
        ]
        self.fixed = [mask]
        infos = list(self.n.attr("decoder").input)[2 : 2 + self.own]
        rows = t.extent(tokens, 0)
        return self.next(tokens, [_empty(info, rows) for info in infos])

    @staticmethod
    def _for_beams(x: Any, beams: Any) -> Any:
        return x if beams is None else each_repeated(x, beams)

    def next(self, tokens: Any, states: States) -> tuple[Any, States]:
        """The scores after texts [rows, length], of which all but the last token are in the states; and the new states."""
        given = t.slice_along(tokens, 1, -1, None) if self.wants_last else tokens
        logits, *past = self.n.subgraph("decoder")(given, *self.fixed, *states, *self.cross)
        return _last(logits), past

    @property
    def shapes(self) -> list[TensorShape]:
        """The shapes that the states have in all steps."""
        return _declared(self.n, 3 if self.has_hidden else 2)[: self.own]

    def chosen(self, states: Sequence[Any], rows: Any) -> States:
        """The states of some rows. What the encoder gave is the same for all beams of a text."""
        return [t.batched_gather(x, rows, 0) for x in states]
