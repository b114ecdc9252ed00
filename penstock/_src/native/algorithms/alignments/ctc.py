"""Probabilities of label sequences under connectionist temporal classification, by the forward and the backward recursion.

A probability is a number from 1 to 2 (or 0) times a power of two whose exponent is an integer of its own: none vanishes, however small it is, and no logarithm is computed.

Source: Graves, Fernandez, Gomez & Schmidhuber 2006, "Connectionist temporal classification".
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F64, I64, PTR
from ...language.value import Val

# The exponent of 0, less than that of any product.
NO_EXPONENT = -(1 << 50)
_FRACTION_BITS, _BIAS, _FRACTION = 52, 1023, (1 << 52) - 1
_Number = tuple[Val, Val]


class Paths(NamedTuple):
    """Builtins.

    occupy (fractions float64 [steps, batch, classes], exponents int64 of that shape, batch, classes, sizes int64 [batch], labels, their begins [batch + 1], blank, 1 if a label may last several
            steps, forward probabilities float64 [steps, states], their exponents int64, backward float64 [states], int64 [states], totals float64 [batch], int64 [batch],
            gradients float64 [steps, batch, classes]) -> 0
    Fractions and exponents are those of each class at each step. The probabilities that a path through the labels is in a class at a step are subtracted from the gradients.
    """

    occupy: Callable[..., int]


@compiled(Paths)
def paths(m: Module) -> None:
    """The function, compiled."""
    arguments: Any = dict(
        fractions=PTR, exponents=PTR, batch=I64, classes=I64, sizes=PTR, labels=PTR, begins=PTR,
        blank=I64, merges=I64, ahead=PTR, ahead_exponents=PTR, back=PTR, back_exponents=PTR,
        totals=PTR, total_exponents=PTR, gradients=PTR,
    )  # fmt: skip
    with m.fn("occupy", ret=I64, internal=True, **arguments) as f:
        f.loop(f.i64(0), f.batch, 1, lambda b: _Sequence(f, b).emit())
        f.give(f.i64(0))
    py.emit_entry(m, "occupy", "aannaaanna" + "aaaaaa")


class _Sequence:
    """Emits the recursions of a sequence, whose states are the labels with blanks between and around them."""

    def __init__(self, f: Fn, b: Val) -> None:
        self.f, self.b = f, b
        self.size = f.load(f.sizes, b, I64)
        self.first = f.load(f.begins, b, I64)
        self.states = (f.load(f.begins, b + 1, I64) - self.first) * 2 + 1
        self.zero: _Number = f.const(0.0, F64), f.i64(NO_EXPONENT)
        self.one: _Number = f.const(1.0, F64), f.i64(0)

    def emit(self) -> None:
        f = self.f
        f.loop(f.i64(0), self.states, 1, self.begin)
        f.loop(f.i64(1), self.size, 1, lambda t: f.loop(f.i64(0), self.states, 1, self.enter(t)))
        total = self.forward(self.size - 1, self.states - 1)
        (fraction, exponent) = f.when(
            self.states > 1,
            lambda: self.sum(total, self.forward(self.size - 1, self.states - 2)),
            lambda: total,
        )
        f.store(fraction, f.totals, self.b)
        f.store(exponent, f.total_exponents, self.b)
        # Neither 0 nor NaN: else the paths have no shares.
        f.when(fraction > 0.0, lambda: self.occupy((fraction, exponent)))

    # -- numbers

    def scaled(self, number: _Number, exponent: Val) -> Val:
        """A number divided by a power of two that is not less than its own."""
        f = self.f
        shift = f.max(number[1] - exponent, f.i64(-1000))
        # What is less than 2 ** -1000 of the largest term adds nothing to it.
        return number[0] * f.bits((shift + _BIAS) << _FRACTION_BITS, F64)

    def normal(self, fraction: Val, exponent: Val) -> _Number:
        f = self.f
        bits = f.bits(fraction, I64)
        more = ((bits >> _FRACTION_BITS) & 0x7FF) - _BIAS
        from_one = f.bits((bits & _FRACTION) | (_BIAS << _FRACTION_BITS), F64)
        is_regular = (fraction > 0.0) & (fraction < float("inf"))
        exponent = f.select(is_regular, exponent + more, exponent)
        return (
            f.select(is_regular, from_one, fraction),
            f.select(fraction.eq(0.0), f.i64(NO_EXPONENT), exponent),
        )

    def sum(self, *numbers: _Number) -> _Number:
        f = self.f
        exponent = numbers[0][1]
        for number in numbers[1:]:
            exponent = f.max(exponent, number[1])
        fraction = self.scaled(numbers[0], exponent)
        for number in numbers[1:]:
            fraction = fraction + self.scaled(number, exponent)
        return self.normal(fraction, exponent)

    def product(self, a: _Number, b: _Number) -> _Number:
        return self.normal(a[0] * b[0], a[1] + b[1])

    # -- states

    def label(self, k: Val) -> Val:
        """The class of a state."""
        f = self.f
        (label,) = f.when(
            (k & 1).eq(0),
            lambda: (f.blank,),
            lambda: (f.load(f.labels, self.first + (k >> 1), I64),),
        )
        return label

    def emission(self, t: Val, k: Val) -> _Number:
        f = self.f
        at = (t * f.batch + self.b) * f.classes + self.label(k)
        return f.load(f.fractions, at, F64), f.load(f.exponents, at, I64)

    def stays(self, k: Val) -> Val:
        return (k & 1).eq(0) | self.f.merges.ne(0)

    def skips(self, k: Val) -> Val:
        """True if a path may come to a state from the label before it, without the blank between them."""
        f = self.f

        def differs() -> tuple[Val]:
            # Between two equal labels the blank is all that keeps them apart.
            label, before = self.label(k), self.label(k - 2)
            return (label.ne(before) | f.merges.eq(0),)

        is_label = (k & 1).ne(0) & (k >= 3)
        (skips,) = f.when(is_label, differs, lambda: (f.const(0, "i1"),))
        return skips

    def chosen(self, condition: Val, number: Callable[[], _Number]) -> _Number:
        return self.f.when(condition, number, lambda: self.zero)  # type: ignore[return-value]

    # -- forward

    def forward(self, t: Val, k: Val) -> _Number:
        f, at = self.f, t * self.states + k
        return f.load(f.ahead, at, F64), f.load(f.ahead_exponents, at, I64)

    def keep(self, number: _Number, t: Val, k: Val) -> None:
        f, at = self.f, t * self.states + k
        f.store(number[0], f.ahead, at)
        f.store(number[1], f.ahead_exponents, at)

    def begin(self, k: Val) -> None:
        zero = self.f.i64(0)
        self.keep(self.chosen(k < 2, lambda: self.emission(zero, k)), zero, k)

    def enter(self, t: Val) -> Callable[[Val], None]:
        def state(k: Val) -> None:
            before = t - 1
            reached = self.sum(
                self.chosen(self.stays(k), lambda: self.forward(before, k)),
                self.chosen(k >= 1, lambda: self.forward(before, k - 1)),
                self.chosen(self.skips(k), lambda: self.forward(before, k - 2)),
            )
            self.keep(self.product(reached, self.emission(t, k)), t, k)

        return state

    # -- backward

    def backward(self, k: Val) -> _Number:
        f = self.f
        return f.load(f.back, k, F64), f.load(f.back_exponents, k, I64)

    def put(self, number: _Number, k: Val) -> None:
        f = self.f
        f.store(number[0], f.back, k)
        f.store(number[1], f.back_exponents, k)

    def occupy(self, total: _Number) -> None:
        """Goes back from the last step, and subtracts the share that each state has of all paths at each step."""
        f = self.f
        is_last = self.states - 2
        f.loop(
            f.i64(0), self.states, 1,
            lambda k: self.put(self.chosen(k >= is_last, lambda: self.one), k),
        )  # fmt: skip
        self.subtract(self.size - 1, total)

        def step(i: Val) -> None:
            t = self.size - 2 - i

            def follow(k: Val) -> None:
                self.put(self.product(self.backward(k), self.emission(t + 1, k)), k)

            def leave(k: Val) -> None:
                # States after this one are those of the following step still.
                left = self.sum(
                    self.chosen(self.stays(k), lambda: self.backward(k)),
                    self.chosen(k + 1 < self.states, lambda: self.backward(k + 1)),
                    self.chosen(self.may_skip(k + 2), lambda: self.backward(k + 2)),
                )
                self.put(left, k)

            f.loop(f.i64(0), self.states, 1, follow)
            f.loop(f.i64(0), self.states, 1, leave)
            self.subtract(t, total)

        f.loop(f.i64(0), self.size - 1, 1, step)

    def may_skip(self, k: Val) -> Val:
        f = self.f
        (skips,) = f.when(k < self.states, lambda: (self.skips(k),), lambda: (f.const(0, "i1"),))
        return skips

    def subtract(self, t: Val, total: _Number) -> None:
        f = self.f

        def state(k: Val) -> None:
            number = self.product(self.forward(t, k), self.backward(k))
            # A share is at most 1, but for rounding.
            share = self.scaled((number[0] / total[0], number[1]), total[1])
            at = (t * f.batch + self.b) * f.classes + self.label(k)
            f.store(f.load(f.gradients, at, F64) - share, f.gradients, at)

        f.loop(f.i64(0), self.states, 1, state)
