"""Winograd's F(4 x 4, 3 x 3): 4 x 4 outputs of a 3 x 3 convolution from 6 x 6 inputs by 36 products instead of 144.

    y  = A' [(G w G') * (B' x B)] A         sums over channels are taken between the brackets
    dw = C' [(D dy D') * (B' x B)] C        sums over tiles are: F(3 x 3, 4 x 4), whose filter is a tile of dy

Along one axis it multiplies polynomials by their values at 0, +-a, +-b and infinity (Winograd 1980; Lavin & Gray
2015). With a = sqrt(1/2), b = sqrt(2) the coefficients of the transforms stay near 1: rounding errors are twice those of
the plain sum, compared with four times for the common 1 and 2 (Barabasz et al. 2020 compare points). The values at +p and -p share
their even and odd parts, which are computed once. Values are registers; None is a known zero.
"""

from collections.abc import Sequence

from penstock._src.native import Val
from penstock._src.native.language.function import Fn

OUTPUTS, TAPS = 4, 3
INPUTS = OUTPUTS + TAPS - 1
A, B = 0.5**0.5, 2.0**0.5
A2, B2 = 0.5, 2.0  # A * B is 1
BY_A, BY_B = 1 / (2 * A2 * (A2 - B2)), 1 / (2 * B2 * (B2 - A2))  # scales of the points

Values = Sequence[Val | None]


def of_inputs(f: Fn, x: Values) -> list[Val | None]:
    """B' x: the values of a polynomial whose coefficients are 6 inputs."""
    even_a, odd_a = _sum(f, (1, x[4]), (-B2, x[2])), _sum(f, (1, x[3]), (-B2, x[1]))
    even_b, odd_b = _sum(f, (1, x[4]), (-A2, x[2])), _sum(f, (1, x[3]), (-A2, x[1]))
    return [
        _sum(f, (1, x[0]), (1, x[4]), (-A2 - B2, x[2])),
        _sum(f, (1, even_a), (A, odd_a)),
        _sum(f, (1, even_a), (-A, odd_a)),
        _sum(f, (1, even_b), (B, odd_b)),
        _sum(f, (1, even_b), (-B, odd_b)),
        _sum(f, (1, x[1]), (1, x[5]), (-A2 - B2, x[3])),
    ]


def of_weights(f: Fn, w: Values) -> list[Val | None]:
    """G w: the values of a polynomial whose coefficients are 3 weights, scaled."""
    even_a, even_b = (
        _sum(f, (BY_A, w[0]), (BY_A * A2, w[2])),
        _sum(f, (BY_B, w[0]), (BY_B * B2, w[2])),
    )
    return [
        w[0],
        _sum(f, (1, even_a), (BY_A * A, w[1])),
        _sum(f, (1, even_a), (-BY_A * A, w[1])),
        _sum(f, (1, even_b), (BY_B * B, w[1])),
        _sum(f, (1, even_b), (-BY_B * B, w[1])),
        w[2],
    ]


def of_gradients(f: Fn, dy: Values) -> list[Val | None]:
    """D dy: the values of a polynomial whose coefficients are 4 gradients of outputs."""
    even_a, odd_a = _sum(f, (1, dy[0]), (A2, dy[2])), _sum(f, (1, dy[1]), (A2, dy[3]))
    even_b, odd_b = _sum(f, (1, dy[0]), (B2, dy[2])), _sum(f, (1, dy[1]), (B2, dy[3]))
    return [
        dy[0],
        _sum(f, (1, even_a), (A, odd_a)),
        _sum(f, (1, even_a), (-A, odd_a)),
        _sum(f, (1, even_b), (B, odd_b)),
        _sum(f, (1, even_b), (-B, odd_b)),
        dy[3],
    ]


def of_sums(f: Fn, m: Values) -> list[Val | None]:
    """C' m: 3 gradients of weights, including the scale that `of_gradients` leaves out."""
    sum_a, sum_b = _sum(f, (1, m[1]), (1, m[2])), _sum(f, (1, m[3]), (1, m[4]))
    less_a, less_b = _sum(f, (1, m[1]), (-1, m[2])), _sum(f, (1, m[3]), (-1, m[4]))
    return [
        _sum(f, (1, m[0]), (BY_A, sum_a), (BY_B, sum_b)),
        _sum(f, (BY_A * A, less_a), (BY_B * B, less_b)),
        _sum(f, (1, m[5]), (BY_A * A2, sum_a), (BY_B * B2, sum_b)),
    ]


def of_products(f: Fn, m: Values, count: int) -> list[Val | None]:
    """A' m: the first `count` of 4 outputs."""
    sum_a, sum_b = _sum(f, (1, m[1]), (1, m[2])), _sum(f, (1, m[3]), (1, m[4]))
    less_a, less_b = _sum(f, (1, m[1]), (-1, m[2])), _sum(f, (1, m[3]), (-1, m[4]))
    terms: list[list[tuple[float, Val | None]]] = [
        [(1, m[0]), (1, sum_a), (1, sum_b)],
        [(A, less_a), (B, less_b)],
        [(A2, sum_a), (B2, sum_b)],
        [(1, m[5]), (A * A2, less_a), (B * B2, less_b)],
    ]
    return [_sum(f, *each) for each in terms[:count]]


def both_axes(f: Fn, rows: Sequence[Values], transform, *counts: int) -> list[list[Val | None]]:
    """A transform of columns, then of rows; `counts` are the numbers of result rows and columns, for transforms that take one."""
    columns = [transform(f, column, *counts[:1]) for column in zip(*rows, strict=True)]
    return [transform(f, row, *counts[1:]) for row in zip(*columns, strict=True)]


def _sum(f: Fn, *terms: tuple[float, Val | None]) -> Val | None:
    """The sum of number * value over values that are not known to be zero. Start with a term times 1, if there is one: it needs no instruction."""
    total: Val | None = None
    for number, value in terms:
        if value is None:
            continue
        if total is None:
            total = value if number == 1 else value * number
        elif number == 1:
            total = total + value
        elif number == -1:
            total = total - value
        else:
            total = f.fma(value, number, total)
    return total
