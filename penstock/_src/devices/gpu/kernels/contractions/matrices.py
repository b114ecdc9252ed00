"""The instructions by which a warp loads and multiplies small matrices."""

from collections.abc import Sequence

from penstock._src.devices.gpu.kernels.language import CudaFn
from penstock._src.native.language.types import BF16, F16, F32, F64, I8, I32, vec
from penstock._src.native.language.value import Val

FLOATS_4 = "{ float, float, float, float }"
WORDS_4 = "{ i32, i32, i32, i32 }"


# For each type of operands: the instruction, the type of a word of operands, the type of sums.
PRODUCTS = {
    BF16: ("m16n8k16.row.col.bf16", I32, F32),
    F16: ("m16n8k16.row.col.f32.f32", vec(F16, 2), F32),
    F32: ("m16n8k8.row.col.tf32", I32, F32),
    F64: ("m8n8k4.row.col.f64", F64, F64),
    I8: ("m16n8k32.row.col.s8", I32, I32),
}
RESULTS = {F32: FLOATS_4, I32: WORDS_4, F64: "{ double, double }"}


def multiply_add(
    f: CudaFn, element: str, a: Sequence[Val], b: Sequence[Val], c: Sequence[Val]
) -> list[Val]:
    """A of 16 rows by B of 8 columns, eight words deep, plus C, by a warp: each lane gives four words of A, two of B, and has four of C.

    Of doubles A has 8 rows: each lane gives one of A, one of B, and has two of C.
    """
    kind, ty, total = PRODUCTS[element]
    operands = [*(f.bits(x, ty) for x in (*a, *b)), *c]
    return called(f, f"mma.{kind}", operands, RESULTS[total], total)


def rounded_to_tf32(f: CudaFn, x: Val) -> Val:
    """The bits of a float as those of the nearest one with 10 bits after the point."""
    # The product would cut the lower bits off: an error twice as large, and always toward zero.
    name = "@llvm.nvvm.f2tf32.rna"
    f.module.declare(f"declare i32 {name}(float)")
    return f.emit(I32, f"call i32 {name}(float {f.bits(x, F32).s})")


def load_matrices(f: CudaFn, place: Val, turned: bool = False) -> list[Val]:
    """Four 8 x 8 matrices of 16-bit numbers: lane i passes the address of row i % 8 of matrix i / 8, in shared memory.

    A lane receives two neighbors in row lane / 4 of each matrix; if `turned`, in that column.
    """
    kind = "trans.b16.p0" if turned else "b16.p0"
    return called(f, f"ldmatrix.sync.aligned.m8n8.x4.{kind}", [place], WORDS_4, I32)


def called(f: CudaFn, name: str, operands: Sequence[Val], result: str, part: str) -> list[Val]:
    """The parts of the result of an intrinsic."""
    types = ", ".join(x.ty for x in operands)
    f.module.declare(f"declare {result} @llvm.nvvm.{name}({types})")
    values = ", ".join(f"{x.ty} {x.s}" for x in operands)
    products = f.emit(result, f"call {result} @llvm.nvvm.{name}({values})")
    count = result.count(",") + 1
    return [f.emit(part, f"extractvalue {result} {products.s}, {i}") for i in range(count)]
