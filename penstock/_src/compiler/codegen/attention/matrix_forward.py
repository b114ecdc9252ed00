"""Attention forward in bfloat16 by matrix registers: the blocks of forward.py, with Q in rows, V in pairs of rows and rounded probabilities."""

from penstock._src.compiler.codegen.contraction.products.matrix_registers import (
    begin_matrices,
    end_matrices,
)
from penstock._src.compiler.codegen.contraction.products.pairs import PAIR
from penstock._src.compiler.codegen.kernel_code import PLAIN, Epilogue
from penstock._src.native import Code, Target, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32

from .form import COLUMNS, FORWARD, ContextLayout, Form
from .forward import Forward, ForwardTask
from .matrix_tiles import MatrixTask, MatrixTiles, groups_of
from .task import Rows
from .tiles import Beside


def emit_matrix_forward(form: Form, target: Target, epilogue: Epilogue = PLAIN) -> Code:
    """The kernel: task `forward`, for a chunk of `per` rows of one batch."""
    return _MatrixForward(form, ContextLayout(form, target, FORWARD), target).write(epilogue)


class _MatrixForward(MatrixTiles, Forward):
    """Writes the kernel."""

    def write_task(self, f: Fn) -> None:
        begin_matrices(f)
        _MatrixForwardTask(self, f, FORWARD).write()
        end_matrices(f)


class _MatrixForwardTask(MatrixTask, ForwardTask):
    """Writes the task."""

    tiles: MatrixTiles

    def values(self, count: Val) -> Rows:
        pairs = self.section("value_pairs")
        self.pack_row_pairs("value", self.f.i64(0), count, self.form.width, pairs)
        return pairs, self.f.i64(self.layout.width)

    def pack_queries(self, first: Val, count: Val, dst: Val) -> None:
        self.pack_whole_rows("query", first, count, self.form.depth, dst)

    def add_values(
        self, scores: Val, values: Rows, j: Val, sums: Val, count: Val, cols: Val, beside: Beside
    ) -> None:
        f, width = self.f, self.layout.width
        pairs = f.at(values[0], j // PAIR * width, F32)
        strides = COLUMNS, width, width
        self.tiles.add_product(f, scores, pairs, sums, count, width, groups_of(cols), strides)
