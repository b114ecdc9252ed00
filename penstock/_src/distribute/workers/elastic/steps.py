"""Steps of an elastic job: all workers make them together, or go back to the last one that all have made."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.cluster.elastic.member import Member
from penstock._src.cluster.progress import PROGRESS
from penstock._src.core.errors import (
    AbortedError,
    InternalError,
    InvalidArgumentError,
    OutOfRangeError,
    UnavailableError,
)
from penstock._src.distribute.workers.elastic import state
from penstock._src.distribute.workers.elastic.feeds import Feed, checksum, part

LOG = logging.getLogger("tensorflow")
ATTEMPTS = 20  # generations that may fail one after the other before anything is done
KEPT = 2  # boundaries: workers are at most one step apart
# Words that workers say before a step. Those up to AGREED are equal in all of them.
NUMBER, KIND, BATCH, IS_END, AGREED, PENDING, WORDS = 0, 1, 2, 3, 4, 4, 5
# Words that they say when a generation begins.
MADE, HAS_STATE, VARIABLES, COUNT, IS_FOLDED = range(5)
TRAIN = "train"


@dataclass
class Step:
    """Work that all workers do together, and may have to do again.

    kind    its name; newcomers may come in before those of kind TRAIN
    call    does it, and returns its result
    feed    where its batch comes from; None if it takes none
    place   where in the program it is, for newcomers
    batch   of all workers together, once it was taken
    result  of `call`
    """

    kind: str
    call: Callable[[], Any]
    feed: Feed | None = None
    place: dict[str, int] = field(default_factory=dict)
    batch: Any = None
    is_begun: bool = False
    is_end: bool = False
    result: Any = None

    def begin(self) -> None:
        """Takes the batch, at the first attempt."""
        if not self.is_begun:
            self.is_begun = True
            self.batch = None if self.feed is None else self.feed.pull()
            self.is_end = self.feed is not None and self.batch is None
            if self.batch is not None:
                PROGRESS.begin_step()


class Steps:
    """The steps of this process.

    Args:
      extended: of the strategy.
      member: this process's side of the membership.

    Attributes:
      made: how many steps were made.
      generation: grows with every change of workers: what was traced for another number of replicas is traced again.
      fits: how often training was begun.
      is_inside: True while a step's call runs.
      arrival: where the others were when this process came in while they trained; None once it is there, too.
    """

    def __init__(self, extended: Any, member: Member) -> None:
        self._extended, self._member = extended, member
        self.made = self.generation = self.fits = 0
        self.arrival: dict[str, int] | None = None
        self._is_joined = self._has_state = self.is_inside = False
        self._kept: dict[int, list[Any]] = {}
        self._steps: dict[int, Step] = {}
        self._totals: list[np.ndarray] | None = None

    def begin(self) -> None:
        """Meets the other workers, unless this process is in a generation already."""
        self._until(lambda: self._is_joined)

    @property
    def is_pending(self) -> bool:
        """True if workers will come or go before the next step that trains."""
        return self._member.is_pending

    @property
    def is_apart(self) -> bool:
        """True if this process does not work with the others yet: it has not met them, or is on its way to where they are."""
        return not self._has_state or self.arrival is not None

    def run(self, step: Step) -> Any:
        """Makes a step together with the others; returns its result.

        Args:
          step: the same in all workers.

        Raises:
          OutOfRangeError: its batches are at an end, in all workers.
          InvalidArgumentError: workers have different batches.
          UnavailableError: workers were lost again and again.
        """
        self.begin()
        target = self.made + 1
        step.place = dict(step.place, made=self.made)
        if step.feed is not None:
            step.place.update(index=step.feed.index, taken=step.feed.taken)
        self._steps[target] = step
        self._until(lambda: self.made >= target)
        if step.is_end:
            raise OutOfRangeError(None, None, "End of sequence")
        return step.result

    def _until(self, is_done: Callable[[], bool]) -> None:
        failures = 0
        while not is_done():
            try:
                if not self._is_joined:
                    self._enter()
                elif self._make():
                    failures = 0
            except (UnavailableError, AbortedError) as error:
                failures += 1
                if failures > ATTEMPTS:
                    raise
                self._is_joined = False
                LOG.warning(
                    "Elastic job: step %d failed, and is made again: %s",
                    self.made + 1,
                    error.message,
                )

    # -- a step
    def _make(self) -> bool:
        """Makes the next step; False if the workers agreed to meet for another generation instead."""
        number = self.made + 1
        step = self._steps[number]
        variables = self._extended.variables()
        self._kept[self.made] = state.values_of(variables)
        for old in [n for n in self._kept if n <= self.made - KEPT]:
            del self._kept[old]
        for old in [n for n in self._steps if n < self.made]:
            del self._steps[old]
        step.begin()
        transport = self._member.transport
        assert transport is not None
        words = np.zeros(WORDS, np.int64)
        words[NUMBER], words[KIND], words[IS_END] = (
            number,
            zlib.crc32(step.kind.encode()),
            step.is_end,
        )
        words[BATCH] = 0 if step.batch is None else checksum(step.batch)
        words[PENDING] = step.kind == TRAIN and self._member.is_pending
        rows = transport.exchange_words(words, transport.everyone)
        _check(rows, step)
        if rows[:, PENDING].any():
            self._totals = state.totals_of(variables, transport, True)
            self._is_joined = False
            return False
        if not step.is_end:
            if step.feed is not None:
                step.feed.waiting.clear()
                step.feed.waiting.append(part(step.batch, *self._place()))
            self.is_inside = True
            try:
                step.result = step.call()
            finally:
                self.is_inside = False
        self.made = number
        return True

    def _place(self) -> tuple[int, int]:
        cluster = self._extended._cluster
        return cluster.rank, cluster.size

    # -- a change of workers
    def _enter(self) -> None:
        """Meets the others, goes back to the last step that all have made, and takes over the state of one."""
        nearby = [s for n, s in self._steps.items() if n >= self.made]
        cluster = self._member.join(all(step.kind == TRAIN for step in nearby))
        transport = self._member.transport
        assert transport is not None
        variables = self._extended.variables()
        words = [
            self.made,
            self._has_state,
            state.described(variables),
            len(variables),
            self._totals is not None,
        ]
        rows = transport.exchange_words(np.array(words, np.int64), transport.everyone)
        if (rows[:, VARIABLES] != rows[0, VARIABLES]).any():
            raise InvalidArgumentError(
                None, None,
                "Elastic job: workers have different variables when they meet (make the same ones in all, before the first step). "
                f"How many, by rank: {rows[:, COUNT].tolist()}.",
            )  # fmt: skip
        survivors = np.flatnonzero(rows[:, HAS_STATE])
        source = int(survivors[0]) if len(survivors) else 0
        made = int(rows[survivors, MADE].min()) if len(survivors) else 0
        if self._has_state:
            self._go_back(made, variables)
        totals = self._totals
        if not rows[source, IS_FOLDED]:
            totals = state.totals_of(variables, transport, self._has_state or not len(survivors))
        if totals is None:
            totals = [v.values[0].read_value().numpy() for v in variables if state.is_summed(v)]
        state.hand_on(variables, totals, transport, source)
        following = self._steps.get(made + 1)
        told = json.dumps(following.place if following else {})
        place = json.loads(state.broadcast_text(told, transport, source))
        if len(survivors) and not self._has_state:
            self.arrival = place
        self.made, self._totals = made, None
        self._is_joined = self._has_state = True
        self.generation += 1
        self._extended.enter(cluster)
        LOG.info(
            "Elastic job: worker %d of %d goes on after step %d", cluster.rank, cluster.size, made
        )

    def _go_back(self, made: int, variables: list[Any]) -> None:
        """Takes up the state after a step that all have made."""
        if made in self._kept:
            kept = self._kept[made]
            if len(kept) != len(variables):
                raise InvalidArgumentError(
                    None, None,
                    f"Elastic job: step {made + 1} failed, and had made variables, so it cannot be made again. Make them before the first step.",
                )  # fmt: skip
            state.restore(variables, kept)
        elif made != self.made:
            raise InternalError(
                None,
                None,
                f"Elastic job: the state after step {made} is not kept at step {self.made}.",
            )


def _check(rows: np.ndarray, step: Step) -> None:
    """Compares what workers said before a step.

    Raises:
      InternalError: they are in different ones.
      InvalidArgumentError: they have different batches.
    """
    if (rows[:, [NUMBER, KIND]] != rows[0, [NUMBER, KIND]]).any():
        raise InternalError(
            None,
            None,
            f"Elastic job: workers are in different steps, by rank: {rows[:, NUMBER].tolist()}.",
        )
    if (rows[:, :AGREED] != rows[0, :AGREED]).any():
        raise InvalidArgumentError(
            None, None,
            f"Elastic job: workers have different batches in step {rows[0, NUMBER]} ({step.kind}). All read the whole dataset, in one order: give "
            "shuffles a seed, and `fit` shuffle=False or a seeded dataset. "
            f"Checksums by rank: {rows[:, BATCH].tolist()}; at an end: {rows[:, IS_END].tolist()}.",
        )  # fmt: skip
