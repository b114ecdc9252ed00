"""The instructions by which a warp loads and multiplies small matrices."""

from collections.abc import Sequence

from penstock._src.devices.cuda.kernels.language import CudaFn
from penstock._src.native.language.types import BF16, F16, F32, I32, vec
from penstock._src.native.language.value import Val

FLOATS_4 = "{ float, float, float, float }"
WORDS_4 = "{ i32, i32, i32, i32 }"


def multiply_add(
    f: CudaFn, element: str, a: Sequence[Val], b: Sequence[Val], c: Sequence[Val]
) -> list[Val]:
    """A 16 x 16 by B 16 x 8 plus C, by a warp: each lane gives four pairs of A, two of B, and has four of C."""
    pair = I32 if element == BF16 else vec(F16, 2)
    kind = "bf16" if element == BF16 else "f32.f32"
    given = [*(f.bits(x, pair) for x in (*a, *b)), *c]
    return called(f, f"mma.m16n8k16.row.col.{kind}", given, FLOATS_4, F32)


def load_matrices(f: CudaFn, place: Val, turned: bool = False) -> list[Val]:
    """Four matrices of 8 x 8 numbers of 16 bits: lane i gives the place of row i % 8 of matrix i / 8, in shared memory.

    A lane has of each matrix two neighbors of row lane / 4; if `turned`, of that column.
    """
    kind = "trans.b16.p0" if turned else "b16.p0"
    return called(f, f"ldmatrix.sync.aligned.m8n8.x4.{kind}", [place], WORDS_4, I32)


def called(f: CudaFn, name: str, given: Sequence[Val], result: str, part: str) -> list[Val]:
    """The parts of what an intrinsic gives."""
    types = ", ".join(x.ty for x in given)
    f.module.declare(f"declare {result} @llvm.nvvm.{name}({types})")
    values = ", ".join(f"{x.ty} {x.s}" for x in given)
    found = f.emit(result, f"call {result} @llvm.nvvm.{name}({values})")
    count = result.count(",") + 1
    return [f.emit(part, f"extractvalue {result} {found.s}, {i}") for i in range(count)]
