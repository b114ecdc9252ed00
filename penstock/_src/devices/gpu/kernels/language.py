"""The kernels' language on a GPU: native/language with the numbers of threads, barriers, shuffles and shared memory.

A kernel is one function, (context, tasks, ended): the context has the same words as a CPU launch, passed by value, and
`tasks` is the number of blocks of work. If `ended` is not null, and a check has stored its code there, the kernel does nothing: so a
run ends at a failed check without polling by the host. Tensor maps may follow (tensor_maps.py). Pointers are generic: LLVM infers the memory
that each points into. Instructions without an LLVM intrinsic are inline assembly.
"""

import re
from collections.abc import Sequence
from typing import Any

from penstock._src.devices.gpu.families.family import BLOCK, BUTTERFLY, FROM, THREAD, UP
from penstock._src.devices.gpu.families.table import family_of
from penstock._src.devices.gpu.kernels.tensor_maps import TensorMap
from penstock._src.devices.gpu.target import CONCURRENT, WITHOUT_ASKING
from penstock._src.native import Module, Target, WrittenCode
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import (
    BF16,
    BITS,
    I16,
    I32,
    I64,
    PTR,
    VOID,
    lanes,
    like,
    scalar,
    size_of,
    vec,
)
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

CONTEXT_WORD = re.compile(r"getelementptr (?:inbounds )?i64, ptr %ctx, i64 (\w+)")
_SHARED, _GLOBAL = "ptr addrspace(3)", "ptr addrspace(1)"
ALIGNED = 16  # bytes: alignment of shared memory, and the widest access
DYNAMIC_ALIGNED = 1024  # alignment of dynamic shared memory: the period of swizzled tiles
MAP_PARAMETER = 3  # the number of a kernel's parameter that is its first tensor map

# The start of a kernel, after which its first block has another name.
_LOOKS_WHETHER_ENDED = """%ended.may = icmp ne ptr %ended, null
br i1 %ended.may, label %ended.look, label %begun
ended.look:
%ended.code = load i64, ptr %ended
%ended.has = icmp ne i64 %ended.code, 0
br i1 %ended.has, label %ended.over, label %begun
ended.over:
ret void
begun:""".split("\n")
_ENTRY = re.compile(r"%entry\b")


@dataclass(frozen=True, eq=False)
class CudaCode(WrittenCode):
    """The code of a kernel for a GPU.

    threads   of a block
    words     of its context
    shared    bytes of shared memory
    dynamic   True if a launch has to request these, as they exceed the default limit of a block
    maps      tensor maps that its kernels take
    """

    threads: int = 1
    words: int = 1
    shared: int = 0
    dynamic: bool = False
    maps: Sequence[TensorMap] = ()

    def blocks(self, tasks: int) -> int:
        """The number of blocks of a launch; kernels of one thread take one task after the other."""
        # Each such block has scratch memory of its own, and a launch has CONCURRENT of them.
        return min(tasks, CONCURRENT) if self.threads == 1 else tasks


class CudaModule(Module):
    """A module with one kernel, whose blocks have this many threads. All its kernels take the same tensor maps."""

    def __init__(self, target: Target, threads: int, maps: Sequence[TensorMap] = ()):
        super().__init__(target)
        self.threads, self.maps, self.shared, self.words = threads, tuple(maps), 0, 1
        self.kernels: list[str] = []

    def kernel(self, name: str = "task") -> "CudaFn":
        """Opens the kernel."""
        self.kernels.append(name)
        return CudaFn(self, name)

    def finished(self, facts: tuple[Any, ...] = ()) -> CudaCode:
        """The module's code, and further facts found while writing it."""
        dynamic = self.shared > WITHOUT_ASKING
        if dynamic:
            self.raw(f"@shared = external addrspace(3) global [0 x i8], align {DYNAMIC_ALIGNED}")
        elif self.shared:
            self.raw(
                f"@shared = internal addrspace(3) global [{self.shared} x i8] undef, align {ALIGNED}"
            )
        self._note_maps()
        text, exports = str(self), tuple(self.exports)
        code = CudaCode(
            text, exports, self.target, self.threads, self.words, self.shared, dynamic, self.maps,
            facts=facts,
        )  # fmt: skip
        self.parts.clear()
        return code

    def _note_maps(self) -> None:
        """Declares that kernels only read their maps, so that these stay in parameter memory."""
        if not self.maps:
            return
        numbers = ", ".join(f"i32 {MAP_PARAMETER + i + 1}" for i in range(len(self.maps)))
        rows = [
            f'!{i} = !{{ptr @{name}, !"grid_constant", !{len(self.kernels)}}}'
            for i, name in enumerate(self.kernels)
        ]
        names = ", ".join(f"!{i}" for i in range(len(rows)))
        self.raw(
            "\n".join(
                [
                    f"!nvvm.annotations = !{{{names}}}",
                    *rows,
                    f"!{len(self.kernels)} = !{{{numbers}}}",
                ]
            )
        )


class CudaFn(Fn):
    """The kernel of a module. Numbers of threads and blocks are i64."""

    module: CudaModule

    def __init__(self, module: CudaModule, name: str):
        arguments = {"ctx": PTR, "tasks": I64, "ended": PTR}
        super().__init__(module, name, arguments, VOID, False, False)
        self._aligned = False
        self._room = 0  # bytes of shared memory; the module has the most that a kernel takes
        self._numbers: dict[str, Val] = {}
        self.family = family_of(module.target)
        self.wavefront = self.family.wavefront(module.target)  # threads that go together

    def __exit__(self, kind: Any, *rest: Any) -> None:
        self.entry[:0] = self.family.entry()
        self.entry += _LOOKS_WHETHER_ENDED
        super().__exit__(kind, *rest)
        if kind:
            return
        # Phis of the first block name their predecessor, which is now the one after the check.
        text = _ENTRY.sub("%begun", self.module.parts.pop())
        words = [w for part in [*self.module.parts, text] for w in CONTEXT_WORD.findall(part)]
        self.module.words = 1 + max(map(int, words), default=0)
        before = f"define void @{self.name}(ptr %ctx, i64 %tasks, ptr %ended) #0 {{"
        after = self.family.head(
            self.name,
            self.module.words,
            self.module.threads,
            len(self.module.maps),
            self.module.target,
        )
        assert text.startswith(before)
        self.module.parts.append(after + text[len(before) :])

    # -- which thread
    def _number_of(self, which: str) -> Val:
        if which not in self._numbers:
            name = "@" + self.family.numbers[which]
            self.module.declare(f"declare i32 {name}()")
            small, wide = self.name_value(), self.name_value()
            self.entry += [f"{small} = call i32 {name}()", f"{wide} = zext i32 {small} to i64"]
            self._numbers[which] = Val(self, I64, wide)
        return self._numbers[which]

    @property
    def thread(self) -> Val:
        """The number of the thread within its block."""
        return self._number_of(THREAD)

    @property
    def number(self) -> Val:
        """The number of the block."""
        return self._number_of(BLOCK)

    def tensor_map(self, number: int) -> Val:
        """One of the module's tensor maps."""
        return Val(self, PTR, f"%map{number}")

    def assembly(
        self, text: str, constraints: str, operands: Sequence[Val] = (), result: str = VOID
    ) -> Val:
        """An instruction, or several, that the threads of a warp run together; it may touch any memory."""
        clobbers = ",".join(x for x in (constraints, "~{memory}") if x)
        values = ", ".join(f"{x.ty} {x.s}" for x in operands)
        return self.emit(
            result,
            f'call {result} asm sideeffect "{text}", "{clobbers}"({values}) convergent nounwind',
        )

    # -- threads together
    def barrier(self) -> None:
        """Waits for all threads of the block; writes to shared memory before it are visible to all of them after it."""
        self.family.barrier(self)

    def warp_barrier(self) -> None:
        """Waits for all threads of the warp; they see each other's writes."""
        self.family.wavefront_barrier(self)

    def shuffled(self, x: Val, distance: int) -> Val:
        """The value of the lane whose number differs in the bit `distance`; all lanes of the warp take part."""
        return self._shuffled(BUTTERFLY, x, distance)

    def shuffled_up(self, x: Val, distance: int) -> Val:
        """The value of the lane `distance` before, its own if there is none; all lanes of the warp take part."""
        return self._shuffled(UP, x, distance)

    def shuffled_from(self, x: Val, lane: int) -> Val:
        """The value of a lane; all lanes of the warp take part."""
        return self._shuffled(FROM, x, lane)

    def _shuffled(self, way: str, x: Val, number: int) -> Val:
        bits = BITS[x.ty]
        if bits == 64:
            whole = self.bits(x, I64)
            low, high = self.cast("trunc", whole, I32), self.cast("trunc", whole >> 32, I32)
            low, high = (
                self.cast("zext", self._shuffled(way, part, number), I64) for part in (low, high)
            )
            return self.bits(low | (high << 32), x.ty)
        if bits < 32:
            # Shuffles move 32 bits.
            wide = self.cast("zext", self.bits(x, f"i{bits}"), I32)
            shuffled = self._shuffled(way, wide, number)
            return self.bits(self.cast("trunc", shuffled, f"i{bits}"), x.ty)
        lane = self.thread % self.wavefront
        return self.family.shuffled(self, way, x, number, lane)

    # -- copies that go on while the thread does
    def copy_to_shared(self, to: Val, source: Val, size: int, there: Val) -> None:
        """Starts to copy 4, 8 or 16 bytes between aligned addresses; zeros if they are not `there`."""
        kind = "cg" if size == 16 else "ca"
        name = f"@llvm.nvvm.cp.async.{kind}.shared.global.{size}.s"
        self.module.declare(f"declare void {name}(ptr addrspace(3), ptr addrspace(1), i32)")
        room = self.emit(_SHARED, f"addrspacecast ptr {to.s} to {_SHARED}")
        place = self.emit(_GLOBAL, f"addrspacecast ptr {source.s} to {_GLOBAL}")
        taken = self.emit(I32, f"select i1 {there.s}, i32 {size}, i32 0")
        self.emit(VOID, f"call void {name}({_SHARED} {room.s}, {_GLOBAL} {place.s}, i32 {taken.s})")

    def close_copies(self) -> None:
        """Makes a group of the copies since the last one."""
        name = "@llvm.nvvm.cp.async.commit.group"
        self.module.declare(f"declare void {name}()")
        self.emit(VOID, f"call void {name}()")

    def wait_for_copies(self, left: int) -> None:
        """Waits for the thread's copies, except those of the last groups, of this number; others see them after a barrier."""
        name = "@llvm.nvvm.cp.async.wait.group"
        self.module.declare(f"declare void {name}(i32)")
        self.emit(VOID, f"call void {name}(i32 {left})")

    def shared(self, size: int) -> Val:
        """Shared memory of the block, of this many bytes, for this position of the code alone."""
        start = self._room
        self._room = -(-(start + size) // ALIGNED) * ALIGNED
        self.module.shared = max(self.module.shared, self._room)
        whole = Val(self, PTR, "addrspacecast (ptr addrspace(3) @shared to ptr)")
        return self.at(whole, start)

    # -- memory
    def vector_load(self, p: Val, offset: Any, ty: str) -> Val:
        """Loads a vector that lies at a multiple of its size."""
        place = self.at(p, offset, scalar(ty))
        return self.emit(ty, f"load {ty}, ptr {place.s}, align {size_of(ty)}")

    def vector_store(self, v: Val, p: Val, offset: Any = 0) -> None:
        """Stores a vector at a multiple of its size."""
        place = self.at(p, offset, scalar(v.ty))
        self.emit(VOID, f"store {v.ty} {v.s}, ptr {place.s}, align {size_of(v.ty)}")

    def aligned(self, is_aligned: bool) -> None:
        """Declares that vectors loaded and stored from here on start at multiples of their size."""
        self._aligned = is_aligned

    def load(self, p: Val, offset: Any = 0, ty: str = PTR, mask: Val | None = None) -> Val:
        if self._aligned and mask is None and lanes(ty) > 1:
            return self.vector_load(p, offset, ty)
        return super().load(p, offset, ty, mask)

    def store(self, v: Val, p: Val, offset: Any = 0, mask: Val | None = None) -> None:
        if self._aligned and mask is None and lanes(v.ty) > 1:
            if scalar(v.ty) == BF16:
                v = self.bits(v, like(v.ty, I16))
            self.vector_store(v, p, offset)
        else:
            super().store(v, p, offset, mask)

    def load_where(
        self, guard: Val | None, p: Val, offsets: Sequence[Any], ty: str
    ) -> tuple[Val, ...]:
        """Loads values if the guard holds or is None; else zeros: another thread may be writing to the beginning."""
        if guard is None:
            return super().load_where(guard, p, offsets, ty)
        return self.when(
            guard,
            lambda: [self.load(p, offset, ty) for offset in offsets],
            lambda: [self.zero(ty)] * len(offsets),
        )

    # -- numbers
    def vector_of(self, x: Val, y: Val) -> Val:
        """A vector of two."""
        return self.insert(self.insert(self.zero(vec(x.ty, 2)), x, 0), y, 1)

    def narrow_divided(self, x: Val, divisor: int) -> tuple[Val, Val]:
        """(quotient, remainder) of a number below 2^31, in 32 bits."""
        small = self.cast("trunc", x, I32)
        quotient = self.binary("udiv", small, divisor)
        rest = self.binary("sub", small, self.binary("mul", quotient, divisor))
        return self.cast("zext", quotient, I64), self.cast("zext", rest, I64)


__all__ = ["ALIGNED", "CONTEXT_WORD", "CudaCode", "CudaFn", "CudaModule"]
