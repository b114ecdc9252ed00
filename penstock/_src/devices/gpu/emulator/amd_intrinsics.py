"""The instructions of AMD's GPUs that LLVM IR has as intrinsics, as functions of the emulator: `llvm.amdgcn.x` of a kernel is `penstock.amdgcn.x` here."""

from penstock._src.devices.gpu.emulator import state
from penstock._src.devices.gpu.emulator.intrinsics import exchange, wait_for_warp
from penstock._src.devices.gpu.emulator.state import AT_BARRIER
from penstock._src.devices.gpu.emulator.threads import word
from penstock._src.native import Module
from penstock._src.native.language.types import I32, I64

PREFIX = "penstock.amdgcn."
NUMBERS = {"workitem.id.x": state.THREAD, "workgroup.id.x": state.BLOCK}


def write_amd_intrinsics(m: Module) -> None:
    """Adds all of them to a module."""
    for number, which in NUMBERS.items():
        with m.fn(f"{PREFIX}{number}", ret=I32) as f:
            f.give(f.convert(word(f, which), I32))
    with m.fn(f"{PREFIX}s.barrier") as f:
        f.call("penstock.emulator.yield", AT_BARRIER)
    with m.fn(f"{PREFIX}wave.barrier") as f:
        wait_for_warp(f)
    with m.fn(f"{PREFIX}ds.bpermute", ret=I32, place=I32, x=I32) as f:
        slot = exchange(f, lambda mine: f.store(f.x, mine))
        lane = f.convert(f.place, I64, signed=False) // 4 % word(f, state.WAVEFRONT)
        f.give(f.load(slot(lane), 0, I32))
