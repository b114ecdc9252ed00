"""The instructions of a card that LLVM IR has as intrinsics, as functions of the emulator.

An intrinsic `llvm.nvvm.x` of a kernel is the function `penstock.nvvm.x` here. Those that a warp's threads run together show each other
their operands in slots: each writes its own, waits for the others, then reads theirs. Slots alternate, as fast threads are already in the next
instruction while slow ones still read.
"""

from collections.abc import Callable

from penstock._src.devices.cuda.emulator import state
from penstock._src.devices.cuda.emulator.state import AT_BARRIER, IN_WARP, SLOT
from penstock._src.devices.cuda.emulator.threads import word
from penstock._src.devices.cuda.target import WARP
from penstock._src.native import Module
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I32, I64, PTR
from penstock._src.native.language.value import Val

PREFIX = "penstock.nvvm."
REGISTERS = {"tid.x": state.THREAD, "ctaid.x": state.BLOCK, "nctaid.x": state.BLOCKS}


def write_intrinsics(m: Module) -> None:
    """Adds all of them to a module."""
    for register, which in REGISTERS.items():
        with m.fn(f"{PREFIX}read.ptx.sreg.{register}", ret=I32) as f:
            f.give(f.convert(word(f, which), I32))
    with m.fn(f"{PREFIX}barrier.cta.sync.aligned.all", _barrier=I32) as f:
        f.call("penstock.emulator.yield", AT_BARRIER)
    for kind, ty in (("i32", I32), ("f32", F32)):
        arguments = dict(_mask=I32, x=ty, distance=I32, _clamp=I32)
        with m.fn(f"{PREFIX}shfl.sync.bfly.{kind}", ret=ty, **arguments) as f:
            lane = word(f, state.THREAD) % WARP
            other = lane ^ f.convert(f.distance, I64)
            slot = exchange(f, lambda mine, f=f: f.store(f.x, mine))
            f.give(f.load(slot(other), 0, ty))


def exchange(f: Fn, show: Callable[[Val], None]) -> Callable[[Val], Val]:
    """Shows the other threads of the warp something; gives what finds the slot of a lane."""
    thread, slots = word(f, state.THREAD), word(f, state.SLOTS, PTR)
    parities = word(f, state.PARITIES, PTR)
    parity = f.load(parities, thread, I64)
    f.store(parity ^ 1, parities, thread)
    first = thread - thread % WARP

    def slot(lane: Val) -> Val:
        return f.at(slots, ((first + lane) * 2 + parity) * SLOT, "i8")

    show(slot(thread % WARP))
    f.call("penstock.emulator.yield", IN_WARP)
    return slot
