"""Exchanges with other processes during a run: the session in which launches start them, and the recovery from failures.

A process that has begun a program takes part in all of its exchanges, whatever happens: after a failure it contributes zeros to the remaining
ones and reports the failure at the end of each unit, so that the others fail in the same step instead of waiting. Exchanges that cannot be
completed in time are abandoned: MPI may still write to their memory, so the memory is kept, and the processes exchange nothing more.
"""

from __future__ import annotations

import ctypes
import functools
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.cluster.progress import PROGRESS
from penstock._src.cluster.transport import (
    NARROW_SUMS,
    Group,
    NativeCalls,
    Transport,
    as_word,
    exchanged_shape,
    failed_rank,
    late_ranks,
)
from penstock._src.cluster.transports.table import connect
from penstock._src.compiler.codegen.specials.special import SessionWord
from penstock._src.core.errors import InternalError, OpError, UnavailableError
from penstock._src.ir.function import ExchangeUnit, Function
from penstock._src.ir.node import Node
from penstock._src.native.process import exchanges as engine

LEAVING = 10.0  # seconds for which a process that has failed takes part in the remaining exchanges
ANSWERING = 5.0  # seconds within which processes that are not late answer
PAUSE = 1e-4  # seconds between two polls
ATTENDED = 1 << 16  # exchanges of at least this many bytes get a thread that drives MPI


def session_of(function: Function) -> ExchangeSession:
    """The session for the exchanges of a function.

    Raises:
      UnavailableError: this process has left its cluster.
    """
    transport = connect()
    if transport is None or transport.native is None:
        raise UnavailableError(None, None, "A program that exchanges values needs a cluster.")
    return ExchangeSession(transport, transport.native, function.exchanges)


@functools.cache
def attendant() -> queue.SimpleQueue[Any]:
    """The queue of a thread that drives MPI during long kernels; it takes the words of a session and the number of its run."""
    work = engine.engine().function("attend", ctypes.c_void_p, ctypes.c_int64)
    sessions: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def attend() -> None:
        while True:
            words, run = sessions.get()
            work(words.ctypes.data, run)  # without the interpreter's lock

    threading.Thread(target=attend, name="penstock exchanges", daemon=True).start()
    return sessions


class ExchangeSession:
    """The words of native/process/exchanges.py for the exchanges of one program, and the memory to which they point."""

    def __init__(self, transport: Transport, calls: NativeCalls, waits: Sequence[Node]) -> None:
        self.transport = transport
        self.units = list(dict.fromkeys(wait.attrs["unit"] for wait in waits))
        self._groups = [Group(unit.ranks or transport.everyone.ranks) for unit in self.units]
        size = max(map(len, self._groups))
        self._told = np.array([unit.words for unit in self.units], np.int64)
        self._rows = np.zeros([size, engine.WORDS], np.int64)
        self._requests = np.zeros(2 * size * calls.request_bytes, np.uint8)
        self._statuses = np.zeros(2 * size * calls.status_bytes, np.uint8)
        self._ends = np.zeros([len(self.units), 2], np.int64)  # sent and received at ends of units
        self._operations = self._table(waits, calls)
        # The size of the larger of each operation's two arrays; ends of units exchange one word.
        self._bytes = np.full(len(self._operations), 8)
        for wait in waits:
            most = max(int(wait.size), int(wait.args[1].size))
            self._bytes[wait.attrs["number"]] = most * wait.dtype.size
        self._words = np.zeros(engine.SESSION_WORDS, np.int64)
        for name, word in _FUNCTIONS.items():
            self._words[word] = calls.functions[name]
        for word, value in (
            (engine.YIELD, engine.yield_address()),
            (engine.SLEEP, engine.sleep_address()),
            (engine.TELLING, as_word(calls.telling)),
            (engine.WORD_TYPE, as_word(calls.types["int64"])),
            (engine.REQUEST_BYTES, calls.request_bytes),
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
        self._is_attended = self._bytes.sum() >= ATTENDED
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
        """The address that replaces a word of the launch table."""
        return self._addresses[what]

    def run(self, run: Callable[..., int], arrays: Sequence[np.ndarray], table: Any) -> int:
        """Runs a table whose launches make the exchanges; returns its code.

        Args:
          run: the table's native call.
          arrays: its arguments.
          table: the BoundTable, which is not used again if exchanges are abandoned.

        Raises:
          DeadlineExceededError: other processes were late.
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

    def _table(self, waits: Sequence[Node], calls: NativeCalls) -> np.ndarray:
        """The session's operations, including the ends of units."""
        operations = np.zeros([waits[-1].attrs["last"] + 1, engine.OPERATION_WORDS], np.int64)
        numbers = {unit: number for number, unit in enumerate(self.units)}
        for wait in waits:
            unit = wait.attrs["unit"]
            number = numbers[unit]
            common = {
                engine.GROUP: calls.group(self._groups[number].ranks),
                engine.UNIT: number,
            }
            sent, size = wait.args[1], wait.attrs["size"]
            _fill(operations[wait.attrs["number"]], common | _exchange(calls, unit, sent, size))
            ends = {
                engine.SEND: self._ends[number].ctypes.data,
                engine.RECEIVE: self._ends[number, 1:].ctypes.data,
                engine.LAST: 1,
            }
            # The maximum of the failed ranks' numbers: 0 if no rank has failed.
            end = _reduction(calls, "all_reduce", 1, "int64", "Max")
            _fill(operations[wait.attrs["last"]], common | end | ends)
        return operations

    def _begin(self) -> None:
        words = self._words
        self.transport.usable()
        # A thread that drives an earlier run stops when it sees another number; wait until it has left the lock.
        words[engine.RUN] += 1
        while words[engine.LOCK]:
            time.sleep(0)
        words[engine.READY : engine.TIMEOUT] = 0
        words[engine.WAITING : engine.LOCK] = 0
        words[engine.TIMEOUT] = int(self.transport.timeout * 1e9)
        PROGRESS.begin_exchange(len(self.units))
        self.transport.interrupt = self._interrupt
        self.transport.check()  # a process may have been lost before `interrupt` was set

    def _interrupt(self) -> None:
        """Ends the waiting: a process has stopped answering."""
        self._words[engine.ERROR] = engine.LOST

    def _failure(self, arrays: Sequence[np.ndarray], table: Any) -> OpError:
        """Completes the remaining exchanges if possible; returns the session's error."""
        words, cluster = self._words, self.transport.cluster
        error, detail = int(words[engine.ERROR]), int(words[engine.DETAIL])
        if error == engine.PEER_FAILED:
            self._leave(detail, arrays, table)
            return failed_rank(detail - 1, cluster.size)
        if error == engine.DIFFERENT:
            rows = self._rows[: len(self._groups[detail])].copy()
            unit = self.units[detail]
            self._complete(arrays, table)
            return unit.disagree(rows)
        if error == engine.LOST:
            self._abandon(self.transport.loss, arrays, table)
            self.transport.check()
        if error == engine.LATE:
            late = self._late(self._groups[self._operations[detail, engine.UNIT]])
            raised: OpError = late_ranks(late, cluster.size, self.transport.timeout)
        else:
            raised = InternalError(None, None, f"MPI has failed with code {detail}.")
        self._abandon(raised.message, arrays, table)
        return raised

    def _late(self, group: Group) -> list[int]:
        """The ranks of a group that have not answered."""
        if self._words[engine.TOLD]:
            return [rank for rank, row in zip(group.ranks, self._rows) if row[0] == -1]
        return self.transport.absent(min(self.transport.timeout, ANSWERING), group)

    def _leave(self, failed: int, arrays: Sequence[np.ndarray], table: Any) -> None:
        """Takes part in the remaining exchanges with zeros, and reports which process has failed; `failed` is 1 + its rank."""
        words = self._words
        words[engine.FAILED], words[engine.ERROR] = failed, 0
        ready, last = int(words[engine.READY]), self._operations[:, engine.LAST] != 0
        remaining = self._operations[ready:][~last[ready:]]
        most = int(self._bytes[ready:].max(initial=0))
        zeros = np.zeros([2, most], np.uint8)  # all remaining operations share these two rows
        remaining[:, engine.SEND], remaining[:, engine.RECEIVE] = (row.ctypes.data for row in zeros)
        self._operations[ready:][~last[ready:]] = remaining
        words[engine.READY] = words[engine.COUNT]
        self._complete([*arrays, zeros], table)

    def _complete(self, arrays: Sequence[np.ndarray], table: Any) -> None:
        """Completes the exchanges that have begun or may begin; abandons them after LEAVING seconds."""
        words, end = self._words, time.monotonic() + LEAVING
        while True:
            # The failure is known already; the other processes still take part in the remaining units.
            if words[engine.ERROR] == engine.PEER_FAILED:
                words[engine.ERROR] = 0
            done, begun, ready = words[engine.DONE], words[engine.BEGUN], words[engine.READY]
            stops = words[engine.ERROR] not in (0, engine.PEER_FAILED)
            if done == begun and (begun == ready or stops):
                return
            if time.monotonic() > end or self.transport.loss:
                why = "a step that had failed was left while others were in it."
                self._abandon(why, arrays, table)
                return
            self._advance(words.ctypes.data)
            time.sleep(PAUSE)

    def _abandon(self, why: str, arrays: Sequence[np.ndarray], table: Any) -> None:
        """Ends the exchanges, and keeps all memory that MPI may still use, such as the arena."""
        self._words[engine.RUN] += 1  # the thread that drives MPI leaves this run
        table.release = lambda: None  # the arena stays locked forever
        self.transport.abandon(why, self, arrays, table)


def _nothing() -> None:
    """Interrupts nothing: no run is in progress."""


_FUNCTIONS = {
    "MPI_Irecv": engine.IRECV,
    "MPI_Isend": engine.ISEND,
    "MPI_Test": engine.TEST,
    "MPI_Testall": engine.TESTALL,
    "MPI_Comm_create_group": engine.CREATE_GROUP,
}
_CALLS = {
    "all_reduce": "MPI_Iallreduce",
    "reduce_scatter": "MPI_Ireduce_scatter_block",
    "all_gather": "MPI_Iallgather",
    "all_to_all": "MPI_Ialltoall",
}


def _fill(row: np.ndarray, words: Mapping[int, int]) -> None:
    """Sets some words of an operation."""
    for word, value in words.items():
        row[word] = value


def _exchange(calls: NativeCalls, unit: ExchangeUnit, sent: Node, size: int) -> dict[int, int]:
    """The words of the exchange of one array among `size` processes."""
    if unit.merge:
        shape = exchanged_shape(unit.kind, [int(d) for d in sent.shape], size)
        return _reduction(calls, unit.kind, math.prod(shape), sent.dtype.name, unit.merge)
    count = int(sent.size) * sent.dtype.size
    return {
        engine.CALL: calls.functions[_CALLS[unit.kind]],
        engine.MOVES: 1,
        # MPI_Ialltoall takes the count for each process.
        engine.ELEMENTS: count // size if unit.kind == "all_to_all" else count,
        engine.TYPE: as_word(calls.types["uint8"]),
    }


def _reduction(
    calls: NativeCalls, kind: str, elements: int, dtype: str, merge: str
) -> dict[int, int]:
    """The words of a reduction after which each process has this many elements."""
    is_narrow = dtype in NARROW_SUMS
    reduction = calls.narrow_sum(dtype) if is_narrow else calls.reductions[merge]
    return {
        engine.CALL: calls.functions[_CALLS[kind]],
        engine.ELEMENTS: elements,
        engine.TYPE: as_word(calls.types[dtype]),
        engine.REDUCTION: as_word(reduction),
    }
