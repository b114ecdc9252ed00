"""The threads of a block, one at a time on one thread of the CPU: each has a stack, and yields where it waits for others.

    penstock.emulator.run         runs all blocks of a launch, one after the other, until all threads have ended or one has faulted
    penstock.emulator.yield       called by a thread: runs the others until the event for which it waits has happened
    penstock.emulator.assembly    called by a thread: lets the service (asynchronous/service.py) run an instruction, for it alone or for its warpgroup

Threads that wait at a barrier go on when all threads that have not ended wait there; those that exchange values with their warp,
when the warp's threads do. The service is called between threads, on the CPU thread's own stack. If nothing goes on, and the service brings nothing about either, the
threads wait for one another for ever: Fault.STUCK.
"""

from penstock._src.core.errors import UnimplementedError
from penstock._src.devices.gpu.cuda.driver.calls import MAP_BYTES
from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.state import (
    AT_BARRIER,
    ENDED,
    IN_WARP,
    IN_WARPGROUP,
    READY,
    REQUEST_WORDS,
    REQUESTS_ALONE,
    WARPGROUP,
    Fault,
)
from penstock._src.native import Module
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I1, I64, PTR
from penstock._src.native.language.value import Val

STATE = "penstock_emulator_state"
SAVED_WORDS = {"x86_64": 7, "aarch64": 22}  # words on the stack of a thread that does not run
RETURN_WORD = {"x86_64": 6, "aarch64": 1}  # the index of the return address among them

# Saves the registers that a call preserves, and the stack's place at the first argument; goes on at the second.
_SWITCH = {
    "x86_64": (
        "pushq %rbp", "pushq %rbx", "pushq %r12", "pushq %r13", "pushq %r14", "pushq %r15", "movq %rsp, (%rdi)",
        "movq %rsi, %rsp", "popq %r15", "popq %r14", "popq %r13", "popq %r12", "popq %rbx", "popq %rbp", "retq",
    ),
    "aarch64": (
        "stp x29, x30, [sp, #-176]!", "stp x19, x20, [sp, #16]", "stp x21, x22, [sp, #32]", "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]", "stp x27, x28, [sp, #80]", "stp d8, d9, [sp, #96]", "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]", "stp d14, d15, [sp, #144]", "mov x9, sp", "str x9, [x0]", "mov sp, x1",
        "ldp x19, x20, [sp, #16]", "ldp x21, x22, [sp, #32]", "ldp x23, x24, [sp, #48]", "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]", "ldp d8, d9, [sp, #96]", "ldp d10, d11, [sp, #112]", "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]", "ldp x29, x30, [sp], #176", "ret",
    ),
}  # fmt: skip


def word(f: Fn, which: int, ty: str = I64) -> Val:
    """A word of the state."""
    return f.load(f.address(STATE), which, ty)


def put(f: Fn, which: int, value: Val | int) -> None:
    """Sets a word of the state."""
    f.store(f.i64(value), f.address(STATE), which)


def write_threads(m: Module) -> None:
    """Adds the functions of this file to a module."""
    architecture = m.target.architecture
    if architecture not in _SWITCH or m.target.system == "windows":
        raise UnimplementedError(
            None, None, f"The emulator of GPUs does not run on {m.target.triple}."
        )
    m.raw(f"@{STATE} = global [{state.WORDS} x i64] zeroinitializer, align 64")
    text = "\\0A".join(_SWITCH[architecture]).replace('"', "\\22")
    m.raw(
        f'define internal void @switch_stacks(ptr %from, ptr %to) naked noinline nounwind {{\n  call void asm sideeffect "{text}", ""()\n'
        "  unreachable\n}"
    )
    m.names.add("switch_stacks")
    _write_yield(m)
    _write_assembly(m)
    _write_body(m)
    _write_block(m, SAVED_WORDS[architecture], RETURN_WORD[architecture])
    _write_run(m)


def _write_yield(m: Module) -> None:
    """Called by the running thread, with the event for which it waits."""
    with m.fn("penstock.emulator.yield", noalias=False, reason=I64) as f:
        thread = word(f, state.THREAD)
        f.store(f.reason, word(f, state.STATUS_OF, PTR), thread)
        mine = f.at(word(f, state.STACKS_OF, PTR), thread, I64)
        f.call("switch_stacks", mine, word(f, state.SCHEDULER, PTR))


def _write_assembly(m: Module) -> None:
    """Called by the thread that runs, with an instruction's number, the addresses of its operands and sums, and for whom it is."""
    arguments = dict(number=I64, operands=PTR, sums=PTR, status=I64)
    with m.fn("penstock.emulator.assembly", noalias=False, **arguments) as f:
        at = word(f, state.THREAD) * REQUEST_WORDS
        mine = f.at(word(f, state.REQUESTS, PTR), at, I64)
        for i, x in enumerate((f.number, f.operands, f.sums)):
            f.store(x, mine, i)
        f.call("penstock.emulator.yield", f.status)
    with m.fn("penstock.emulator.shared_address", ret=I64, noalias=False, place=PTR) as f:
        f.give(f.emit(I64, "ptrtoint ptr %place to i64") - word(f, state.SHARED))


def ask(f: Fn, what: int, thread: Val | int = 0) -> Val:
    """Calls the service; returns 1 if any thread can continue because of it."""
    service = word(f, state.SERVICE, PTR)
    there = f.emit(I1, f"icmp ne ptr {service.s}, null")

    def call() -> tuple[Val]:
        return (f.call(service, what, thread, ret=I64),)

    (answer,) = f.when(there, call, lambda: (f.i64(0),))
    return answer


def _write_body(m: Module) -> None:
    """Writes the body of a thread: it runs the kernel, and never continues after it."""
    with m.fn("thread_body", internal=True) as f:
        context, tasks = word(f, state.CONTEXT, PTR), word(f, state.TASKS)
        first = word(f, state.MAPS, PTR)
        maps = [f.at(first, i * MAP_BYTES) for i in range(state.MOST_MAPS)]
        f.call(word(f, state.KERNEL, PTR), context, tasks, word(f, state.CHECKED, PTR), *maps)
        f.call("penstock.emulator.yield", ENDED)


def _write_block(m: Module, saved: int, at: int) -> None:
    """Runs all threads of a block until they have ended."""
    with m.fn("run_block", internal=True, noalias=False, stacks=PTR, status=PTR, count=I64) as f:
        size, low = word(f, state.STACK_OF_ONE), word(f, state.STACK_LOW)
        wavefront = word(f, state.WAVEFRONT)

        def begin(thread: Val) -> None:
            put(f, state.THREAD, thread)
            f.call("penstock.emulator.forget")
            # Stacks grow downwards; a frame is aligned to 16 bytes by the convention.
            top = low + (thread + 1) * size - 16
            place = f.emit(
                PTR, f"inttoptr i64 {(top - 8 * saved + (8 if saved % 2 else 0)).s} to ptr"
            )
            # As if it had yielded just before the body: the switch returns to there.
            f.store(f.emit(I64, "ptrtoint ptr @thread_body to i64"), place, at)
            f.store(place, f.stacks, thread)
            f.store(f.i64(READY), f.status, thread)

        f.loop(0, f.count, 1, begin)
        ask(f, state.BEGIN)
        f.loop_while(
            lambda moved: moved.ne(0) & word(f, state.FAULT).eq(0),
            lambda _: _round_of_all(f, wavefront), f.i64(1),
        )  # fmt: skip

        _look_for_stuck(f)
        f.when(word(f, state.FAULT).eq(0), lambda: _notify(f, state.END))


def _notify(f: Fn, event: int, thread: Val | int = 0) -> None:
    """Calls the service, whatever it answers."""
    ask(f, event, thread)


def _round_of_all(f: Fn, wavefront: Val) -> tuple[Val, ...]:
    """Resumes each thread that is ready, then releases those that wait for one another; returns 0 if none can go on."""
    (moved,) = f.loop(0, f.count, 1, lambda thread, moved: _resume(f, thread, moved), f.i64(0))

    def release_warp(first: Val, moved: Val) -> tuple[Val, ...]:
        (released,) = _release(f, first, f.min(first + wavefront, f.count), IN_WARP)
        return (moved | released,)

    def release_warpgroup(first: Val, moved: Val) -> tuple[Val, ...]:
        (released,) = _release(f, first, f.min(first + WARPGROUP, f.count), IN_WARPGROUP)
        f.when(released.ne(0), lambda: _notify(f, state.TOGETHER, first))
        return (moved | released,)

    (moved,) = f.loop(f.i64(0), f.count, wavefront, release_warp, moved)
    (moved,) = f.loop(f.i64(0), f.count, WARPGROUP, release_warpgroup, moved)
    (barrier,) = _release(f, f.i64(0), f.count, AT_BARRIER)
    put(f, state.EPOCH, word(f, state.EPOCH) + barrier)
    f.when(barrier.ne(0), lambda: _notify(f, state.BARRIER))
    moved = moved | barrier
    # Nothing can go on by itself: only an asynchronous copy or product may still arrive.
    return f.when(moved.eq(0), lambda: (ask(f, state.IDLE),), lambda: (moved,))


def _resume(f: Fn, thread: Val, moved: Val) -> tuple[Val, ...]:
    """Runs a thread that is ready until it yields; returns 1 if it ran, else `moved`."""

    def go() -> tuple[Val, ...]:
        put(f, state.THREAD, thread)
        scheduler = f.at(f.address(STATE), state.SCHEDULER, I64)
        f.call("switch_stacks", scheduler, f.load(f.stacks, thread, PTR))
        alone = f.load(f.status, thread, I64).eq(REQUESTS_ALONE)
        f.when(alone, lambda: _notify(f, state.ALONE, thread))
        return (f.i64(1),)

    goes = f.load(f.status, thread, I64).eq(READY) & word(f, state.FAULT).eq(0)
    return f.when(goes, go, lambda: (moved,))


def _release(f: Fn, first: Val, end: Val, reason: int) -> tuple[Val, ...]:
    """Makes threads continue if all that have not ended wait for `reason`; returns 1 if there are any."""

    def look(thread: Val, waiting: Val, others: Val) -> tuple[Val, ...]:
        status = f.load(f.status, thread, I64)
        is_waiting = f.convert(status.eq(reason), I64, signed=False)
        is_other = f.convert(status.ne(reason) & status.ne(ENDED), I64, signed=False)
        return waiting | is_waiting, others | is_other

    # Threads that have ended do not hold up the others, as on a GPU.
    waiting, others = f.loop(first, end, 1, look, f.i64(0), f.i64(0))
    released = waiting & (others ^ 1)

    def ready(thread: Val) -> None:
        waits = f.load(f.status, thread, I64).eq(reason)
        f.when(waits, lambda: f.store(f.i64(READY), f.status, thread))

    f.when(released.ne(0), lambda: f.loop(first, end, 1, ready))
    return (released,)


def _look_for_stuck(f: Fn) -> None:
    """Notes a fault if a thread of the block has not ended."""

    def look(thread: Val) -> None:
        stuck = f.load(f.status, thread, I64).ne(ENDED) & word(f, state.FAULT).eq(0)

        def note() -> None:
            put(f, state.FAULT, int(Fault.STUCK))
            put(f, state.FAULT_THREAD, thread)
            put(f, state.FAULT_BLOCK, word(f, state.BLOCK))

        f.when(stuck, note)

    f.loop(0, f.count, 1, look)


def _write_run(m: Module) -> None:
    """Runs the blocks of a launch."""
    with m.fn("penstock.emulator.run") as f:
        stacks, status = word(f, state.STACKS_OF, PTR), word(f, state.STATUS_OF, PTR)
        count = word(f, state.THREADS)
        put(f, state.EPOCH, word(f, state.EPOCH) + 1)
        put(f, state.LAUNCH_EPOCH, word(f, state.EPOCH))

        def block(number: Val) -> None:
            def run() -> None:
                put(f, state.BLOCK, number)
                put(f, state.EPOCH, word(f, state.EPOCH) + 1)
                put(f, state.BLOCK_EPOCH, word(f, state.EPOCH))
                f.call("run_block", stacks, status, count)

            f.when(word(f, state.FAULT).eq(0), run)

        f.loop(f.i64(0), word(f, state.BLOCKS), 1, block)
