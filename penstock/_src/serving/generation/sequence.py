"""A sequence that is generated, and how its reader learns of its tokens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from collections.abc import Sequence as Items
from typing import Any, Literal

import numpy as np

from penstock._src.language.grammar import Matcher
from penstock._src.language.logprobs import TokenLogprobs
from penstock._src.language.sampling import Sampler, Sampling
from penstock._src.serving.generation.prefixes import ROOT

# Why a sequence ended: by a stop token, or because it has as many tokens as it may have.
FinishReason = Literal["stop", "length"]
# Called in the thread of the engine, with sequences of one reader's kind that have new tokens or have ended.
Waker = Callable[[list["Sequence"]], None]


class Sequence:
    """A prompt, and the tokens that follow it.

    Args:
      prompt: int32 `[tokens]`.
      sampling: how tokens are chosen.
      max_tokens: that are generated.
      stop_tokens: that end it; they are not among its tokens.
      wake: called when there are new tokens.
      deadline: on Python's monotonic clock, in seconds; 0 for none.
      top_logprobs: how many of the most probable tokens are noted with each token; None: no probabilities are.
      matcher: says which tokens may come next; None: any.
      is_scored: True: the probabilities of the prompt's tokens are noted as well.

    Attributes:
      tokens: those generated so far; only the engine adds to them.
      logprobs: of these tokens, if they are noted; each is there before its token.
      prompt_logprobs: of the prompt's tokens, if it is scored; all are there before the first token.
      finish_reason: why it ended; None until then, and if it failed.
      error: why it failed.
      is_done: True once it has ended; set after everything else.
      is_cancelled: True once it is no longer wanted: it is dropped before the next token.
      waiter: what `wake` needs.
      slot: its row of the cache, -1 while it waits for one.
      place: how many of its tokens are in the cache.
      reused: how many tokens of its prompt were not computed, as an earlier prompt began alike.
      prefix: the block of the store that ends at its place; None if that is not known there.
      times: seconds on the monotonic clock at which it was queued, got a slot, had its first token, and ended.
    """

    def __init__(
        self,
        prompt: np.ndarray,
        sampling: Sampling,
        max_tokens: int,
        stop_tokens: Iterable[int],
        wake: Waker,
        deadline: float = 0.0,
        top_logprobs: int | None = None,
        matcher: Matcher | None = None,
        is_scored: bool = False,
    ) -> None:
        self.prompt, self.max_tokens = prompt, max_tokens
        self.stop_tokens = frozenset(stop_tokens)
        self.wake, self.deadline = wake, deadline
        self.sampler = Sampler(sampling)
        self.tokens: list[int] = []
        self.top_logprobs, self.matcher = top_logprobs, matcher
        self.logprobs: list[TokenLogprobs] = []
        self.is_scored = is_scored
        self.prompt_logprobs: list[TokenLogprobs] = []
        self.finish_reason: FinishReason | None = None
        self.error: Exception | None = None
        self.is_done = self.is_cancelled = False
        self.waiter: Any = None
        self.slot, self.place = -1, 0
        self.reused = 0
        self.prefix: int | None = ROOT
        self.times = [0.0, 0.0, 0.0, 0.0]

    @property
    def is_being_scored(self) -> bool:
        """True until the probabilities of all tokens of the prompt are noted, if they are wanted."""
        return self.is_scored and len(self.prompt_logprobs) < len(self.prompt)

    @property
    def next_place(self) -> int:
        """The position in the cache that is written next."""
        return max(len(self.prompt_logprobs) - 1, 0) if self.is_being_scored else self.place

    @property
    def is_prefilled(self) -> bool:
        """True if all of the prompt is in the cache."""
        return self.place >= len(self.prompt)


def wake_all(sequences: Items[Sequence]) -> None:
    """Notifies the readers of sequences, each kind of reader once."""
    groups: dict[Waker, list[Sequence]] = {}
    for sequence in sequences:
        groups.setdefault(sequence.wake, []).append(sequence)
    for wake, changed in groups.items():
        wake(changed)


class LoopWaker:
    """Wakes readers of an event loop: `waiter` is an asyncio.Event."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, sequences: list[Sequence]) -> None:
        try:
            self._loop.call_soon_threadsafe(_set_all, sequences)
        except RuntimeError:
            if not self._loop.is_closed():  # otherwise no caller waits
                raise


async def tokens_of(sequence: Sequence) -> AsyncGenerator[list[int], None]:
    """Yields the tokens of a sequence whose `waiter` is an asyncio.Event, as they arrive; a reader that leaves cancels it.

    Raises:
      OpError: what ended the sequence.
    """
    at = 0
    try:
        while True:
            await sequence.waiter.wait()
            sequence.waiter.clear()
            is_done = sequence.is_done  # looked at first: tokens come before the end
            arrived = sequence.tokens[at:]
            at += len(arrived)
            if arrived:
                yield arrived
            if is_done:
                break
    finally:
        sequence.is_cancelled = True
    if sequence.error is not None:
        raise sequence.error


def _set_all(sequences: list[Sequence]) -> None:
    for sequence in sequences:
        sequence.waiter.set()


def on_thread(sequences: list[Sequence]) -> None:
    """Wakes threads when sequences have ended: `waiter` is a threading.Event."""
    for sequence in sequences:
        event: threading.Event = sequence.waiter
        if sequence.is_done:
            event.set()
