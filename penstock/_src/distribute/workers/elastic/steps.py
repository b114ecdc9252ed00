"""Steps of an elastic job: all workers make them together, or go back to the last one that all have made."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from penstock._src.cluster.elastic.member import Member
from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import Transport
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
# Words that workers say before a step. Those before PLACED say where they are, those before AGREED are equal in all of them.
NUMBER, SECTION, KIND, PLACED = 0, 1, 2, 3
BATCH, IS_END, AGREED, ASSIGNED, INDEX, TAKEN, PENDING, WORDS = 3, 4, 5, 5, 6, 7, 8, 9
# Words that they say when a generation begins.
MADE, HAS_STATE, VARIABLES, COUNT, IS_FOLDED, SECTION_MET = range(6)
TRAIN = "train"


class Luggage(Protocol):
    """State of a program outside of variables, which newcomers take over."""

    def pack(self) -> bytes:
        """Returns the state of this process."""

    def unpack(self, data: bytes) -> None:
        """Takes over the state of another."""


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
            self._pull()
            if self.batch is not None:
                PROGRESS.begin_step()

    def follow(self, index: int, taken: int) -> None:
        """Takes the batch of a later iteration of the dataset, where others are who have begun more of them."""
        if self.feed is not None and self.feed.index < index:
            self.feed.advance(index, taken)
            self._pull()

    def _pull(self) -> None:
        self.batch = None if self.feed is None else self.feed.pull()
        self.is_end = self.feed is not None and self.batch is None


class Steps:
    """The steps of this process.

    Args:
      extended: of the strategy.
      member: this process's side of the membership.

    Attributes:
      made: how many steps were made.
      generation: grows with every change of workers: what was traced for another number of replicas is traced again.
      section: of the program: a `fit`, an `evaluate` or a loop.
      is_inside: True while a step's call runs.
      is_within: True in a `fit` or an `evaluate`: nested calls are not sections of their own.
      arrival: where the others were when this process came in while they trained; None once it is there, too.
      luggage: state outside of variables, in the running section.
    """

    def __init__(self, extended: Any, member: Member) -> None:
        self._extended, self._member = extended, member
        self.made = self.generation = self.section = self._sections = 0
        self.arrival: dict[str, int] | None = None
        self.luggage: Luggage | None = None
        self._is_joined = self._has_state = self.is_inside = self.is_within = False
        self._is_open = True
        self._on_change: Callable[[], str] | None = None
        self._after: dict[int, bytes] = {}
        self._handed: tuple[list[Any], bytes] = ([], b"")
        self._kept: dict[int, list[Any]] = {}
        self._steps: dict[int, Step] = {}
        self._totals: list[np.ndarray] | None = None

    # -- sections
    def begin_section(self, is_open: bool) -> int:
        """Begins another section of the program, which all workers number alike; returns its number.

        Args:
          is_open: newcomers may come in.

        Raises:
          Passed: this process joined later, and the others have finished the section.
          FailedPreconditionError: they have, without a result.
        """
        self._sections += 1
        self.resume_section(self._sections)
        self._is_open = is_open
        self._until(lambda: self._is_joined)
        return self.section

    def resume_section(self, section: int, result: Callable[[], str] | None = None) -> None:
        """Goes on with a section.

        Args:
          section: its number.
          result: says that of a section without an end, once another begins.
        """
        if section != self.section and self._on_change is not None:
            self.end_section(self._on_change())
        self.section = self._member.section = section
        self._on_change = result

    def end_section(self, result: str) -> None:
        """Keeps the result of the section for workers that come later."""
        if self._has_state:
            self._member.record(result)

    @property
    def is_pending(self) -> bool:
        """True if workers will come or go before the next step that trains."""
        return self._member.is_pending

    @property
    def is_apart(self) -> bool:
        """True if this process does not work with the others yet: it has not met them, or is on its way to where they are."""
        return not self._has_state or self.arrival is not None

    @property
    def is_behind(self) -> bool:
        """True if this process came later, and is on its way to where the others are."""
        return self._member.is_late and self.is_apart

    def arrive(self, feed: Feed) -> dict[str, int]:
        """Goes on where the others are: at their batch, with their variables and callbacks. Returns the place.

        Args:
          feed: of this process.

        Raises:
          InvalidArgumentError: its dataset ends before, or it has other variables by now.
        """
        place = self.arrival
        assert place is not None
        feed.advance(place["index"], place["taken"])
        values, luggage = self._handed
        variables = self._extended.variables()
        if len(variables) != len(values):
            raise InvalidArgumentError(
                None, None,
                f"Elastic job: this worker met the others with {len(values)} variables, and has {len(variables)} at its first step. Make them before `fit`.",
            )  # fmt: skip
        state.restore(variables, values)
        if self.luggage is not None and luggage:
            self.luggage.unpack(luggage)
        self.arrival, self._handed = None, ([], b"")
        return place

    def run(self, step: Step) -> Any:
        """Makes a step together with the others; returns its result.

        Args:
          step: the same in all workers.

        Raises:
          OutOfRangeError: its batches are at an end, in all workers.
          InvalidArgumentError: workers have different batches.
          UnavailableError: workers were lost again and again.
        """
        self._until(lambda: self._is_joined)
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
        rows = self._agree(step, variables)
        self._totals = None
        if rows[:, PENDING].any():
            self._totals = state.totals_of(variables, self._connected(), True)
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
        self._after = state.scalars(variables)
        return True

    def _agree(self, step: Step, variables: list[Any]) -> np.ndarray:
        """Compares what workers say before a step, and returns it; those that have begun fewer iterations of the dataset follow the others first."""
        assigned = self._assigned(variables)
        transport = self._connected()
        while True:
            words = np.zeros(WORDS, np.int64)
            words[NUMBER], words[SECTION] = self.made + 1, self.section
            words[KIND], words[IS_END] = zlib.crc32(step.kind.encode()), step.is_end
            words[BATCH] = 0 if step.batch is None else checksum(step.batch)
            words[ASSIGNED] = zlib.crc32(np.array(list(assigned.values()), np.int64).tobytes())
            if step.feed is not None:
                words[INDEX], words[TAKEN] = step.feed.index, step.feed.taken
            words[PENDING] = step.kind == TRAIN and self._member.is_pending
            rows = transport.exchange_words(words, transport.everyone)
            _check_place(rows, step)
            first = rows[rows[:, INDEX].argmax()]
            if (rows[:, INDEX] == first[INDEX]).all():
                break
            step.follow(int(first[INDEX]), int(first[TAKEN] - (not first[IS_END])))
        _check_batches(rows, step)
        if (rows[:, ASSIGNED] != rows[0, ASSIGNED]).any():
            sums = np.array(list(assigned.values()), np.int64)
            names = [variables[i].name for i in assigned]
            _refuse_values(transport.exchange_words(sums, transport.everyone), names, step)
        return rows

    def _assigned(self, variables: list[Any]) -> dict[int, int]:
        """Numbers that tell apart values that scalars were assigned since the last step, by the variable's index; 0 of others."""
        return {
            i: zlib.crc32(value, 1) if self._after.get(i, value) != value else 0
            for i, value in state.scalars(variables).items()
        }

    def _connected(self) -> Transport:
        transport = self._member.transport
        assert transport is not None
        return transport

    def _place(self) -> tuple[int, int]:
        cluster = self._extended._cluster
        return cluster.rank, cluster.size

    # -- a change of workers
    def _enter(self) -> None:
        """Meets the others, goes back to the last step that all have made, and takes over the state of one."""
        following = self._steps.get(self.made + 1)
        is_open = self._is_open if following is None else following.kind == TRAIN
        cluster = self._member.join(is_open)
        transport = self._connected()
        variables = self._extended.variables()
        words = [
            self.made,
            self._has_state,
            state.described(variables),
            len(variables),
            self._totals is not None,
            self.section,
        ]
        rows = transport.exchange_words(np.array(words, np.int64), transport.everyone)
        _check_meeting(rows)
        source = _source(rows)
        step_number = int(rows[source, MADE])
        have_state = rows[:, HAS_STATE].astype(bool)
        if self._has_state:
            self._go_back(step_number, variables)
        totals = self._totals
        if not rows[source, IS_FOLDED]:
            totals = state.totals_of(variables, transport, self._has_state or not have_state.any())
        if totals is None:
            totals = [v.values[0].read_value().numpy() for v in variables if state.is_summed(v)]
        totals = state.hand_on(variables, totals, transport, source)
        if have_state.any() and not have_state.all():
            self._hand_on_place(transport, source, step_number, variables)
        self.made, self._totals = step_number, totals  # until all have made another step
        self._after = state.scalars(variables)
        self._is_joined = self._has_state = True
        self.generation += 1
        self._extended.enter(cluster)
        LOG.info(
            "Elastic job: worker %d of %d goes on after step %d",
            cluster.rank,
            cluster.size,
            step_number,
        )

    def _hand_on_place(
        self, transport: Transport, source: int, step_number: int, variables: list[Any]
    ) -> None:
        """Gives newcomers the place in the program, and the state outside of variables."""
        following = self._steps.get(step_number + 1)
        text = json.dumps(following.place if following else {}).encode()
        place = json.loads(state.broadcast_bytes(text, transport, source))
        is_source = transport.cluster.rank == source
        luggage = self.luggage.pack() if is_source and self.luggage is not None else b""
        luggage = state.broadcast_bytes(luggage, transport, source)
        if not self._has_state:
            self.arrival = place
            self._handed = state.values_of(variables), luggage

    def _go_back(self, step_number: int, variables: list[Any]) -> None:
        """Takes up the state after a step that all have made."""
        if step_number in self._kept:
            kept = self._kept[step_number]
            if len(kept) != len(variables):
                raise InvalidArgumentError(
                    None, None,
                    f"Elastic job: step {step_number + 1} failed, and had made variables, so it cannot be made again. Make them before the first step.",
                )  # fmt: skip
            state.restore(variables, kept)
        elif step_number != self.made:
            raise InternalError(
                None,
                None,
                f"Elastic job: the state after step {step_number} is not kept at step {self.made}.",
            )


def _source(rows: np.ndarray) -> int:
    """The rank whose state all take over when a generation begins: one that is at the earliest step, and knows the sums of all workers if any does."""
    survivors = np.flatnonzero(rows[:, HAS_STATE])
    if not len(survivors):
        return 0
    return int(min(survivors, key=lambda rank: (rows[rank, MADE], -rows[rank, IS_FOLDED], rank)))


def _check_meeting(rows: np.ndarray) -> None:
    """Compares what workers said when a generation begins.

    Raises:
      InvalidArgumentError: they have different variables, or newcomers are in another section.
    """
    if (rows[:, VARIABLES] != rows[0, VARIABLES]).any():
        raise InvalidArgumentError(
            None, None,
            "Elastic job: workers have different variables when they meet (make the same ones in all, before the first step). "
            f"How many, by rank: {rows[:, COUNT].tolist()}.",
        )  # fmt: skip
    newcomers = rows[rows[:, HAS_STATE] == 0]
    if len(newcomers) and (rows[:, SECTION_MET] != rows[0, SECTION_MET]).any():
        raise InvalidArgumentError(
            None, None,
            "Elastic job: workers are in different sections of the program (fit, evaluate or loops, which all have to call alike). "
            f"By rank: {rows[:, SECTION_MET].tolist()}.",
        )  # fmt: skip


def _check_place(rows: np.ndarray, step: Step) -> None:
    """Compares where workers say that they are.

    Raises:
      InvalidArgumentError: they are in different places.
    """
    if (rows[:, :PLACED] != rows[0, :PLACED]).any():
        raise InvalidArgumentError(
            None, None,
            f"Elastic job: workers are in different steps (here {step.kind!r}). All have to call fit, evaluate, loops and reductions such as "
            f"metric.result() alike. Steps by rank: {rows[:, NUMBER].tolist()}; sections of the program: {rows[:, SECTION].tolist()}.",
        )  # fmt: skip


def _check_batches(rows: np.ndarray, step: Step) -> None:
    """Compares the batches of workers.

    Raises:
      InvalidArgumentError: they are different.
    """
    if (rows[:, :AGREED] != rows[0, :AGREED]).any():
        raise InvalidArgumentError(
            None, None,
            f"Elastic job: workers have different batches in step {rows[0, NUMBER]} ({step.kind}). All read the whole dataset, in one order: give "
            "shuffles a seed, and `fit` shuffle=False or a seeded dataset. "
            f"Checksums by rank: {rows[:, BATCH].tolist()}; at an end: {rows[:, IS_END].tolist()}.",
        )  # fmt: skip


def _refuse_values(rows: np.ndarray, names: list[str], step: Step) -> None:
    """Raises an InvalidArgumentError that names the variables to which workers have assigned different values."""
    differ = ", ".join(names[i] for i in np.flatnonzero((rows != rows[0]).any(0)))
    raise InvalidArgumentError(
        None, None,
        f"Elastic job: workers have assigned different values to variables since the last step ({step.kind}): {differ}. Assign them alike in all workers.",
    )  # fmt: skip
