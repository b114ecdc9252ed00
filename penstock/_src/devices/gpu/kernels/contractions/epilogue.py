"""The epilogue of a contraction on a thread's sums: that of CPUs, adapted to tiles computed by many threads."""

from typing import Any

from penstock._src.compiler.codegen.kernel_code import RegisterTile
from penstock._src.compiler.codegen.nests.epilogue import ExpressionEpilogue
from penstock._src.compiler.codegen.nests.tile_values import TileValues
from penstock._src.compiler.kernels.index import Index
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, vec
from penstock._src.native.language.value import Val


class CudaEpilogue(ExpressionEpilogue):
    """An expression's epilogue. Every column of a thread's statistics is written once, so they need not begin at zero."""

    def prefetch(self, f: Fn, tile: RegisterTile) -> None:
        pass

    def clear(self, f: Fn, partial: Val) -> None:
        pass

    def add_to_statistics(self, f: Fn, total: Val, partial: Val, at: Any, mask: Val | None) -> None:
        f.store(total, partial, at, mask)

    def no_statistics(self, f: Fn, partial: Val, column: Val, lanes: int) -> None:
        """Writes the sums of a thread without rows: zeros for its columns."""
        width = int(self.expression.column.extent)
        for k in range(len(self.expression.sums)):
            zero = f.zero(vec(F32, lanes) if lanes > 1 else F32)
            f.store(zero, partial, column + k * width)

    def values_of(self, f: Fn, tile: RegisterTile) -> TileValues:
        return _ThreadValues(self, f, tile)


class _ThreadValues(TileValues):
    """The values of an expression on a thread's sums, which may be single numbers."""

    def parts(self, index: Index) -> tuple[Any, Any, Val | None]:
        base, step, offsets = super().parts(index)
        return base, (step if self.lanes > 1 else 0), offsets
