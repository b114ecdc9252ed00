"""Short Fourier transforms of numbers or vectors in registers: the butterflies that long transforms are made of."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.scalars.registers import Pair


def short_transform(f: Any, xs: Sequence[Pair], inverse: bool) -> list[Pair]:
    """The transform of 2, 4 or 8 complex numbers, or of an odd number of them; the inverse one is not scaled."""
    return _Short(f, inverse).transform(list(xs))


def product(a: Pair, b: Pair) -> Pair:
    """The product of two complex numbers."""
    return Pair(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)


def _sum(a: Pair, b: Pair) -> Pair:
    return Pair(a.re + b.re, a.im + b.im)


def _difference(a: Pair, b: Pair) -> Pair:
    return Pair(a.re - b.re, a.im - b.im)


class _Short:
    """Writes one transform."""

    def __init__(self, f: Any, inverse: bool) -> None:
        self.f, self.inverse = f, inverse

    def transform(self, xs: list[Pair]) -> list[Pair]:
        """The transform of a list, whose length selects the method."""
        even: dict[int, Callable[[list[Pair]], list[Pair]]] = {
            2: self.two,
            4: self.four,
            8: self.eight,
        }
        return even.get(len(xs), self.odd)(xs)

    def quarter(self, x: Pair) -> Pair:
        """x times the root of unity of order 4."""
        return Pair(-x.im, x.re) if self.inverse else Pair(x.im, -x.re)

    def two(self, xs: list[Pair]) -> list[Pair]:
        """The transform of two elements."""
        return [_sum(*xs), _difference(*xs)]

    def four(self, xs: list[Pair]) -> list[Pair]:
        """The transform of four elements."""
        a, b = self.two(xs[::2])
        c, d = self.two(xs[1::2])
        d = self.quarter(d)
        return [_sum(a, c), _sum(b, d), _difference(a, c), _difference(b, d)]

    def eight(self, xs: list[Pair]) -> list[Pair]:
        """The transform of eight elements."""
        half = math.sqrt(0.5)
        even, odd = self.four(xs[::2]), self.four(xs[1::2])
        one, two, three = odd[1], self.quarter(odd[2]), odd[3]
        # x + quarter(x) is x times the root of order 8, but for the factor sqrt(1/2).
        one = _sum(one, self.quarter(one))
        three = _difference(self.quarter(three), three)
        odd = [
            odd[0],
            Pair(one.re * half, one.im * half),
            two,
            Pair(three.re * half, three.im * half),
        ]
        pairs = list(zip(even, odd, strict=True))
        return [_sum(*pair) for pair in pairs] + [_difference(*pair) for pair in pairs]

    def odd(self, xs: list[Pair]) -> list[Pair]:
        """An odd number of elements: sums and differences of those that are opposite have real factors."""
        radix, f = len(xs), self.f
        pairs = [(xs[r], xs[radix - r]) for r in range(1, (radix + 1) // 2)]
        sums, differences = [_sum(*pair) for pair in pairs], [_difference(*pair) for pair in pairs]
        total = xs[0]
        for x in sums:
            total = _sum(total, x)
        low, high = [], []
        for k in range(1, (radix + 1) // 2):
            even, odd = xs[0], None
            for r, (x, y) in enumerate(zip(sums, differences, strict=True), 1):
                # Reduced by whole turns, where the sine and cosine are most exact.
                angle = 2 * math.pi * (r * k % radix) / radix
                even = Pair(
                    *(f.fma(a, math.cos(angle), b) for a, b in ((x.re, even.re), (x.im, even.im)))
                )
                sine = math.sin(angle)
                if odd is None:
                    odd = Pair(y.re * sine, y.im * sine)
                else:
                    odd = Pair(*(f.fma(a, sine, b) for a, b in ((y.re, odd.re), (y.im, odd.im))))
            assert odd is not None
            # Outputs k and radix - k differ only in the sign of their sines: one sum serves both.
            turned = self.quarter(odd)
            low.append(_sum(even, turned))
            high.append(_difference(even, turned))
        return [total, *low, *reversed(high)]
