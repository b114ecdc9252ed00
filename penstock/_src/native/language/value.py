"""Val: a typed SSA value of the function under construction, with Python's operators."""

from __future__ import annotations

from typing import Any, Protocol


class Instructions(Protocol):
    """The methods of a function that values need (see arithmetic.py)."""

    def binary(self, op: str, a: Any, b: Any) -> Val: ...
    def compare(self, op: str, a: Any, b: Any) -> Val: ...
    def negative(self, x: Any) -> Val: ...


class Val:
    """An LLVM value. Operands may be Python numbers; adding 0 or multiplying by 1 emits nothing.

    `//` and `%` are unsigned (sizes and indices are not negative), `>>` and the comparisons signed.
    """

    __slots__ = ("f", "ty", "s", "bounds", "narrow")

    f: Instructions

    def __init__(self, f: Any, ty: str, s: str):
        self.f, self.ty, self.s = f, ty, s
        self.bounds: tuple[str, str] | None = None  # the buffer of a pointer, see checked.py
        self.narrow: Val | None = None  # the bfloats, or their bits, that floats were widened from

    def __repr__(self):
        return f"{self.ty} {self.s}"

    def __add__(self, other):
        return self if type(other) is int and other == 0 else self.f.binary("add", self, other)

    __radd__ = __add__

    def __sub__(self, other):
        return self if type(other) is int and other == 0 else self.f.binary("sub", self, other)

    def __rsub__(self, other):
        return self.f.binary("sub", other, self)

    def __mul__(self, other):
        if type(other) is int:
            if other == 1:
                return self
            # No other type: 0 alone has none, and 0 times a float may be NaN.
            if other == 0 and self.ty == "i64":
                return 0
        return self.f.binary("mul", self, other)

    __rmul__ = __mul__

    def __neg__(self):
        return self.f.negative(self)

    def __truediv__(self, other):
        return self.f.binary("div", self, other)

    def __rtruediv__(self, other):
        return self.f.binary("div", other, self)

    def __floordiv__(self, other):
        return self if type(other) is int and other == 1 else self.f.binary("udiv", self, other)

    def __rfloordiv__(self, other):
        return self.f.binary("udiv", other, self)

    def __mod__(self, other):
        return 0 if type(other) is int and other == 1 else self.f.binary("urem", self, other)

    def __and__(self, other):
        return self.f.binary("and", self, other)

    def __or__(self, other):
        return self.f.binary("or", self, other)

    def __xor__(self, other):
        return self.f.binary("xor", self, other)

    def __invert__(self):
        return self.f.binary("xor", self, 1 if self.ty.endswith(("i1", "i1>")) else -1)

    def __lshift__(self, other):
        return self.f.binary("shl", self, other)

    def __rshift__(self, other):
        return self.f.binary("ashr", self, other)

    def __lt__(self, other):
        return self.f.compare("lt", self, other)

    def __le__(self, other):
        return self.f.compare("le", self, other)

    def __gt__(self, other):
        return self.f.compare("gt", self, other)

    def __ge__(self, other):
        return self.f.compare("ge", self, other)

    # == and != are not overloaded, so that values can be dict keys
    def eq(self, other):
        return self.f.compare("eq", self, other)

    def ne(self, other):
        return self.f.compare("ne", self, other)
