"""The scales of a row of W as floats on the stack, converted before its blocks are multiplied.

A vector with a number of memory in all lanes is a load. One with a float16 of a block is a conversion and a permutation for each number, and units that
permute are what unpacking four bits waits for.
"""

from penstock._src.compiler.codegen.scalars.packed_blocks import Scales
from penstock._src.ir.meaning.packed import PackedFormat
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F16, F32, SIZE, vec

MOST_BLOCKS = 1024  # blocks of a row: their scales take 8 KB of the stack
HALVES = 4  # float16 numbers that one instruction converts
EACH = 2  # floats stored for a block


class RowScales:
    """Scales and minima of the blocks of one row at a time."""

    def __init__(self, f: Fn, form: PackedFormat, blocks: int) -> None:
        self.f, self.form, self.blocks = f, form, blocks
        self.room = f.alloca(F32, EACH * blocks)

    @staticmethod
    def fit(f: Fn, form: PackedFormat, blocks: int) -> bool:
        """True if blocks have a scale and a minimum side by side, and the target converts several float16 at a time."""
        has_both = form.minimum == form.scale + SIZE[F16] and not form.factors
        return f.target.converts_halves and has_both and blocks <= MOST_BLOCKS

    def convert(self, row: Val) -> None:
        """Keeps the scales of the row at an address."""
        f, form = self.f, self.form

        def one(number: Val) -> None:
            address = f.at(row, number * form.size + form.scale)
            # Those beyond the scales are the block's numbers, which nothing reads as floats.
            both = f.convert(f.load(address, 0, vec(F16, HALVES)), F32)
            f.store(f.shuffle(both, None, [*range(EACH)]), self.room, number * EACH)

        f.loop(f.i64(0), self.blocks, 1, one)

    def of(self, number: Val, lanes: int) -> Scales:
        """The scales of a block of the row, in all lanes."""
        f = self.f
        scale, minimum = (
            f.splat(f.load(self.room, number * EACH + i, F32), lanes) for i in range(EACH)
        )
        return Scales(scale, minimum, False)
