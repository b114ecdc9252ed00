"""A run's exchanges with other processes: the session that its launches begin them in, and what is done when a run fails.

A process that has begun a program takes part in all of its exchanges, whatever happens: one that fails gives nothing of use in those that
are left, and says so at the end of each unit, so that the others fail in the same step instead of waiting. What cannot be
completed in time is abandoned: MPI may still write there, so the memory is kept, and the processes exchange nothing more.
"""

from __future__ import annotations

import ctypes
import functools
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import (
    NARROW_SUMS,
    NativeCalls,
    Transport,
    as_word,
    failed_rank,
    late_ranks,
)
from penstock._src.cluster.transports.table import connect
from penstock._src.compiler.codegen.specials.special import SessionWord
from penstock._src.core.errors import InternalError, OpError, UnavailableError
from penstock._src.ir.function import ExchangeUnit, Function
from penstock._src.ir.node import Node
from penstock._src.native.process import exchanges as engine

LEAVING = 10.0  # seconds that a process which has failed takes part in what is left
ANSWERING = 5.0  # seconds within which others answer who are not late
PAUSE = 1e-4
ATTENDED = 1 << 16  # bytes from which on exchanges are attended to by a thread of their own


def session_of(function: Function) -> ExchangeSession:
    """The session for the exchanges of a function.

    Raises:
      UnavailableError: this process is in no cluster any more.
    """
    transport = connect()
    if transport is None or transport.native is None:
        raise UnavailableError(None, None, "A program that exchanges values needs a cluster.")
    return ExchangeSession(transport, transport.native, function.exchanges)


@functools.cache
def attendant() -> queue.SimpleQueue[Any]:
    """What takes the words of sessions, and the numbers of their runs, to a thread that lets MPI work during long kernels."""
    work = engine.engine().function("attend", ctypes.c_void_p, ctypes.c_int64)
    sessions: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def attend() -> None:
        while True:
            words, run = sessions.get()
            work(words.ctypes.data, run)  # without the interpreter's lock

    threading.Thread(target=attend, name="penstock exchanges", daemon=True).start()
    return sessions


class ExchangeSession:
    """The words of native/process/exchanges.py for the exchanges of one program, and what they point to."""

    def __init__(self, transport: Transport, calls: NativeCalls, waits: Sequence[Node]) -> None:
        self.transport = transport
        self.units = list(dict.fromkeys(wait.attrs["unit"] for wait in waits))
        size = transport.cluster.size
        self._told = np.array([unit.words for unit in self.units], np.int64)
        self._rows = np.zeros([size, engine.WORDS], np.int64)
        self._requests = np.zeros(2 * size * calls.request_bytes, np.uint8)
        self._statuses = np.zeros(2 * size * calls.status_bytes, np.uint8)
        self._ends = np.zeros([len(self.units), 2], np.int64)  # what is given and received at ends
        self._operations = _operations(waits, self.units, calls, self._ends)
        self._words = np.zeros(engine.SESSION_WORDS, np.int64)
        for name, word in _FUNCTIONS.items():
            self._words[word] = calls.functions[name]
        for word, value in (
            (engine.YIELD, engine.yield_address()),
            (engine.SLEEP, engine.sleep_address()),
            (engine.TELLING, as_word(calls.telling)),
            (engine.REDUCING, as_word(calls.reducing)),
            (engine.WORD_TYPE, as_word(calls.types["int64"])),
            (engine.REQUEST_BYTES, calls.request_bytes),
            (engine.SIZE, size),
            (engine.RANK, transport.cluster.rank),
            (engine.TAG, calls.tag),
            (engine.UNITS, self._told.ctypes.data),
            (engine.ROWS, self._rows.ctypes.data),
            (engine.REQUESTS, self._requests.ctypes.data),
            (engine.STATUSES, self._statuses.ctypes.data),
            (engine.OPERATIONS, self._operations.ctypes.data),
            (engine.COUNT, len(self._operations)),
            (engine.WAITED, PROGRESS.waited_address),
        ):
            self._words[word] = value
        sizes = [int(wait.size) * wait.dtype.size for wait in waits]
        self._is_attended = sum(sizes) >= ATTENDED
        library = engine.engine()
        self._advance = library.function("advance", ctypes.c_void_p)
        self._addresses = {
            SessionWord.SESSION: self._words.ctypes.data,
            SessionWord.START: library["start"],
            SessionWord.ADVANCE: library["advance"],
            SessionWord.LOOK: library["look"],
            SessionWord.ERROR: self._words[engine.ERROR :].ctypes.data,
            SessionWord.COMPLETE: self._words[engine.COMPLETE :].ctypes.data,
        }

    def address(self, what: SessionWord) -> int:
        """The number that stands for a word."""
        return self._addresses[what]

    def run(self, run: Callable[..., int], arrays: Sequence[np.ndarray], table: Any) -> int:
        """Runs a table whose launches make the exchanges; gives its code.

        Args:
          run: the table's native call.
          arrays: its arguments.
          table: the BoundTable, which is not used again if exchanges are abandoned.

        Raises:
          DeadlineExceededError: others have not come in time.
          InvalidArgumentError, InternalError: the processes are in different exchanges.
          AbortedError: another process has failed in this run.
        """
        self._begin()
        words = self._words
        if self._is_attended:
            attendant().put((words, int(words[engine.RUN])))
        try:
            code = run(*arrays)
        except BaseException:
            self._leave(self.transport.cluster.rank + 1, arrays, table)
            raise
        finally:
            self.transport.interrupt = _nothing
        if words[engine.ERROR]:
            raise self._failure(arrays, table)
        if words[engine.DONE] < words[engine.COUNT]:  # the run has ended for another reason
            self._leave(self.transport.cluster.rank + 1, arrays, table)
        return code

    def _begin(self) -> None:
        words = self._words
        self.transport.usable()
        words[engine.RUN] += (
            1  # from here on no other thread begins to work, and one that does is done soon
        )
        while words[engine.LOCK]:
            time.sleep(0)
        words[engine.READY : engine.TIMEOUT] = 0
        words[engine.WAITING : engine.LOCK] = 0
        words[engine.TIMEOUT] = int(self.transport.timeout * 1e9)
        self._rows[:] = -1
        PROGRESS.begin_exchange(len(self.units))
        self.transport.interrupt = self._interrupt
        self.transport.check()  # one may have been lost before there was something to interrupt

    def _interrupt(self) -> None:
        """Ends the waiting: a process has stopped answering."""
        self._words[engine.ERROR] = engine.LOST

    def _failure(self, arrays: Sequence[np.ndarray], table: Any) -> OpError:
        """The error that the session tells of, when all that can be completed is."""
        words, cluster = self._words, self.transport.cluster
        error, detail = int(words[engine.ERROR]), int(words[engine.DETAIL])
        if error == engine.PEER_FAILED:
            self._leave(detail, arrays, table)
            return failed_rank(detail - 1, cluster.size)
        if error == engine.DIFFERENT:
            rows, unit = self._rows.copy(), self.units[detail]
            self._complete(arrays, table)
            return unit.disagree(rows)
        if error == engine.LOST:
            self._abandon(self.transport.loss, arrays, table)
            self.transport.check()
        if error == engine.LATE:
            raised: OpError = late_ranks(self._late(), cluster.size, self.transport.timeout)
        else:
            raised = InternalError(None, None, f"MPI has failed with code {detail} in a sum.")
        self._abandon(raised.message, arrays, table)
        return raised

    def _late(self) -> list[int]:
        """The ranks for which this one has waited in vain."""
        if self._words[engine.TOLD]:
            return np.flatnonzero(self._rows[:, 0] == -1).tolist()
        return self.transport.absent(min(self.transport.timeout, ANSWERING))

    def _leave(self, failed: int, arrays: Sequence[np.ndarray], table: Any) -> None:
        """Takes part in what is left, and lets the others know who has failed: 1 + its rank."""
        words = self._words
        words[engine.FAILED], words[engine.ERROR] = failed, 0
        ready, last = int(words[engine.READY]), self._operations[:, engine.LAST] != 0
        left = self._operations[ready:][~last[ready:]]
        nothing = np.zeros([2, int(left[:, engine.ELEMENTS].max(initial=0))], np.complex128)
        left[:, engine.SEND], left[:, engine.RECEIVE] = (row.ctypes.data for row in nothing)
        self._operations[ready:][~last[ready:]] = left
        words[engine.READY] = words[engine.COUNT]
        self._complete([*arrays, nothing], table)

    def _complete(self, arrays: Sequence[np.ndarray], table: Any) -> None:
        """Completes what has begun, and what may begin."""
        words, end = self._words, time.monotonic() + LEAVING
        while words[engine.DONE] < words[engine.BEGUN] or (
            words[engine.BEGUN] < words[engine.READY] and not words[engine.ERROR]
        ):
            if words[engine.ERROR] == engine.PEER_FAILED:
                words[engine.ERROR] = 0  # it is known that somebody has failed
            if time.monotonic() > end or self.transport.loss:
                why = "a step that had failed was left while others were in it."
                self._abandon(why, arrays, table)
                return
            self._advance(words.ctypes.data)
            time.sleep(PAUSE)

    def _abandon(self, why: str, arrays: Sequence[np.ndarray], table: Any) -> None:
        """Keeps all that MPI may still use, the arena among it."""
        self._words[engine.RUN] += 1  # nobody attends to it any more
        table.release = lambda: None
        self.transport.abandon(why, self, arrays, table)


def _nothing() -> None:
    """Interrupts nothing: no run is in progress."""


_FUNCTIONS = {
    "MPI_Irecv": engine.IRECV,
    "MPI_Isend": engine.ISEND,
    "MPI_Iallreduce": engine.IALLREDUCE,
    "MPI_Test": engine.TEST,
    "MPI_Testall": engine.TESTALL,
}


def _operations(
    waits: Sequence[Node], units: Sequence[ExchangeUnit], calls: NativeCalls, ends: np.ndarray
) -> np.ndarray:
    """The table of a session's operations; ends of units, too."""
    made = np.zeros([waits[-1].attrs["last"] + 1, engine.OPERATION_WORDS], np.int64)
    for wait in waits:
        unit = wait.attrs["unit"]
        made[wait.attrs["number"]] = _operation(
            calls, units.index(unit), int(wait.size), wait.dtype.name, unit.merge
        )
        end = made[wait.attrs["last"]]
        end[:] = _operation(calls, units.index(unit), 1, "int64", "Max")
        end[engine.SEND], end[engine.RECEIVE] = (
            ends[units.index(unit), i:].ctypes.data for i in range(2)
        )
        end[engine.LAST] = 1
    return made


def _operation(calls: NativeCalls, unit: int, elements: int, dtype: str, merge: str) -> list[int]:
    row = [0] * engine.OPERATION_WORDS
    row[engine.ELEMENTS], row[engine.UNIT] = elements, unit
    reduction = calls.narrow_sum(dtype) if dtype in NARROW_SUMS else calls.reductions[merge]
    row[engine.TYPE], row[engine.REDUCTION] = as_word(calls.types[dtype]), as_word(reduction)
    return row
