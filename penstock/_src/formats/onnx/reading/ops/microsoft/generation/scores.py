"""Scores of next tokens, as the settings of a search change them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.microsoft.sequences import without_repetitions
from penstock._src.formats.onnx.reading.registry import Node

# Tokens that are not allowed have this score, so that their sums are numbers.
LOWEST = float(np.finfo(np.float32).min)


def scalar(value: Any) -> Any:
    """The element of a tensor that has one."""
    return raw.Reshape(value, t.int64([]))


@dataclass(frozen=True)
class Rules:
    """Settings of a search that change scores.

    Attributes:
      penalty: divides positive scores of tokens that occurred, and multiplies negative ones; None for one.
      window: no sequence of this length may occur twice; 0 for any.
      allowed: 0 for tokens that are never chosen, [vocabulary]; None if there are none.
      allowed_first: 0 for tokens that are not chosen first, [batch, vocabulary]; None if there are none.
      least: the length before which a sequence does not end; None for none.
      end: the token that ends a sequence.
    """

    penalty: Any
    window: int
    allowed: Any
    allowed_first: Any
    least: Any
    end: int

    @classmethod
    def of(cls, n: Node, penalty: Any, allowed: Any, allowed_first: Any, least: Any) -> "Rules":
        """The rules of a node with these inputs, which may be None."""
        window = n.attr("no_repeat_ngram_size", 0)
        return cls(penalty, window, allowed, allowed_first, least, n.attr("eos_token_id"))

    def applied(self, scores: Any, tokens: Any, is_first: bool) -> Any:
        """The scores of next tokens.

        Args:
          scores: [rows, vocabulary].
          tokens: so far, [rows, length].
          is_first: True for the first token of a search.
        """
        if self.penalty is not None:
            scores = self._repeated(scores, tokens)
        if self.window > 0:
            scores = without_repetitions(tokens, scores, self.window, LOWEST)
        for mask in (self.allowed, self.allowed_first if is_first else None):
            if mask is not None:
                mask = _for_each_beam(mask, scores)
                scores = raw.SelectV2(
                    raw.Equal(mask, t.like(0, mask)), t.like(LOWEST, scores), scores
                )
        if self.least is not None:
            is_short = raw.Less(t.extent(tokens, 1), t.cast(scalar(self.least), dtypes.int64))
            is_end = raw.Equal(t.numbers(t.extents(scores)[1]), t.int64(self.end))
            scores = raw.SelectV2(raw.LogicalAnd(is_short, is_end), t.like(LOWEST, scores), scores)
        return scores

    def _repeated(self, scores: Any, tokens: Any) -> Any:
        penalty = t.cast(scalar(self.penalty), scores.dtype)
        rows = raw.BroadcastTo(t.aligned(t.numbers(t.extents(tokens)[0]), 2, 0), t.shape(tokens))
        at = raw.Pack([rows, t.cast(tokens, dtypes.int64)], axis=2)
        nothing = raw.Fill(t.shape(scores), t.constant(False, dtypes.bool_))
        occurred = raw.TensorScatterUpdate(
            nothing, at, raw.Fill(t.shape(tokens), t.constant(True, dtypes.bool_))
        )
        is_negative = raw.Less(scores, t.like(0, scores))
        changed = raw.SelectV2(is_negative, raw.Mul(scores, penalty), raw.RealDiv(scores, penalty))
        return raw.SelectV2(occurred, changed, scores)


def _for_each_beam(mask: Any, scores: Any) -> Any:
    """A mask of the vocabulary for each row of scores: a row of a batch stands for all of its beams."""
    if t.rank(mask) == 1:
        return mask
    batch, vocabulary = t.extents(mask)
    wide = raw.BroadcastTo(t.expand_dims(mask, [1]), t.vector(_split(scores, batch, vocabulary)))
    return t.reshape(wide, t.shape(scores))


def _split(scores: Any, batch: Any, vocabulary: Any) -> Sequence[Any]:
    rows = raw.FloorDiv(t.extent(scores, 0), t.vector([batch])[0])
    return [batch, rows, vocabulary]
