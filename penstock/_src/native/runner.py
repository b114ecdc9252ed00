"""A program as a table of 64-bit words, run by one native loop over the thread pool.

A record of the table is
    operation, a, words to the next record, nanoseconds spent in it (timed runs add), arguments...

    operation        a                arguments
    a function       count of tasks   the context, whose address the function gets: (ctx, task, thread)
    JUMP             target
    JUMP_UNLESS      target           address of a byte: jumps if it is 0
    SWITCH           count            address of an int32 index, then this number of targets; out of range: the last one
    HOLD             0 or 1           1: the run is not interrupted from here, as variables are half updated; 0: it may be
    STREAMS          count            start, end and number of threads of each stream: ranges of the table that run side by side;
                                      afterwards the run continues at the end of the last one
Targets are word offsets in the table. After every launch the runner reads the status (an int64 array; kernels write an
error's code to its first word, and details after it): the run ends if it is not 0. Between launches, it also ends for signals whose Python
handlers raise (`process/interrupts.py`), and at a deadline: a time of the monotonic clock among the status words, 0 for none.

A stream is a task of the pool, whose launches then run on its own thread. Each stream has its own status words, after those of the
run. A stream that fails ends alone; when all streams have ended, the run fails with the status of the first stream that failed.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import python_calls as py
from .code import ModuleCode
from .kernels import kernels
from .language.function import Fn
from .language.module import Module
from .language.types import I8, I32, I64, PTR, VOID
from .language.value import Val
from .process.interrupts import ABANDONED, SIGNALLED

HEADER = 4  # words of a record before its arguments
OPERATION, A, LENGTH, NANOSECONDS = range(HEADER)
JUMP, JUMP_UNLESS, SWITCH, HOLD, STREAMS = range(5)
INTERRUPTED, LATE = -1, -2  # codes of a run that a signal or a deadline has ended
# Status words; STOPPED_AT: offset of the launch that ended the run.
STOPPED_AT, HELD, DEADLINE = (
    13,
    14,
    15,
)
STATUS_WORDS = 16  # of a run, or a stream
STREAM_WORDS = 3  # words of a stream among the arguments of STREAMS
LAST_CONTROL = 15  # a larger operation is an address

# words of a bound call
(
    _TABLE,
    _WORDS,
    _PATCHES,
    _PATCH_COUNT,
    _INPUTS,
    _STATUS,
    _LIMIT,
    _ARRAY_TYPE,
    _LOG,
    _DESCRIPTION,
) = range(10)
PATCH_WORDS = 3  # number of an input, word of the table that holds its address, byte offset to add
LOG_WORDS = 3  # word of the record, start, end; the log's first two words are count and capacity


class Call:
    """A program table bound for calling: `call(*arrays)` -> status code.

    inputs        number of arrays that the call takes
    patches       words of the table for their addresses: rows of (input, word, byte offset)
    threads       number of threads for which the table's memory is laid out
    streams       the largest number of streams of a STREAMS record
    keep          the owners of the memory to which the table's addresses point
    """

    def __init__(
        self,
        table: np.ndarray,
        inputs: int,
        patches: Sequence[Sequence[int]] = (),
        *,
        threads: int,
        streams: int = 0,
        keep: object = None,
    ):
        self.table = _words(table)
        self.patches = _words(patches).reshape(-1, PATCH_WORDS)
        self.status = np.zeros(STATUS_WORDS * (1 + streams), np.int64)
        self.keep, self.threads = keep, threads
        self.inputs = inputs
        self.run = _bound(self, _entry(False), None)

    def timed(self, log_capacity: int = 0):
        """Returns a callable that adds each record's time to the table, and the log that it fills: rows of (record, start, end)."""
        log = np.zeros(2 + LOG_WORDS * log_capacity, np.int64)
        log[1] = log_capacity
        return _bound(self, _entry(True), log), log


class _Description(np.ndarray):
    """The words of a bound call; keeps the arrays alive to which they point."""

    owner: tuple = ()


def _bound(call: Call, entry: Any, log: np.ndarray | None):
    """Returns the callable that runs a call's table by an entry."""
    description = np.zeros(_DESCRIPTION, np.int64).view(_Description)
    description[:] = (
        call.table.ctypes.data, call.table.size, call.patches.ctypes.data, len(call.patches), call.inputs,
        call.status.ctypes.data, call.threads, id(np.ndarray), 0 if log is None else log.ctypes.data,
    )[: _DESCRIPTION]  # fmt: skip
    description.owner = (call.table, call.patches, call.status, call.keep, log)
    return py.bind(entry, description)


def _words(values) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(values, np.int64))


@functools.cache
def _entry(timed: bool) -> Any:
    """The method that runs a table. Most processes never need the timed one."""
    name = "penstock_run_timed" if timed else "penstock_run"
    library = kernels()[ModuleCode(_write_entry, (name, int(timed)), kernels().cache)]
    _libraries.append(library)
    return py.define(library[f"py_{name}"], name)


def _write_entry(m: Module, name: str, timed: int) -> None:
    _emit_steps(m, name, bool(timed))
    _emit_stream(m, name)
    _emit_run(m, name)
    _emit_entry(m, name)


_libraries: list = []  # kept alive, as builtins contain their addresses


def _emit_run(m: Module, name: str) -> None:
    """<name>(table, words, status, limit, log) -> status code."""
    with m.fn(name, ret=I64, internal=True, noalias=False,
              table=PTR, words=I64, status=PTR, limit=I64, log=PTR) as f:  # fmt: skip
        f.store(f.i64(0), f.status, HELD)
        deadline = f.load(f.status, DEADLINE, I64)
        main = f.call("penstock_run_begins", ret=I64)  # true on the thread that handles signals
        stretch = f.table, f.i64(0), f.words, f.status, f.limit, f.log
        mode = f.call("penstock_denormals_flush", ret=I64)
        f.call(f"{name}_steps", *stretch, main, deadline)
        f.call("penstock_denormals_restore", mode)
        ended = f.call("penstock_run_ends", main, ret=I64)
        f.give(f.select(ended.ne(0), f.i64(INTERRUPTED), f.load(f.status, 0, I64)))


def _emit_steps(m: Module, name: str, timed: bool) -> None:
    """<name>_steps(table, start, words, status, limit, log, main, deadline): the records from `start` to `words`."""
    with m.fn(f"{name}_steps", internal=True, noalias=False, table=PTR, begin=I64, words=I64,
              status=PTR, limit=I64, log=PTR, main=I64, deadline=I64) as f:  # fmt: skip
        signals = f.call("penstock_interrupt_words", ret=PTR)
        context = f.alloca(I64, _STREAM_CONTEXT)

        def unless_ending(at: Val, following: Val):
            stops = f.load(f.status, 0, I64) | _ending(f, signals, f.main, f.deadline)

            def end():
                f.store(at, f.status, STOPPED_AT)
                return (f.words,)

            return f.when(stops.ne(0), end, lambda: (following,))

        def step(at: Val):
            """Runs the record at a word; returns the word of the next one. The loop ends at `words`."""
            record = f.at(f.table, at, I64)
            operation = f.load(record, OPERATION, I64)
            args = f.at(record, HEADER, I64)
            following = at + f.load(record, LENGTH, I64)
            before = f.call("penstock_nanoseconds", ret=I64) if timed else None

            def launch():
                fn = f.load(record, OPERATION, PTR)
                f.call("penstock_pool_run", fn, args, f.load(record, A, I64), f.limit)
                return unless_ending(at, following)

            def streams():
                count = f.load(record, A, I64)
                _run_streams(f, name, context, args, count)
                end = f.load(args, count * STREAM_WORDS - (STREAM_WORDS - 1), I64)
                return _ended_stream(f, count, lambda: unless_ending(at, end))

            (after,) = f.when(
                f.compare("ugt", operation, LAST_CONTROL),
                launch,
                lambda: f.when(
                    operation.eq(STREAMS),
                    streams,
                    lambda: _control(f, operation, record, args, following, f.main),
                ),
            )
            if timed:
                _note_time(f, record, at, before)
            return (after,)

        f.loop_while(lambda at: at < f.words, step, f.begin)


(
    _STREAM_TABLE,
    _STREAM_STATUS,
    _STREAM_LOG,
    _STREAM_MAIN,
    _STREAM_LATE,
    _STREAM_ARGS,
    _STREAM_CONTEXT,
) = range(7)


def _run_streams(f: Fn, name: str, context: Val, args: Val, count: Val) -> None:
    """Runs the streams of a record as tasks of the pool."""
    for word, value in (
        (_STREAM_TABLE, f.table),
        (_STREAM_STATUS, f.status),
        (_STREAM_LOG, f.log),
        (_STREAM_MAIN, f.main),
        (_STREAM_LATE, f.deadline),
        (_STREAM_ARGS, args),
    ):
        f.store(value, context, word)
    f.call("penstock_pool_run", Val(f, PTR, f"@{name}_stream"), context, count, f.limit)


def _ended_stream(f: Fn, count: Val, go_on: Callable[[], tuple[Val, ...]]) -> tuple[Val, ...]:
    """Copies the status of the first stream that failed to the run's, and ends the run; else continues with `go_on`.

    The first in the order of streams, not of time, so that the error is the same in every run.
    """

    def look(stream: Val, failed: Val) -> tuple[Val, ...]:
        own = f.at(f.status, (stream + 1) * STATUS_WORDS, I64)
        is_first = f.load(own, 0, I64).ne(0) & failed.eq(0)

        def take() -> tuple[Val, ...]:
            for word in range(STOPPED_AT + 1):
                f.store(f.load(own, word, I64), f.status, word)
            return (f.i64(1),)

        return f.when(is_first, take, lambda: (failed,))

    (failed,) = f.loop(f.i64(0), count, 1, look, f.i64(0))
    return f.when(failed.ne(0), lambda: (f.words,), go_on)


def _emit_stream(m: Module, name: str) -> None:
    """<name>_stream(context, stream, thread): a stream as a task."""
    with m.fn(f"{name}_stream", internal=True, noalias=False, ctx=PTR, task=I64, tid=I64) as f:

        def word(number: int, ty: str = PTR) -> Val:
            return f.load(f.ctx, number, ty)

        status = word(_STREAM_STATUS)
        own = f.at(status, (f.task + 1) * STATUS_WORDS, I64)
        f.store(f.i64(0), own)
        # A stream that starts while variables are half updated is held from its start.
        f.store(f.load(status, HELD, I64), own, HELD)
        args = f.at(word(_STREAM_ARGS), f.task * STREAM_WORDS, I64)
        start, end, threads = (f.load(args, i, I64) for i in range(STREAM_WORDS))
        stretch = word(_STREAM_TABLE), start, end, own, threads, word(_STREAM_LOG)
        f.call(f"{name}_steps", *stretch, word(_STREAM_MAIN, I64), word(_STREAM_LATE, I64))


def _ending(f: Fn, signals: Val, main: Val, deadline: Val) -> Val:
    """Returns nonzero if a signal or the deadline (0: none) ends the run. The status is set to LATE at the deadline.

    The common case costs two loads after each launch: calls and the clock are needed only after a signal, or with a deadline.
    """

    def look():
        late = (f.call("penstock_nanoseconds", ret=I64) > deadline) & deadline.ne(0)
        ends = late & f.load(f.status, HELD, I64).eq(0)
        code = f.select(ends, f.i64(LATE), f.load(f.status, 0, I64))
        f.store(code, f.status)
        return (code | f.call("penstock_run_stops", main, ret=I64),)

    came = f.load(signals, SIGNALLED // 8, I64) | f.load(signals, ABANDONED // 8, I64)
    (stops,) = f.when((came | deadline).ne(0), look, lambda: (f.i64(0),))
    return stops


def _control(
    f: Fn, operation: Val, record: Val, args: Val, following: Val, main: Val
) -> tuple[Val, ...]:
    """The position in the table after a record that is not a launch."""
    target = f.load(record, A, I64)

    def jump_unless():
        byte = f.load(f.load(args, 0, PTR), 0, I8)
        return (f.select(byte.eq(0), target, following),)

    def switch():
        index = f.convert(f.load(f.load(args, 0, PTR), 0, I32), I64)
        inside = (index >= 0) & (index < target)
        return (f.load(args, f.select(inside, index, target - 1) + 1, I64),)

    def hold():
        f.store(target, f.status, HELD)
        f.call("penstock_run_holds", main, target)
        return (following,)

    return f.when(
        operation.eq(JUMP_UNLESS),
        jump_unless,
        lambda: f.when(
            operation.eq(SWITCH),
            switch,
            lambda: f.when(operation.eq(HOLD), hold, lambda: (target,)),
        ),
    )


def _note_time(f: Fn, record: Val, at: Val, before: Any) -> None:
    after = f.call("penstock_nanoseconds", ret=I64)
    f.store(f.load(record, NANOSECONDS, I64) + (after - before), record, NANOSECONDS)
    count = f.emit(I64, f"atomicrmw add ptr {f.log.s}, i64 1 monotonic")  # streams have one log

    def write():
        entry = f.at(f.log, count * LOG_WORDS + 2, I64)
        for i, value in enumerate((at, before, after)):
            f.store(value, entry, i)

    capacity = f.load(f.log, 1, I64)
    full = f"store atomic i64 {capacity.s}, ptr {f.log.s} monotonic, align 8"
    f.when(count < capacity, write, lambda: f.emit(VOID, full))


def _emit_entry(m: Module, name: str) -> None:
    """py_<name>(*arrays), a function of CPython's vectorcall protocol: writes the arrays' addresses to the table and runs it.

    `me` is the _Description. Only the type of arguments is checked here; their dtypes and shapes were checked before (runtime/signature.py).
    """
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        description = py.data_pointer(f, f.me)

        def word(i, ty=I64):
            return f.load(description, i, ty)

        inputs = word(_INPUTS)
        f.branch(f.nargs.eq(inputs), "count", "wrong")
        f.start("wrong")
        py.give_type_error(f, "a compiled program takes as many arrays as it has inputs")
        f.start("count")
        array_type = word(_ARRAY_TYPE)

        def check(i, good):
            kind = py.type_of(f, f.load(f.argv, i, PTR))
            return (good & kind.eq(array_type),)

        (good,) = f.loop(f.i64(0), inputs, 1, check, f.const(1, "i1"))
        f.branch(good, "run", "no_array")
        f.start("no_array")
        f.name += ".array"
        py.give_type_error(f, "a compiled program takes arrays only")
        f.name = f.name[: -len(".array")]
        f.start("run")
        table, patches = word(_TABLE, PTR), word(_PATCHES, PTR)

        def patch(i):
            row = f.at(patches, i * PATCH_WORDS, I64)
            data = py.data_pointer(f, f.load(f.argv, f.load(row, 0, I64), PTR))
            data = f.at_any(data, f.load(row, 2, I64), I8)
            f.store(data, f.at(table, f.load(row, 1, I64), I64))

        f.loop(f.i64(0), word(_PATCH_COUNT), 1, patch)
        status = word(_STATUS, PTR)
        f.store(f.i64(0), status)
        arguments = table, word(_WORDS), status, word(_LIMIT)
        code = py.without_gil(f, lambda: f.call(name, *arguments, word(_LOG, PTR), ret=I64))
        f.branch(code.eq(INTERRUPTED), "interrupted", "done")
        f.start("interrupted")
        f.give(f.const(0, PTR))  # with the exception of a signal's handler
        f.start("done")
        py.give(f, code)
