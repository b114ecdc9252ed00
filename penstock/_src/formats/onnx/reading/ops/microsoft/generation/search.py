"""Searches: the most likely token each time, or the texts of the greatest sums of logarithms of probabilities.

Scores of an unfinished text are sums; those of a finished one are divided by a power of its length. Rows of a batch are apart; a beam is a row of the decoder.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.microsoft.generation.decoders import (
    DecoderOnly,
    EncoderDecoder,
)
from penstock._src.formats.onnx.reading.ops.microsoft.generation.scores import Rules, scalar
from penstock._src.formats.onnx.reading.registry import MICROSOFT, Node, reads

# The sum of the beams of a text that are the same as its first one at the beginning.
_UNLIKELY = -1e9


def _within_vocabulary(n: Node, logits: Any) -> Any:
    """The scores of the vocabulary's tokens: weights may be padded to more rows."""
    size = n.attr("vocab_size", -1)
    return logits if size <= 0 else t.slice_along(logits, 1, 0, size)


def _ensured(states: list[Any], shapes: list[TensorShape]) -> list[Any]:
    return [raw.EnsureShape(x, shape=shape) for x, shape in zip(states, shapes, strict=True)]


def _in_full(tokens: Any, most: Any, fill: int) -> Any:
    """Texts as rows of the greatest length. One that is longer is an error: it has no place for a new token."""
    wide = t.filled_up(tokens, 1, most, fill)
    return t.reshape(wide, [t.extents(tokens)[0], most])


@reads("GreedySearch", domain=MICROSOFT, settings=(1, 2, 3))
def _greedy_search(
    n: Node,
    tokens: Any,
    most: Any,
    least: Any = None,
    penalty: Any = None,
    allowed: Any = None,
    allowed_first: Any = None,
    mask: Any = None,
) -> Any:
    n.only(model_type=0)
    decoder = DecoderOnly(n, tokens, mask)
    rules = Rules.of(n, penalty, allowed, allowed_first, least)
    limit, fill = t.cast(scalar(most), dtypes.int64), n.attr("pad_token_id")

    def grown(logits: Any, tokens: Any, done: Any, is_first: bool) -> tuple[Any, Any]:
        scores = rules.applied(_within_vocabulary(n, logits), tokens, is_first)
        new = raw.ArgMax(scores, np.int32(1), output_type=dtypes.int32)
        done = raw.LogicalOr(done, raw.Equal(new, t.like(rules.end, new)))
        new = raw.SelectV2(done, t.like(fill, new), new)  # also the end itself
        return t.concat([tokens, t.expand_dims(new, [1])], 1), done

    def step(tokens: Any, done: Any, *states: Any) -> Any:
        logits, new = decoder.next(tokens, list(states))
        return (*grown(logits, tokens, done, False), *_ensured(new, decoder.shapes))

    logits, states = decoder.first(None)
    nothing = raw.Fill(t.vector([t.extents(tokens)[0]]), t.constant(False, dtypes.bool_))
    texts, *_ = while_loop(
        lambda tokens, done, *_: _goes_on(tokens, limit, done),
        step,
        (*grown(logits, tokens, nothing, True), *states),
        shape_invariants=(TensorShape([None, None]), TensorShape([None]), *decoder.shapes),
    )
    return _in_full(texts, limit, fill)


def _goes_on(tokens: Any, limit: Any, done: Any) -> Any:
    """True if texts are shorter than the limit and one of them has not ended."""
    is_short = raw.Less(t.extent(tokens, 1), limit)
    return raw.LogicalAnd(is_short, raw.LogicalNot(raw.All(done, np.array([0], np.int32))))


@dataclass(frozen=True)
class _Beams:
    """Unfinished texts and the best finished ones, of B texts of a batch with K beams each.

    Attributes:
      tokens: of the unfinished [B * K, length].
      sums: of the unfinished [B, K].
      done: True where no better text can come [B].
      count: finished texts [B], at most K.
      scores: of the finished, the greatest first [B, K]; -inf for none.
      texts: the finished [B, K, greatest length].
    """

    tokens: Any
    sums: Any
    done: Any
    count: Any
    scores: Any
    texts: Any

    @property
    def all(self) -> tuple[Any, ...]:
        """The tensors in order."""
        return self.tokens, self.sums, self.done, self.count, self.scores, self.texts

    SHAPES = tuple(TensorShape([None] * rank) for rank in (2, 2, 1, 1, 2, 3))


class _BeamSearch:
    """The settings of a search by beams.

    Args:
      n: the node.
      rules: for the scores.
      most: the greatest length, int64.
      beams: their number K, int64.
      power: of lengths.
    """

    def __init__(self, n: Node, rules: Rules, most: Any, beams: Any, power: Any) -> None:
        self.n, self.rules, self.most, self.beams, self.power = n, rules, most, beams, power
        self.fill = n.attr("pad_token_id")

    def start(self, tokens: Any) -> _Beams:
        """The state before the first step; `tokens` are the beginnings of all beams."""
        batch = raw.FloorDiv(t.extent(tokens, 0), self.beams)
        shape = t.vector([batch, self.beams])
        is_first = raw.Equal(t.numbers(self.beams), t.int64(0))
        sums = raw.SelectV2(is_first, np.float32(0), np.float32(_UNLIKELY))
        return _Beams(
            tokens,
            raw.BroadcastTo(sums, shape),
            raw.Fill(t.vector([batch]), t.constant(False, dtypes.bool_)),
            raw.Fill(t.vector([batch]), t.int64(0)),
            raw.Fill(shape, np.float32(-math.inf)),
            raw.Fill(t.vector([batch, self.beams, self.most]), t.constant(self.fill, dtypes.int32)),
        )

    def step(self, logits: Any, old: _Beams, is_first: bool) -> tuple[_Beams, Any, Any]:
        """The next state, the row that each beam goes on from, and the scores of all tokens."""
        logits = _within_vocabulary(self.n, logits)
        scores = self.rules.applied(raw.LogSoftmax(logits), old.tokens, is_first)
        scores = raw.AddV2(scores, t.reshape(old.sums, [-1, 1]))
        batch, vocabulary = t.extent(old.done, 0), t.extent(scores, 1)
        twice = raw.Mul(self.beams, t.int64(2))
        flat = t.reshape(scores, [batch, raw.Mul(self.beams, vocabulary)])
        top, places = raw.TopKV2(flat, t.cast(twice, dtypes.int32), index_type=dtypes.int64)
        firsts = raw.Mul(t.aligned(t.numbers(batch), 2, 0), self.beams)
        sources = raw.AddV2(raw.FloorDiv(places, vocabulary), firsts)
        tokens = t.cast(raw.FloorMod(places, vocabulary), dtypes.int32)
        is_end = raw.Equal(tokens, t.like(self.rules.end, tokens))
        counts_as_end = raw.LogicalAnd(is_end, raw.Less(t.numbers(twice), self.beams))
        new = self._with_ended(old, top, sources, counts_as_end)
        # Of twice as many candidates as beams, at most one of each beam ends: enough go on.
        order = raw.SelectV2(is_end, t.int64(0), raw.Sub(twice, t.numbers(twice)))
        _, kept = raw.TopKV2(order, t.cast(self.beams, dtypes.int32), index_type=dtypes.int64)
        sums, sources, tokens = (
            raw.SelectV2(
                t.expand_dims(new.done, [1]), t.like(idle, x), t.batched_gather(x, kept, 1, 1)
            )
            for x, idle in ((top, 0), (sources, 0), (tokens, self.fill))
        )
        rows = t.reshape(sources, [-1])
        texts = t.batched_gather(old.tokens, rows, 0)
        texts = t.concat([texts, t.reshape(tokens, [-1, 1])], 1)
        return _Beams(texts, sums, new.done, new.count, new.scores, new.texts), rows, scores

    def _with_ended(self, old: _Beams, top: Any, sources: Any, is_end: Any) -> _Beams:
        """The state with the texts that end now, the best of which are kept."""
        length = t.cast(t.extent(old.tokens, 1), dtypes.float32)
        factor = raw.Pow(length, self.power)
        counts = raw.LogicalAnd(is_end, raw.LogicalNot(t.expand_dims(old.done, [1])))
        scores = raw.SelectV2(counts, raw.RealDiv(top, factor), np.float32(-math.inf))
        ended = t.batched_gather(old.tokens, sources, 0)
        new = self._best(old, scores, ended)
        added = raw.Sum(t.cast(counts, dtypes.int64), np.int32(1))
        count = raw.Minimum(raw.AddV2(old.count, added), self.beams)
        done = raw.Equal(count, self.beams)
        if not self.n.flag("early_stopping"):
            best = raw.RealDiv(raw.Max(top, np.int32(1)), factor)
            worst = raw.Min(new.scores, np.int32(1))
            done = raw.LogicalAnd(done, raw.LogicalNot(raw.Less(worst, best)))
        done = raw.LogicalOr(old.done, done)
        return _Beams(old.tokens, old.sums, done, count, new.scores, new.texts)

    def _best(self, old: _Beams, scores: Any, tokens: Any) -> _Beams:
        """The state with the best of its finished texts and others: scores [B, n], tokens [B, n, length]."""
        wide = t.filled_up(tokens, 2, self.most, self.fill)
        every = t.concat([old.scores, scores], 1)
        best, at = raw.TopKV2(every, t.cast(self.beams, dtypes.int32), index_type=dtypes.int64)
        texts = t.batched_gather(t.concat([old.texts, wide], 1), at, 1, 1)
        return _Beams(old.tokens, old.sums, old.done, old.count, best, texts)

    def finished(self, last: _Beams) -> _Beams:
        """The state in which texts that are not done end as they are."""
        factor = raw.Pow(t.cast(t.extent(last.tokens, 1), dtypes.float32), self.power)
        is_done = t.expand_dims(last.done, [1])
        scores = raw.SelectV2(is_done, np.float32(-math.inf), raw.RealDiv(last.sums, factor))
        sizes = [t.extents(last.done)[0], self.beams, t.extent(last.tokens, 1)]
        return self._best(last, scores, t.reshape(last.tokens, sizes))


@reads("BeamSearch", domain=MICROSOFT, settings=(1, 2, 3, 4, 5, 6), optional=(2,))
def _beam_search(
    n: Node,
    source: Any,
    most: Any,
    least: Any,
    beams: Any,
    returned: Any,
    power: Any = None,
    penalty: Any = None,
    allowed: Any = None,
    allowed_first: Any = None,
    mask: Any = None,
    _starts: Any = None,  # ONNX Runtime reads them for Whisper only
    processor: Any = None,
) -> Any:
    kind = n.attr("model_type", 0)
    if kind not in (0, 1) or processor is not None:
        raise UnimplementedError(f"model_type={kind} with a processor of logits is not supported.")
    decoder = EncoderDecoder(n, source, mask) if kind else DecoderOnly(n, source, mask)
    rules = Rules.of(n, penalty, allowed, allowed_first, least)
    limit, width = (t.cast(scalar(x), dtypes.int64) for x in (most, beams))
    power = (
        t.constant(1.0, dtypes.float32) if power is None else t.cast(scalar(power), dtypes.float32)
    )
    search = _BeamSearch(n, rules, limit, width, power)
    logits, states = decoder.first(width)
    first, rows, scores = search.step(logits, search.start(decoder.beginnings(width)), True)
    begin = t.extent(decoder.tokens, 1)
    steps = t.cast(raw.Sub(limit, begin), dtypes.int32)
    collected = TensorArray(
        dtypes.float32, size=steps, infer_shape=False, element_shape=TensorShape([None, None])
    )
    nothing = raw.ZerosLike(scores)
    collected = collected.write(np.int32(0), scores) if n.wants(2) else collected
    count = len(_Beams.SHAPES)

    def step(i: Any, kept: Any, *values: Any) -> Any:
        old, states = _Beams(*values[:count]), list(values[count:])
        logits, states = decoder.next(old.tokens, states)
        new, rows, scores = search.step(logits, old, False)
        kept = kept.write(i, scores) if n.wants(2) else kept
        states = _ensured(decoder.chosen(states, rows), decoder.shapes)
        return (raw.AddV2(i, np.int32(1)), kept, *new.all, *states)

    shapes = (TensorShape([]), TensorShape(None), *_Beams.SHAPES, *decoder.shapes)
    last, kept, *values = while_loop(
        lambda i, kept, tokens, sums, done, *_: _goes_on(tokens, limit, done),
        step,
        (t.constant(1, dtypes.int32), collected, *first.all, *decoder.chosen(states, rows)),
        shape_invariants=shapes,
    )
    best = search.finished(_Beams(*values[:count]))
    number = t.cast(scalar(returned), dtypes.int64)
    texts = t.batched_gather(best.texts, t.numbers(number), 1)
    found = t.batched_gather(best.scores, t.numbers(number), 1)
    return texts, found, _all_scores(kept, last, nothing, width) if n.wants(2) else found


def _all_scores(kept: Any, count: Any, nothing: Any, beams: Any) -> Any:
    """The scores of every step, [steps, batch, beams, vocabulary]; zeros for steps that were not taken."""
    rows, vocabulary = t.extents(nothing)
    taken = kept.gather(raw.Range(np.int32(0), count, np.int32(1)))
    every = t.filled_up(taken, 0, t.cast(kept.size(), dtypes.int64), 0)
    sizes = [-1, raw.FloorDiv(t.extent(nothing, 0), beams), beams, vocabulary]
    return t.reshape(every, sizes)
