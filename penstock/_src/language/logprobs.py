"""Logarithms of tokens' probabilities."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from penstock._src.language.sampling import largest


class TokenLogprobs(NamedTuple):
    """The log probability of a token.

    Args:
      token: which was chosen.
      logprob: the natural logarithm of its probability; None for the first token of a prompt, which has none.
      top: the most probable tokens with theirs, the most probable one first.
    """

    token: int
    logprob: float | None
    top: tuple[tuple[int, float], ...]


def logprobs_of(logits: np.ndarray, token: int, count: int) -> TokenLogprobs:
    """Returns how probable the model takes a token to be, before temperature, penalties and masks.

    Args:
      logits: float32 `[vocabulary]`.
      token: the chosen one.
      count: how many of the most probable ones are wanted.
    """
    values = logits.astype(np.float64) - logits.max()
    values -= np.log(np.exp(values).sum())
    best = largest(values, min(count, len(values))) if count else ()
    top = tuple((int(at), float(values[at])) for at in best)
    return TokenLogprobs(token, float(values[token]), top)
