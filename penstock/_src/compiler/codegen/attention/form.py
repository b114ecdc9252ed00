"""The form of an attention kernel, and the layouts of its run-time words and its threads' memory.

An array is addressed by a base, a stride between rows (`cross`), a stride between elements of a row, and one for
every batch letter. Inputs have contiguous rows; results may be transposed (`turned`). The statistics (each
row's maximum and sum) are indexed by row number in the matrix of scores, as in the epilogues.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.compiler.codegen.contraction.pack import room
from penstock._src.compiler.codegen.contraction.products.matrix_registers import SIDE
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR
from penstock._src.compiler.codegen.kernel_code import LINE, round_up
from penstock._src.ir.extents import dims
from penstock._src.native import Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR, SIZE
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass
from penstock._src.util.process.forks import cached_property

ROWS, COLUMNS = 64, 128  # of a block of scores, sized to stay in the L1 cache
# The same forward by vectors of 64 bytes: work for each row of a block (its maximum, sum, factor) is 8 % of the time with 128 columns.
SHORT_ROWS, WIDE_BYTES = 32, 1024
# Rows and vectors of a register tile of scores: 8 * 2 sums take half of 32 registers, 4 * 2 half of 16.
ROW_TILE, SMALL_ROW_TILE, VECTORS = 8, 4, 2
MANY_REGISTERS = 32

FORWARD = ("query", "key", "value", "output", "statistics")
BACKWARD = (*FORWARD, "seed", "query_gradient", "key_gradient", "value_gradient")


@dataclass(frozen=True)
class Form:
    """One kernel serves all attentions of equal form and epilogues.

    depth, width  elements of a row of Q and K, and of V
    batch         number of batch letters that all operands share
    elements      LLVM types of Q, K, V and the output
    total         the type that is summed in
    causal        row t sees the columns below t + `reach` (a word) only
    statistics    True if the forward kernel stores them
    turned        names of results whose rows are not contiguous
    apart         names of operands whose rows are not adjacent: row strides of a power of two crowd a few sets
                  of the L1, so they are copied
    pairs         True if scores are products of bfloat16 pairs in memory order
    matrices      True if matrix registers multiply; probabilities and their gradients are then rounded to bfloat16
    """

    depth: int
    width: int
    batch: int
    elements: tuple[str, str, str, str]
    total: str
    causal: bool
    statistics: bool = False
    turned: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    pairs: bool = False
    matrices: bool = False

    def element(self, name: str) -> str:
        """LLVM's type of an array's elements."""
        position = {
            "query": 0, "key": 1, "value": 2, "output": 3, "seed": 3,
            "query_gradient": 0, "key_gradient": 1, "value_gradient": 2,
        }  # fmt: skip
        return self.elements[position[name]] if name in position else self.total


@dataclass(frozen=True)
class Array:
    """The layout of an operand's rows, in elements."""

    base: int
    cross: int
    batch: tuple[int, ...]
    element: int = 1


@dataclass(frozen=True)
class ContextLayout:
    """Words of the context and sections of a thread's memory, of one kernel.

    arrays   that the kernel reads and writes: FORWARD or BACKWARD
    """

    form: Form
    target: Target
    arrays: tuple[str, ...]

    @cached_property
    def lanes(self) -> int:
        """Lanes of a vector of sums."""
        return self.target.lanes(self.form.total)

    @property
    def backward(self) -> bool:
        return "seed" in self.arrays

    @property
    def is_wide(self) -> bool:
        """True if blocks of scores are short and wide."""
        return not self.backward and not self.form.matrices and self.target.vector_bytes == 64

    @property
    def block_rows(self) -> int:
        """Rows of a block of scores."""
        return SHORT_ROWS if self.is_wide else ROWS

    @property
    def block_columns(self) -> int:
        """Columns of a block of scores."""
        return WIDE_BYTES // SIZE[self.form.total] if self.is_wide else COLUMNS

    @property
    def row_tile(self) -> int:
        """Rows of a tile of scores."""
        if self.form.matrices:
            return VECTORS * SIDE
        return ROW_TILE if self.target.registers >= MANY_REGISTERS else SMALL_ROW_TILE

    @property
    def in_rows(self) -> bool:
        """True if a tile of scores reads Q (and dO) as rows, not as panels: elements are broadcast from any address."""
        return not self.form.matrices and not self.target.loads_first

    @property
    def panel(self) -> int:
        """Columns of a tile of scores."""
        return VECTORS * self.lanes

    @property
    def depth(self) -> int:
        """Elements of a row of Q and K, up to whole vectors."""
        return round_up(self.form.depth, self.lanes)

    @property
    def width(self) -> int:
        """Elements of a row of V, up to whole vectors."""
        return round_up(self.form.width, self.lanes)

    @cached_property
    def pointers(self) -> tuple[str, ...]:
        """Names of the words that are addresses."""
        return (*[a for a in self.arrays if a != "statistics"], "maximum", "total", "scratch")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the words, in order."""
        batches = range(self.form.batch)
        parts = ("base", "cross", "element", *[f"batch{i}" for i in batches])
        return (
            *self.pointers, "each", "rows", "columns", "per", "chunks", "reach",
            *[f"extent{i}" for i in batches],
            *[f"{a}.{part}" for a in self.arrays for part in parts],
            *[f"at.{name}" for name in self.sections(1, 1)],
        )  # fmt: skip

    @cached_property
    def places(self) -> dict[str, int]:
        """The number of each word."""
        return {name: i for i, name in enumerate(self.names)}

    def steps(self, depth: int) -> int:
        """Rows of a packed panel with this depth in elements."""
        if self.form.matrices:
            # Registers are multiplied whole: the last one is filled with zeros.
            return round_up(depth // PAIR, SIDE)
        return depth // PAIR if self.form.pairs else depth

    def panel_room(self, width: int, depth: int) -> int:
        """Elements of a packed panel."""
        return round_up(room(width, self.steps(depth), self.lanes), self.lanes)

    def row_step(self, depth: int) -> int:
        """Elements from row to row of a tile's left operand, if it is in rows."""
        return round_up(self.steps(depth), self.lanes)

    def rows_room(self, depth: int) -> int:
        """Elements of the left operand of one tile of scores."""
        if self.in_rows:
            return self.row_tile * self.row_step(depth)
        return self.panel_room(self.row_tile, depth)

    def shared_rows(self, name: str) -> str | None:
        """The section of a tile's left operands that has an operand's rows as they are multiplied by, too."""
        if not self.in_rows or self.form.pairs:
            return None
        return {"query": "queries", "seed": "seeds"}.get(name)

    def copied(self, name: str) -> bool:
        """True if an operand's rows are copied to the sum's type for multiplications."""
        if self.shared_rows(name):
            return False
        return self.form.element(name) != self.form.total or name in self.form.apart

    def sections(self, rows: int, columns: int) -> dict[str, int]:
        """Elements of each section of a thread's memory."""
        form, lanes = self.form, self.lanes
        block_rows, block_columns = self.block_rows, self.block_columns
        tall = round_up(dims.maximum(rows, 1), block_rows)
        wide = round_up(dims.maximum(columns, 1), block_columns)
        # Forward, a block of rows meets all columns; backward, a block of columns meets all rows.
        queries = tall if self.backward else block_rows
        keys = COLUMNS if self.backward else wide
        offsets = {
            "scores": block_rows * block_columns,
            "queries": queries // self.row_tile * self.rows_room(form.depth),
            "keys": keys // self.panel * self.panel_room(self.panel, form.depth),
        }
        if not self.backward:
            offsets |= {
                "maximum": block_rows,
                "total": block_rows,
                "sums": block_rows * self.width,
            }
        else:
            offsets |= {
                "seeds": tall // self.row_tile * self.rows_room(form.width),
                "values": keys // self.panel * self.panel_room(self.panel, form.width),
                "shares": tall,
                "dq": tall * self.depth,
                "dk": COLUMNS * self.depth,
                "dv": COLUMNS * self.width,
            }
        offsets |= self._pairs(tall, wide) if form.matrices else self._copies(tall, wide)
        return {name: round_up(count + lanes, LINE) for name, count in offsets.items()}

    def _copies(self, tall: int, wide: int) -> dict[str, int]:
        """Elements of copied rows."""
        if not self.backward:
            return {"value": wide * self.width if self.copied("value") else 0}
        return {
            "query": tall * self.depth if self.copied("query") else 0,
            "key": COLUMNS * self.depth if self.copied("key") else 0,
            "seed": tall * self.width if self.copied("seed") else 0,
        }

    def _pairs(self, tall: int, wide: int) -> dict[str, int]:
        """Words of operands for matrix registers: "pairs" are of two rows, "turned" has a row for each element."""
        if not self.backward:
            return {"value_pairs": wide // PAIR * self.width}
        return {
            "score_pairs": ROWS // PAIR * COLUMNS,
            "key_pairs": COLUMNS // PAIR * self.depth,
            "turned_queries": tall // PAIR * self.depth,
            "turned_seeds": tall // PAIR * self.width,
            "rows": COLUMNS * dims.maximum(self.depth, self.width),
        }

    def scratch(self, rows: int, columns: int) -> int:
        """Bytes of one thread's memory."""
        return sum(self.sections(rows, columns).values()) * SIZE[self.form.total]

    def scratch_of_launch(self, rows: int, columns: int, batches: int, threads: int) -> int:
        """Bytes of the memory of a launch."""
        return self.scratch(rows, columns) * threads

    def context(
        self,
        pointers: Mapping[str, Any],
        arrays: Mapping[str, Array],
        extents: Sequence[int],
        rows: int,
        columns: int,
        **numbers: int,
    ) -> list[Any]:
        """The words of a launch; `numbers` are per, chunks and reach."""
        words: dict[str, Any] = {**pointers, **numbers, "rows": rows, "columns": columns}
        at = 0
        for name, count in self.sections(rows, columns).items():
            words[f"at.{name}"] = at
            at += count
        words["each"] = at
        for i, extent in enumerate(extents):
            words[f"extent{i}"] = extent
        for name, array in arrays.items():
            words[f"{name}.base"], words[f"{name}.cross"] = array.base, array.cross
            words[f"{name}.element"] = array.element
            for i, step in enumerate(array.batch):
                words[f"{name}.batch{i}"] = step
        return [words[name] for name in self.names]

    def read(self, f: Fn, name: str) -> Val:
        """A word of the context."""
        return f.load(f.ctx, self.places[name], PTR if name in self.pointers else I64)
