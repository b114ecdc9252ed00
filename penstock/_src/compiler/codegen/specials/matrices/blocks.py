"""Steps of factorizations on blocks: triangular systems of few rows, and products subtracted from the rest."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.ir.extents import dims
from penstock._src.native import Module, Target
from penstock._src.native.language.types import I64, PTR, SIZE, vec
from penstock._src.native.language.types import lanes as lanes_of
from penstock._src.native.language.value import Val

BLOCK = 32  # columns of a block
WIDE = 4  # vectors of columns that are worked on at once: as many sums hide the latency of each
WORK = 1 << 14  # multiplications of a task, at least: small matrices share one


def matrices_of_tasks(batch: Any, n: Any) -> tuple[Any, Any]:
    """The matrices of a task, and the number of tasks."""
    if dims.is_symbolic(n):
        return 1, batch
    each = max(1, WORK // max(1, n**3)) if n else 1
    return each, dims.ceil_divide(batch, each) if n else batch


def panel_stride(columns: Any, target: Target, ty: str) -> Any:
    """Elements from a row of a panel to the next: a vector more than the columns fill, so that rows do not share the few sets of a cache."""
    lanes = target.lanes(ty)
    return (columns + lanes - 1) // lanes * lanes + lanes


def write_block_functions(m: Module, ty: str) -> None:
    """Writes the functions that the others call.

    substitute(a, stride, size, panel, room, columns, lower, unit): the panel [size, columns] becomes the solution of a triangular system of `size`
        rows. Rows of `a` are `stride` elements apart, those of the panel `room`.
    subtract(c, stride_c, a, stride_a, step_a, panel, room, rows, columns, depth): c [rows, columns] -= a [rows, depth] times panel [depth, columns].
        Elements of a row of `a` are `step_a` apart.
    """
    with m.fn(
        "substitute", internal=True, noalias=False, a=PTR, stride=I64, size=I64, panel=PTR, room=I64, columns=I64, lower=I64, unit=I64,
    ) as f:  # fmt: skip
        _substitute(f, ty)
    with m.fn(
        "subtract", internal=True, noalias=False, c=PTR, stride_c=I64, a=PTR, stride_a=I64, step_a=I64, panel=PTR, room=I64, rows=I64, columns=I64, depth=I64,
    ) as f:  # fmt: skip
        _subtract(f, ty)


def over_columns(f: Any, columns: Val, ty: str, body: Callable[[Val, int, Any], None]) -> None:
    """Calls body(first column, number of vectors, masks or None) for tiles of WIDE vectors, then for the rest of the columns."""
    lanes = f.target.lanes(ty)
    wide = WIDE * lanes
    whole = columns // wide * wide
    f.loop(f.i64(0), whole, wide, lambda at: body(at, WIDE, None))
    f.loop(whole, columns, lanes, lambda at: body(at, 1, [f.mask(lanes, columns - at)]))


def vectors(f: Any, p: Val, at: Any, count: int, masks: Any, ty: str) -> list[Val]:
    """Loads vectors of a row."""
    lanes = f.target.lanes(ty)
    return [f.load(p, at + i * lanes, vec(ty, lanes), masks and masks[i]) for i in range(count)]


def put(f: Any, values: Sequence[Val], p: Val, at: Any, masks: Any) -> None:
    """Stores vectors of a row."""
    for i, value in enumerate(values):
        f.store(value, p, at + i * lanes_of(value.ty), masks and masks[i])


def minus_product(f: Any, c: Val, a: Val, b: Val) -> Val:
    """c - a * b."""
    return f.fma(-a, b, c)


def _substitute(f: Any, ty: str) -> None:
    lanes = f.target.lanes(ty)

    def tile(at: Val, count: int, masks: Any) -> None:
        def one(step: Val) -> None:
            i = f.select(f.lower.ne(0), step, f.size - 1 - step)

            def take(k: Val, *sums: Val) -> list[Val]:
                j = f.select(f.lower.ne(0), k, f.size - 1 - k)
                factor = f.splat(f.load(f.a, i * f.stride + j, ty), lanes)
                known = vectors(f, f.panel, j * f.room + at, count, masks, ty)
                return [minus_product(f, c, factor, x) for c, x in zip(sums, known, strict=True)]

            sums = f.loop(
                f.i64(0), step, 1, take, *vectors(f, f.panel, i * f.room + at, count, masks, ty)
            )

            def divided() -> list[Val]:
                pivot = f.splat(f.load(f.a, i * f.stride + i, ty), lanes)
                return [x / pivot for x in sums]

            put(
                f,
                list(f.when(f.unit.ne(0), lambda: sums, divided)),
                f.panel,
                i * f.room + at,
                masks,
            )

        f.loop(f.i64(0), f.size, 1, one)

    over_columns(f, f.columns, ty, tile)


def _subtract(f: Any, ty: str) -> None:
    lanes = f.target.lanes(ty)
    tall = max(1, (f.target.registers - WIDE - 1) // WIDE)  # rows whose sums are in registers

    def tile(at: Val, count: int, masks: Any) -> None:
        def rows(first: Val, height: int) -> None:
            to = [(first + r) * f.stride_c + at for r in range(height)]
            own = [x for each in to for x in vectors(f, f.c, each, count, masks, ty)]

            def step(k: Val, *sums: Val) -> list[Val]:
                known = vectors(f, f.panel, k * f.room + at, count, masks, ty)
                result = []
                for r in range(height):
                    factor = f.splat(
                        f.load(f.a, (first + r) * f.stride_a + k * f.step_a, ty), lanes
                    )
                    result += [
                        minus_product(f, sums[r * count + v], factor, known[v])
                        for v in range(count)
                    ]
                return result

            sums = list(f.loop(f.i64(0), f.depth, 1, step, *own))
            for r, each in enumerate(to):
                put(f, sums[r * count : (r + 1) * count], f.c, each, masks)

        whole = f.rows // tall * tall
        f.loop(f.i64(0), whole, tall, lambda first: rows(first, tall))
        f.loop(whole, f.rows, 1, lambda first: rows(first, 1))

    over_columns(f, f.columns, ty, tile)


def copy_rows(
    f: Any, to: Val, stride: Val, source: Val, stride_source: Val, extents: tuple[Val, Val], ty: str
) -> None:
    """Copies a block [rows, columns]."""
    rows, columns = extents
    size = SIZE[ty]
    f.loop(
        f.i64(0), rows, 1,
        lambda i: f.memcpy(f.at(to, i * stride, ty), f.at(source, i * stride_source, ty), columns * size),
    )  # fmt: skip


def clear_rows(f: Any, to: Val, stride: Val | int, extents: tuple[Val, Val], ty: str) -> None:
    """Sets a block [rows, columns] to zeros."""
    rows, columns = extents
    size = SIZE[ty]
    f.loop(f.i64(0), rows, 1, lambda i: f.memset(f.at(to, i * stride, ty), 0, columns * size))
