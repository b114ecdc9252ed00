"""Checks, which write an error to the status of a call: kernels of their own, run before the kernels that rely on them."""

from typing import Any

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.core import dtypes
from penstock._src.native import Code, Module
from penstock._src.native.language.types import I64, PTR


def emit_truth_check(target: Any) -> Code:
    """Writes its code to the status if a truth value does not hold.

    Context: status, the value, code.
    """
    m = Module(target)
    with m.task("task") as f:
        status, value, code = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR), f.load(f.ctx, 2, I64)
        holds = f.convert(f.load(value, 0, memory_type(dtypes.bool_)), I64, False)
        # The status keeps the first error of a call, which is the one that is raised.
        first = f.load(status, 0, I64).eq(0)
        f.when(holds.eq(0) & first, lambda: f.store(code, status, 0))
    return Code.of(m)


def emit_bounds_check(index_dtype: Any, depth: int, target: Any) -> Code:
    """Writes code, index position, value and extent to the status if an index is out of range.

    Context: status, indices, index vectors, code, then `depth` extents.
    """
    m = Module(target)
    ty = memory_type(index_dtype)
    with m.task("task") as f:
        status, indices = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR)
        vectors, code = f.load(f.ctx, 2, I64), f.load(f.ctx, 3, I64)

        def vector(number):
            for i in range(depth):
                extent = f.load(f.ctx, 4 + i, I64)
                x = f.convert(
                    f.load(indices, number * depth + i, ty), I64, not index_dtype.is_unsigned
                )

                def note(x=x, extent=extent, i=i):
                    for word, what in enumerate((code, number * depth + i, x, extent)):
                        f.store(what, status, word)

                first = f.load(status, 0, I64).eq(0)
                # A negative index is a huge unsigned number: one comparison tests both ends.
                f.when(f.compare("uge", x, extent) & first, note)

        f.loop(0, vectors, 1, vector)
    return Code.of(m)
