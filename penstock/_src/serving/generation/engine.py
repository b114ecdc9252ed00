"""Continuous batching: the loop that computes a token of every running sequence at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as Items

import numpy as np

from penstock._src.core.errors import DeadlineExceededError, InternalError, UnavailableError
from penstock._src.language.logprobs import TokenLogprobs, logprobs_of
from penstock._src.language.sampling import NOT_FINITE
from penstock._src.serving.generation.cached_model import CachedModel
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.generation.prefixes import PrefixStore
from penstock._src.serving.generation.sequence import FinishReason, Sequence, wake_all

_LOG = logging.getLogger("penstock.serving")
# Called with each sequence that has ended.
Observer = Callable[[Sequence], None]


class Engine:
    """Generates sequences with one model, in a separate thread.

    A turn of the loop drops the sequences that nobody wants any more, gives free slots to those that wait, computes one piece of one prompt, and then
    one token of each sequence whose prompt is computed. So a sequence joins and leaves between two tokens of the others, and a long prompt
    delays them by a piece at a time only.

    Args:
      model: what generates; it is used by this engine only.
      options: of the server.
      observers: called with each sequence that has ended, in the engine's thread.

    Attributes:
      prefixes: beginnings of prompts that are kept; None: nothing is.
    """

    def __init__(
        self, model: CachedModel, options: GenerationOptions, observers: Items[Observer] = ()
    ) -> None:
        self.model, self.options, self._observers = model, options, tuple(observers)
        capacity = options.room.prefix_bytes if model.keeps_prefixes else 0
        self.prefixes = PrefixStore(capacity) if capacity else None
        self._slots: list[Sequence | None] = [None] * model.generation.slots
        # Sequences with slots whose prompts are not completely in the cache.
        self._prompts: deque[Sequence] = deque()
        self._waiting: deque[Sequence] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="generation", daemon=True)
        self._thread.start()

    def put(self, sequence: Sequence) -> None:
        """Begins to generate a sequence, once a slot is free.

        Raises:
          UnavailableError: too many sequences wait, or the model is being unloaded.
        """
        with self._changed:
            if self._is_closed:
                raise UnavailableError("The model is being unloaded.")
            if len(self._waiting) >= self.options.max_waiting + len(self._slots) - self.running:
                raise UnavailableError(
                    f"{len(self._waiting)} sequences wait for a slot, and there is room for {self.options.max_waiting}."
                )
            sequence.times[0] = time.monotonic()
            self._waiting.append(sequence)
            self._changed.notify()

    def close(self) -> threading.Event:
        """Refuses further sequences; the event is set once those that are there have ended."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        return self._ended

    @property
    def running(self) -> int:
        """The sequences that have slots."""
        return sum(sequence is not None for sequence in self._slots)

    @property
    def waiting(self) -> int:
        """The sequences that wait for slots."""
        return len(self._waiting)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._waiting or self.running)
                if not self._waiting and not self.running:
                    break
            try:
                changed = self._turn()
            except Exception as error:  # sequences end rather than hang
                _LOG.exception("Generation failed")
                changed = self._fail(error)
            wake_all(list(dict.fromkeys(changed)))
        self._ended.set()

    def _fail(self, error: Exception) -> list[Sequence]:
        """Ends all sequences that run, and empties the cache."""
        failed = [sequence for sequence in self._slots if sequence is not None]
        for sequence in failed:
            self._end(sequence, None, error)
        try:
            self.model.reset()
        except Exception as broken:  # the engine can't continue: all waiting requests fail
            _LOG.exception("The cache could not be made anew: no further sequences are generated")
            reason = UnavailableError(f"The model cannot generate any more: {broken}")
            with self._changed:
                self._is_closed = True
                waiting, self._waiting = self._waiting, deque()
            for sequence in waiting:
                self._end(sequence, None, reason)
            failed += waiting
        return failed

    def _turn(self) -> list[Sequence]:
        """Goes on by a token; returns the sequences that have changed."""
        changed = self._drop_unwanted()
        self._admit()
        if self._prompts:
            changed += self._prefill(self._prompts[0])
        running = [s for s in self._slots if s is not None and s.is_prefilled]
        if running:
            self._decode(running)
        return changed + running

    def _drop_unwanted(self) -> list[Sequence]:
        """Ends sequences that are cancelled or late."""
        now = time.monotonic()
        with self._changed:
            gone = [s for s in self._waiting if _is_unwanted(s, now)]
            if gone:
                self._waiting = deque(s for s in self._waiting if not _is_unwanted(s, now))
        gone += [s for s in self._slots if s is not None and _is_unwanted(s, now)]
        for sequence in gone:
            late = None if sequence.is_cancelled else DeadlineExceededError(_late(sequence))
            self._end(sequence, None, late)
        return gone

    def _admit(self) -> None:
        """Gives free slots to sequences that wait, the first ones first."""
        for slot, occupant in enumerate(self._slots):
            if occupant is not None:
                continue
            with self._changed:
                if not self._waiting:
                    return
                sequence = self._waiting.popleft()
            sequence.slot = slot
            sequence.times[1] = time.monotonic()
            self._slots[slot] = sequence
            self._prompts.append(sequence)

    def _prefill(self, sequence: Sequence) -> list[Sequence]:
        """Computes a piece of a prompt; the last one gives the first token.

        A prompt that is scored is computed twice, so that its tokens are those that follow it otherwise.
        """
        try:
            if sequence.is_being_scored:
                self._score(sequence)
                return []
            if not sequence.max_tokens:
                self._end(sequence, "length", None)
                return [sequence]
            self._reuse(sequence)
            start = sequence.place
            piece = sequence.prompt[start : start + self._next_count(sequence)]
            logits = _finite(self.model.prefill(sequence.slot, start, piece))
            self._keep(sequence, piece)
        except Exception as error:  # it is this sequence's
            self._blame(sequence, error)
            return [sequence]
        sequence.place += len(piece)
        if not sequence.is_prefilled:
            return []
        self._prompts.popleft()
        self._take(sequence, logits)
        return [sequence]

    def _next_count(self, sequence: Sequence) -> int:
        """The most tokens of a prompt to compute at once: more if these are whole chunks, whose bits are then the same, and no sequence awaits a token."""
        most = self.model.most_at_once
        awaited = any(s is not None and s.is_prefilled for s in self._slots)
        is_whole = len(sequence.prompt) - sequence.place >= most
        return most if is_whole and not awaited else self.model.generation.chunk

    def _score(self, sequence: Sequence) -> None:
        """Notes the probabilities of a piece of a prompt: the logits after a token are about the next one."""
        noted, prompt = sequence.prompt_logprobs, sequence.prompt
        if not noted:
            noted.append(TokenLogprobs(int(prompt[0]), None, ()))
        start = len(noted) - 1
        piece = prompt[start : start + self.model.generation.chunk]
        logits = _finite(self.model.score(sequence.slot, start, piece))
        following = prompt[start + 1 : start + 1 + len(piece)].tolist()
        noted += [
            logprobs_of(row, token, sequence.top_logprobs or 0)
            for row, token in zip(logits, following, strict=False)  # nothing follows the last token
        ]

    def _reuse(self, sequence: Sequence) -> None:
        """Copies blocks of a prompt that an earlier prompt had at the same positions after the same tokens.

        Only whole pieces are, so that the others are cut as if none were: each number has the bits that it has without. The last
        piece of a prompt is computed, for its logits.
        """
        chunk = self.model.generation.chunk
        while self.prefixes is not None and sequence.prefix is not None:
            piece = sequence.prompt[sequence.place : sequence.place + chunk]
            if sequence.place + chunk >= len(sequence.prompt):
                return
            reused = self.prefixes.find(sequence.prefix, piece)
            if reused is None:
                return
            self.model.write(sequence.slot, sequence.place, reused[1])
            sequence.prefix = reused[0]
            sequence.place += chunk
            sequence.reused += chunk

    def _keep(self, sequence: Sequence, piece: np.ndarray) -> None:
        """Keeps the cache content of the whole chunks of a piece of a prompt."""
        chunk = self.model.generation.chunk
        for at in range(0, len(piece) - chunk + 1, chunk):
            if self.prefixes is None or sequence.prefix is None:
                return
            part = piece[at : at + chunk]
            arrays = self.model.read(sequence.slot, sequence.place + at, chunk)
            is_finite = all(np.isfinite(array).all() for array in arrays)
            before = sequence.prefix
            sequence.prefix = self.prefixes.add(before, part, arrays) if is_finite else None

    def _decode(self, running: Items[Sequence]) -> None:
        """Computes a token of each of the sequences; if that fails, one sequence at a time, and the failing ones end."""
        try:
            logits = self._logits(running)
        except Exception as error:  # each sequence meets its own when it runs alone
            if len(running) == 1:
                self._blame(running[0], error)
                return
            for sequence in running:
                self._decode([sequence])
            return
        for sequence in running:
            sequence.place += 1
            self._take(sequence, logits[sequence.slot])

    def _logits(self, running: Items[Sequence]) -> np.ndarray:
        """The logits after the last tokens of some sequences.

        The other rows compute unused values, at a position that is written again before it is read.
        """
        rows = self.model.rows_for(max(sequence.slot for sequence in running) + 1)
        tokens, positions = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
        most = self.model.generation.length - 1
        for slot, occupant in enumerate(self._slots[:rows]):
            positions[slot] = 0 if occupant is None else min(occupant.next_place, most)
        for sequence in running:
            tokens[sequence.slot] = sequence.tokens[-1]
        return self.model.decode(tokens, positions)

    def _take(self, sequence: Sequence, logits: np.ndarray) -> None:
        """Chooses the next token of a sequence, which may end it."""
        try:
            token = _chosen(sequence, logits)
        except Exception as error:
            self._blame(sequence, error)
            return
        if token in sequence.stop_tokens:
            self._end(sequence, "stop", None)
            return
        if not sequence.tokens:
            sequence.times[2] = time.monotonic()
        if sequence.top_logprobs is not None:
            sequence.logprobs.append(logprobs_of(logits, token, sequence.top_logprobs))
        sequence.tokens.append(token)
        if sequence.matcher is not None and sequence.matcher.is_complete:
            self._end(sequence, "stop", None)
        elif len(sequence.tokens) >= sequence.max_tokens:
            self._end(sequence, "length", None)

    def _blame(self, sequence: Sequence, error: Exception) -> None:
        """Ends a sequence by its error; the next one in its slot finds none of its numbers, which may not be finite."""
        self.model.clear(sequence.slot)
        self._end(sequence, None, error)

    def _end(
        self, sequence: Sequence, reason: FinishReason | None, error: Exception | None
    ) -> None:
        if sequence.slot >= 0:
            self._slots[sequence.slot] = None
            if sequence in self._prompts:
                self._prompts.remove(sequence)
        sequence.times[3] = time.monotonic()
        sequence.finish_reason, sequence.error = reason, error
        sequence.is_done = True
        for observer in self._observers:
            observer(sequence)


def _chosen(sequence: Sequence, logits: np.ndarray) -> int:
    """Chooses the next token of a sequence, of a form if it is to have one."""
    matcher = sequence.matcher
    allowed = None if matcher is None else matcher.allowed()
    token = sequence.sampler.choose(logits, sequence.prompt, sequence.tokens, allowed=allowed)
    if matcher is not None:
        matcher.take(token)
    return token


def _finite(logits: np.ndarray) -> np.ndarray:
    """Returns logits of a prompt, which say whether what the cache holds of it is finite.

    Raises:
      InternalError: one is not a finite number.
    """
    if not np.isfinite(logits).all():
        raise InternalError(NOT_FINITE)
    return logits


def _is_unwanted(sequence: Sequence, now: float) -> bool:
    return sequence.is_cancelled or 0 < sequence.deadline < now


def _late(sequence: Sequence) -> str:
    if sequence.slot < 0:
        return "The request waited for a slot until its deadline."
    return f"The deadline passed after {len(sequence.tokens)} tokens."
