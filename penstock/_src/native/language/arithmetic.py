"""The arithmetic of a function: binary operations, comparisons, casts, intrinsics, lanes."""

from collections.abc import Sequence

from .types import (
    BF16,
    BITS,
    F16,
    F32,
    F64,
    FLOATS,
    I1,
    I16,
    I32,
    I64,
    constant,
    is_float,
    lanes,
    like,
    mangle,
    scalar,
    vec,
)
from .value import Val
from .writer import FunctionWriter

# ordered comparisons are false for a NaN, `une` is true for it: IEEE 754's and NumPy's meaning
_INT_COMPARE = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge",
                "ult": "ult", "ule": "ule", "ugt": "ugt", "uge": "uge"}  # fmt: skip
_ROUNDINGS = ("rint", "nearbyint", "roundeven", "floor", "ceil", "trunc")
_FLOAT_COMPARE = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge",
                  "uno": "uno", "ord": "ord"}  # fmt: skip


class ArithmeticInstructions(FunctionWriter):
    """Mixed into Fn.  Scalars meeting vectors are splat; Python numbers become constants."""

    FAST = "contract nsz "  # allows FMA and ignores signs of zeros; NaN and infinity keep their IEEE meaning

    def pair(self, a, b):
        """Converts two operands to one type; returns (type, text of a, text of b)."""
        if not isinstance(a, Val):
            return b.ty, constant(a, b.ty), b.s
        if not isinstance(b, Val):
            return a.ty, a.s, constant(b, a.ty)
        if a.ty == b.ty:
            return a.ty, a.s, b.s
        la, lb = lanes(a.ty), lanes(b.ty)
        if scalar(a.ty) != scalar(b.ty) or (la > 1 and lb > 1):
            raise TypeError(
                f"native.Fn: operands must have one type. Received {a} and {b} in {self.name}."
            )
        if la < lb:
            return b.ty, self.splat(a, lb).s, b.s
        return a.ty, a.s, self.splat(b, la).s

    def binary(self, op: str, a, b, flags: str | None = None) -> Val:
        """LLVM's binary `op`; for floats an f is prepended (add -> fadd), and `flags`, by default FAST."""
        ty, a, b = self.pair(a, b)
        if is_float(ty):
            op = f"f{op} {self.FAST if flags is None else flags}"
        return self.emit(ty, f"{op} {ty} {a}, {b}")

    def unfused(self, op: str, a, b) -> Val:
        """An addition or subtraction that is never fused with a product, so that x * y - x * y is 0."""
        return self.binary(op, a, b, flags="nsz ")

    def compare(self, op: str, a, b) -> Val:
        """`op` is one of eq ne lt le gt ge, or ult ule ugt uge (unsigned), or uno (true if either is NaN)."""
        ty, a, b = self.pair(a, b)
        text = f"fcmp {_FLOAT_COMPARE[op]}" if is_float(ty) else f"icmp {_INT_COMPARE[op]}"
        return self.emit(like(ty, I1), f"{text} {ty} {a}, {b}")

    def negative(self, x: Val) -> Val:
        if is_float(x.ty):
            return self.emit(x.ty, f"fneg {x.ty} {x.s}")
        return self.binary("sub", 0, x)

    def select(self, condition: Val, a, b) -> Val:
        ty, a, b = self.pair(a, b) if isinstance(a, Val) or isinstance(b, Val) else (F64, a, b)
        if lanes(ty) > lanes(condition.ty):
            condition = self.splat(condition, lanes(ty))
        return self.emit(ty, f"select {condition.ty} {condition.s}, {ty} {a}, {ty} {b}")

    def fma(self, a, b, c) -> Val:
        """a * b + c, rounded once if the target does that in one instruction."""
        ty = max((x.ty for x in (a, b, c) if isinstance(x, Val)), key=lanes)
        n = lanes(ty)
        a, b, c = (self.splat(x, n) if isinstance(x, Val) and x.ty != ty else x for x in (a, b, c))
        if not is_float(ty) or not self.target.fuses:
            return self.binary("add", self.binary("mul", a, b), c)
        return self.intrinsic("fma", a, b, c, ty=ty)

    def exact_fma(self, a, b, c) -> Val:
        """a * b + c where the two cancel: the difference is exact to its last bits on every target."""
        if self.target.fuses:
            return self.fma(a, b, c)
        ty = max((x.ty for x in (a, b, c) if isinstance(x, Val)), key=lanes)
        a, b, c = (
            self.splat(x, lanes(ty)) if isinstance(x, Val) else self.const(x, ty) for x in (a, b, c)
        )
        if scalar(ty) != F64:
            a, b, c = (self.convert(x, F64) for x in (a, b, c))
            return self.convert(a * b + c, scalar(ty))
        product = a * b
        (high_a, low_a), (high_b, low_b) = self._halves(a), self._halves(b)
        # In order of size, so that no addition rounds.
        error = (high_a * high_b - product) + high_a * low_b + low_a * high_b + low_a * low_b
        return (product + c) + error

    def _halves(self, x: Val) -> tuple[Val, Val]:
        """Split a double into a sum of two of 26 bits, which have exact products."""
        # 2^27 + 1 (Dekker 1971): the product's rounding cuts off the lower 26 bits.
        large = x * 134217729.0
        high = large - (large - x)
        return high, x - high

    def min(self, a, b):
        return self._least("min", "lt", a, b)

    def max(self, a, b):
        return self._least("max", "gt", a, b)

    def _least(self, op, comparison, a, b):
        if not isinstance(a, Val) and not isinstance(b, Val):
            return (min if op == "min" else max)(a, b)
        ty = a.ty if isinstance(a, Val) else b.ty
        if is_float(ty):  # as vmaxps: the second operand if either is a NaN
            return self.select(self.compare(comparison, a, b), a, b)
        return self.intrinsic(f"s{op}", a, b, ty=ty)

    def intrinsic(self, name: str, *args, ty: str | None = None, fast: bool = True) -> Val:
        """Call llvm.<name>. Its arguments and result all have the type of the first value."""
        ty = ty or next(a.ty for a in args if isinstance(a, Val))
        if name in _ROUNDINGS and not self.target.rounds:
            return self._rounded(name, args[0])
        fn = f"@llvm.{name}.{mangle(ty)}"
        self.module.declare(f"declare {ty} {fn}({', '.join([ty] * len(args))})")
        sig = ", ".join(f"{ty} {self.text(a, ty)}" for a in args)
        flags = self.FAST if fast and scalar(ty) in FLOATS else ""
        return self.emit(ty, f"call {flags}{ty} {fn}({sig})")

    def _rounded(self, name: str, x: Val) -> Val:
        """Rounds to a whole number by adding and subtracting the least number that has no fraction."""
        if scalar(x.ty) in (F16, BF16):
            return self.convert(self._rounded(name, self.convert(x, F32)), scalar(x.ty))
        size = self.intrinsic("fabs", x)
        if name == "trunc":
            return self.intrinsic("copysign", self._rounded("floor", size), x, fast=False)
        whole = 8388608.0 if scalar(x.ty) == F32 else 4503599627370496.0
        # The sum has no bits left for a fraction: it rounds to nearest even.
        nearest = self.intrinsic("copysign", (size + whole) - whole, x, fast=False)
        if name == "floor":
            nearest = self.select(nearest > x, nearest - 1.0, nearest)
        elif name == "ceil":
            nearest = self.select(nearest < x, nearest + 1.0, nearest)
        # Larger numbers are whole already, and NaN fails the comparison.
        return self.select(size < whole, nearest, x)

    # -- types
    def cast(self, op: str, x: Val, element: str) -> Val:
        """LLVM's conversion `op` (sitofp, fptrunc, zext, ...) to `element`, lane by lane."""
        return self.emit(like(x.ty, element), f"{op} {x.ty} {x.s} to {like(x.ty, element)}")

    def bits(self, x: Val, ty: str) -> Val:
        """The same bits as a value of another type."""
        return x if x.ty == ty else self.emit(ty, f"bitcast {x.ty} {x.s} to {ty}")

    def convert(self, x: Val, element: str, signed: bool = True) -> Val:
        """Converts `x` to the numeric type `element`; `signed` is the signedness of integers."""
        source = scalar(x.ty)
        if source == element:
            return x
        if source in FLOATS and element in FLOATS:
            return self.convert_float(x, source, element)
        if source in FLOATS:
            return self.cast("fptosi" if signed else "fptoui", x, element)
        if element in FLOATS:
            return self.cast("sitofp" if signed else "uitofp", x, element)
        if BITS[source] > BITS[element]:
            return self.cast("trunc", x, element)
        return self.cast("sext" if signed and source != I1 else "zext", x, element)

    def convert_float(self, x: Val, source: str, element: str) -> Val:
        """Converts between float types, via float where LLVM would otherwise call a library function."""
        if BITS[element] == 16 and source != F32:  # half <-> bfloat, double -> half
            return self.convert_float(self.convert_float(x, source, F32), F32, element)
        if source == BF16:
            wide = self.bits(self.binary("shl", self.bits_of_bfloat(x), 16), like(x.ty, F32))
            wide.narrow = x
            return wide if element == F32 else self.cast("fpext", wide, element)
        if element == BF16 and x.narrow is not None:
            return self.bits(x.narrow, like(x.ty, BF16))  # rounding would change nothing
        if element == BF16 and "+avx512bf16" not in self.target.features:
            return self.rounded_to_bfloat(x)
        if BITS[element] == 16 and (lanes(x.ty) == 1 or element == BF16):
            # Without the fence LLVM would merge this with a preceding conversion from double and call a library function,
            # and it crashes on constants converted to vectors of bfloat.
            x = self.intrinsic("arithmetic.fence", x, fast=False)
        return self.cast("fpext" if BITS[source] < BITS[element] else "fptrunc", x, element)

    def bits_of_bfloat(self, x: Val) -> Val:
        """The 16 bits of bfloats, as i32: LLVM has few instructions for the type itself."""
        return self.cast("zext", self.bits(x, like(x.ty, I16)), I32)

    def rounded_to_bfloat(self, x: Val) -> Val:
        """Converts float to bfloat with integer operations: to nearest, ties to even; NaN stays NaN."""
        bits = self.bits(x, like(x.ty, I32))
        upper = self.binary("lshr", bits, 16)
        rounded = self.binary("lshr", bits + ((upper & 1) + 0x7FFF), 16)
        chosen = self.select(self.compare("uno", x, x), upper | 0x40, rounded)
        return self.bits(self.cast("trunc", chosen, I16), like(x.ty, BF16))

    # -- lanes
    def splat(self, x, n: int, ty: str | None = None) -> Val:
        """`x` in all of `n` lanes; `ty` is its element type (float) if it is a Python number."""
        if not isinstance(x, Val):
            return Val(self, vec(ty or F32, n), constant(x, vec(ty or F32, n)))
        if n == 1 or x.ty[0] == "<":
            return x
        vt = vec(x.ty, n)
        one = self.emit(vt, f"insertelement {vt} poison, {x.ty} {x.s}, i64 0")
        return self.emit(
            vt, f"shufflevector {vt} {one.s}, {vt} poison, <{n} x i32> zeroinitializer"
        )

    def zero(self, ty: str) -> Val:
        return Val(self, ty, "zeroinitializer" if ty[0] == "<" else constant(0, ty))

    def const(self, x, ty: str) -> Val:
        return Val(self, ty, constant(x, ty))

    def i64(self, x) -> Val:
        return x if isinstance(x, Val) else Val(self, I64, str(int(x)))

    def lane_numbers(self, n: int, ty: str = I32) -> Val:
        """<0, 1, 2, ...>"""
        return Val(self, vec(ty, n), "<" + ", ".join(f"{ty} {i}" for i in range(n)) + ">")

    def mask(self, n: int, count) -> Val:
        """The lanes below `count` of `n` lanes; `count` a Python int or an i64 value (negative: none)."""
        if not isinstance(count, Val):
            return Val(
                self, vec(I1, n), "<" + ", ".join(f"i1 {int(i < count)}" for i in range(n)) + ">"
            )
        count = self.intrinsic("smin", count, n)  # so that it fits 32 bits
        count = self.intrinsic("smax", count, 0)
        return self.lane_numbers(n) < self.splat(self.cast("trunc", count, I32), n)

    def shuffle(self, a: Val, b: Val | None, index: Sequence[int | None]) -> Val:
        ty = vec(I32, len(index))
        lanes_text = ", ".join("i32 poison" if i is None else f"i32 {i}" for i in index)
        other = "poison" if b is None else b.s
        return self.emit(
            vec(scalar(a.ty), len(index)),
            f"shufflevector {a.ty} {a.s}, {a.ty} {other}, {ty} <{lanes_text}>",
        )

    def extract(self, v: Val, i) -> Val:
        return self.emit(scalar(v.ty), f"extractelement {v.ty} {v.s}, i64 {self.text(i, I64)}")

    def insert(self, v: Val, x: Val, i) -> Val:
        return self.emit(v.ty, f"insertelement {v.ty} {v.s}, {x.ty} {x.s}, i64 {self.text(i, I64)}")

    def reduce(self, op: str, v: Val) -> Val:
        """Reduces all lanes by one of: add mul fadd fmul and or xor smin smax umin umax fmin fmax fminimum fmaximum."""
        ty = scalar(v.ty)
        start = (
            f"{ty} {constant(0.0 if op == 'fadd' else 1.0, ty)}, " if op in ("fadd", "fmul") else ""
        )
        name = f"@llvm.vector.reduce.{op}.{mangle(v.ty)}"
        self.module.declare(f"declare {ty} {name}({ty + ', ' if start else ''}{v.ty})")
        flags = f"reassoc {self.FAST}" if ty in FLOATS else ""
        return self.emit(ty, f"call {flags}{ty} {name}({start}{v.ty} {v.s})")
