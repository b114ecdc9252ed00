"""Elementwise operations by name: register values in, a register value out.

A function takes (f, dtype, argument dtypes, *values); values have equal lanes. Floats of 16 bits come as float and the
caller rounds the result.
"""

from collections.abc import Callable

from penstock._src.compiler.codegen.scalars import complexes, math32, math64
from penstock._src.compiler.codegen.scalars.quotients import divide
from penstock._src.compiler.codegen.scalars.registers import (
    Pair,
    bits_type,
    from_memory,
    register_type,
    rounded,
    spread,
    to_memory,
    width,
)
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.typesets import NARROW
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F64, I1, lanes, like, scalar
from penstock._src.native.language.value import Val

OPERATIONS: dict[str, Callable] = {
    "div": lambda f, name, kind, dtype, a, b: a / b,
    "neg": lambda f, name, kind, dtype, x: -x,
    "not": lambda f, name, kind, dtype, x: ~x,
    "square": lambda f, name, kind, dtype, x: x * x,
    "popcount": lambda f, name, kind, dtype, x: f.intrinsic("ctpop", x),
    "select": lambda f, name, kind, dtype, c, a, b: f.select(c, a, b),
    "cast": lambda f, name, kind, dtype, x: convert(f, x, kind, dtype),
}
EXACT = frozenset("neg abs sign maximum minimum select not floor ceil round cast".split())


def operation(*names: str):
    """Registers the code of operations."""

    def register(function):
        for name in names:
            OPERATIONS[name] = function
        return function

    return register


def apply(f: Fn, name: str, dtype, arg_dtypes, args, attrs=()):
    """The code of one operation."""
    n = max((width(a) for a in args), default=1)
    args = [spread(f, a, n) for a in args]
    if any(isinstance(a, Pair) for a in args) or dtype.is_complex:
        return complexes.apply(f, name, dtype, arg_dtypes, args, apply)
    function = OPERATIONS.get(name)
    if function is None:
        raise UnimplementedError(None, None, f"{name}: not in compiled code.")
    result = function(f, name, arg_dtypes[0], dtype, *args)
    if dtype in NARROW and name not in EXACT:
        result = rounded(f, result, dtype)
    return result


def is_double(x: Val) -> bool:
    return scalar(x.ty) == F64


def _signed(dtype) -> bool:
    return not dtype.is_unsigned and not dtype.is_bool


# -- arithmetic
@operation("add", "sub", "mul")
def _arithmetic(f, name, kind, dtype, a, b):
    if kind.is_bool:
        return a | b if name == "add" else a & b if name == "mul" else a ^ b
    return f.binary(name, a, b) if name == "mul" else f.unfused(name, a, b)


@operation("truncdiv")
def _truncdiv(f, name, kind, dtype, a, b):
    if kind.is_floating:
        return f.intrinsic("trunc", a / b)
    return divide(f, "div", _signed(kind), a, b)


@operation("truncmod")
def _truncmod(f, name, kind, dtype, a, b):
    if kind.is_floating:
        return math32.library_call(f, "fmod", a, b)
    return divide(f, "rem", _signed(kind), a, b)


@operation("floordiv")
def _floordiv(f, name, kind, dtype, a, b):
    if kind.is_floating:
        return f.intrinsic("floor", a / b)
    q = divide(f, "div", _signed(kind), a, b)
    if not _signed(kind):
        return q
    down = (a - q * b).ne(0) & (a ^ b).__lt__(0) & b.ne(0)
    return q - f.convert(down, scalar(a.ty))


@operation("mod")
def _mod(f, name, kind, dtype, a, b):
    if kind.is_floating:
        r = math32.library_call(f, "fmod", a, b)
        wrong = r.ne(0.0) & ((r < 0.0) ^ (b < 0.0))
        return f.select(wrong, r + b, f.select(r.eq(0.0), math32.copysign(f, r, b), r))
    r = divide(f, "rem", _signed(kind), a, b)
    if not _signed(kind):
        return r
    return f.select(r.ne(0) & ((r ^ b) < 0) & b.ne(0), r + b, r)


@operation("maximum", "minimum")
def _extreme(f, name, kind, dtype, a, b):
    op = name[:3]
    if kind.is_floating:  # a NaN in either wins, as in NumPy
        best = f.select(f.compare("gt" if op == "max" else "lt", a, b), a, b)
        return f.select(f.compare("uno", a, a), a, best)
    if kind.is_bool:
        return a | b if op == "max" else a & b
    return f.intrinsic(("s" if _signed(kind) else "u") + op, a, b)


@operation("abs")
def _abs(f, name, kind, dtype, x):
    if kind.is_floating:
        return math32.fabs(f, x)
    return f.select(x < 0, -x, x) if _signed(kind) else x


@operation("sign")
def _sign(f, name, kind, dtype, x):
    if not _signed(kind):
        return f.convert(x.ne(0), scalar(x.ty), signed=False)
    one, less = (1.0, -1.0) if kind.is_floating else (1, -1)
    # NaN stays one, and -0 becomes 0.
    rest = f.select(x.eq(0.0), f.zero(x.ty), x) if kind.is_floating else x
    return f.select(
        x > 0, one, f.select(x < 0, spread(f, f.const(less, scalar(x.ty)), lanes(x.ty)), rest)
    )


@operation("reciprocal")
def _reciprocal(f, name, kind, dtype, x):
    return (
        1.0 / x
        if kind.is_floating
        else divide(f, "div", _signed(kind), spread(f, f.const(1, scalar(x.ty)), lanes(x.ty)), x)
    )


@operation("floor", "ceil", "round")
def _rounding(f, name, kind, dtype, x):
    if not kind.is_floating:
        return x
    return f.intrinsic({"round": "roundeven"}.get(name, name), x)


@operation("pow")
def _pow(f, name, kind, dtype, a, b):
    if kind.is_floating:
        return _float(f, "pow", a, b)
    return _integer_power(f, kind, a, b)


def _integer_power(f: Fn, kind, a: Val, b: Val) -> Val:
    """Integer power by squaring, for every bit of the largest exponent; negative exponents give 1/a truncated."""
    ty, n = scalar(a.ty), lanes(a.ty)
    one = spread(f, f.const(1, ty), n)

    def has_bits(result, base, left):
        return (left if n == 1 else f.reduce("or", left)).ne(0)

    def step(result, base, left):
        result = f.select((left & 1).ne(0), result * base, result)
        return result, base * base, f.binary("lshr", left, 1)

    result, _, _ = f.loop_while(has_bits, step, one, a, b)
    if not _signed(kind):
        return result
    odd = f.select((b & 1).ne(0), a, one)
    inverse = f.select(a.eq(1), one, f.select(a.eq(-1), odd, 0))
    return f.select(b < 0, inverse, result)


# -- bits
@operation("and", "or", "xor")
def _bitwise(f, name, kind, dtype, a, b):
    return f.binary(name, a, b)


@operation("shift_left", "shift_right", "shift_right_logical")
def _shift(f, name, kind, dtype, a, b):
    most = kind.size * 8 - 1
    b = (
        f.intrinsic("umin", b, most)
        if not _signed(kind)
        else f.intrinsic("smin", f.intrinsic("smax", b, 0), most)
    )
    op = {"shift_left": "shl", "shift_right": "ashr" if _signed(kind) else "lshr"}.get(name, "lshr")
    return f.binary(op, a, b)


# -- comparisons
@operation("eq", "ne", "lt", "le", "gt", "ge")
def _compare(f, name, kind, dtype, a, b):
    if not kind.is_floating and not _signed(kind) and name not in ("eq", "ne"):
        name = "u" + name
    return f.compare(name, a, b)


@operation("is_nan")
def _is_nan(f, name, kind, dtype, x):
    return f.compare("uno", x, x) if kind.is_floating else spread(f, f.const(0, I1), lanes(x.ty))


@operation("is_inf")
def _is_inf(f, name, kind, dtype, x):
    return (
        math32.fabs(f, x).eq(math32.INF)
        if kind.is_floating
        else spread(f, f.const(0, I1), lanes(x.ty))
    )


@operation("is_finite")
def _is_finite(f, name, kind, dtype, x):
    return (
        math32.fabs(f, x) < math32.INF
        if kind.is_floating
        else spread(f, f.const(1, I1), lanes(x.ty))
    )


# -- conversions
def convert(f: Fn, x: Val, source, target) -> Val:
    """A value as another dtype, as NumPy converts."""
    if source == target:
        return x
    if target.is_bool:
        return x.ne(0.0 if source.is_floating else 0)
    element = register_type(target)
    if target.is_floating:
        return rounded(f, f.convert(x, element, _signed(source)), target)
    if not source.is_floating:
        return f.convert(x, element, _signed(source))
    if target.size == 8 and not _signed(target):  # beyond 2^63 in two parts
        big = x >= 2.0**63
        low = _to_integer(f, f.select(big, x - 2.0**63, x), element)
        # As x86 converts: numbers that do not fit have the highest bit only.
        return f.select(big & (x < 2.0**64), low ^ -(1 << 63), low)
    # as x86 converts: through the signed 32- or 64-bit type; its least value represents numbers that do not fit
    wide = "i64" if target.size > 4 or not _signed(target) and target.size == 4 else "i32"
    return f.convert(_to_integer(f, x, wide), element)


def _to_integer(f: Fn, x: Val, wide: str) -> Val:
    """Truncates; numbers that do not fit, and NaN, become the least integer."""
    limit = 2.0 ** (63 if wide == "i64" else 31)
    fits = (x >= -limit) & (x < limit)
    least = spread(f, f.const(-(1 << (63 if wide == "i64" else 31)), wide), lanes(x.ty))
    return f.select(fits, f.convert(f.select(fits, x, 0.0), wide), least)


@operation("bitcast")
def _bitcast(f, name, kind, dtype, x):
    ty = like(x.ty, bits_type(dtype))
    bits = f.bits(to_memory(f, x, kind), ty)
    return from_memory(
        f,
        f.bits(
            bits,
            like(x.ty, register_type(dtype)) if dtype not in NARROW and not dtype.is_bool else ty,
        ),
        dtype,
    )


# -- functions
def _float(f: Fn, name: str, *args: Val) -> Val:
    table = math64.FUNCTIONS if is_double(args[0]) else FLOAT32
    return table[name](f, *args)


@operation("exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
           "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "erf", "erfc", "lgamma", "atan2")  # fmt: skip
def _function(f, name, kind, dtype, *args):
    if dtype in NARROW and name in SHORT:
        return SHORT[name](f, *args)
    return _float(f, name, *args)


FLOAT32 = {
    **{name: math64.by_double(name) for name in math64.FUNCTIONS},
    "exp": math32.exp, "log": math32.log, "expm1": math32.expm1, "log1p": math32.log1p, "tanh": math32.tanh, "sigmoid": math32.sigmoid, "erf": math32.erf,
    "erfc": math32.erfc, "sin": math32.sin, "cos": math32.cos, "sqrt": math32.sqrt, "asin": math32.asin, "acos": math32.acos,
    "atan": math32.atan, "atan2": math32.atan2, "atanh": math32.atanh,
    "rsqrt": lambda f, x: 1.0 / math32.sqrt(f, x),
}  # fmt: skip
SHORT = {"erfc": math32.short_erfc}  # for arguments and results of 16 bits
