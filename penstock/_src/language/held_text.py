"""The text whose keys and values a cache holds: it is begun, and goes on by logits or by chosen tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from penstock._src.core.errors import InternalError
from penstock._src.language.network import choosing
from penstock._src.language.network.memory import PIECE
from penstock._src.language.network.program import Program
from penstock._src.language.sampling import NOT_FINITE, Sampler, Sampling

# The attended length of the cache is a multiple of this, so that few programs are compiled; tokens are chosen within one by a native call.
_SPAN = 64


class HeldText:
    """The functions of a model over the first row of its cache.

    Args:
      program: the functions.
      length: tokens that there is room for.
    """

    def __init__(self, program: Program, length: int) -> None:
        self._program, self._length = program, length
        # None until there is a cache.
        self._held: list[int] | None = None

    def begin(self, tokens: np.ndarray) -> np.ndarray:
        """Computes a prompt, but for what the cache holds of it; returns the logits after it.

        Args:
          tokens: int32, at least one.

        Raises:
          InternalError: a logit is not a finite number.
        """
        if self._held is None:
            self._program.cache.allocate(1, self._length)
            self._held = []
        start = 0
        most = min(len(self._held), len(tokens) - 1)
        while start < most and self._held[start] == tokens[start]:
            start += 1
        del self._held[start:]
        for at in range(start, len(tokens), PIECE):
            piece = tokens[at : at + PIECE]
            span = self._span(at + len(piece))
            found = self._program.prefill(piece, 0, at, len(piece) - 1, span)["logits"]
            logits = self._finite(found.numpy())
            self._held += piece.tolist()
        return logits

    def decode(self, token: int, place: int) -> np.ndarray:
        """Returns the logits after a token.

        Args:
          token: that follows those that are held.
          place: of it, that is how many there are.

        Raises:
          InternalError: a logit is not a finite number.
        """
        tokens, positions = np.array([token], np.int32), np.array([place], np.int32)
        found = self._program.decode(tokens, positions, self._span(place + 1))["logits"]
        logits = self._finite(found[0].numpy())
        assert self._held is not None
        self._held.append(token)
        return logits

    def follow(self, followed: Followed, count: int) -> list[int]:
        """Chooses tokens by one native call, the last of which may be one that ends the text.

        Args:
          followed: the text; all of its tokens but the last are held.
          count: how many tokens are chosen at most.

        Returns:
          At least one token.

        Raises:
          InternalError: a logit is not a finite number.
        """
        place = followed.known - 1
        span = self._span(place + 1)
        chosen = followed.chosen_by(self._program, min(count, len(span) - place), span)
        if chosen[-1] == choosing.NOT_FINITE:
            self._fail()
        assert self._held is not None
        self._held += followed.seen[place : followed.known - 1].tolist()
        return chosen

    def _finite(self, logits: np.ndarray) -> np.ndarray:
        if not np.isfinite(logits).all():
            self._fail()
        return logits

    def _fail(self) -> NoReturn:
        """Gives up the cache: a number in it that is not finite reaches later texts even from places that they ignore, as it is so times zero as well."""
        self._held = None
        raise InternalError(NOT_FINITE)

    def _span(self, count: int) -> np.ndarray:
        whole = -(-count // _SPAN) * _SPAN
        return np.arange(min(whole, self._length), dtype=np.int32)


class Followed:
    """A text that goes on, and how its tokens are chosen.

    Args:
      prompt: its first tokens.
      length: tokens that there is room for.
      sampling: how tokens are chosen.
      stops: tokens that end it.

    Attributes:
      seen: int32 `[length + 1]`: its tokens, then -1.
      known: how many tokens it has.
      sampler: chooses tokens from logits, with the same random numbers.
    """

    def __init__(
        self, prompt: np.ndarray, length: int, sampling: Sampling, stops: Sequence[int]
    ) -> None:
        self.sampler = Sampler(sampling)
        self.seen = np.full(length + 1, -1, np.int32)
        self.seen[: len(prompt)] = prompt
        self.known = len(prompt)
        self._prompt, self._stops = np.int32(len(prompt)), np.array(stops, np.int32)
        self._options = choosing.arguments(sampling)

    @property
    def tokens(self) -> np.ndarray:
        """The tokens of the prompt, and those chosen."""
        return self.seen[: self.known]

    @property
    def chosen(self) -> np.ndarray:
        """The tokens that are not the prompt's."""
        return self.seen[self._prompt : self.known]

    def take(self, token: int) -> None:
        """Goes on by a token."""
        self.seen[self.known] = token
        self.known += 1

    def chosen_by(self, program: Program, count: int, span: np.ndarray) -> list[int]:
        """Goes on by up to `count` tokens, within a span; returns them, with `choosing.NOT_FINITE` where the logits are not finite."""
        draws = np.zeros(_SPAN)
        draws[:count] = self.sampler.draws(count)
        place = np.int32(self.known - 1)
        found = program.follow(
            place,
            np.int32(count),
            span,
            self.seen,
            self._prompt,
            self._stops,
            draws,
            *self._options,
        )
        number = int(found["count"])
        tokens = found["seen"].numpy()[self.known : self.known + number].tolist()
        self.seen[self.known : self.known + number] = tokens
        self.known += number
        return tokens
