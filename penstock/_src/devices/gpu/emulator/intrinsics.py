"""The GPU instructions that are intrinsics of LLVM IR, as functions of the emulator.

An intrinsic `llvm.nvvm.x` of a kernel is the function `penstock.nvvm.x` here. In those that a warp runs together, threads exchange
their operands in slots: each writes its own, waits for the others, then reads theirs. Slots alternate, as fast threads are already in the next
instruction while slow ones still read.
"""

import functools
import itertools
from collections.abc import Callable

from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.state import AT_BARRIER, IN_WARP, SLOT, Fault
from penstock._src.devices.gpu.emulator.threads import put, word
from penstock._src.devices.gpu.kernels.conditions import SET
from penstock._src.devices.gpu.target import WARP
from penstock._src.native import Module
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import (
    BF16,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    PTR,
    SIZE,
    vec,
)
from penstock._src.native.language.value import Val

_FOUR = "{ float, float, float, float }"
_WORDS = "{ i32, i32, i32, i32 }"
ROW = 16  # bytes of a row of a matrix of 8 x 8
TF32 = -(1 << 13)  # the bits of a float that TF32 has
PREFIX = "penstock.nvvm."
# The instruction, a word of its operands, the type of elements, the type of sums.
PRODUCTS = (
    ("m16n8k16.row.col.bf16", I32, BF16, F32),
    ("m16n8k16.row.col.f32.f32", vec(F16, 2), F16, F32),
    ("m16n8k8.row.col.tf32", I32, F32, F32),
    ("m16n8k32.row.col.s8", I32, I8, I32),
)
REGISTERS = {"tid.x": state.THREAD, "ctaid.x": state.BLOCK, "nctaid.x": state.BLOCKS}


def write_intrinsics(m: Module) -> None:
    """Adds all of them to a module."""
    for register, which in REGISTERS.items():
        with m.fn(f"{PREFIX}read.ptx.sreg.{register}", ret=I32) as f:
            f.give(f.convert(word(f, which), I32))
    with m.fn(f"{PREFIX}barrier.cta.sync.aligned.all", _barrier=I32) as f:
        f.call("penstock.emulator.yield", AT_BARRIER)
    with m.fn(f"{PREFIX}bar.warp.sync", _mask=I32) as f:
        wait_for_warp(f)
    _write_set_conditional(m)
    _write_products(m)
    _write_loads_of_matrices(m)
    for way in ("bfly", "up", "idx"):
        for kind, ty in (("i32", I32), ("f32", F32)):
            _write_shuffle(m, way, kind, ty)


def _write_set_conditional(m: Module) -> None:
    """The system call that sets the number of a conditional node."""
    with m.fn(SET, handle=I64, number=I32) as f:
        which = f.handle - state.FIRST_CONDITION

        def fail() -> None:
            put(f, state.FAULT, int(Fault.NO_CONDITION))
            put(f, state.FAULT_ADDRESS, f.handle)
            put(f, state.FAULT_THREAD, word(f, state.THREAD))
            put(f, state.FAULT_BLOCK, word(f, state.BLOCK))

        is_one = f.compare("ult", which, word(f, state.CONDITION_COUNT))
        f.when(is_one, lambda: f.store(f.number, word(f, state.CONDITIONS, PTR), which), fail)


def wait_for_warp(f: Fn) -> None:
    """Makes the thread wait for its warp, which separates accesses before and after."""
    f.call("penstock.emulator.yield", IN_WARP)
    syncs, thread = word(f, state.SYNCS_OF, PTR), word(f, state.THREAD)
    # Counted apart from barriers of the block: they order the accesses of one warp only.
    f.store(f.load(syncs, thread, I64) + 1, syncs, thread)


def _write_shuffle(m: Module, way: str, kind: str, ty: str) -> None:
    """shfl.sync: the value of another lane."""
    arguments = dict(_mask=I32, x=ty, number=I32, _clamp=I32)
    with m.fn(f"{PREFIX}shfl.sync.{way}.{kind}", ret=ty, **arguments) as f:
        lane, number = word(f, state.THREAD) % WARP, f.convert(f.number, I64)
        below = lane - number
        other = {"bfly": lane ^ number, "up": f.select(below < 0, lane, below), "idx": number}[way]
        slot = exchange(f, lambda mine: f.store(f.x, mine))
        f.give(f.load(slot(other), 0, ty))


def _write_products(m: Module) -> None:
    """mma of 16 x 8, eight words deep: each lane finds its four sums of the operands that all lanes show."""
    for kind, ty, element, total in PRODUCTS:
        result_type = _FOUR if total == F32 else _WORDS
        types = {f"a{i}": ty for i in range(4)} | {f"b{i}": ty for i in range(2)}
        types |= {f"c{i}": total for i in range(4)}
        with m.fn(f"{PREFIX}mma.{kind}", ret=result_type, **types) as f:
            lane = word(f, state.THREAD) % WARP
            group, within = lane // 4, lane % 4

            def show(mine: Val, f: Fn = f) -> None:
                for i in range(6):
                    x = getattr(f, f"a{i}" if i < 4 else f"b{i - 4}")
                    f.store(f.bits(x, I32), mine, i)

            slot = exchange(f, show)
            operand = functools.partial(_operand, f, slot, element)
            result = Val(f, result_type, "poison")
            for i in range(4):
                column = within * 2 + i % 2
                accumulated = getattr(f, f"c{i}")
                for w, e in itertools.product(range(8), range(4 // SIZE[element])):
                    a = operand(group * 4 + w % 4, i // 2 + w // 4 * 2, e)
                    b = operand(column * 4 + w % 4, 4 + w // 4, e)
                    accumulated = f.fma(a, b, accumulated)
                result = f.emit(
                    result_type,
                    f"insertvalue {result_type} {result.s}, {total} {accumulated.s}, {i}",
                )
            f.give(result)
    _write_product_of_doubles(m)
    with m.fn(f"{PREFIX}f2tf32.rna", ret=I32, x=F32) as f:
        bits = f.bits(f.x, I32)
        # The carry of rounding would turn a NaN into an infinity or a number.
        is_finite = (bits & 0x7F800000).ne(0x7F800000)
        f.give(f.select(is_finite, (bits + 0x1000) & TF32, bits))


def _write_product_of_doubles(m: Module) -> None:
    """mma of 8 x 8, four deep: a lane shows one number of A and one of B, and finds two neighboring sums."""
    pair = "{ double, double }"
    types = dict(a=F64, b=F64, c0=F64, c1=F64)
    with m.fn(f"{PREFIX}mma.m8n8k4.row.col.f64", ret=pair, **types) as f:
        lane = word(f, state.THREAD) % WARP
        group, within = lane // 4, lane % 4

        def show(mine: Val) -> None:
            f.store(f.a, mine, 0)
            f.store(f.b, mine, 1)

        slot = exchange(f, show)
        result = Val(f, pair, "poison")
        for i, total in enumerate((f.c0, f.c1)):
            for k in range(4):
                a = f.load(slot(group * 4 + k), 0, F64)
                b = f.load(slot((within * 2 + i) * 4 + k), 1, F64)
                total = f.fma(a, b, total)
            result = f.emit(pair, f"insertvalue {pair} {result.s}, double {total.s}, {i}")
        f.give(result)


def _write_loads_of_matrices(m: Module) -> None:
    """ldmatrix.x4: each lane publishes the row at its address, and takes its part of each matrix."""
    for kind, turned in (("b16.p0", False), ("trans.b16.p0", True)):
        name = f"{PREFIX}ldmatrix.sync.aligned.m8n8.x4.{kind}"
        with m.fn(name, ret=_WORDS, noalias=False, place=PTR) as f:
            safe = f.call("penstock.emulator.access", f.place, ROW, ROW, 0, ret=PTR)

            def show(mine: Val, f: Fn = f, safe: Val = safe) -> None:
                for i in range(ROW // 8):
                    f.store(f.load(safe, i, I64), mine, i)

            slot = exchange(f, show)
            lane = word(f, state.THREAD) % WARP
            group, within = lane // 4, lane % 4
            result = Val(f, _WORDS, "poison")
            for i in range(4):
                if turned:
                    low, high = (
                        f.cast("zext", f.load(slot(within * 2 + (8 * i + k)), group, I16), I32)
                        for k in range(2)
                    )
                    loaded = low | (high << 16)
                else:
                    loaded = f.load(slot(group + 8 * i), within, I32)
                result = f.emit(_WORDS, f"insertvalue {_WORDS} {result.s}, i32 {loaded.s}, {i}")
            f.give(result)


def _operand(f: Fn, slot: Callable[[Val], Val], element: str, lane: Val, w: int, e: int) -> Val:
    """Number e of a word that a lane shows."""
    if element == F32:  # TF32 uses the upper bits of a float
        return f.bits(f.load(slot(lane), w, I32) & TF32, F32)
    x = f.load(slot(lane), w * (4 // SIZE[element]) + e, element)
    return f.convert(x, I32 if element == I8 else F32)


def exchange(f: Fn, show: Callable[[Val], None]) -> Callable[[Val], Val]:
    """Publishes a value to the other threads of the warp; returns a function that finds the slot of a lane."""
    thread, slots = word(f, state.THREAD), word(f, state.SLOTS, PTR)
    wavefront = word(f, state.WAVEFRONT)
    parities = word(f, state.PARITIES, PTR)
    parity = f.load(parities, thread, I64)
    f.store(parity ^ 1, parities, thread)
    first = thread - thread % wavefront

    def slot(lane: Val) -> Val:
        return f.at(slots, ((first + lane) * 2 + parity) * SLOT, "i8")

    show(slot(thread % wavefront))
    f.call("penstock.emulator.yield", IN_WARP)
    return slot
