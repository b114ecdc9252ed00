"""Membership: which workers of an elastic job are in which generation. It lives in the launcher, and decides alone."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError

SERVICE = "penstock.cluster.Membership"
# Answers to a worker that asks to join: ask again, its generation is complete, end because the job shrinks, or because it is over.
WAIT, GO, LEAVE, OVER = "wait", "go", "leave", "over"
# Answers to a worker that joins later: the result of a section that the others have finished, that it has no result, or that all workers with the state are lost.
PAST, MISSED, LOST = "past", "missed", "lost"


@dataclass
class _Worker:
    """A process.

    address     once it has joined
    heard       when, last
    is_waiting  for a generation
    is_open     newcomers may come in at its step; a newcomer may come in
    section     of the program, that it is in
    passed      the life of the job in which it took over results; 0 if it has not
    """

    address: str = ""
    heard: float = 0.0
    is_waiting: bool = False
    is_open: bool = False
    section: int = 0
    passed: int = 0


@dataclass(frozen=True)
class Generation:
    """The members of a cluster between two changes.

    number     from 1
    members    numbers of workers, by rank
    addresses  of them
    """

    number: int = 0
    members: tuple[int, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass
class Membership:
    """Workers and generations of a job.

    A program consists of sections, which workers number alike: a `fit`, an `evaluate`, a loop. Newcomers come in at the section of the members, and are
    given the results of earlier ones. If all members are lost, so are the results: the job has another life, from the beginning of the program.

    least, most  how many workers there may be
    wanted       how many there should be
    job          a name of its own, which commands may say to be sure that they reach it
    """

    least: int
    most: int
    wanted: int
    job: str = ""
    generation: Generation = Generation()
    _workers: dict[int, _Worker] = field(default_factory=dict)
    _dismissed: set[int] = field(default_factory=set)
    _finished: set[int] = field(default_factory=set)
    _are_all_open: bool = True
    _results: dict[int, str] = field(default_factory=dict)
    _life: int = 1
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # -- reports of the launcher
    def start(self, worker: int) -> None:
        """Notes that a process was started."""
        with self._lock:
            self._workers[worker] = _Worker()

    def end(self, worker: int, in_order: bool) -> None:
        """Notes that a process has ended: a member that was not dismissed and ends in order is done with the program."""
        with self._lock:
            self._workers.pop(worker, None)
            members = self.generation.members
            if in_order and worker not in self._dismissed and (worker in members or not members):
                self._finished.add(worker)
            if worker in members and not self._members() and not self.is_over:
                self._results.clear()
                self._life += 1

    def resize(self, count: int) -> None:
        """Changes how many workers there should be.

        Raises:
          InvalidArgumentError: that many may not be.
        """
        if not self.least <= count <= self.most:
            raise InvalidArgumentError(
                f"resize: the number of workers must be in [{self.least}, {self.most}] (--elastic {self.least}:{self.most}). Received: {count}."
            )
        with self._lock:
            self.wanted = count

    @property
    def running(self) -> int:
        """Number of running processes that were not dismissed."""
        with self._lock:
            return len(self._workers.keys() - self._dismissed)

    @property
    def is_over(self) -> bool:
        """True once a worker has come to the end of the program."""
        return bool(self._finished)

    def silent(self, seconds: float) -> list[int]:
        """Returns the members that have not been heard for some seconds."""
        now = time.monotonic()
        with self._lock:
            return [n for n in self._members() if now - self._workers[n].heard > seconds]

    # -- requests of workers
    def join(self, request: bytes) -> bytes:
        """Answers a worker that waits for the next generation; the worker asks again until the answer is not WAIT.

        Args:
          request: JSON of `worker`, `address`, `after` (the number of its last generation), `open` (newcomers may come in at its step, or it may as one),
            `section` (that it is in).
        """
        asked = json.loads(request)
        with self._lock:
            worker, after = self._known(asked["worker"]), asked["after"]
            number = asked["worker"]
            is_member = number in self.generation.members
            worker.heard = time.monotonic()
            if is_member and after < self.generation.number:
                return self._answer(GO)
            if number in self._dismissed:
                return self._answer(LEAVE)
            if self.is_over and not after:
                return self._answer(OVER)
            if not is_member and (state := self._behind(worker, asked["section"])):
                worker.is_waiting = False
                return self._answer(state, self._results.get(asked["section"], ""))
            if not worker.is_waiting and is_member:
                self._are_all_open &= asked["open"]
            worker.address, worker.is_waiting = asked["address"], True
            worker.section, worker.is_open = asked["section"], asked["open"]
            self._form()
            return self._answer(
                GO if number in self.generation.members and not worker.is_waiting else WAIT
            )

    def record(self, request: bytes) -> bytes:
        """Keeps the result of a section for workers that come later."""
        message = json.loads(request)
        with self._lock:
            self._results[message["section"]] = message["result"]
        return b""

    def _behind(self, worker: _Worker, section: int) -> str:
        """The answer to a newcomer at a section that the members are past; empty if they are not."""
        members = self._members()
        if worker.passed and worker.passed != self._life:
            return LOST
        if not members or section >= min(self._workers[n].section for n in members):
            return ""  # if this is the last section, the newcomer waits here for the end of the job
        if section not in self._results:
            return MISSED
        worker.passed = self._life
        return PAST

    def beat(self, request: bytes) -> bytes:
        """Answers whether members should meet for another generation, and who of this one is lost."""
        asked = json.loads(request)
        with self._lock:
            worker = self._known(asked["worker"])
            worker.heard = time.monotonic()
            if not worker.is_waiting:
                worker.section = asked["section"]
            lost = [
                n
                for n in self.generation.members
                if n not in self._workers and n not in self._finished
            ]
            is_current = asked["generation"] == self.generation.number
            return json.dumps(
                {"pending": is_current and self._is_pending(), "lost": lost if is_current else []}
            ).encode()

    def status(self, request: bytes) -> bytes:
        """Answers with the numbers of workers, as JSON.

        Raises:
          FailedPreconditionError: the request is for another job.
        """
        self._asked(request)
        with self._lock:
            return json.dumps(
                {
                    "generation": self.generation.number,
                    "workers": len(self.generation.members),
                    "wanted": self.wanted,
                }
            ).encode()

    def resized(self, request: bytes) -> bytes:
        """Answers a command to change the number of workers.

        Raises:
          FailedPreconditionError: the request is for another job.
        """
        self.resize(int(self._asked(request)["workers"]))
        return self.status(b"")

    def _asked(self, request: bytes) -> dict[str, Any]:
        """A command, which may say for which job it is."""
        asked = json.loads(request or b"{}")
        if asked.get("job") not in (None, "", self.job):
            raise FailedPreconditionError(
                None, None, "The job file is of an earlier job; another has its address now."
            )
        return asked  # type: ignore[no-any-return]

    def _known(self, number: int) -> _Worker:
        if number not in self._workers:
            raise InvalidArgumentError(f"Worker {number} does not belong to this job.")
        return self._workers[number]

    def _members(self) -> list[int]:
        """The members of the generation that are alive, by rank."""
        return [n for n in self.generation.members if n in self._workers]

    def _newcomers(self) -> list[int]:
        return [
            n
            for n in self._workers
            if n not in self.generation.members and n not in self._dismissed
        ]

    def _may_come_in(self) -> list[int]:
        """The newcomers that wait where all members are."""
        members = self._members()
        sections = {self._workers[n].section for n in members}
        waiting = [n for n in self._newcomers() if self._workers[n].is_waiting]
        if not members:
            return [n for n in waiting if self._workers[n].passed in (0, self._life)]
        return [
            n
            for n in waiting
            if self._workers[n].is_open and sections == {self._workers[n].section}
        ]

    def _is_pending(self) -> bool:
        """True if members should meet: some are too many, or newcomers wait and no other is still on its way."""
        if self.is_over:
            return False
        here = len(self._members())
        all_wait = all(self._workers[n].is_waiting for n in self._newcomers())
        return here > self.wanted or (here < self.wanted and all_wait and bool(self._may_come_in()))

    def _form(self) -> None:
        """Makes the next generation if all who have to be there are."""
        members = self._members()
        if not all(self._workers[n].is_waiting for n in members):
            return
        newcomers = self._may_come_in()
        if members and not self._are_all_open:
            newcomers = []
        chosen = (members + newcomers)[: self.wanted]
        enough = self.least if self.generation.number else self.wanted
        if len(chosen) < enough and not self.is_over:
            return
        self._dismissed.update(n for n in members if n not in chosen)
        for n in chosen:
            self._workers[n].is_waiting = False
        addresses = tuple(self._workers[n].address for n in chosen)
        self.generation = Generation(self.generation.number + 1, tuple(chosen), addresses)
        self._are_all_open = True

    def _answer(self, state: str, result: str = "") -> bytes:
        generation = self.generation
        message = {
            "state": state,
            "number": generation.number,
            "members": generation.members,
            "addresses": generation.addresses,
            "result": result,
        }
        return json.dumps(message).encode()
