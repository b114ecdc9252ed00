"""The frame of a product's kernel: addresses, extents and offsets in the scratch memory, which its functions load first."""

from typing import Any

from penstock._src.compiler.codegen.contraction.extents import ceil_divide, product, value
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.compiler.codegen.kernel_code import LEFT, OUTPUT, RIGHT, SCRATCH, STEP
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR
from penstock._src.util.dataclass import dataclass

from .description import Matrix
from .gathered import Gathered
from .schedule import STEP_BITS, GemmSchedule, Place


@dataclass(frozen=True)
class Frame:
    """The values of one function. Extents are ints or values of the function.

    a, b, c, scratch      addresses of the operands, the output and the kernel's own memory
    m, n, ks, batch       extents, `batches` the product of the last
    first_step, count     the depth blocks of the stage
    row_panels            panels of A of one batch
    a_panels, b_panels    that are packed beforehand, of one depth block in all batches
    a_at, b_at, own_at    elements of the scratch before panels of A, panels of B, the threads' own blocks
    """

    a: Val
    b: Val
    c: Val
    scratch: Val
    m: Any
    n: Any
    ks: list[Any]
    batch: list[Any]
    batches: Any
    first_step: Any
    count: Any
    row_panels: Any
    a_panels: Any
    b_panels: Any
    a_at: Val
    b_at: Val
    own_at: Val


@dataclass(frozen=True)
class DepthBlock:
    """The current part of k: `depth` elements that start at `start`, ints or values."""

    start: Any
    depth: Any


def load_frame(f: Fn, schedule: GemmSchedule) -> Frame:
    """Loads the values that every function needs."""
    s, g = schedule, schedule.gemm
    a, b, c, scratch = (f.load(f.ctx, i, PTR) for i in (LEFT, RIGHT, OUTPUT, SCRATCH))
    m, n = value(f, g.m), value(f, g.n)
    ks = [value(f, k) for k in g.k]
    batch = [value(f, extent) for extent in g.batch]
    batches = product(batch)
    step = f.load(f.ctx, STEP, I64)
    # A stage passes one word: its first depth block in the low bits, how many blocks above them.
    first_step, count = step & ((1 << STEP_BITS) - 1), step >> STEP_BITS
    if s.steps == 1:
        # Constants, so that loops over depth blocks vanish from the code.
        first_step, count = 0, 1
    row_panels = ceil_divide(m, s.mr)
    a_panels = word(f, row_panels * batches) if s.left.place is Place.SHARED else 0
    b_panels = ceil_divide(n, s.nr) if s.right.place is Place.SHARED else 0
    apart = word(f, batches * m) * n if s.sums_apart else 0
    lanes = s.lanes
    # Panels begin at whole vectors after the sums, whose number is arbitrary.
    a_at = (word(f, apart) + (lanes - 1)) // lanes * lanes if s.sums_apart else f.i64(0)
    b_at = a_at + word(f, times(f, a_panels, count)) * s.left.room
    own_at = b_at + word(f, times(f, b_panels, count)) * s.right.room
    return Frame(
        a=a,
        b=b,
        c=c,
        scratch=scratch,
        m=m,
        n=n,
        ks=ks,
        batch=batch,
        batches=batches,
        first_step=first_step,
        count=count,
        row_panels=row_panels,
        a_panels=a_panels,
        b_panels=b_panels,
        a_at=a_at,
        b_at=b_at,
        own_at=own_at,
    )


def depth_block(f: Fn, schedule: GemmSchedule, frame: Frame, step: Any) -> DepthBlock:
    """Block number `step`, counted from the whole depth's start."""
    total, kc = product(frame.ks), schedule.kc
    if schedule.steps == 1:
        return DepthBlock(0, total)
    start = times(f, step, kc)
    # If kc divides the depth, all blocks have the constant depth kc; otherwise the last is shorter.
    whole = schedule.steps is not None and total % kc == 0
    # max: a block that starts past the end of a run-time depth is empty, not negative.
    return DepthBlock(start, kc if whole else f.max(0, f.min(total - start, kc)))


def batch_offset(f: Fn, coordinates, strides) -> Any:
    """The distance of a batch from the first one."""
    total: Any = 0
    for i, stride in zip(coordinates, strides, strict=True):
        if stride != 0:
            total = times(f, i, value(f, stride)) + total
    return total


def base_of(f: Fn, matrix: Matrix | Gathered, coordinates) -> Any:
    """The offset of an operand for a batch; for a gathered operand, the batch's coordinates."""
    if isinstance(matrix, Gathered):
        return coordinates
    return value(f, matrix.base) + word(f, batch_offset(f, coordinates, matrix.batch))
