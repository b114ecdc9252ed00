"""Numbers of translated kernels: their kinds, and the instructions that mean what NumPy's scalars mean.

A kind is a name of NumPy's, or "int" or "float" for Python's own numbers, which take the kind of the NumPy scalar that they meet (NEP 50).
A number that is known while a kernel is translated is a Python number.
"""

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .function import Fn
from .types import BITS, F32, F64, FLOATS, I1, I64, OF_NUMPY
from .value import Val

TYPES = {**OF_NUMPY, "bool": I1, "int": I64, "float": F64}
del TYPES["bfloat16"]  # not one of NumPy's
PYTHON = ("int", "float")
SYMBOLS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.MatMult: "@", ast.LShift: "<<",
    ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_KNOWN: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod, "**": operator.pow,
    "<<": operator.lshift, ">>": operator.rshift, "&": operator.and_, "|": operator.or_, "^": operator.xor, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_EXACT = {"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}
_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_INTRINSICS = {
    "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint", "fabs": "fabs", "copysign": "copysign",
}  # fmt: skip
_LIBRARY = ("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "atan2", "pow")
_OF_LIBRARY = {"arctan2": "atan2", "power": "pow"}
FUNCTIONS = (*_INTRINSICS, *_LIBRARY[:-2], *_OF_LIBRARY, "isnan", "isfinite", "isinf")


class Refused(Exception):
    """What a kernel may not do, and what to write instead."""


class Number(NamedTuple):
    """A number that the kernel computes.

    Attributes:
      kind: see above.
      value: of the native code.
      most: the largest value of an integer that is known not to be negative, else None.
    """

    kind: str
    value: Val
    most: int | None = None


Scalar = Number | int | float | bool


def kind_of(x: Scalar) -> str:
    return x.kind if isinstance(x, Number) else type(x).__name__


def is_integer(kind: str) -> bool:
    return "int" in kind


def is_unsigned(kind: str) -> bool:
    return kind.startswith("u")


def is_float(kind: str) -> bool:
    return TYPES[kind] in FLOATS


def common_kind(a: Scalar, b: Scalar) -> str:
    """The kind of the result of arithmetic."""
    x, y = kind_of(a), kind_of(b)
    if "bool" in (x, y):
        raise Refused("True and False are not numbers here: write int(...)")
    if x == y:
        return x
    if x in PYTHON and y in PYTHON:
        return "float"
    for own, fixed in ((x, y), (y, x)):
        if own in PYTHON:
            return "float64" if own == "float" and is_integer(fixed) else fixed
    kind = np.result_type(x, y).name
    if is_float(kind) and is_integer(x) and is_integer(y):
        raise Refused(f"{x} and {y} have no common kind of integer: convert one, np.{x}(...)")
    return kind


class Numbers:
    """Writes instructions for numbers into a function."""

    def __init__(self, f: Fn) -> None:
        self.f = f

    def value(self, x: Scalar, kind: str = "") -> Val:
        """The value of a number as one of a kind, by default its own."""
        kind = kind or kind_of(x)
        number = self.converted(x, kind)
        if isinstance(number, Number):
            return number.value
        return self.f.const(_wrapped(number, kind), TYPES[kind])

    def converted(self, x: Scalar, kind: str) -> Scalar:
        """A number as one of a kind; integers wrap, and floats lose their fractions."""
        f, ty = self.f, TYPES[kind]
        if not isinstance(x, Number):
            if kind in (*PYTHON, "bool"):
                return {"int": int, "float": float, "bool": bool}[kind](x)
            return Number(kind, f.const(_wrapped(x, kind), ty))
        if x.kind == kind or (ty == x.value.ty and is_unsigned(kind) == is_unsigned(x.kind)):
            return Number(kind, x.value)
        if ty == I1:
            return Number(kind, f.compare("ne", x.value, 0))
        signed = not is_unsigned(kind if is_float(x.kind) else x.kind)
        return Number(kind, x.value if ty == x.value.ty else f.convert(x.value, ty, signed))

    def index(self, x: Scalar) -> Scalar:
        """An integer as one of Python's."""
        if not is_integer(kind_of(x)):
            raise Refused(f"an integer is needed, and here is {kind_of(x)}: write int(...)")
        return self.converted(x, "int")

    # -- operators
    def binary(self, symbol: str, a: Scalar, b: Scalar) -> Scalar:
        if symbol in ("**", "@"):
            raise Refused(f"{symbol} is not an operator of kernels: write products or np.power")
        if not isinstance(a, Number) and not isinstance(b, Number):
            return _KNOWN[symbol](a, b)
        if symbol in ("&", "|", "^") and kind_of(a) == kind_of(b) == "bool":
            return Number("bool", self.f.binary(_EXACT[symbol], self.value(a), self.value(b)))
        kind = common_kind(a, b)
        if symbol == "/":
            kind = kind if is_float(kind) else "float" if kind == "int" else "float64"
            return Number(kind, self._exact("div", self.value(a, kind), self.value(b, kind)))
        if is_integer(kind) and symbol in ("+", "*") and 0 in (a, b):
            return self.converted(
                b if symbol == "+" and a == 0 else a if symbol == "+" else 0, kind
            )
        if symbol in ("+", "-", "*"):
            x, y = self.value(a, kind), self.value(b, kind)
            return Number(kind, self._exact(_EXACT[symbol], x, y))
        if not is_integer(kind):
            other = "np.floor(a / b)" if symbol in ("//", "%") else "x.view(np.int64)"
            raise Refused(f"{symbol} is for integers, and here is {kind}: write {other}")
        x, y = self.value(a, kind), self.value(b, kind)
        if symbol in _EXACT:
            is_mask = symbol == "&" and not isinstance(b, Number) and b >= 0
            return Number(kind, self.f.binary(_EXACT[symbol], x, y), int(b) if is_mask else None)  # type: ignore[arg-type]
        if symbol in ("<<", ">>") and isinstance(b, Number) and b.most in range(BITS[x.ty]):
            return Number(kind, self.f.binary(self._shift(symbol, kind), x, y))
        divides = symbol in ("//", "%")
        known = None if isinstance(b, Number) else int(b)
        return Number(
            kind, (self._divided if divides else self._shifted)(symbol, kind, x, y, known)
        )

    def _exact(self, op: str, x: Val, y: Val) -> Val:
        """IEEE 754's operation: not merged with another, as the old code's are, and with signs of zeros."""
        return self.f.binary(op, x, y, flags="")

    def _divided(self, symbol: str, kind: str, x: Val, y: Val, known: int | None) -> Val:
        """The quotient rounded down, or the remainder of the divisor's sign; 0 for a divisor of 0."""
        f = self.f
        if known == 0:
            raise Refused("the divisor is 0")
        if known is not None and known > 0 and known & (known - 1) == 0:
            if symbol == "%":
                return f.binary("and", x, known - 1)
            shift = known.bit_length() - 1
            return f.binary("lshr" if is_unsigned(kind) else "ashr", x, shift) if shift else x
        if known == -1:
            return f.negative(x) if symbol == "//" else f.const(0, x.ty)
        if known:
            return self._rounded_down(symbol, kind, x, y)
        # The least integer over -1 would be a fault of the processor, too. A branch, as dividends seldom wait for one.
        is_special = y.eq(0) if is_unsigned(kind) else f.compare("ult", y + 1, 2)

        def special() -> tuple[Val, ...]:
            zero = f.const(0, x.ty)
            if symbol == "%" or is_unsigned(kind):
                return (zero,)
            return (f.select(y.eq(0), zero, f.negative(x)),)

        divided = f.when(is_special, special, lambda: (self._rounded_down(symbol, kind, x, y),))
        return divided[0]

    def _rounded_down(self, symbol: str, kind: str, x: Val, y: Val) -> Val:
        f = self.f
        if is_unsigned(kind):
            return f.binary("udiv" if symbol == "//" else "urem", x, y)
        remainder = f.binary("srem", x, y)
        is_off = remainder.ne(0) & ((remainder ^ y) < 0)
        if symbol == "//":
            return f.binary("sdiv", x, y) - f.convert(is_off, y.ty)
        return f.select(is_off, remainder + y, remainder)

    def _shifted(self, symbol: str, kind: str, x: Val, y: Val, known: int | None) -> Val:
        f, bits, op = self.f, BITS[x.ty], self._shift(symbol, kind)
        if known is not None:
            if not 0 <= known < bits:
                raise Refused(f"a shift of {kind} must be from 0 to {bits - 1}")
            return f.binary(op, x, known)
        # As NumPy's, which a processor's are not: no bit is left after a shift by all or more.
        fits = f.compare("ult", y, bits)
        if op == "ashr":
            return f.binary(op, x, f.select(fits, y, bits - 1))
        return f.select(fits, f.binary(op, x, y & bits - 1), 0)

    def _shift(self, symbol: str, kind: str) -> str:
        return "shl" if symbol == "<<" else "lshr" if is_unsigned(kind) else "ashr"

    def compared(self, symbol: str, a: Scalar, b: Scalar) -> Scalar:
        if not isinstance(a, Number) and not isinstance(b, Number):
            return _KNOWN[symbol](a, b)
        op, kinds = _COMPARISONS[symbol], (kind_of(a), kind_of(b))
        if kinds == ("bool", "bool"):
            kind = "bool"
        else:
            kind = common_kind(a, b)
            if is_integer(kind) and kind != "uint64":
                kind = "int64"  # a number of Python's may be out of the other's range
            elif kind == "uint64" and "int" in kinds:
                known = [x for x in (a, b) if not isinstance(x, Number)]
                if not known or not 0 <= known[0] < 1 << 64:
                    raise Refused("uint64 is compared with int: convert one, np.uint64(...)")
        if is_unsigned(kind) and op not in ("eq", "ne"):
            op = f"u{op}"
        return Number("bool", self.f.compare(op, self.value(a, kind), self.value(b, kind)))

    def negative(self, x: Scalar) -> Scalar:
        if not isinstance(x, Number):
            return -x
        if x.kind == "bool":
            raise Refused("a bool has no sign: write not")
        return Number(x.kind, self.f.negative(x.value))

    def inverse(self, x: Scalar) -> Scalar:
        """All bits inverted."""
        if not isinstance(x, Number):
            return ~x  # type: ignore[operator]
        if not is_integer(x.kind):
            raise Refused(f"~ is for integers, and here is {x.kind}: write not")
        return Number(x.kind, ~x.value)

    def negated(self, x: Scalar) -> Scalar:
        condition = self.condition(x)
        return Number("bool", ~condition) if isinstance(condition, Val) else not condition

    def condition(self, x: Scalar) -> Val | bool:
        if kind_of(x) != "bool":
            raise Refused(f"a condition must be a bool, not {kind_of(x)}: write x != 0")
        return x.value if isinstance(x, Number) else bool(x)

    # -- functions
    def least(self, op: str, numbers: Sequence[Scalar]) -> Scalar:
        """`min` or `max` of Python: of equal numbers the first, and the first if the others are NaN."""
        best = numbers[0]
        for x in numbers[1:]:
            if not isinstance(best, Number) and not isinstance(x, Number):
                best = (min if op == "min" else max)(best, x)
                continue
            kind = unified(best, x)
            a, b = self.value(best, kind), self.value(x, kind)
            if is_float(kind):
                chosen = self.f.select(self.f.compare("lt" if op == "min" else "gt", b, a), b, a)
            else:
                sign = "u" if is_unsigned(kind) else "s"
                chosen = self.f.intrinsic(f"{sign}{op}", a, b)
            best = Number(kind, chosen)
        return best

    def absolute(self, x: Scalar) -> Scalar:
        if not isinstance(x, Number):
            return abs(x)
        if is_float(x.kind):
            return Number(x.kind, self.f.intrinsic("fabs", x.value, fast=False))
        if is_unsigned(x.kind):
            return x
        return Number(x.kind, self.f.select(x.value < 0, self.f.negative(x.value), x.value))

    def bits(self, x: Scalar, kind: str) -> Number:
        """The same bits as a number of another kind."""
        value = self.value(x)
        if BITS[value.ty] != BITS[TYPES[kind]]:
            raise Refused(f"{kind_of(x)} and {kind} have different numbers of bits")
        return Number(kind, self.f.bits(value, TYPES[kind]))

    def function(self, name: str, numbers: Sequence[Scalar]) -> Scalar:
        """A function of NumPy."""
        f = self.f
        kind = kind_of(numbers[0])
        for x in numbers[1:]:
            kind = common_kind(numbers[0], x)
        kind = kind if kind in ("float16", "float32") else "float64"
        values = [self.value(x, kind) for x in numbers]
        if name == "isnan":
            return Number("bool", f.compare("uno", *values * 2))
        if name in ("isfinite", "isinf"):
            size = f.intrinsic("fabs", values[0], fast=False)
            op = "lt" if name == "isfinite" else "eq"
            return Number("bool", f.compare(op, size, float("inf")))
        if name in _INTRINSICS:
            return Number(kind, f.intrinsic(_INTRINSICS[name], *values, fast=False))
        if kind == "float16":
            raise Refused(f"np.{name} of float16: write np.{name}(np.float32(...))")
        symbol = _OF_LIBRARY.get(name, name) + ("f" if TYPES[kind] == F32 else "")
        return Number(kind, f.call(symbol, *values, ret=TYPES[kind]))


def unified(*numbers: Scalar) -> str:
    """The kind of a variable, or of one of several numbers: a fixed kind for known numbers of Python's.

    Raises:
      Refused: the kinds differ, so that the kind of the result would depend on the run.
    """
    kinds = list(dict.fromkeys(map(kind_of, numbers)))
    for kind in kinds:
        if all(_becomes(x, kind) for x in numbers):
            return kind
    raise Refused(f"here it is {' or '.join(kinds)}: convert one")


def _becomes(x: Scalar, kind: str) -> bool:
    own = kind_of(x)
    if own == kind:
        return True
    if own not in PYTHON or kind == "bool" or (own == "float" and not is_float(kind)):
        return False
    return not isinstance(x, Number) or TYPES[own] == TYPES[kind]


def _wrapped(x: int | float, kind: str) -> int | float:
    """A known number as one of a kind.

    Raises:
      Refused: it is outside of the kind's range.
    """
    if is_float(kind):
        return float(x)
    if kind == "bool":
        return bool(x)
    x, bits = int(x), BITS[TYPES[kind]]
    low, high = (0, 1 << bits) if is_unsigned(kind) else (-1 << bits - 1, 1 << bits - 1)
    if not low <= x < high:
        raise Refused(f"{x} is out of the range of {kind}")
    return x - (1 << bits) if x >= 1 << bits - 1 else x
