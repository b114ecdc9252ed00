"""The choice of a token, step by step. `sampling.Sampler` takes these steps with NumPy, and `network/choosing.py` within a compiled function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

# Tokens among which the most likely ones are looked for first: sorting all of a large vocabulary takes some milliseconds.
FIRST = 1024


@dataclass(frozen=True)
class Options:
    """The numbers of `sampling.Sampling`, which says what they mean.

    Attributes:
      temperature: float64.
      top_p: float64.
      min_p: float64.
      repetition: float64, the penalty.
      presence: float64, the penalty.
      frequency: float64, the penalty.
      top_k: an integer; 0 for all.
      biased: `[n]`, tokens with biases.
      biases: float32 `[n]`.
    """

    temperature: Any
    top_p: Any
    min_p: Any
    repetition: Any
    presence: Any
    frequency: Any
    top_k: Any
    biased: Any
    biases: Any


class Operations(Protocol):
    """The operations of which the steps consist: on arrays now, or on tensors of a graph."""

    def cond(self, condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        """Returns the result of one of two functions."""

    def is_known(self, condition: Any) -> bool:
        """Returns True if a condition holds in each run of the steps that are written down."""

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """Returns elements of `x` where the condition holds, and of `y` elsewhere."""

    def minimum(self, x: Any, y: Any) -> Any:
        """Returns the smaller one of two numbers."""

    def float32(self, x: Any) -> Any:
        """Returns numbers rounded to float32."""

    def float64(self, x: Any) -> Any:
        """Returns numbers as float64."""

    def exp(self, x: Any) -> Any:
        """Returns e to the power of each number."""

    def size(self, x: Any) -> Any:
        """Returns the number of elements."""

    def max(self, x: Any) -> Any:
        """Returns the largest element."""

    def argmax(self, x: Any) -> Any:
        """Returns the index of the largest element, the first of equal ones."""

    def cumsum(self, x: Any) -> Any:
        """Returns the sum up to each element, with it."""

    def sum(self, x: Any) -> Any:
        """Returns the sum of the elements."""

    def sum_of_first(self, x: Any, count: Any) -> Any:
        """Returns the sum of the first elements."""

    def searchsorted(self, x: Any, value: Any, side: Literal["left", "right"]) -> Any:
        """Returns the number of elements less than a value; with the side "right", or equal to it."""

    def largest(self, x: Any, most: int, count: Any) -> tuple[Any, Any]:
        """Returns at least the `count` largest elements, at most `most`, decreasing, and their indices; of equal ones the first come first."""

    def take(self, x: Any, indices: Any) -> Any:
        """Returns the elements at some indices."""

    def add_at(self, x: Any, indices: Any, y: Any) -> Any:
        """Returns `x` with numbers added at some indices."""

    def count_tokens(self, seen: Any, prompt: Any, logits: Any) -> tuple[Any, Any, Any]:
        """Returns tokens, the count of each in `seen`, and that after the first `prompt` of them. Tokens without a count may be left out."""

    def logits_of(self, logits: Any, tokens: Any) -> Any:
        """Returns the logits of the tokens of `count_tokens`."""

    def with_logits(self, logits: Any, tokens: Any, values: Any) -> Any:
        """Returns the logits with others for the tokens of `count_tokens`."""


def changed(logits: Any, options: Options, seen: Any, prompt: Any, on: Operations) -> Any:
    """Returns logits with biases and penalties, in the order in which llama.cpp applies them.

    Args:
      logits: float32 `[vocabulary]`.
      options: how tokens are chosen.
      seen: tokens of the prompt and those that were chosen, in the form of the operations' `count_tokens`.
      prompt: the number of tokens in the prompt.
      on: the operations.
    """
    unchanged = (
        (options.repetition == 1.0)
        & (options.presence == 0.0)
        & (options.frequency == 0.0)
        & (on.size(options.biased) == 0)
    )

    def change() -> Any:
        biased = on.add_at(logits, options.biased, options.biases)
        tokens, counts, chosen = on.count_tokens(seen, prompt, logits)
        values, penalty = on.logits_of(biased, tokens), on.float32(options.repetition)
        penalized = on.where(values > 0, values / penalty, values * penalty)
        values = on.where(counts > 0, penalized, values)
        penalties = on.float32(options.presence + options.frequency * on.float64(chosen))
        values = on.where(chosen > 0, values - penalties, values)
        return on.with_logits(biased, tokens, values)

    return on.cond(unchanged, lambda: logits, change)


def token(logits: Any, options: Options, draw: Any, on: Operations) -> Any:
    """Returns the index of the logit that is chosen.

    Args:
      logits: float32 `[n]`, with biases and penalties.
      options: how it is chosen.
      draw: a random number from 0 to 1, float64.
      on: the operations.
    """
    return on.cond(
        options.temperature == 0.0,
        lambda: on.argmax(logits),
        lambda: _drawn(logits, options, draw, on),
    )


def _drawn(logits: Any, options: Options, draw: Any, on: Operations) -> Any:
    """An index drawn from those that the options leave."""
    scaled = on.float64(logits) - on.float64(on.max(logits))
    weights = on.exp(scaled / options.temperature)
    if not on.is_known(options.min_p == 0.0):
        weights = on.where(weights < options.min_p, 0.0, weights)  # the largest weight is 1
    number = logits.shape[0]
    top_k = on.where(options.top_k == 0, number, on.minimum(options.top_k, number))
    return on.cond(
        (options.top_k == 0) & (options.top_p == 1.0),
        lambda: _drawn_index(weights, number, draw, on),
        lambda: _of_most_likely(weights, top_k, options.top_p, draw, on),
    )


def _of_most_likely(weights: Any, top_k: Any, top_p: Any, draw: Any, on: Operations) -> Any:
    """An index of the most likely ones; all are sorted only if the first do not suffice."""
    number = weights.shape[0]
    first, indices = on.largest(weights, min(FIRST, number), top_k)
    whole = on.where(top_k == number, on.sum(weights), on.sum_of_first(first, top_k))
    total = top_p * whole

    def of_first() -> Any:
        enough = _enough(first, top_k, top_p, total, on)
        return on.take(indices, _drawn_index(first, enough, draw, on))

    def of_all() -> Any:
        ordered, every = on.largest(weights, number, top_k)
        enough = _enough(ordered, top_k, top_p, top_p * on.sum_of_first(ordered, top_k), on)
        return on.take(every, _drawn_index(ordered, enough, draw, on))

    if number <= FIRST:
        return of_first()
    suffices = (top_k <= FIRST) | ((top_k == number) & (top_p < 1.0) & (on.sum(first) >= total))
    return on.cond(suffices, of_first, of_all)


def _enough(ordered: Any, top_k: Any, top_p: Any, total: Any, on: Operations) -> Any:
    """The number of first weights that add up to a total."""
    short = on.searchsorted(on.cumsum(ordered), total, "left")
    return on.where(top_p < 1.0, on.minimum(short + 1, top_k), top_k)


def _drawn_index(weights: Any, count: Any, draw: Any, on: Operations) -> Any:
    """The index of the weight on which a draw falls among the first ones."""
    sums = on.cumsum(weights)
    goal = draw * on.take(sums, count - 1)
    return on.minimum(on.searchsorted(sums, goal, "right"), count - 1)
