"""The functions of a model that generates, over the cache that it keeps for all sequences."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.serving.batching.parameters import ladder
from penstock._src.serving.servables.generation import (
    CLEAR,
    DECODE,
    LOGITS,
    PREFILL,
    READ,
    RESET,
    SCORE,
    WRITE,
    Generation,
    keeps_prefixes,
)
from penstock._src.serving.servables.servable import Signature

_LOG = logging.getLogger("penstock.serving")
# Attended extents of the cache's length axis: powers of two, starting here.
_LEAST_SPAN = 64
# Lengths of pieces of prompts: powers of two, starting here.
_LEAST_PIECE = 8
# Seconds that programs may be planned for in advance.
_SECONDS = 10.0


class CachedModel:
    """A model whose functions keep keys and values of tokens in a cache. One thread at a time may use it.

    Decoding runs on the first rows of the cache. How many these are, and how far it looks along the length axis, depends on what is generated at
    the time, and must not show in the results: `prepare` finds the numbers of rows with which every row has the bits that it has in a batch of all.

    Args:
      generation: the model's description.
      signatures: its functions by name.

    Attributes:
      most_at_once: tokens of a prompt that may be computed at once, whole chunks, with the bits of one chunk after the other.
    """

    def __init__(self, generation: Generation, signatures: Mapping[str, Signature]) -> None:
        self.generation = generation
        self.most_at_once = generation.chunk
        self._signatures = signatures
        self._rows: tuple[int, ...] = (generation.slots,)
        self._spans: tuple[int, ...] = (generation.length,)
        self.reset()

    def reset(self) -> None:
        """Makes an empty cache."""
        shape = {"slots": self.generation.slots, "length": self.generation.length}
        self._run(RESET, {name: np.int32(value) for name, value in shape.items()})

    def clear(self, slot: int) -> None:
        """Fills a row of the cache with zeros: numbers that are not finite would reach the next sequence there, for they are so times zero as well."""
        self._run(CLEAR, {"slot": np.int32(slot)})

    def prefill(self, slot: int, start: int, tokens: np.ndarray) -> np.ndarray:
        """Computes a piece of a prompt.

        Args:
          slot: of its sequence.
          start: where the piece begins.
          tokens: of the piece, up to `generation.chunk`, or `most_at_once`.

        Returns:
          The logits after the last of the tokens, float32 `[vocabulary]`.
        """
        arguments = self._given(slot, start, tokens)
        return self._run(PREFILL, {**arguments, "last": np.int32(len(tokens) - 1)})

    @property
    def scores_prompts(self) -> bool:
        """True if there are logits after each token of a prompt."""
        return SCORE in self._signatures

    def score(self, slot: int, start: int, tokens: np.ndarray) -> np.ndarray:
        """Computes a piece of a prompt, as `prefill`; returns the logits after each of its tokens, float32 `[tokens, vocabulary]`."""
        return self._run(SCORE, self._given(slot, start, tokens))[: len(tokens)]

    def _given(self, slot: int, start: int, tokens: np.ndarray) -> dict[str, np.ndarray]:
        """The inputs for a piece of a prompt. Its last token fills it up to a length for which there is a program."""
        size = self._piece(len(tokens), start)
        filled = np.full(size, tokens[-1], np.int32)
        filled[: len(tokens)] = tokens
        return {
            "tokens": filled,
            "slot": np.asarray(slot, np.int32),
            "start": np.asarray(start, np.int32),
            "span": self._span(start + size),
        }

    def decode(self, tokens: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Computes a token of each of the first rows.

        Args:
          tokens: int32 `[rows]`, for a number of rows of `rows_for`.
          positions: int32 `[rows]`, the places of these tokens in their sequences.

        Returns:
          float32 `[rows, vocabulary]`.
        """
        span = self._span(int(positions.max()) + 1)
        return self._run(DECODE, {"tokens": tokens, "positions": positions, "span": span})

    @property
    def keeps_prefixes(self) -> bool:
        """True if parts of the cache can be read and written."""
        return keeps_prefixes(self._signatures)

    def read(self, slot: int, start: int, count: int) -> list[np.ndarray]:
        """Returns the cache's content for `count` tokens of a row, starting at `start`."""
        places = np.arange(start, start + count, dtype=np.int32)
        arguments = {"slot": np.int32(slot), "places": places}
        signature = self._signatures[READ]
        return signature.run([np.asarray(arguments[name]) for name in signature.inputs])

    def write(self, slot: int, start: int, arrays: Sequence[np.ndarray]) -> None:
        """Writes the result of an earlier `read` into a row, starting at `start`."""
        arguments = {"slot": np.int32(slot), "start": np.int32(start)}
        self._run(WRITE, arguments | dict(zip(self._signatures[READ].outputs, arrays, strict=True)))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of rows that are computed."""
        return self._rows

    def rows_for(self, count: int) -> int:
        """Returns the number of rows to compute so that `count` rows are included."""
        return next(rows for rows in self._rows if rows >= count)

    def prepare(self, same_tokens: bool) -> None:
        """Finds which numbers of rows and which spans give equal bits, and plans their programs; the cache is empty afterwards.

        Args:
          same_tokens: False: all numbers of rows are used, whatever bits they give.
        """
        generation = self.generation
        tokens = np.random.default_rng(0).integers(0, generation.vocabulary, generation.slots)
        tokens = tokens.astype(np.int32)
        place = min(generation.length, _LEAST_PIECE) - 1
        for slot in range(generation.slots if place else 0):
            self.prefill(slot, 0, np.roll(tokens, slot)[:place])
        positions = np.full(generation.slots, place, np.int32)
        whole = self.decode(tokens, positions)
        end = time.monotonic() + _SECONDS
        self._spans = self._equal_spans(tokens, positions, whole, end)
        self._rows = self._equal_rows(tokens, positions, whole, end, same_tokens)
        self._plan_pieces(end)
        if time.monotonic() < end and self._chunks_are_equal(same_tokens):
            self.most_at_once = generation.chunk * generation.chunks_alone
        self.reset()

    def _equal_rows(
        self,
        tokens: np.ndarray,
        positions: np.ndarray,
        whole: np.ndarray,
        end: float,
        same_tokens: bool,
    ) -> tuple[int, ...]:
        equal = []
        for rows in ladder(len(tokens))[:-1]:
            if time.monotonic() > end:
                break
            part = self.decode(tokens[:rows], positions[:rows])
            if not same_tokens or np.array_equal(part, whole[:rows]):
                equal.append(rows)
        return (*equal, len(tokens))

    def _equal_spans(
        self, tokens: np.ndarray, positions: np.ndarray, whole: np.ndarray, end: float
    ) -> tuple[int, ...]:
        spans = powers(_LEAST_SPAN, self.generation.length)
        for at, span in enumerate(spans[:-1]):
            self._spans = spans[at:]
            if time.monotonic() > end:
                return spans[-1:]
            if not np.array_equal(self.decode(tokens, positions), whole):
                name = type(self).__name__
                _LOG.info("%s: results depend on the span %d; all is looked at", name, span)
                return spans[-1:]
        return spans

    def _chunks_are_equal(self, same_tokens: bool) -> bool:
        """True if several chunks at once give the bits that they give one after the other, or other bits are allowed."""
        chunk, count = self.generation.chunk, self.generation.chunks_alone
        whole = chunk * count
        if count == 1 or whole > self.generation.length:
            return False
        tokens = np.random.default_rng(1).integers(0, self.generation.vocabulary, whole)
        tokens = tokens.astype(np.int32)
        for start in range(0, whole, chunk):
            logits = self.prefill(0, start, tokens[start : start + chunk])
        kept = self.read(0, 0, whole) if self.keeps_prefixes else []
        self.clear(0)
        found = [self.prefill(0, 0, tokens)]
        found += self.read(0, 0, whole) if self.keeps_prefixes else []
        return not same_tokens or all(map(np.array_equal, found, [logits, *kept]))

    def _plan_pieces(self, end: float) -> None:
        for size in powers(_LEAST_PIECE, self.generation.chunk):
            if time.monotonic() < end and size <= self.generation.length:
                self.prefill(0, 0, np.zeros(size, np.int32))

    def _piece(self, count: int, start: int) -> int:
        """The number of tokens to compute for a piece of `count`."""
        if count > self.generation.chunk:
            return count  # whole chunks
        sizes = powers(_LEAST_PIECE, self.generation.chunk)
        return min(_least(sizes, count), self.generation.length - start)

    def _span(self, count: int) -> np.ndarray:
        """The attended length of the cache, at least `count`."""
        return np.arange(_least(self._spans, count), dtype=np.int32)

    def _run(self, name: str, arguments: Mapping[str, Any]) -> np.ndarray:
        signature = self._signatures[name]
        arrays = [np.asarray(arguments[key]) for key in signature.inputs]
        outputs = dict(zip(signature.outputs, signature.run(arrays), strict=True))
        return np.asarray(outputs[LOGITS], np.float32) if LOGITS in outputs else np.empty(0)


def powers(least: int, most: int) -> tuple[int, ...]:
    """Returns the powers of two from `least` on below `most`, and `most`."""
    steps = []
    while least < most:
        steps.append(least)
        least *= 2
    return (*steps, most)


def _least(sizes: Sequence[int], count: int) -> int:
    return next(size for size in sizes if size >= count)
