"""Chooses the next token of a sequence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from penstock._src.core.errors import InternalError, InvalidArgumentError

# Tokens among which the most likely ones are looked for first: sorting all of a large vocabulary takes some milliseconds.
FIRST = 1024
NOT_FINITE = "The model gave logits that are not finite numbers."


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Options for choosing tokens.

    Args:
      temperature: that logits are divided by; 0: the most likely token is taken.
      top_k: the number of most likely tokens to choose from; 0 for all.
      top_p: only the most likely tokens are chosen from whose probabilities add up to this.
      min_p: only tokens are chosen from that are at least this times as probable as the most likely one.
      repetition_penalty: that logits of tokens which are in the prompt or were chosen are divided by if they are positive, and multiplied by otherwise.
      presence_penalty: that is taken from the logits of tokens that were chosen before.
      frequency_penalty: that is taken from them for each time that they were chosen.
      logit_bias: {token: what is added to its logit}.
      seed: of the random numbers of the sequence; None for any.

    Raises:
      InvalidArgumentError: a number is out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = dataclasses.field(default_factory=dict)
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
        if not 0.0 <= self.min_p <= 1.0:
            raise InvalidArgumentError(
                f"min_p: expected a number from 0 to 1. Received {self.min_p}."
            )
        if not 0.0 < self.repetition_penalty <= 100.0:
            raise InvalidArgumentError(
                f"repetition_penalty: expected a number above 0 and up to 100. Received {self.repetition_penalty}."
            )
        for name in ("presence_penalty", "frequency_penalty"):
            penalty = getattr(self, name)
            if not -100.0 <= penalty <= 100.0:
                raise InvalidArgumentError(
                    f"{name}: expected a number from -100 to 100. Received {penalty}."
                )
        for token, bias in self.logit_bias.items():
            if not -100.0 <= bias <= 100.0:
                raise InvalidArgumentError(
                    f"logit_bias: expected numbers from -100 to 100. Received {bias} for token {token}."
                )
        if self.seed is not None and not 0 <= self.seed < 1 << 64:
            raise InvalidArgumentError(
                f"seed: expected an unsigned 64-bit integer. Received {self.seed}."
            )

    def check_tokens(self, vocabulary: int) -> None:
        """Raises if it names tokens that a model does not have.

        Args:
          vocabulary: how many tokens the model has.

        Raises:
          InvalidArgumentError: a token of `logit_bias` is not one of them.
        """
        for token in self.logit_bias:
            if not 0 <= token < vocabulary:
                raise InvalidArgumentError(
                    f"logit_bias: the model knows tokens from 0 to {vocabulary - 1}. Received {token}."
                )


class Sampler:
    """Chooses the tokens of one sequence: equal seeds and logits give equal tokens, whatever else is generated at the time."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = np.random.Generator(np.random.Philox(sampling.seed))
        penalties = (
            sampling.presence_penalty,
            sampling.frequency_penalty,
            sampling.repetition_penalty,
        )
        self._changes = bool(sampling.logit_bias) or penalties != (0.0, 0.0, 1.0)
        self._biased = np.array(list(sampling.logit_bias), np.int64)
        self._biases = np.array(list(sampling.logit_bias.values()), np.float32)

    def choose(
        self,
        logits: np.ndarray,
        prompt: Sequence[int] | np.ndarray = (),
        chosen: Sequence[int] | np.ndarray = (),
        allowed: np.ndarray | None = None,
    ) -> int:
        """Returns a token.

        Args:
          logits: float32 `[vocabulary]`.
          prompt: the tokens of the prompt.
          chosen: those chosen so far.
          allowed: the tokens that may be chosen, at least one; None: all.

        Raises:
          InternalError: one is not a finite number.
        """
        if not np.isfinite(logits).all():
            raise InternalError(NOT_FINITE)
        if self._changes:
            logits = self._changed(
                logits, np.asarray(prompt, np.int64), np.asarray(chosen, np.int64)
            )
        if allowed is not None:
            return int(allowed[self._chosen(logits[allowed])])
        return self._chosen(logits)

    def draws(self, count: int) -> np.ndarray:
        """Returns the random numbers by which the next tokens are chosen, float64 from 0 to 1; zeros if none are needed."""
        return self._random.random(count) if self._sampling.temperature else np.zeros(count)

    def _chosen(self, logits: np.ndarray) -> int:
        if not self._sampling.temperature:
            return int(logits.argmax())
        scaled = (logits.astype(np.float64) - logits.max()) / self._sampling.temperature
        weights = np.exp(scaled)
        if self._sampling.min_p:  # the largest weight is 1
            weights[weights < self._sampling.min_p] = 0.0
        tokens = self._candidates(weights)
        sums = np.cumsum(weights if tokens is None else weights[tokens])
        at = int(np.searchsorted(sums, self._random.random() * sums[-1], side="right"))
        at = min(at, len(sums) - 1)
        return at if tokens is None else int(tokens[at])

    def _changed(self, logits: np.ndarray, prompt: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """The logits with biases and penalties, in the order in which llama.cpp applies them."""
        options, changed = self._sampling, logits.copy()
        changed[self._biased] += self._biases
        if options.repetition_penalty != 1.0:
            seen, penalty = np.union1d(prompt, chosen), np.float32(options.repetition_penalty)
            values = changed[seen]
            changed[seen] = np.where(values > 0, values / penalty, values * penalty)
        if options.presence_penalty or options.frequency_penalty:
            tokens, counts = np.unique(chosen, return_counts=True)
            penalties = options.presence_penalty + options.frequency_penalty * counts
            changed[tokens] -= penalties.astype(np.float32)
        return changed

    def _candidates(self, weights: np.ndarray) -> np.ndarray | None:
        """The tokens to choose from, the most likely first; None for all in their order."""
        k, p = self._sampling.top_k, self._sampling.top_p
        if not k and p == 1.0:
            return None
        count = min(k or len(weights), len(weights))
        first = largest(weights, min(count, FIRST))
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
    indices = np.sort(np.concatenate([above, equal]))
    return indices[np.argsort(-weights[indices], kind="stable")]


def _enough(tokens: np.ndarray, weights: np.ndarray, total: float) -> np.ndarray:
    """The shortest prefix of the sorted tokens whose weights add up to a total."""
    count = int(np.searchsorted(np.cumsum(weights[tokens]), total)) + 1
    return tokens[:count]
