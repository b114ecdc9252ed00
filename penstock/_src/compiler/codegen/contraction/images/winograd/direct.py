"""Plain sums of single tiles with non-finite outputs.

The transforms spread an infinity or NaN to all outputs of a tile, and overflow for numbers near the largest one. In a plain
sum, such inputs only affect the outputs that read them.
"""

from collections.abc import Sequence

from penstock._src.compiler.codegen.contraction.images.convolution import (
    Convolution,
    FilterGradient,
)
from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.native import Module, Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR, lanes, scalar, vec

from .tiles import tiles_along
from .transforms import OUTPUTS, TAPS


def is_any_not_finite(f: Fn, values: Sequence[Val]) -> Val:
    """Emit the condition that a lane of these vectors is infinite or NaN: its product with zero is NaN."""
    # The outputs say all: what is not finite among the inputs, or overflows on the way, is part of a point's product, and each
    # output that reads it adds up that point. No sum makes an infinity or NaN finite again.
    zero = f.zero(values[0].ty)
    # Several accumulators, as each addition waits for the previous one.
    sums = [zero] * min(4, len(values))
    for i, value in enumerate(values):
        sums[i % len(sums)] = f.fma(value, zero, sums[i % len(sums)])
    total = sums[0]
    for other in sums[1:]:
        total = total + other
    return f.reduce("or", f.compare("uno", total, total))


def emit_sums(module: Module, conv: Convolution, vector: str, nr: int, pitch: int) -> None:
    """The function `direct`: the outputs of a tile, each of one vector's channels, at `pitch` elements.

    `x` is the image, `top` and `left` the first pixel that the tile reads; `weights` are [tap][channel][nr].
    """
    element, count = scalar(vector), lanes(vector)
    arguments = dict(x=PTR, weights=PTR, sums=PTR, top=I64, left=I64, rows=I64, columns=I64)
    with module.fn("direct", internal=True, noalias=False, **arguments) as f:

        def tap(row: Val, column: Val, i: Val, j: Val, total: Val) -> tuple[Val, ...]:
            at = times(f, row, conv.x.row) + times(f, column, conv.x.column)
            number = times(f, i, TAPS) + j
            pixel = f.at(f.x, at, conv.x.element)
            weights = f.at(f.weights, times(f, number, conv.channels * nr), element)

            def channel(c: Val, total: Val) -> tuple[Val]:
                x = f.splat(f.convert(f.load(pixel, c, conv.x.element), element), count)
                return (f.fma(x, f.load(weights, times(f, c, nr), vector), total),)

            return f.loop(f.i64(0), conv.channels, 1, channel, total)

        def output(i: Val, j: Val) -> None:
            (total,) = over_taps(f, conv, f.top + i, f.left + j, tap, f.zero(vector))
            f.store(total, f.sums, times(f, times(f, i, f.columns) + j, pitch))

        f.loop(
            f.i64(0), f.rows, 1, lambda i: f.loop(f.i64(0), f.columns, 1, lambda j: output(i, j))
        )


def emit_filter_sums(module: Module, gradient: FilterGradient, vector: str) -> None:
    """The function `direct`: adds the products of some rows of tiles to `taps`, rows (tap, channel) of the filter."""
    g, element, count = gradient, scalar(vector), lanes(vector)
    down = tiles_along(g.h.out)
    arguments = dict(x=PTR, dy=PTR, taps=PTR, first=I64, last=I64)
    with module.fn("direct", internal=True, noalias=False, **arguments) as f:

        def pixel(n: Val, row: Val, column: Val) -> None:
            """All products of one pixel's gradient."""
            dy_at = times(f, n, g.y.image) + times(f, row, g.y.row) + times(f, column, g.y.column)
            dy = f.at(f.dy, dy_at + g.y.base, g.y.element)

            def tap(top: Val, left: Val, i: Val, j: Val) -> tuple[()]:
                at = times(f, n, g.x.image) + times(f, top, g.x.row) + times(f, left, g.x.column)
                x = f.at(f.x, at + g.x.base, g.x.element)
                number = times(f, i, TAPS) + j
                rows = f.at(f.taps, times(f, number, g.channels * g.outputs), element)

                def channel(c: Val) -> None:
                    value = f.splat(f.convert(f.load(x, c, g.x.element), element), count)
                    to = times(f, c, g.outputs)

                    def some(o: Val) -> None:
                        total = f.load(rows, to + o, vector)
                        more = f.convert(f.load(dy, o, vec(g.y.element, count)), element)
                        f.store(f.fma(value, more, total), rows, to + o)

                    f.loop(f.i64(0), g.outputs, count, some)

                f.loop(f.i64(0), g.channels, 1, channel)
                return ()

            over_taps(f, g, row - g.h.low, column - g.w.low, tap)

        def row_of_tiles(r: Val) -> None:
            n, top = r // down, f.i64(times(f, r % down, OUTPUTS))
            bottom = f.min(top + OUTPUTS, g.h.out)
            across = lambda row: f.loop(f.i64(0), g.w.out, 1, lambda column: pixel(n, row, column))
            f.loop(top, bottom, 1, across)

        f.loop(f.first, f.last, 1, row_of_tiles)


def over_taps(f: Fn, geometry: Convolution | FilterGradient, top: Val, left: Val, body, *carry: Val):  # fmt: skip
    """carry = body(row, column, i, j, *carry) for the taps (i, j) whose pixel is inside the image."""
    h, w = geometry.h, geometry.w

    def tap(i: Val, j: Val, *carry: Val) -> tuple[Val, ...]:
        row, column = top + i, left + j
        # Tested, not padded: a zero of the border times an infinite weight would be NaN.
        inside = (row >= 0) & (row < h.size) & (column >= 0) & (column < w.size)
        return f.when(inside, lambda: body(row, column, i, j, *carry), lambda: carry)

    return f.loop(
        f.i64(0), TAPS, 1,
        lambda i, *carry: f.loop(f.i64(0), TAPS, 1, lambda j, *carry: tap(i, j, *carry), *carry),
        *carry,
    )  # fmt: skip
