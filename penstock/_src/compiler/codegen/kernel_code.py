"""KernelCode: the result of an emitter, and the hooks by which a schedule inserts expressions into it.

A kernel is one or more stages; a stage is one fork-join over tasks.  All functions of a kernel have the signature of
a task, (ctx, task, thread), and read one context, whose words are

    LEFT, RIGHT, OUTPUT    addresses
    PARTIALS               address of the statistics (0 without)
    SCRATCH                address of the kernel's own memory, 64-byte aligned, not kept between calls
    STEP                   the stage's own number
    sizes...               the run-time extents, `KernelCode.sizes` words in the order of the description
    operands...            the operands of the epilogue (addresses or numbers)

The text of a kernel does not depend on the values of its sizes; numbers of tasks, scratch and partials are plain
functions of them.  So a new size needs no new kernel.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, Protocol

from penstock._src.native import Code, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR
from penstock._src.util.dataclass import dataclass

LEFT, RIGHT, OUTPUT, PARTIALS, SCRATCH, STEP, FIRST_SIZE = range(7)

Sizes = tuple[int, ...]
LINE = 64  # bytes of a cache line


@dataclass(frozen=True)
class KernelStage:
    """One fork-join of a kernel."""

    function: str
    tasks: Callable[[Sizes], int]
    step: int = 0
    scratch_offset: int = 0  # bytes: this stage's SCRATCH word is the kernel's scratch plus this
    prepacks: bool = False  # fills the prepacked memory, its OUTPUT, from RIGHT alone


@dataclass(frozen=True)
class KernelCode:
    """Native code of one kernel for any sizes.

    code       text and exports
    sizes      number of run-time sizes in its context
    stages     sizes -> the fork-joins, in order
    scratch    sizes -> bytes of its own memory (per-thread parts for `threads` threads included)
    partials   sizes -> (tasks, bytes a task) of the statistics that `Epilogue.accumulate` fills
    threads    maximum number of threads of a launch, for which the scratch is laid out
    in_place   True if an operand of the epilogue with exactly the output's layout may share its memory
    label      a few words for reports: "gemm 8x48"
    by         the instruction that multiplies, where devices have several: "wgmma"
    extents    expressions of the Dims that follow the epilogue's operands in the context
    prepacked_bytes    bytes of memory that may be cached between calls while the right operand does not change: stages
               that prepack fill it, to others its address is RIGHT
    packed_form        equal for codes that fill such memory equally; None: for those of equal descriptions and threads
    """

    code: Code
    sizes: int
    stages: Callable[[Sizes], Sequence[KernelStage]]
    scratch: Callable[[Sizes], int]
    threads: int
    partials: Callable[[Sizes], tuple[int, int]]
    in_place: bool = False
    label: str = ""
    by: str = ""
    extents: Sequence[Any] = ()
    prepacked_bytes: int = 0
    packed_form: Any = None
    # The choices of the schedule, for reports.
    facts: dict[str, Any] = field(default_factory=dict, compare=False)

    def context(
        self,
        stage: KernelStage,
        left: Any,
        right: Any,
        output: Any,
        partials: Any,
        scratch: Callable[[int], Any],
        sizes: Sequence[Any],
        operands: Sequence[Any] = (),
    ) -> list[Any]:
        """The words of a stage's context; addresses may be any objects, scratch(bytes) makes one with an offset."""
        assert len(sizes) == self.sizes
        return [
            left,
            right,
            output,
            partials,
            scratch(stage.scratch_offset),
            stage.step,
            *sizes,
            *operands,
        ]


class RegisterTile:
    """A register tile that an epilogue works on: cells (i, j), row i and vector j, of one vector each.

    `offset`, `column`, `mask` describe lane 0 of a cell; lanes go along the output's last axis.
    """

    def __init__(
        self,
        f: Fn,
        cells: list[tuple[int, int]],
        offset: Callable[[int, int], Val],
        column: Callable[[int], Val],
        mask: Callable[[int], Val | None],
        width: int | Val,
        operands: int,
        row_exists: Callable[[int], Val | None] = lambda i: None,
    ):
        self.f, self.cells = f, cells
        self.offset = offset  # element offset in the output, counted row-major over its shape
        self.column = column  # index along the output's last axis
        self.mask = mask  # mask of existing lanes; None: all
        self.row_exists = row_exists  # i1: True if row i exists; None: it does. Missing rows repeat an existing one
        self.width = width  # the output's last extent
        self._operands = operands

    def row(self, i: int) -> Val:
        """The number of the output's row: its offset in all axes but the last, row-major."""
        return self.offset(i, self.cells[0][1]) // self.width

    def operand(self, k: int, ty: str = PTR) -> Val:
        """Word k of the hook's operands in the context."""
        return self.f.load(self.f.ctx, self._operands + k, ty)

    def size(self, k: int) -> Val:
        """Run-time size k."""
        return self.f.load(self.f.ctx, FIRST_SIZE + k, I64)


class Epilogue(Protocol):
    """The computation on a tile while it is in registers."""

    sums: int  # number of sums over the rows of each column
    partial_bytes: int  # bytes of a task's partial sums; 0: none
    work: int  # simple vector operations for each cell, approximately

    @property
    def extents(self) -> Sequence[Any]:
        """Expressions of the Dims that follow its operands in the context."""

    def prefetch(self, f: Fn, tile: RegisterTile) -> None:
        """Prefetches the operands under the tile, before its k loop."""

    def apply(self, f: Fn, tile: RegisterTile, values: list[Val]) -> list[Val]:
        """The values to store instead of `values`, cell by cell (they are converted to the output's type)."""

    def clear(self, f: Fn, partial: Val) -> None:
        """Sets the task's own statistics to their neutral value; called at the start of a task."""

    def totals(self, tile: RegisterTile, values: list[Val]) -> list[Val]:
        """The tile's statistics of stored values: for each sum, a vector of float32 for each of the tile's columns of vectors; none without sums."""

    def accumulate(self, f: Fn, tile: RegisterTile, totals: list[Val], partial: Val) -> None:
        """Adds a tile's statistics to the task's own."""


def final_values(
    f: Fn, epilogue: Epilogue, tile: RegisterTile, sums: list[Val], partial: Val
) -> list[Val]:
    """The values to store for a tile's sums; they are added to the task's statistics at `partial`."""
    values = epilogue.apply(f, tile, sums)
    epilogue.accumulate(f, tile, epilogue.totals(tile, values), partial)
    return values


class Plain:
    """The epilogue that stores the sums."""

    sums = partial_bytes = 0
    work = 0
    extents: Sequence[Any] = ()

    def prefetch(self, f, tile):
        pass

    def apply(self, f, tile, values):
        return values

    def clear(self, f, partial):
        pass

    def totals(self, tile, values):
        return []

    def accumulate(self, f, tile, totals, partial):
        pass


PLAIN = Plain()


def threads_of_cut(threads: int, epilogue: Epilogue, target: Target) -> int:
    """The number of threads for which a kernel's work is divided: those of the pool, unless each task accumulates partial sums."""
    return target.sum_threads if epilogue.partial_bytes else threads


def round_up(n: int, unit: int) -> int:
    """The next multiple of `unit`."""
    return -(-n // unit) * unit
