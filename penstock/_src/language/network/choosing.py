"""Chooses the next token within a compiled function, by the rules and numbers of `sampling.Sampler`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.api.array.indexing import gather, where
from penstock._src.api.array.ranges import range as numbers
from penstock._src.api.array.shaping import shape as shape_of
from penstock._src.api.control.conditionals import cond
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_max, reduce_sum
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.language.sampling import FIRST, Sampling

# In place of a token.
NOT_FINITE = -1
_MOST = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Options:
    """Tensors that say how tokens are chosen; `language/sampling.py` says what they mean.

    Attributes:
      numbers: float64 `[3]`: temperature, top_p, min_p.
      penalties: float32 `[3]`: of repetition, presence and frequency.
      top_k: int32; 0 for all.
      biased: int32 `[n]`, tokens with biases.
      biases: float32 `[n]`.
    """

    numbers: Any
    penalties: Any
    top_k: Any
    biased: Any
    biases: Any


SPECS = (
    TensorSpec([3], dtypes.float64, "numbers"),
    TensorSpec([3], dtypes.float32, "penalties"),
    TensorSpec([], dtypes.int32, "top_k"),
    TensorSpec([None], dtypes.int32, "biased"),
    TensorSpec([None], dtypes.float32, "biases"),
)


def arguments(sampling: Sampling) -> tuple[np.ndarray, ...]:
    """Returns the values of `SPECS`."""
    numbers = (sampling.temperature, sampling.top_p, sampling.min_p)
    penalties = (
        sampling.repetition_penalty,
        sampling.presence_penalty,
        sampling.frequency_penalty,
    )
    biased, biases = list(sampling.logit_bias), list(sampling.logit_bias.values())
    return (
        np.float64(numbers),
        np.float32(penalties),
        np.array(min(sampling.top_k, _MOST), np.int32),
        np.array(biased, np.int32),
        np.array(biases, np.float32),
    )


def chosen_token(logits: Any, options: Options, seen: Any, prompt: Any, draw: Any) -> Any:
    """Returns the next token, int32; `NOT_FINITE` if a logit is not a finite number.

    Args:
      logits: float32 `[vocabulary]`.
      options: how it is chosen.
      seen: int32 `[n]`, tokens of the prompt and those that were chosen, then -1.
      prompt: how many of them are the prompt's.
      draw: a random number from 0 to 1, float64.
    """
    repetition, presence, frequency = (options.penalties[at] for at in range(3))
    unchanged = (repetition == 1.0) & (presence == 0.0) & (frequency == 0.0)
    unchanged &= shape_of(options.biased)[0] == 0
    changed = cond(unchanged, lambda: logits, lambda: _changed(logits, options, seen, prompt))
    temperature = options.numbers[0]
    token = cond(
        temperature == 0.0,
        lambda: _most_likely(changed),
        lambda: _drawn(changed, options, draw),
    )
    finite = raw.All(raw.IsFinite(logits), 0)
    return where(finite, token, NOT_FINITE)


def _most_likely(logits: Any) -> Any:
    return raw.ArgMax(logits, 0, output_type=dtypes.int32)


def _changed(logits: Any, options: Options, seen: Any, prompt: Any) -> Any:
    """The logits with biases and penalties."""
    logits = raw.TensorScatterAdd(logits, options.biased[:, None], options.biases)
    is_token, place = seen >= 0, numbers(shape_of(seen)[0])
    tokens, shape = raw.Maximum(seen, 0)[:, None], shape_of(logits)
    of_all = raw.ScatterNd(tokens, cast(is_token, dtypes.int32), shape)
    counts = raw.ScatterNd(tokens, cast(is_token & (place >= prompt), dtypes.int32), shape)
    repetition, presence, frequency = (options.penalties[at] for at in range(3))
    penalized = where(logits > 0, logits / repetition, logits * repetition)
    logits = where(of_all > 0, penalized, logits)
    return where(counts > 0, logits - (presence + frequency * cast(counts, dtypes.float32)), logits)


def _drawn(logits: Any, options: Options, draw: Any) -> Any:
    """A token drawn from those that the options leave."""
    temperature, top_p, min_p = (options.numbers[at] for at in range(3))
    scaled = cast(logits, dtypes.float64) - cast(reduce_max(logits), dtypes.float64)
    weights = raw.Exp(scaled / temperature)
    weights = where(weights < min_p, np.float64(0), weights)
    known = logits.shape[0]
    unordered = (options.top_k == 0) & (top_p == 1.0)
    top_k = where(options.top_k == 0, known, raw.Minimum(options.top_k, known))
    return cond(
        unordered,
        lambda: _place(weights, known, draw),
        lambda: _of_most_likely(weights, top_k, top_p, draw),
    )


def _of_most_likely(weights: Any, top_k: Any, top_p: Any, draw: Any) -> Any:
    """A token of the most likely ones; all are sorted only if the first do not suffice."""
    known = weights.shape[0]
    first, tokens = raw.TopKV2(weights, min(FIRST, known))
    whole = where(top_k == known, reduce_sum(weights), _sum_of(first, top_k))
    total = top_p * whole

    def of_first() -> Any:
        return gather(tokens, _place(first, _enough(first, top_k, top_p, total), draw))

    def of_all() -> Any:
        ordered, every = raw.TopKV2(weights, known)
        enough = _enough(ordered, top_k, top_p, top_p * _sum_of(ordered, top_k))
        return gather(every, _place(ordered, enough, draw))

    if known <= FIRST:
        return of_first()
    suffices = (top_k <= FIRST) | ((top_k == known) & (top_p < 1.0) & (reduce_sum(first) >= total))
    return cond(suffices, of_first, of_all)


def _sum_of(weights: Any, count: Any) -> Any:
    return reduce_sum(where(numbers(shape_of(weights)[0]) < count, weights, np.float64(0)))


def _enough(ordered: Any, top_k: Any, top_p: Any, total: Any) -> Any:
    """The number of first weights that add up to a total."""
    sums = raw.Cumsum(ordered, 0)
    short = reduce_sum(cast(sums < total, dtypes.int32))
    return where(top_p < 1.0, raw.Minimum(short + 1, top_k), top_k)


def _place(weights: Any, count: Any, draw: Any) -> Any:
    """The index of the weight on which a draw falls among the first ones, int32."""
    sums = raw.Cumsum(weights, 0)
    goal = draw * gather(sums, count - 1)
    return raw.Minimum(reduce_sum(cast(sums <= goal, dtypes.int32)), count - 1)
