"""NVIDIA's GPUs: PTX."""

import re

from penstock._src.devices.gpu.families.family import BLOCK, BLOCKS, BUTTERFLY, FROM, THREAD, UP
from penstock._src.devices.gpu.target import TRIPLE, WARP
from penstock._src.native import Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, VOID
from penstock._src.native.language.value import Val

_EVERYONE = -1  # the mask of all lanes of a warp
_CLAMPS = {BUTTERFLY: 31, UP: 0, FROM: 31}
_MAP = "ptr byval([16 x i64]) align 64 %map"


class Nvidia:
    """The family."""

    triple = TRIPLE
    numbers = {
        THREAD: "llvm.nvvm.read.ptx.sreg.tid.x",
        BLOCK: "llvm.nvvm.read.ptx.sreg.ctaid.x",
        BLOCKS: "llvm.nvvm.read.ptx.sreg.nctaid.x",
    }
    heads = re.compile(
        r"define ptx_kernel void @(?P<name>\w+)\(ptr byval\(\[(?P<words>\d+) x i64\]\) align 8 %ctx, i64 %tasks, ptr %ended"
        r'(?P<maps>(?:, ptr byval\(\[16 x i64\]\) align 64 %map\d)*)\) #0 "nvvm.reqntid"="(?P<threads>\d+)"'
    )

    def wavefront(self, target: Target) -> int:
        return WARP

    def head(self, name: str, words: int, threads: int, maps: int, target: Target) -> str:
        more = "".join(f", {_MAP}{i}" for i in range(maps))
        return (
            f"define ptx_kernel void @{name}(ptr byval([{words} x i64]) align 8 %ctx, i64 %tasks, ptr %ended{more})"
            f' #0 "nvvm.reqntid"="{threads}" {{'
        )

    def entry(self) -> list[str]:
        return []  # a parameter as it is

    def barrier(self, f: Fn) -> None:
        name = "@llvm.nvvm.barrier.cta.sync.aligned.all"
        f.module.declare(f"declare void {name}(i32)")
        f.emit(VOID, f"call void {name}(i32 0)")

    def wavefront_barrier(self, f: Fn) -> None:
        name = "@llvm.nvvm.bar.warp.sync"
        f.module.declare(f"declare void {name}(i32)")
        f.emit(VOID, f"call void {name}(i32 {_EVERYONE})")

    def shuffled(self, f: Fn, way: str, x: Val, number: int, lane: Val) -> Val:
        kind = "f32" if x.ty == F32 else "i32"
        name = f"@llvm.nvvm.shfl.sync.{way}.{kind}"
        f.module.declare(f"declare {x.ty} {name}(i32, {x.ty}, i32, i32)")
        return f.emit(
            x.ty,
            f"call {x.ty} {name}(i32 {_EVERYONE}, {x.ty} {x.s}, i32 {number}, i32 {_CLAMPS[way]})",
        )
