"""Chooses the next token within a compiled function, by the steps of `language/token_choice.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

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
from penstock._src.language import token_choice
from penstock._src.language.sampling import Sampling
from penstock._src.language.token_choice import Options

# In place of a token.
NOT_FINITE = -1
_MOST = np.iinfo(np.int32).max

# temperature, top_p, min_p, and the penalties of repetition, presence and frequency; then `Options.top_k` and so on.
SPECS = (
    TensorSpec([6], dtypes.float64, "numbers"),
    TensorSpec([], dtypes.int32, "top_k"),
    TensorSpec([None], dtypes.int32, "biased"),
    TensorSpec([None], dtypes.float32, "biases"),
)


def arguments(sampling: Sampling) -> tuple[np.ndarray, ...]:
    """Returns the values of `SPECS`."""
    options = sampling.options()
    values = (
        options.temperature,
        options.top_p,
        options.min_p,
        options.repetition,
        options.presence,
        options.frequency,
    )
    top_k = np.array(min(options.top_k, _MOST), np.int32)
    return np.array(values, np.float64), top_k, options.biased.astype(np.int32), options.biases


def options_of(values: Any, top_k: Any, biased: Any, biases: Any) -> Options:
    """Returns the options that tensors of `SPECS` have."""
    temperature, top_p, min_p, repetition, presence, frequency = (values[at] for at in range(6))
    return Options(
        temperature=temperature,
        top_p=top_p,
        min_p=min_p,
        repetition=repetition,
        presence=presence,
        frequency=frequency,
        top_k=top_k,
        biased=biased,
        biases=biases,
    )


def chosen_token(logits: Any, options: Options, seen: Any, prompt: Any, draw: Any) -> Any:
    """Returns the next token, int32; `NOT_FINITE` if a logit is not a finite number.

    Args:
      logits: float32 `[vocabulary]`.
      options: how it is chosen.
      seen: int32 `[n]`, tokens of the prompt and the chosen ones, then -1.
      prompt: the number of tokens in the prompt.
      draw: a random number from 0 to 1, float64.
    """
    changed = token_choice.changed(logits, options, seen, prompt, _TENSORS)
    token = token_choice.token(changed, options, draw, _TENSORS)
    finite = raw.All(raw.IsFinite(logits), 0)
    return where(finite, token, NOT_FINITE)


class _Tensors:
    """The operations of `token_choice` on tensors."""

    def cond(self, condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        return cond(condition, then, otherwise)

    def is_known(self, _condition: Any) -> bool:
        return False

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return where(condition, x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        return raw.Minimum(x, y)

    def float32(self, x: Any) -> Any:
        return cast(x, dtypes.float32)

    def float64(self, x: Any) -> Any:
        return cast(x, dtypes.float64)

    def exp(self, x: Any) -> Any:
        return raw.Exp(x)

    def size(self, x: Any) -> Any:
        return shape_of(x)[0]

    def max(self, x: Any) -> Any:
        return reduce_max(x)

    def argmax(self, x: Any) -> Any:
        return raw.ArgMax(x, 0, output_type=dtypes.int32)

    def cumsum(self, x: Any) -> Any:
        return raw.Cumsum(x, 0)

    def sum(self, x: Any) -> Any:
        return reduce_sum(x)

    def sum_of_first(self, x: Any, count: Any) -> Any:
        return reduce_sum(where(numbers(shape_of(x)[0]) < count, x, np.float64(0)))

    def searchsorted(self, x: Any, value: Any, side: Literal["left", "right"]) -> Any:
        return reduce_sum(cast(x < value if side == "left" else x <= value, dtypes.int32))

    def largest(self, x: Any, most: int, _count: Any) -> tuple[Any, Any]:
        values, indices = raw.TopKV2(x, most)
        return values, indices

    def take(self, x: Any, indices: Any) -> Any:
        return gather(x, indices)

    def add_at(self, x: Any, indices: Any, y: Any) -> Any:
        return raw.TensorScatterAdd(x, indices[:, None], y)

    def count_tokens(self, seen: Any, prompt: Any, logits: Any) -> tuple[Any, Any, Any]:
        """`seen`: int32 `[n]`, tokens, then -1. The tokens are None, for all of them."""
        is_token, index = seen >= 0, numbers(shape_of(seen)[0])
        tokens, shape = raw.Maximum(seen, 0)[:, None], shape_of(logits)
        counts = raw.ScatterNd(tokens, cast(is_token, dtypes.int32), shape)
        is_chosen = is_token & (index >= prompt)
        return None, counts, raw.ScatterNd(tokens, cast(is_chosen, dtypes.int32), shape)

    def logits_of(self, logits: Any, _tokens: Any) -> Any:
        return logits

    def with_logits(self, _logits: Any, _tokens: Any, values: Any) -> Any:
        return values


_TENSORS = _Tensors()
