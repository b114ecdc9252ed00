"""Exchanges with other processes that proceed while a program computes: MPI's nonblocking calls, driven from native code.

A *session* is a block of 64-bit words: addresses of MPI's functions, its handles, and the state of one run's exchanges. Its operations are
reductions and movements of arrays, in one order in all processes. They come in units, each among a group of processes. Before the first
operation of a unit begins, each member sends the others a description of the unit (WORDS words), and it begins only if all agree; a group's
first unit makes its communicator then, when all members are known to be there. Each unit ends with an operation of its own over one word,
the greatest of what the members give: 0, or 1 + the rank of one that has failed.

    start(session, number, send, receive)   an operation's arrays are there; it begins once its unit is agreed on
    advance(session)                        lets MPI make progress, begins what may begin; returns at once even if another thread is in it
    attend(session, run)                    does so every PAUSE, while the session is in that run and not all is done: long kernels
                                            stops all progress
    look(session, last)                     1 if the unit that an operation ends is complete; else 0, after having waited for a short while

An error stays in the session (`ERROR`): nothing begins after it, until who runs the session has looked at it.
"""

import ctypes
import functools
import sys
from collections.abc import Callable
from typing import Any

from penstock._src.cluster.transport import (
    COMMUNICATOR,
    MADE,
    MEMBERS,
    MPI_GROUP,
    PLACE,
    RANKS,
)

from ..code import Code
from ..kernels import kernels
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I32, I64, PTR, VOID
from ..language.value import Val

WORDS = 16  # words that a process sends about a unit

# Words of a session.
(
    IRECV, ISEND, TEST, TESTALL, CREATE_GROUP, YIELD,  # addresses of functions
    TELLING, WORD_TYPE,  # handles: a communicator, a type
    REQUEST_BYTES, TAG,
    UNITS, ROWS, REQUESTS, STATUSES, OPERATIONS, COUNT,  # addresses of tables; number of operations
    READY, BEGUN, DONE, AGREED, TOLD,  # the first three count operations, AGREED units; TOLD: the words of the unit after them were sent
    FAILED, TIMEOUT, WAITING, COMPLETE, ERROR, DETAIL,
    LOCK, RUN, SLEEP,  # LOCK: 1 while a thread advances exchanges; the number of the run; the address of a function that sleeps
    WAITED,  # the address of the count of nanoseconds in which `look` waited
    SESSION_WORDS,
) = range(32)  # fmt: skip
# Words of an operation. CALL: the address of MPI's function; MOVES: it takes no reduction, but counts of both arrays; GROUP: the address of a
# record (cluster/transport.py); LAST: it ends its unit.
(
    SEND,
    RECEIVE,
    ELEMENTS,
    TYPE,
    REDUCTION,
    CALL,
    MOVES,
    GROUP,
    UNIT,
    REQUEST,
    LAST,
    OPERATION_WORDS,
) = range(12)
# Values of ERROR; DETAIL is the unit, the rank that failed + 1, or MPI's code.
DIFFERENT, LATE, PEER_FAILED, MPI_FAILED, LOST = range(1, 6)

SLICE = 500_000  # nanoseconds that `look` waits
PAUSE = 500  # microseconds between times that `attend` is at work
PATIENCE = 50_000  # nanoseconds of them before it yields its core between tries


@functools.cache
def engine() -> Any:
    """The library of the four functions."""
    m = Module()
    _emit_tell(m)
    _emit_work(m)
    _emit_advance(m)
    _emit_attend(m)
    _emit_start(m)
    _emit_look(m)
    return kernels()[Code.of(m)]


@functools.cache
def yield_address() -> int:
    """The address of the system's function that gives the core to another thread."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@functools.cache
def sleep_address() -> int:
    """The address of the function that sleeps for some units (SLEEP_UNIT microseconds each)."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.Sleep
    else:
        function = ctypes.CDLL(None).usleep
    return ctypes.cast(function, ctypes.c_void_p).value or 0


SLEEP_UNIT = 1000 if sys.platform == "win32" else 1


def _word(f: Fn, number: int, ty: str = I64) -> Val:
    """A word of the session."""
    return f.load(f.session, number, ty)


def _alone(f: Fn, work: Callable[[], None]) -> None:
    """Does work unless another thread is at it."""
    lock = f.at(f.session, LOCK, I64)
    before = f.emit(I64, f"atomicrmw xchg ptr {lock.s}, i64 1 seq_cst")

    def locked() -> None:
        work()
        f.emit(VOID, f"store atomic i64 0, ptr {lock.s} seq_cst, align 8")

    f.when(before.eq(0), locked)


def _fails(f: Fn, code: int, detail: Val) -> None:
    """Notes an error, unless there is one."""

    def note() -> None:
        f.store(detail, f.session, DETAIL)
        f.emit(VOID, "fence release")  # who sees the error reads its detail
        f.store(f.i64(code), f.session, ERROR)

    f.when(f.load(f.session, ERROR, I64).eq(0), note)


def _checked(f: Fn, code: Val) -> Val:
    """Records MPI's return code, if it is an error."""
    # An error leaves the run to the host: MPI's state is then unknown, and nothing more begins.
    wide = f.convert(code, I64)
    f.when(wide.ne(0), lambda: _fails(f, MPI_FAILED, wide))
    return wide


def _emit_tell(m: Module) -> None:
    """Emits tell(session, unit, group) -> 1 once all members have reported that they are at this unit; 0 before."""
    with m.fn("tell", ret=I64, internal=True, noalias=False, session=PTR, unit=I64, group=PTR) as f:
        telling = _Telling(f)
        f.when(_word(f, TOLD).eq(0), telling.send_words)
        came = telling.have_all_come()
        (ready,) = f.when(came, telling.compare, lambda: (f.i64(0),))
        f.give(ready)


class _Telling:
    """The code of `tell`, and the words of the session that its parts use."""

    def __init__(self, f: Fn) -> None:
        self.f = f
        self.flag = f.alloca(I32)
        self.own = f.at(_word(f, UNITS, PTR), f.unit * WORDS, I64)
        self.size, self.place, self.ranks = (
            f.load(f.group, i, ty) for i, ty in ((MEMBERS, I64), (PLACE, I64), (RANKS, PTR))
        )
        self.step, self.rows = _word(f, REQUEST_BYTES), _word(f, ROWS, PTR)
        self.requests = _word(f, REQUESTS, PTR)

    def send_words(self) -> None:
        """Starts the exchange of this unit's words with every other member."""
        f = self.f
        f.loop(f.i64(0), self.size, 1, self._exchange_with, f.i64(0))
        f.store(f.i64(1), f.session, TOLD)

    def _exchange_with(self, member: Val, request: Val) -> tuple[Val, ...]:
        """Receives the words of a member into its row, by two requests; this process copies its own."""
        f, own = self.f, self.own
        row = f.at(self.rows, member * WORDS, I64)

        def exchange() -> tuple[Val, ...]:
            # The member's words overwrite it; their first word is never -1.
            f.store(f.i64(-1), row)
            rank = f.load(self.ranks, member, I64)
            handle = _word(f, WORD_TYPE), rank, _word(f, TAG), _word(f, TELLING)
            coming = f.at(self.requests, request * self.step, "i8")
            going = f.at(self.requests, (request + 1) * self.step, "i8")
            _checked(f, f.call(_word(f, IRECV, PTR), row, WORDS, *handle, coming, ret=I32))
            _checked(f, f.call(_word(f, ISEND, PTR), own, WORDS, *handle, going, ret=I32))
            return (request + 2,)

        def copy_own() -> tuple[Val, ...]:
            f.loop(0, WORDS, 1, lambda i: f.store(f.load(own, i, I64), row, i))
            return (request,)

        return f.when(member.eq(self.place), copy_own, exchange)

    def have_all_come(self) -> Val:
        """True if every request of the exchange is complete."""
        f = self.f
        # A receive and a send for each other member.
        messages = (self.size - 1) * 2
        arguments = messages, self.requests, self.flag, _word(f, STATUSES, PTR)
        code = _checked(f, f.call(_word(f, TESTALL, PTR), *arguments, ret=I32))
        return f.convert(f.load(self.flag, 0, I32), I64).ne(0) & code.eq(0)

    def compare(self) -> tuple[Val, ...]:
        """1 if all members sent equal words, and 0 with an error otherwise."""
        f = self.f

        def difference(i: Val, so_far: Val) -> tuple[Val, ...]:
            return (so_far | (f.load(self.rows, i, I64) ^ f.load(self.own, i % WORDS, I64)),)

        def agreed() -> tuple[Val, ...]:
            f.when(f.load(f.group, MADE, I64).eq(0), self._make_communicator)
            f.store(f.unit + 1, f.session, AGREED)
            return (f.i64(1),)

        def different() -> tuple[Val, ...]:
            _fails(f, DIFFERENT, f.unit)
            return (f.i64(0),)

        (differences,) = f.loop(f.i64(0), self.size * WORDS, 1, difference, f.i64(0))
        f.store(f.i64(0), f.session, TOLD)
        return f.when(differences.eq(0), agreed, different)

    def _make_communicator(self) -> None:
        f = self.f
        handles = _word(f, TELLING), f.load(f.group, MPI_GROUP, I64), _word(f, TAG)
        communicator = f.at(f.group, COMMUNICATOR, I64)
        _checked(f, f.call(_word(f, CREATE_GROUP, PTR), *handles, communicator, ret=I32))
        f.store(f.i64(1), f.group, MADE)


def _emit_advance(m: Module) -> None:
    """advance(session)"""
    with m.fn("advance", noalias=False, session=PTR) as f:
        _alone(f, lambda: f.call("work", f.session))


def _emit_attend(m: Module) -> None:
    """attend(session, run)"""
    with m.fn("attend", noalias=False, session=PTR, run=I64) as f:
        goes_on = f.alloca(I64)
        f.store(f.i64(1), goes_on)

        def once() -> None:
            is_left = (
                _word(f, RUN).eq(f.run) & (_word(f, DONE) < _word(f, COUNT)) & _word(f, ERROR).eq(0)
            )
            left = f.convert(is_left, I64, False)
            f.store(left, goes_on)
            f.when(is_left, lambda: f.call("work", f.session))

        def again() -> tuple[Val, ...]:
            # Slept outside of the lock, which `look` and launches of the program take meanwhile.
            f.call(_word(f, SLEEP, PTR), max(1, PAUSE // SLEEP_UNIT), ret=I32)
            _alone(f, once)
            return ()

        f.loop_while(lambda: f.load(goes_on, 0, I64).ne(0), again)


def _begin(f: Fn, this: Val, number: Val) -> None:
    """Begin an operation with a unit that all members agreed on."""
    last = f.load(this, LAST, I64).ne(0)
    f.emit(VOID, "fence acquire")
    # The end of a unit sends the failure that is known now.
    f.when(last, lambda: f.store(f.load(f.session, FAILED, I64), f.load(this, SEND, PTR)))
    send, receive = f.load(this, SEND, PTR), f.load(this, RECEIVE, PTR)
    kind = (f.load(this, ELEMENTS, I64), f.load(this, TYPE, I64))
    call, reduction = f.load(this, CALL, PTR), f.load(this, REDUCTION, I64)
    communicator = f.load(f.load(this, GROUP, PTR), COMMUNICATOR, I64)
    end = communicator, f.at(this, REQUEST, I64)
    moved = send, *kind, receive, *kind, *end
    reduced = send, receive, *kind, reduction, *end
    (begun,) = f.when(
        f.load(this, MOVES, I64).ne(0),
        lambda: (f.call(call, *moved, ret=I32),),
        lambda: (f.call(call, *reduced, ret=I32),),
    )
    _checked(f, begun)
    f.store(number + 1, f.session, BEGUN)
    # The last operation of a unit needs no arrays of the program: `start` is not called for it.
    _is_ready(f, number)


def _is_ready(f: Fn, number: Val) -> None:
    """Counts an operation, and those before it, as ready."""
    # A maximum: while a thread begins the end of a unit, the program may start the next one's first.
    ready = f.at(f.session, READY, I64)
    f.emit(I64, f"atomicrmw umax ptr {ready.s}, i64 {(number + 1).s} seq_cst")


def _emit_work(m: Module) -> None:
    """work(session): begins exchanges that may begin, and records those that are done. One thread at a time runs it."""
    with m.fn("work", internal=True, noalias=False, session=PTR) as f:
        flag, status = f.alloca(I32), f.load(f.session, STATUSES, PTR)
        f.loop_while(lambda go: go.ne(0), lambda _: _begin_next(f), f.i64(1))
        f.loop_while(lambda go: go.ne(0), lambda _: _finish_next(f, flag, status), f.i64(1))


def _operation(f: Fn, number: Val) -> Val:
    """The address of an operation's record."""
    return f.at(_word(f, OPERATIONS, PTR), number * OPERATION_WORDS, I64)


def _begin_next(f: Fn) -> tuple[Val, ...]:
    """Begins the next operation if it may begin; 1 if it has begun."""
    number = _word(f, BEGUN)

    def known() -> tuple[Val, ...]:
        this = _operation(f, number)
        last = f.load(this, LAST, I64).ne(0)
        # The end of a unit may begin as soon as the unit is agreed on.
        may = (number < _word(f, READY)) | last

        def agree() -> tuple[Val, ...]:
            unit = f.load(this, UNIT, I64)

            def tell() -> tuple[Val, ...]:
                return (f.call("tell", f.session, unit, f.load(this, GROUP, PTR), ret=I64),)

            return f.when(_word(f, AGREED) > unit, lambda: (f.i64(1),), tell)

        (agreed,) = f.when(may, agree, lambda: (f.i64(0),))
        f.when(agreed.ne(0), lambda: _begin(f, this, number))
        return (agreed,)

    able = (number < _word(f, COUNT)) & _word(f, ERROR).eq(0)
    return f.when(able, known, lambda: (f.i64(0),))


def _finish_next(f: Fn, flag: Val, status: Val) -> tuple[Val, ...]:
    """Records the oldest unfinished operation if it is done; 1 if it is."""
    number = _word(f, DONE)

    def test() -> tuple[Val, ...]:
        this = _operation(f, number)
        tested, request = _word(f, TEST, PTR), f.at(this, REQUEST, I64)
        code = _checked(f, f.call(tested, request, flag, status, ret=I32))
        done = f.convert(f.load(flag, 0, I32), I64).ne(0) & code.eq(0)
        f.when(done, lambda: _note_done(f, this, number))
        return (f.select(done, f.i64(1), f.i64(0)),)

    return f.when(number < _word(f, BEGUN), test, lambda: (f.i64(0),))


def _note_done(f: Fn, this: Val, number: Val) -> None:
    """Counts an operation as done; the last one of a unit has received whether another process failed."""
    # `look` may see the number before this thread leaves the lock.
    f.emit(VOID, "fence release")
    f.store(number + 1, f.session, DONE)

    def look() -> None:
        failed = f.load(f.load(this, RECEIVE, PTR), 0, I64)
        f.when(failed.ne(0), lambda: _fails(f, PEER_FAILED, failed))

    f.when(f.load(this, LAST, I64).ne(0), look)


def _emit_start(m: Module) -> None:
    """start(session, number, send, receive)"""
    with m.fn("start", noalias=False, session=PTR, number=I64, send=PTR, receive=PTR) as f:
        this = f.at(f.load(f.session, OPERATIONS, PTR), f.number * OPERATION_WORDS, I64)
        f.store(f.send, this, SEND)
        f.store(f.receive, this, RECEIVE)
        f.emit(VOID, "fence release")  # another thread may begin it
        _is_ready(f, f.number)
        f.call("advance", f.session)


def _emit_look(m: Module) -> None:
    """look(session, last) -> 1 if the unit that ends with the operation `last` is complete."""
    with m.fn("look", ret=I64, noalias=False, session=PTR, last=I64) as f:
        start = f.call("penstock_nanoseconds", ret=I64)
        f.when(_word(f, WAITING).eq(0), lambda: f.store(start, f.session, WAITING))

        def again(_: Val) -> tuple[Val, ...]:
            f.call("advance", f.session)
            done = (_word(f, DONE) > f.last) & _word(f, ERROR).eq(0)
            now = f.call("penstock_nanoseconds", ret=I64)
            waited = now - start

            def wait() -> tuple[Val, ...]:
                # Counted from the first look at this unit, across launches that came between.
                late = (now - _word(f, WAITING) > _word(f, TIMEOUT)) & _word(f, TIMEOUT).ne(0)
                f.when(late, lambda: _fails(f, LATE, f.last))
                f.when(waited > PATIENCE, lambda: f.call(_word(f, YIELD, PTR), ret=I32) and None)
                goes_on = (waited < SLICE) & _word(f, ERROR).eq(0)
                return (f.select(goes_on, f.i64(2), f.i64(0)),)

            def end() -> tuple[Val, ...]:
                f.emit(VOID, "fence acquire")
                f.store(f.i64(0), f.session, WAITING)
                return (f.i64(1),)

            return f.when(done, end, wait)

        (done,) = f.loop_while(lambda state: state.eq(2), again, f.i64(2))
        count = _word(f, WAITED, PTR)
        f.store(f.load(count, 0, I64) + (f.call("penstock_nanoseconds", ret=I64) - start), count)
        f.store(done, f.session, COMPLETE)
        f.give(done)
