"""cp.async: copies from global to shared memory that a thread starts, groups, and waits for.

The data is not in shared memory before the thread has waited for the copy's group: until then each byte's shadow marks it as in flight, and
any load or store there is an error. After the wait, the bytes count as written by the thread, so others see them after a barrier.
"""

from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.memory import WRITER, WRITTEN
from penstock._src.devices.gpu.emulator.state import (
    COPY_WORDS,
    IN_FLIGHT,
    MOST_COPIES,
    SHADOW_WORDS,
    Fault,
)
from penstock._src.devices.gpu.emulator.threads import word
from penstock._src.native import Module
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I8, I32, I64, PTR
from penstock._src.native.language.value import Val

KINDS = {4: "ca", 8: "ca", 16: "cg"}  # by number of bytes
TO, FROM, TAKEN, SIZE, GROUP = range(COPY_WORDS)
PREFIX = "penstock.nvvm."


def write_copies(m: Module) -> None:
    """Adds the functions of this file to a module."""
    _write_start(m)
    for size, kind in KINDS.items():
        name = f"{PREFIX}cp.async.{kind}.shared.global.{size}.s"
        with m.fn(name, noalias=False, to=PTR, source=PTR, taken=I32) as f:
            f.call("start_copy", f.to, f.source, f.convert(f.taken, I64), size)
    with m.fn(f"{PREFIX}cp.async.commit.group") as f:
        groups = f.at(_counts(f), 1, I64)
        f.store(f.load(groups, 0, I64) + 1, groups)
    _write_wait(m)


def _counts(f: Fn) -> Val:
    """The thread's two numbers: of copies that it has not waited for, and of groups that it has closed."""
    return f.at(word(f, state.COPY_COUNTS, PTR), word(f, state.THREAD) * 2, I64)


def _record(f: Fn, thread: Val, number: Val) -> Val:
    at = (thread * MOST_COPIES + number) * COPY_WORDS
    return f.at(word(f, state.COPIES, PTR), at, I64)


def _write_start(m: Module) -> None:
    arguments = dict(to=PTR, source=PTR, taken=I64, size=I64)
    with m.fn("start_copy", internal=True, noalias=False, **arguments) as f:
        # Both ends are checked where the copy is started: the fault names the right instruction.
        safe = f.call("penstock.emulator.access", f.to, f.size, f.size, 1, ret=PTR)

        def look() -> tuple[Val]:
            return (f.call("penstock.emulator.access", f.source, f.taken, f.size, 0, ret=PTR),)

        (source,) = f.when(f.taken.eq(0), lambda: (f.source,), look)
        counts = _counts(f)
        count = f.load(counts, 0, I64)

        def note() -> None:
            record = _record(f, word(f, state.THREAD), count)
            groups = f.load(counts, 1, I64)
            for at, x in (
                (TO, safe),
                (FROM, source),
                (TAKEN, f.taken),
                (SIZE, f.size),
                (GROUP, groups),
            ):
                f.store(x, record, at)
            f.store(count + 1, counts)
            # Any access to these bytes before the wait is a fault.
            _mark(f, safe, f.size, f.const(IN_FLIGHT, I32))

        def many() -> None:
            place = f.emit(I64, f"ptrtoint ptr {f.to.s} to i64")
            f.call("note_fault", int(Fault.MANY_COPIES), place, f.size, 0, 1)

        f.when(count < MOST_COPIES, note, many)


def _mark(f: Fn, to: Val, size: Val, when: Val) -> None:
    """Sets when bytes of shared memory were written; elsewhere, after a fault, nothing."""
    place = f.emit(I64, f"ptrtoint ptr {to.s} to i64") - word(f, state.SHARED)
    inside = f.compare("ult", place, word(f, state.SHARED_BYTES))

    def one(i: Val) -> None:
        shadow = f.at(word(f, state.SHARED_SHADOW, PTR), (place + i) * SHADOW_WORDS, I32)
        f.store(when, shadow, WRITTEN)
        thread = word(f, state.THREAD)
        syncs = f.load(word(f, state.SYNCS_OF, PTR), thread, I64)
        f.store(f.convert(thread + (syncs << state.SYNCS_SHIFT), I32), shadow, WRITER)

    f.when(inside, lambda: f.loop(f.i64(0), size, 1, one))


def _write_wait(m: Module) -> None:
    """Completes the copies of all groups but the last ones, of this number."""
    with m.fn(f"{PREFIX}cp.async.wait.group", noalias=False, left=I32) as f:
        counts, thread = _counts(f), word(f, state.THREAD)
        # Groups are numbered in order: those below `end` have to be complete.
        end = f.load(counts, 1, I64) - f.convert(f.left, I64)

        def one(number: Val, kept: Val) -> tuple[Val]:
            record = _record(f, thread, number)

            def land() -> tuple[Val]:
                to, source = f.load(record, TO), f.load(record, FROM)
                taken, size = f.load(record, TAKEN, I64), f.load(record, SIZE, I64)

                def byte(i: Val) -> None:
                    (x,) = f.when(
                        # As the instruction does, bytes that are not taken become zeros.
                        i < taken,
                        lambda: (f.load(source, i, I8),),
                        lambda: (f.const(0, I8),),
                    )
                    f.store(x, to, i)

                f.loop(f.i64(0), size, 1, byte)
                _mark(f, to, size, f.convert(word(f, state.EPOCH), I32))
                return (kept,)

            def keep() -> tuple[Val]:
                target = _record(f, thread, kept)
                for at in range(COPY_WORDS):
                    f.store(f.load(record, at, I64), target, at)
                return (kept + 1,)

            # Read now, not when it began: the source may have changed meanwhile, as on a GPU.
            return f.when(f.load(record, GROUP, I64) < end, land, keep)

        (kept,) = f.loop(f.i64(0), f.load(counts, 0, I64), 1, one, f.i64(0))
        f.store(kept, counts)


def write_forget(m: Module) -> None:
    """Forgets the copies that a thread of the block before has left: they are done by then."""
    with m.fn("penstock.emulator.forget") as f:
        counts, thread = _counts(f), word(f, state.THREAD)

        def one(number: Val) -> None:
            record = _record(f, thread, number)
            _mark(f, f.load(record, TO), f.load(record, SIZE, I64), f.const(0, I32))

        f.loop(f.i64(0), f.load(counts, 0, I64), 1, one)
        f.store(f.i64(0), counts)
        f.store(f.i64(0), counts, 1)
