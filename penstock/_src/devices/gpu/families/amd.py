"""AMD's GPUs: GCN and CDNA with wavefronts of 64 threads, RDNA with 32.

Blocks have one dimension here, so a thread's lane is its number modulo the wavefront's. Source: LLVM, User Guide for AMDGPU Backend.
"""

import functools
import re

import llvmlite.binding as llvm

from penstock._src.core.errors import UnimplementedError
from penstock._src.devices.gpu.families.family import BLOCK, BUTTERFLY, THREAD, UP
from penstock._src.native import Code, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I32, VOID
from penstock._src.native.language.value import Val
from penstock._src.native.llvm import initialize as initialize_llvm

TRIPLE = "amdgcn-amd-amdhsa"
WAVEFRONTS = {"gfx90a": 64, "gfx942": 64, "gfx1030": 32, "gfx1100": 32}
OPTIMIZE = 3


class Amd:
    """The family."""

    triple = TRIPLE
    numbers = {THREAD: "llvm.amdgcn.workitem.id.x", BLOCK: "llvm.amdgcn.workgroup.id.x"}
    heads = re.compile(
        r"define amdgpu_kernel void @(?P<name>\w+)\(ptr addrspace\(4\) byref\(\[(?P<words>\d+) x i64\]\) align 8 %words, i64 %tasks, "
        r'ptr %ended(?P<maps>)\) #0 "amdgpu-flat-work-group-size"="(?P<threads>\d+),\d+" "penstock-wavefront"="(?P<wavefront>\d+)"'
    )

    def wavefront(self, target: Target) -> int:
        return WAVEFRONTS[target.cpu]

    def head(self, name: str, words: int, threads: int, maps: int, target: Target) -> str:
        if maps:
            raise UnimplementedError(None, None, f"{name}: AMD's GPUs have no tensor maps.")
        return (
            f"define amdgpu_kernel void @{name}(ptr addrspace(4) byref([{words} x i64]) align 8 %words, i64 %tasks, ptr %ended)"
            f' #0 "amdgpu-flat-work-group-size"="{threads},{threads}" "penstock-wavefront"="{self.wavefront(target)}" {{'
        )

    def entry(self) -> list[str]:
        return ["%ctx = addrspacecast ptr addrspace(4) %words to ptr"]

    def barrier(self, f: Fn) -> None:
        self._wait(f, "@llvm.amdgcn.s.barrier", "workgroup")

    def wavefront_barrier(self, f: Fn) -> None:
        self._wait(f, "@llvm.amdgcn.wave.barrier", "wavefront")

    @staticmethod
    def _wait(f: Fn, name: str, scope: str) -> None:
        f.module.declare(f"declare void {name}()")
        # The instruction alone orders no memory: stores before it must be visible after it.
        f.emit(VOID, f'fence syncscope("{scope}") release')
        f.emit(VOID, f"call void {name}()")
        f.emit(VOID, f'fence syncscope("{scope}") acquire')

    def shuffled(self, f: Fn, way: str, x: Val, number: int, lane: Val) -> Val:
        if way == BUTTERFLY:
            other = lane ^ number
        elif way == UP:
            other = f.select(lane < number, lane, lane - number)
        else:
            other = f.i64(number)
        name = "@llvm.amdgcn.ds.bpermute"
        f.module.declare(f"declare i32 {name}(i32, i32)")
        # bpermute takes a byte address: four for each lane.
        place = f.cast("trunc", other * 4, I32)
        value = f.emit(I32, f"call i32 {name}(i32 {place.s}, i32 {f.bits(x, I32).s})")
        return f.bits(value, F32) if x.ty == F32 else value


@functools.cache
def amd_target(name: str) -> Target:
    """An architecture as code generation sees it.

    Raises:
      UnimplementedError: it is not in WAVEFRONTS.
    """
    if name not in WAVEFRONTS:
        raise UnimplementedError(
            None, None, f"{name}: of AMD's architectures there are {', '.join(WAVEFRONTS)}."
        )
    return Target(TRIPLE, name, "", vector_bytes=16, registers=256)


def assembly_of(code: Code) -> str:
    """A kernel as text for the assembler of LLVM's AMDGPU, with its resources."""
    initialize_llvm()
    machine = llvm.Target.from_triple(TRIPLE).create_target_machine(
        cpu=code.target.cpu, features=code.target.features, opt=OPTIMIZE
    )
    module = llvm.parse_assembly(
        f'target datalayout = "{machine.target_data}"\n{code.text}', llvm.create_context()
    )
    module.triple = TRIPLE
    return str(machine.emit_assembly(module))
