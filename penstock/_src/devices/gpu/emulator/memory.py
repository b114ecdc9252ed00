"""Checks of every load and store of an emulated kernel: its address, and races with other threads.

    penstock.emulator.access    the address to use: the requested one, or a scratch page after a fault

Each byte of memory has a shadow: when and by which thread it was last written and read. Time is counted in epochs, which barriers
and the beginnings of blocks end. Two threads race for a byte if one of them writes it, and they are of one block within an epoch or
of different blocks within a launch; threads of a warp are also kept apart by their warp's barriers. Shared memory that a block has not written must not be read.
"""

from collections.abc import Callable

from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.state import (
    OTHER_BLOCK,
    RANGE_WORDS,
    SEVERAL,
    SHADOW_WORDS,
    Fault,
)
from penstock._src.devices.gpu.emulator.threads import put, word
from penstock._src.native import Module
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I32, I64, PTR
from penstock._src.native.language.value import Val

WRITTEN, WRITER, READ, READER = range(SHADOW_WORDS)
GRANULE = 8  # bits of an address below those that choose where the latest range is kept
# Of a time and a thread, as words of 64 bits: the last write, the last read.
PAIRS = SHADOW_WORDS // 2


def write_memory(m: Module) -> None:
    """Adds the functions of this file to a module."""
    m.raw(f"@emulator_page = internal global [{state.PAGE} x i8] zeroinitializer, align 64")
    _write_fault(m)
    _write_look(m)
    _write_access(m)


def _write_fault(m: Module) -> None:
    """Notes a fault, if it is the launch's first."""
    with m.fn(
        "note_fault", internal=True, kind=I64, place=I64, size=I64, other=I64, stores=I64
    ) as f:

        def note() -> None:
            noted = {
                state.FAULT: f.kind,
                state.FAULT_ADDRESS: f.place,
                state.FAULT_SIZE: f.size,
                state.FAULT_OTHER: f.other,
                state.FAULT_STORES: f.stores,
                state.FAULT_THREAD: word(f, state.THREAD),
                state.FAULT_BLOCK: word(f, state.BLOCK),
            }
            for which, value in noted.items():
                put(f, which, value)

        f.when(word(f, state.FAULT).eq(0), note)


def _write_look(m: Module) -> None:
    """Looks at the shadows of the bytes of an access, and notes it there."""
    arguments = dict(shadow=PTR, place=I64, size=I64, stores=I64, is_shared=I64)
    with m.fn("look_at_bytes", internal=True, noalias=False, **arguments) as f:
        _Look(f).write()


class _Look:
    """Writes `look_at_bytes`: compares an access with the last write and the last read of each byte."""

    def __init__(self, f: Fn) -> None:
        self.f = f
        self.now = f.convert(word(f, state.EPOCH), I32)
        thread = word(f, state.THREAD)
        syncs = f.load(word(f, state.SYNCS_OF, PTR), thread, I64)
        self.me = f.convert(thread + (syncs << state.SYNCS_SHIFT), I32)
        self.block, self.launch = (
            f.convert(word(f, which), I32) for which in (state.BLOCK_EPOCH, state.LAUNCH_EPOCH)
        )
        self.is_shared, self.stores = f.is_shared.ne(0), f.stores.ne(0)
        # the bits of a thread's number that hold its wavefront
        self.of_warp = f.convert(f.i64(state.OTHERS) - word(f, state.WAVEFRONT), I32)

    def write(self) -> None:
        f = self.f
        f.loop_while(lambda i: i < f.size, self.run, f.i64(0))

    def run(self, first: Val) -> tuple[Val]:
        """Looks at the bytes from `first` on that have one shadow: nearly always all of them. Returns where they end."""
        f = self.f
        at = f.at(f.shadow, first * SHADOW_WORDS, I32)
        write, use = (f.load(at, k, I64) for k in range(2))

        def is_equal(i: Val) -> Val:
            other = f.at(f.shadow, f.select(i < f.size, i, first) * SHADOW_WORDS, I32)
            differs = (f.load(other, 0, I64) ^ write) | (f.load(other, 1, I64) ^ use)
            return (i < f.size) & differs.eq(0)

        # The bytes of an element nearly always share a past: they are judged together.
        (end,) = f.loop_while(is_equal, lambda i: (i + 1,), first + 1)
        noted, which = self.judge(write, use)
        f.loop(first, end, 1, lambda i: f.store(noted, f.shadow, i * PAIRS + which))
        return (end,)

    def judge(self, write: Val, use: Val) -> tuple[Val, Val]:
        """Notes faults of the access beside the last write and the last read; returns the new shadow, and which of the two it replaces."""
        f, is_shared, stores = self.f, self.is_shared, self.stores
        written, writer = self.halves(write)
        read, reader = self.halves(use)
        # Written in this launch before this block began: by a block that may run beside it.
        elsewhere = ~is_shared & (written >= self.launch) & (written < self.block)
        f.when(elsewhere | self.is_beside(written, writer), self.fault(Fault.RACE, writer))
        # Shared memory keeps what an earlier block left there, which a GPU does not promise.
        unwritten = is_shared & ~stores & (written < self.block)
        f.when(unwritten, self.fault(Fault.UNWRITTEN, self.me))
        far = ~is_shared & (read >= self.launch) & ((read < self.block) | reader.eq(OTHER_BLOCK))
        f.when(written.eq(state.IN_FLIGHT), self.fault(Fault.ON_ITS_WAY, writer))
        near = self.is_beside(read, reader)
        f.when(stores & (far | near), self.fault(Fault.RACE, reader))
        others = f.select(self.is_in_warp(reader), self.me | state.OTHERS, SEVERAL)
        as_reader = f.select(far, OTHER_BLOCK, f.select(near, others, self.me))
        which = f.select(stores, 0, f.i64(1))
        # One reader is remembered by name; of several only that there are some.
        return self.whole(self.now, f.select(stores, self.me, as_reader)), which

    def is_in_warp(self, who: Val) -> Val:
        """True if `who` is one thread, of this thread's warp."""
        return (who >= 0) & ((who ^ self.me) & self.of_warp).eq(0)

    def is_beside(self, when: Val, who: Val) -> Val:
        """True if another thread accessed it without synchronization with this one."""
        me = self.me
        in_warp = self.is_in_warp(who)
        ordered = ((who ^ me) >> state.SYNCS_SHIFT).ne(0)
        mine = ((who ^ me) & (state.OTHERS - 1)).eq(0) & (who & state.OTHERS).eq(0)
        # Of a warp's threads, a number of its barriers that differs gives an order.
        return when.eq(self.now) & ~(in_warp & (ordered | mine))

    def fault(self, kind: Fault, other: Val) -> Callable[[], None]:
        """A function that notes a fault of this access beside one by the thread `other`."""
        f = self.f
        named = f.select(other < 0, other, other & (state.OTHERS - 1))
        words = (int(kind), f.place, f.size, f.convert(named, I64), f.stores)
        return lambda: f.call("note_fault", *words)

    def halves(self, pair: Val) -> tuple[Val, Val]:
        """The time and the thread of a shadow's word."""
        return self.f.convert(pair, I32), self.f.convert(pair >> 32, I32)

    def whole(self, low: Val, high: Val) -> Val:
        """The shadow's word of a time and a thread."""
        f = self.f
        return f.convert(low, I64, signed=False) | (f.convert(high, I64) << 32)


def _write_access(m: Module) -> None:
    """Finds the memory that an access is in."""
    arguments = dict(p=PTR, size=I64, align=I64, stores=I64)
    with m.fn("penstock.emulator.access", ret=PTR, noalias=False, **arguments) as f:
        place = f.emit(I64, "ptrtoint ptr %p to i64")
        at = place - word(f, state.SHARED)
        in_shared = f.compare("ult", at, word(f, state.SHARED_BYTES))
        on_stack = f.compare("ult", place - word(f, state.STACK_LOW), word(f, state.STACK_BYTES))

        def shared() -> tuple[Val, ...]:
            inside = at + f.size <= word(f, state.SHARED_BYTES)
            _look(f, inside, word(f, state.SHARED_SHADOW, PTR), at, place, 1)
            return (inside,)

        def in_range() -> tuple[Val, ...]:
            return _look_in_ranges(f, place)

        (inside,) = f.when(
            on_stack, lambda: (f.const(1, I1),), lambda: f.when(in_shared, shared, in_range)
        )

        def outside() -> None:
            f.call("note_fault", int(Fault.OUTSIDE), place, f.size, 0, f.stores)

        def misaligned() -> None:
            f.call("note_fault", int(Fault.MISALIGNED), place, f.size, f.align, f.stores)

        f.when(inside, lambda: (), outside)
        f.when((place & (f.align - 1)).ne(0), misaligned)
        # The kernel goes on after a fault, and must not harm this process.
        f.give(f.select(inside, f.p, f.address("emulator_page")))


def _look_in_ranges(f: Fn, place: Val) -> tuple[Val, ...]:
    """Looks at an access to one of the launch's arrays; false if it is in none of them."""
    ranges, count = word(f, state.RANGES, PTR), word(f, state.RANGE_COUNT)
    # Accesses come in runs to the same buffer: the last one found is tried first.
    latest = f.at(word(f, state.LATEST, PTR), (place >> GRANULE) & (state.LATEST_WORDS - 1), I64)

    def is_not_here(i: Val) -> Val:
        row = f.select(i < count, i, 0) * RANGE_WORDS
        start, size = f.load(ranges, row, I64), f.load(ranges, row + 1, I64)
        return (i < count) & ~f.compare("ult", place - start, size)

    def search() -> tuple[Val]:
        (i,) = f.loop_while(is_not_here, lambda i: (i + 1,), f.i64(0))
        f.store(i, latest)
        return (i,)

    before = f.load(latest, 0, I64)
    (i,) = f.when(is_not_here(before) | before.eq(count), search, lambda: (before,))

    def found() -> tuple[Val, ...]:
        start, size = (f.load(ranges, i * RANGE_WORDS + k, I64) for k in (0, 1))
        inside = place - start + f.size <= size
        shadow = f.load(ranges, i * RANGE_WORDS + 2, PTR)
        _look(f, inside, shadow, place - start, place, 0)
        return (inside,)

    return f.when(i < count, found, lambda: (f.const(0, I1),))


def _look(f: Fn, inside: Val, shadow: Val, at: Val, place: Val, is_shared: int) -> None:
    """Looks at an access that is inside of memory with a shadow."""
    watched = inside & f.emit(I1, f"icmp ne ptr {shadow.s}, null")
    bytes_of = f.at_any(shadow, at * SHADOW_WORDS, I32)
    f.when(watched, lambda: f.call("look_at_bytes", bytes_of, place, f.size, f.stores, is_shared))
