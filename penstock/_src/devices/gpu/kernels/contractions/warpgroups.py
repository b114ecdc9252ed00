"""The instructions by which a warpgroup (four warps) multiplies tiles in shared memory: wgmma, for sm_90a and later.

They are asynchronous. Between a product and the wait for it, its sums must not be read, nor its operands written. Both instructions take
and return the sums, so that code which uses the sums is ordered after the wait.
"""

from collections.abc import Sequence

from penstock._src.devices.gpu.kernels.language import CudaFn
from penstock._src.devices.gpu.kernels.tensor_maps import LINE
from penstock._src.native.language.types import BF16, F16, F32, I8, I32
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

THREADS = 128  # threads of a warpgroup
ROWS = 64  # rows of an instruction
STEP = 32  # bytes of its depth
ATOM = 8 * LINE  # bytes by which swizzled lines repeat
SWIZZLE_128 = 1 << 62
# For each type of operands: shape and types of the instruction for a number of columns, the type of sums.
PRODUCTS = {
    BF16: ("m64n{}k16.f32.bf16.bf16", F32),
    F16: ("m64n{}k16.f32.f16.f16", F32),
    I8: ("m64n{}k32.s32.s8.s8", I32),
}
LETTERS = {F32: "f", I32: "r"}  # constraints of registers


@dataclass(frozen=True)
class SharedTile:
    """A tile as boxes of 128-byte lines: along the depth (a line of A or B each), or across it, 128 bytes of lines in each box.

    depth     bytes of the tile's depth if it lies along, its elements if across
    """

    along_depth: bool
    element: str
    depth: int

    @property
    def box(self) -> int:
        """Bytes from box to box of a tile that lies across."""
        return self.depth * LINE

    def descriptor(self, f: CudaFn, address: Val) -> Val:
        """The tile as instructions take it."""
        leading = LINE // 8 if self.along_depth else self.box  # unused along the depth
        fixed = SWIZZLE_128 | (ATOM >> 4) << 32 | (leading >> 4) << 16
        return (address >> 4) | fixed

    def step(self) -> int:
        """The difference between the descriptors of two steps of the depth."""
        return (STEP if self.along_depth else STEP // 2 * LINE) >> 4


def fenced(f: CudaFn, sums: Sequence[Val]) -> list[Val]:
    """Sums that the threads have set, ready for products."""
    return _in_place(f, "wgmma.fence.sync.aligned;", sums, [])


def multiply_add(
    f: CudaFn, tiles: Sequence[SharedTile], a: Val, b: Val, sums: Sequence[Val]
) -> list[Val]:
    """Begins to add the product of 64 rows of A and some columns of B, 32 bytes deep, to a warpgroup's sums."""
    kind, total = PRODUCTS[tiles[0].element]
    count = len(sums)
    names = ", ".join(f"${i}" for i in range(count))
    turned = ", ".join(str(int(not t.along_depth)) for t in tiles)
    flags = f", 1, 1, {turned}" if total == F32 else ""  # signs of A and B, which are turned
    text = (
        "{ .reg .pred add; setp.eq.u32 add, 0, 0; "
        f"wgmma.mma_async.sync.aligned.{kind.format(2 * count)} "
        f"{{{names}}}, ${count}, ${count + 1}, add{flags}; }}"
    )
    return _in_place(f, text, sums, [a, b])


def close_products(f: CudaFn) -> None:
    """Makes a group of the products since the last one."""
    f.assembly("wgmma.commit_group.sync.aligned;", "")


def wait_for_products(f: CudaFn, left: int, sums: Sequence[Val]) -> list[Val]:
    """Waits for all groups but the last ones, of this number; returns the sums."""
    return _in_place(f, f"wgmma.wait_group.sync.aligned {left};", sums, [])


def _in_place(f: CudaFn, text: str, sums: Sequence[Val], operands: Sequence[Val]) -> list[Val]:
    """Assembly that changes sums, and reads the 64-bit numbers after them."""
    count, ty = len(sums), sums[0].ty
    letter = LETTERS[ty]
    result = "{ " + ", ".join([ty] * count) + " }"
    constraints = [f"={letter}"] * count + ["l"] * len(operands) + [str(i) for i in range(count)]
    results = f.assembly(text, ",".join(constraints), [*operands, *sums], result)
    return [f.emit(ty, f"extractvalue {result} {results.s}, {i}") for i in range(count)]
