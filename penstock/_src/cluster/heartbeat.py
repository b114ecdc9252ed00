"""Heartbeat: processes that have stopped, hang in the system or are cut off are found by their silence, and reported to all others.

The processes are a ring: each sends a beat to the next one, and listens to the one before it. A thread of its own sends them, so a
process that compiles or computes for long is not taken for one that hangs. Reports go to rank 0 besides, which names stragglers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from penstock._src.cluster.description import Cluster
from penstock._src.cluster.progress import PROGRESS, place
from penstock._src.cluster.stragglers import Report, Stragglers

LOG = logging.getLogger("tensorflow")
LONGEST_PAUSE = 0.5  # seconds between beats
BEATS = 14  # within the time after which silence means that a process is lost
REPORT_EVERY = 10  # beats
BEAT, REPORT, LOST, LEFT = range(4)
# Words of a message: its kind, its sender, the process that it reports on, and the progress of that one.
KIND, SENDER, SUBJECT, STEPS, EXCHANGES, CLOCK, WAITED, WORDS = range(8)


class Heartbeat:
    """Sends beats and listens to them until it is stopped.

    Args:
      cluster: the processes.
      post: sends words to a rank, and waits for nothing.
      poll: gives the messages that have come, where they are not brought by `take`.
      lose: is told, once, what the error of all that waits for others is to say.
      limit: seconds of silence after which a process is lost.

    Attributes:
      pause: seconds between beats.
    """

    def __init__(
        self,
        cluster: Cluster,
        post: Callable[[int, Sequence[int]], None],
        poll: Callable[[], Iterable[Sequence[int]]],
        lose: Callable[[str], None],
        limit: float,
    ) -> None:
        self.limit, self.pause = limit, min(LONGEST_PAUSE, limit / BEATS)
        self._cluster, self._post, self._poll, self._lose = cluster, post, poll, lose
        self._lock = threading.Lock()
        self._left: set[int] = set()
        self._lost: int | None = None
        self._is_listening = False
        self._silence, self._count = 0.0, 0
        self._known = [0] * WORDS  # of the one that this one listens to
        self._stragglers = Stragglers(cluster.size)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="penstock heartbeat", daemon=True)

    def start(self) -> None:
        """Begins to send beats."""
        self._thread.start()

    def listen(self) -> None:
        """Begins to expect beats: the others are there."""
        with self._lock:
            self._is_listening, self._silence = True, 0.0

    def stop(self) -> None:
        """Ends it; no message is sent from here on, or after the beat whose thread calls this."""
        self._ended.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(self.pause + 1)

    def leave(self) -> None:
        """Report to the others that this process ends in order, and stop."""
        self.stop()
        for rank in self._others():
            self._post(rank, self._words(LEFT))

    def has_left(self, rank: int) -> bool:
        """True if a process has left the cluster in order."""
        return rank in self._left

    def take(self, words: Sequence[int]) -> None:
        """Receive a message."""
        sender = words[SENDER]
        with self._lock:
            if sender == self._neighbour(-1):
                self._silence = 0.0
                if words[KIND] in (BEAT, REPORT):
                    self._known = list(words)
            if words[KIND] == LEFT:
                self._left.add(sender)
                self._silence, self._known = 0.0, [0] * WORDS
        if words[KIND] == LOST and words[SUBJECT] != self._cluster.rank:
            self._note_loss(words[SUBJECT], words[STEPS], words[EXCHANGES])
        if words[KIND] == REPORT:
            self._note_report(words)

    def beat(self, elapsed: float) -> None:
        """Take the messages that have come, judge the silence after so many more seconds, and send a beat."""
        for words in self._poll():
            self.take(words)
        self._judge(elapsed)
        self._count += 1
        following = self._neighbour(1)
        if following is not None:
            self._post(following, self._words(BEAT))
        if self._count % REPORT_EVERY == 0:
            self._report()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(self.pause):
            now = time.monotonic()
            # One that was stopped itself has heard nothing meanwhile: no long time counts at once.
            self.beat(min(now - before, 2 * self.pause))
            before = now

    def _judge(self, elapsed: float) -> None:
        with self._lock:
            subject = self._neighbour(-1)
            if not self._is_listening or subject is None or self._lost is not None:
                return
            self._silence += elapsed
            if self._silence < self.limit:
                return
            steps, exchanges = self._known[STEPS], self._known[EXCHANGES]
        message = self._words(LOST)
        message[SUBJECT], message[STEPS], message[EXCHANGES] = subject, steps, exchanges
        for rank in self._others():
            if rank != subject:
                self._post(rank, message)
        self._note_loss(subject, steps, exchanges)

    def _note_loss(self, subject: int, steps: int, exchanges: int) -> None:
        with self._lock:
            if self._lost is not None:
                return
            self._lost = subject
        reached = place(steps, exchanges)
        self._lose(
            f"Rank {subject} of {self._cluster.size} has not answered for {self.limit:g} s: it has ended or was stopped, or its host is "
            f"down or cut off.{f' Its last sign was from {reached}.' if reached else ''}"
        )

    def _report(self) -> None:
        words = self._words(REPORT)
        if self._cluster.rank == 0:
            self._note_report(words)
        elif 0 not in self._left:
            self._post(0, words)

    def _note_report(self, words: Sequence[int]) -> None:
        report = Report(words[CLOCK], words[WAITED], words[STEPS], words[EXCHANGES])
        with self._lock:
            lines = self._stragglers.note(words[SENDER], report)
        for line in lines:
            LOG.warning("%s", line)

    def _words(self, kind: int) -> list[int]:
        rank, clock = self._cluster.rank, time.perf_counter_ns()
        return [kind, rank, rank, PROGRESS.steps, PROGRESS.exchanges, clock, PROGRESS.waited]

    def _others(self) -> list[int]:
        return [r for r in range(self._cluster.size) if r not in {*self._left, self._cluster.rank}]

    def _neighbour(self, direction: int) -> int | None:
        """The nearest process in the ring that has not left."""
        for distance in range(1, self._cluster.size):
            rank = (self._cluster.rank + direction * distance) % self._cluster.size
            if rank not in self._left:
                return rank
        return None
