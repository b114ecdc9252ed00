"""Chooses the next token of a sequence."""

from __future__ import annotations

import dataclasses

import numpy as np

from penstock._src.core.errors import InternalError, InvalidArgumentError

# Tokens among which the most likely ones are looked for first: sorting all of a large vocabulary takes some milliseconds.
_FIRST = 1024


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How tokens are chosen.

    Args:
      temperature: that logits are divided by; 0: the most likely token is taken.
      top_k: only so many of the most likely tokens are chosen from; 0 for all.
      top_p: only the most likely tokens are chosen from whose probabilities add up to this.
      seed: of the random numbers of the sequence; None for any.

    Raises:
      InvalidArgumentError: a number is out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 100.0:
            raise InvalidArgumentError(
                f"temperature: expected a number from 0 to 100. Received {self.temperature}."
            )
        if self.top_k < 0:
            raise InvalidArgumentError(f"top_k: expected at least 0. Received {self.top_k}.")
        if not 0.0 < self.top_p <= 1.0:
            raise InvalidArgumentError(
                f"top_p: expected a number above 0 and up to 1. Received {self.top_p}."
            )
        if self.seed is not None and not 0 <= self.seed < 1 << 64:
            raise InvalidArgumentError(
                f"seed: expected an unsigned 64-bit integer. Received {self.seed}."
            )


class Sampler:
    """Chooses the tokens of one sequence: equal seeds and logits give equal tokens, whatever else is generated at the time."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = np.random.Generator(np.random.Philox(sampling.seed))

    def choose(self, logits: np.ndarray) -> int:
        """Returns a token.

        Args:
          logits: float32 `[vocabulary]`.

        Raises:
          InternalError: one is not a finite number.
        """
        if not np.isfinite(logits).all():
            raise InternalError("The model gave logits that are not finite numbers.")
        if not self._sampling.temperature:
            return int(logits.argmax())
        scaled = (logits.astype(np.float64) - logits.max()) / self._sampling.temperature
        weights = np.exp(scaled)
        tokens = self._candidates(weights)
        sums = np.cumsum(weights if tokens is None else weights[tokens])
        at = int(np.searchsorted(sums, self._random.random() * sums[-1], side="right"))
        at = min(at, len(sums) - 1)
        return at if tokens is None else int(tokens[at])

    def _candidates(self, weights: np.ndarray) -> np.ndarray | None:
        """The tokens to choose from, the most likely first; None for all in their order."""
        k, p = self._sampling.top_k, self._sampling.top_p
        if not k and p == 1.0:
            return None
        count = min(k or len(weights), len(weights))
        first = largest(weights, min(count, _FIRST))
        total = weights.sum() if count == len(weights) else weights[largest(weights, count)].sum()
        if p < 1.0 and weights[first].sum() >= p * total:
            return _enough(first, weights, p * total)
        chosen = first if len(first) == count else largest(weights, count)
        return chosen if p == 1.0 else _enough(chosen, weights, p * total)


def largest(weights: np.ndarray, count: int) -> np.ndarray:
    """Returns where the largest numbers are, decreasing; of equal ones the first come first."""
    if count == len(weights):
        return np.argsort(-weights, kind="stable")
    least = np.partition(weights, len(weights) - count)[len(weights) - count]
    above = np.flatnonzero(weights > least)
    equal = np.flatnonzero(weights == least)[: count - len(above)]
    found = np.sort(np.concatenate([above, equal]))
    return found[np.argsort(-weights[found], kind="stable")]


def _enough(tokens: np.ndarray, weights: np.ndarray, total: float) -> np.ndarray:
    """The fewest of the tokens, which are sorted, whose weights add up to a total."""
    count = int(np.searchsorted(np.cumsum(weights[tokens]), total)) + 1
    return tokens[:count]
