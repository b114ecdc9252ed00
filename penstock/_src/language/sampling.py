"""Chooses the next token of a sequence, by options that methods take by name."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np

from penstock._src.core.errors import InternalError, InvalidArgumentError
from penstock._src.language import token_choice
from penstock._src.language.grammar import Grammar, grammar_of

NOT_FINITE = "The model gave logits that are not finite numbers."
Method = TypeVar("Method", bound=Callable[..., Any])
# The line of a docstring that `takes_options` replaces.
_OPTIONS = re.compile(r"^( *)\*\*options:.*\n", re.M)


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Options for choosing tokens.

    Args:
      temperature: logits are divided by it; 0 chooses the most likely token.
      top_k: the number of most likely tokens to choose from; 0 for all.
      top_p: choose only among the most likely tokens whose probabilities add up to this.
      min_p: choose only among tokens that are at least this times as probable as the most likely one.
      repetition_penalty: logits of tokens of the prompt and of chosen tokens are divided by it if they are positive, and multiplied by it otherwise.
      presence_penalty: subtracted from the logits of tokens that were chosen before.
      frequency_penalty: subtracted from their logits once for each time that they were chosen.
      logit_bias: {token: what is added to its logit}, -100 to 100; None for none.
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
    logit_bias: Mapping[int, float] | None = None
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
        for token, bias in self._biases.items():
            if not -100.0 <= bias <= 100.0:
                raise InvalidArgumentError(
                    f"logit_bias: expected numbers from -100 to 100. Received {bias} for token {token}."
                )
        if self.seed is not None and not 0 <= self.seed < 1 << 64:
            raise InvalidArgumentError(
                f"seed: expected an unsigned 64-bit integer. Received {self.seed}."
            )

    @property
    def _biases(self) -> Mapping[int, float]:
        return self.logit_bias or {}

    def options(self) -> token_choice.Options:
        """Returns the numbers by which tokens are chosen."""
        return token_choice.Options(
            self.temperature,
            self.top_p,
            self.min_p,
            self.repetition_penalty,
            self.presence_penalty,
            self.frequency_penalty,
            self.top_k,
            np.array(list(self._biases), np.int64),
            np.array(list(self._biases.values()), np.float32),
        )

    def check_tokens(self, vocabulary: int) -> None:
        """Raises if it names tokens that a model does not have.

        Args:
          vocabulary: how many tokens the model has.

        Raises:
          InvalidArgumentError: a token of `logit_bias` is not one of them.
        """
        for token in self._biases:
            if not 0 <= token < vocabulary:
                raise InvalidArgumentError(
                    f"logit_bias: the model knows tokens from 0 to {vocabulary - 1}. Received {token}."
                )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(Sampling):
    """How a text goes on, and where it ends: the options of `LanguageModel.generate`, besides those of `Sampling`.

    Args:
      max_tokens: that are generated at most.
      stop: texts that end it, and are not part of it.
      schema: a JSON schema: the text is JSON of this form.
      grammar: of the text, in Lark's language, in place of a schema.
    """

    temperature: float = 0.0
    max_tokens: int = 256
    stop: Sequence[str] = ()
    schema: Mapping[str, Any] | None = None
    grammar: str | None = None

    def form(self) -> Grammar | None:
        """Returns the form that the text is to have; None for any.

        Raises:
          InvalidArgumentError: a schema and a grammar are given, or one is of another type.
        """
        return grammar_of(self.schema, self.grammar)


def takes_options(method: Method) -> Method:
    """Decorator for methods with `**options`, those of `Options`: signature and docstring show each of them.

    >>> import inspect
    >>> from penstock._src.language.sampling import takes_options
    >>> f = takes_options(lambda prompt, **options: options)
    >>> inspect.signature(f).parameters["max_tokens"].default
    256
    """
    shown = inspect.signature(method)
    own = [p for p in shown.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    each = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in dataclasses.fields(Options)
    ]
    method.__signature__ = shown.replace(parameters=[*own, *each])  # type: ignore[attr-defined]
    if method.__doc__ is not None:
        lines = [line for kind in (Sampling, Options) for line in _described(kind)]
        method.__doc__ = _OPTIONS.sub(
            lambda match: "".join(f"{match[1]}{line}\n" for line in lines), method.__doc__
        )
    return method


def _described(kind: type) -> list[str]:
    """The lines that describe the fields of a class in its docstring."""
    _, _, described = inspect.cleandoc(kind.__doc__ or "").partition("Args:\n")
    return inspect.cleandoc(described.partition("\n\n")[0]).split("\n")


class Sampler:
    """Chooses the tokens of one sequence: equal seeds and logits give equal tokens, whatever else is generated at the time."""

    def __init__(self, sampling: Sampling) -> None:
        self._options = sampling.options()
        # None where nothing is drawn: the first use of numpy.random takes 15 ms.
        draws = self._options.temperature
        self._random = np.random.Generator(np.random.Philox(sampling.seed)) if draws else None

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
        seen = (prompt, chosen)
        logits = token_choice.changed(logits, self._options, seen, len(prompt), _ARRAYS)
        if allowed is not None:
            logits = logits[allowed]
        draw = self.draws(1)[0]
        index = int(token_choice.token(logits, self._options, draw, _ARRAYS))
        return index if allowed is None else int(allowed[index])

    def draws(self, count: int) -> np.ndarray:
        """Returns the random numbers by which the next tokens are chosen, float64 from 0 to 1; zeros if none are needed."""
        return np.zeros(count) if self._random is None else self._random.random(count)


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """Returns the indices of the largest numbers, from the largest down; equal numbers in the order of their indices."""
    if count == len(values):
        return np.argsort(-values, kind="stable")
    least = np.partition(values, len(values) - count)[len(values) - count]
    above = np.flatnonzero(values > least)
    equal = np.flatnonzero(values == least)[: count - len(above)]
    indices = np.sort(np.concatenate([above, equal]))
    return indices[np.argsort(-values[indices], kind="stable")]


class _Arrays:
    """The operations of `token_choice` on NumPy arrays."""

    def cond(self, condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        return then() if condition else otherwise()

    def is_known(self, condition: Any) -> bool:
        return bool(condition)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return np.where(condition, x, y)[()]

    def minimum(self, x: Any, y: Any) -> Any:
        return min(x, y)

    def float32(self, x: Any) -> Any:
        return np.float32(x)

    def float64(self, x: Any) -> Any:
        return np.float64(x)

    def exp(self, x: Any) -> Any:
        return np.exp(x)

    def size(self, x: Any) -> Any:
        return len(x)

    def max(self, x: Any) -> Any:
        return x.max()

    def argmax(self, x: Any) -> Any:
        return x.argmax()

    def cumsum(self, x: Any) -> Any:
        return np.cumsum(x)

    def sum(self, x: Any) -> Any:
        return x.sum()

    def sum_of_first(self, x: Any, count: Any) -> Any:
        return x[:count].sum()

    def searchsorted(self, x: Any, value: Any, side: Literal["left", "right"]) -> Any:
        return np.searchsorted(x, value, side)

    def largest(self, x: Any, most: int, count: Any) -> tuple[Any, Any]:
        indices = largest(x, min(most, count))
        return x[indices], indices

    def take(self, x: Any, indices: Any) -> Any:
        return x[indices]

    def add_at(self, x: Any, indices: Any, y: Any) -> Any:
        x = x.copy()
        x[indices] += y
        return x

    def count_tokens(self, seen: Any, prompt: Any, logits: Any) -> tuple[Any, Any, Any]:
        """`seen`: the prompt and what was chosen, apart."""
        tokens, indices = np.unique(
            np.concatenate([np.asarray(part, np.int64) for part in seen]), return_inverse=True
        )
        counts = np.bincount(indices, minlength=len(tokens))
        return tokens, counts, np.bincount(indices[prompt:], minlength=len(tokens))

    def logits_of(self, logits: Any, tokens: Any) -> Any:
        return logits[tokens]

    def with_logits(self, logits: Any, tokens: Any, values: Any) -> Any:
        logits = logits.copy()
        logits[tokens] = values
        return logits


_ARRAYS = _Arrays()
