"""Functions of doubles for GPUs, for which CPUs call the C library: written as IR of the calling module.

Largest errors seen in tests, in units in the last place: sin, cos, pow 1, tan 2, erf 5. erfc loses some digits where it is 1 - erf (a relative error
of 6e-14), lgamma near its zeros (an absolute error of 1e-14). fmod is exact.

Sources: M. Payne, R. Hanek: Radian reduction for trigonometric functions (1983); the series and continued fraction of erf and Stirling's series are those of
Abramowitz and Stegun (7.1.6, 7.1.14, 6.1.41).
"""

import math
import re
from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.scalars.math32 import INF, NAN, copysign, fabs, poly
from penstock._src.compiler.codegen.scalars.math64 import exp, log
from penstock._src.native import Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F64, I64
from penstock._src.native.language.value import Val

I128 = "i128"
# The bits of 2/pi, after two words of zeros for numbers below 1.
TWO_OVER_PI = (
    0x0000000000000000,
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
)
TABLE = "table_two_over_pi"
PI_2_HIGH, PI_2_LOW = 1.5707963267948966, 6.123233995736766e-17
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
LN2_LOWEST = -5.497923018708371e-26  # the part of ln2 beyond the other two
THIRD_LOW, FIFTH_LOW = 1.850371707708594e-17, -1.1102230246251566e-17
SERIES, FRACTION = 64, 64  # terms of erf's series and of erfc's continued fraction
STIRLING = (1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
LEAST_STIRLING = 12  # least argument for the series


def definitions(names: list[str], target: Target) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """(declarations by name, definitions) of functions and of the functions that they call."""
    m = Module(target)
    for name in names:
        _write(m, name)
    return m.declarations, m.parts


def _write(m: Module, name: str) -> None:
    if name in m.names:
        return
    body, count, needs = FUNCTIONS[name]
    for needed in needs:
        _write(m, needed)
    with m.fn(name, ret=F64, internal=True, **{f"x{i}": F64 for i in range(count)}) as f:
        f.give(body(f, *[getattr(f, f"x{i}") for i in range(count)]))


# -- angles
def _define_angle(f: Fn) -> None:
    """Adds the function `angle` of x: (r, q) with x = r + q pi/2 and |r| <= pi/4, right to the last bits for every x."""
    m: Any = f.module
    if "angle" in m.names:
        return
    listed = ", ".join(f"i64 {w}" for w in TWO_OVER_PI)
    m.raw(f"@{TABLE} = internal constant [{len(TWO_OVER_PI)} x i64] [{listed}]")
    m.names.add(TABLE)
    with Fn(m, "angle", {"x": F64}, "{ double, i64 }", True, False) as g:
        _write_angle(g)


def _write_angle(f: Fn) -> None:
    x = fabs(f, f.x)
    bits = f.bits(x, I64)
    # x is `whole` times 2^(exponent - 1075); it is multiplied by 192 bits of 2/pi, starting after those that give multiples of four.
    # Infinities and NaN must not read beyond the table.
    exponent = f.min(f.binary("lshr", bits, 52), 2046)
    whole = (bits & ((1 << 52) - 1)) | (1 << 52)
    start = f.max(exponent - 1075 - 2 + 128, 0)
    first, shift = start // 64, start % 64
    words = [f.load(f.address(TABLE), first + i, I64) for i in range(4)]

    def shifted(high: Val, low: Val) -> Val:
        rest = f.select(shift.eq(0), 0, f.binary("lshr", low, (64 - shift) & 63))
        return f.binary("shl", high, shift) | rest

    taken = [shifted(words[i], words[i + 1]) for i in range(3)]
    wide = [f.emit(I128, f"zext i64 {w.s} to i128") for w in (whole, *taken)]
    low = _wide(f, "mul", wide[0], wide[3])
    middle = _wide(f, "add", _wide(f, "mul", wide[0], wide[2]), _wide(f, "lshr", low, 64))
    high = _wide(f, "add", _wide(f, "mul", wide[0], wide[1]), _wide(f, "lshr", middle, 64))
    a, b, c = (f.emit(I64, f"trunc i128 {w.s} to i64") for w in (high, middle, low))
    quarter = f.binary("lshr", a, 62)
    # The fraction of a quarter, as a number with a sign: above a half it counts from the next quarter down.
    a, b = (a << 2) | f.binary("lshr", b, 62), (b << 2) | f.binary("lshr", c, 62)
    # The top bit of the fraction: at least a half.
    is_above = a < 0
    q = quarter + f.convert(is_above, I64, signed=False)
    a, b = f.select(is_above, ~a, a), f.select(is_above, ~b, b)
    top = f.convert(a & ~0x7FF, F64) * 2.0**-64
    rest = f.fma(
        f.convert(f.binary("lshr", b, 1), F64), 2.0**-127, f.convert(a & 0x7FF, F64) * 2.0**-64
    )
    r = f.fma(top, PI_2_HIGH, f.fma(top, PI_2_LOW, rest * PI_2_HIGH))
    r = f.select(is_above, -r, r)
    is_small = x < 0.5
    r, q = f.select(is_small, x, r), f.select(is_small, 0, q)
    r = f.select(x < INF, r, NAN)
    is_negative = f.bits(f.x, I64) < 0
    r, q = f.select(is_negative, -r, r), f.select(is_negative, -q, q)
    pair = "{ double, i64 }"
    one = f.emit(pair, f"insertvalue {pair} poison, double {r.s}, 0")
    f.give(f.emit(pair, f"insertvalue {pair} {one.s}, i64 {q.s}, 1"))


def _wide(f: Fn, op: str, a: Val, b: Any) -> Val:
    return f.emit(I128, f"{op} i128 {a.s}, {b.s if isinstance(b, Val) else b}")


def _sine_and_cosine(f: Fn, x: Val) -> tuple[Val, Val, Val]:
    """(sin r, cos r, q) of x = r + q pi/2."""
    _define_angle(f)
    pair = f.call("angle", x, ret="{ double, i64 }")
    r, q = (f.emit(t, f"extractvalue {pair.ty} {pair.s}, {i}") for i, t in ((0, F64), (1, I64)))
    s = r * r
    sine = poly(
        f, s, 1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
        -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01,
    )  # fmt: skip
    cosine = poly(
        f, s, -1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
        2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02,
    )  # fmt: skip
    h = s * 0.5
    w = 1.0 - h
    return f.fma(sine * s, r, r), w + (((1.0 - w) - h) + cosine * s * s), q


def _turned(f: Fn, sine: Val, cosine: Val, q: Val) -> Val:
    value = f.select((q & 1).ne(0), cosine, sine)
    return f.bits(f.bits(value, I64) ^ ((q & 2) << 62), F64)


def _sin(f: Fn, x: Val) -> Val:
    return _turned(f, *_sine_and_cosine(f, x))


def _cos(f: Fn, x: Val) -> Val:
    sine, cosine, q = _sine_and_cosine(f, x)
    return _turned(f, sine, cosine, q + 1)


def _tan(f: Fn, x: Val) -> Val:
    sine, cosine, q = _sine_and_cosine(f, x)
    odd = (q & 1).ne(0)
    return f.select(odd, -cosine, sine) / f.select(odd, sine, cosine)


# -- numbers in two parts, the second far smaller
def _two_sum(f: Fn, a: Any, b: Any) -> tuple[Any, Any]:
    # Knuth's two-sum, which a fused or reordered operation would break.
    total = f.unfused("add", a, b)
    back = f.unfused("sub", total, a)
    low = f.unfused(
        "add", f.unfused("sub", a, f.unfused("sub", total, back)), f.unfused("sub", b, back)
    )
    return total, low


def _two_times(f: Fn, a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    high = f.binary("mul", a[0], b[0])
    # Exact: what rounding the product has lost.
    low = f.fma(a[0], b[0], -high)
    low = f.fma(a[0], b[1], f.fma(a[1], b[0], low))
    return _two_sum(f, high, low)


def _two_plus(f: Fn, a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    high, low = _two_sum(f, a[0], b[0])
    return _two_sum(f, high, low + (a[1] + b[1]))


def _log_in_two(f: Fn, x: Val) -> tuple[Any, Any]:
    """log x of a positive number, to some 70 bits: k ln2 + 2 artanh((m - 1) / (m + 1))."""
    tiny = x < 2.2250738585072014e-308
    bits = f.bits(f.select(tiny, x * 18014398509481984.0, x), I64)
    k = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = f.bits(bits - (k << 52), F64)
    k = f.convert(k, F64)
    k = f.select(tiny, k - 54.0, k)
    above, below = m - 1.0, _two_sum(f, m, f.const(1.0, F64))
    high = above / below[0]
    rest = f.fma(-high, below[0], above)
    low = f.fma(-high, below[1], rest) / below[0]
    s = _two_sum(f, high, low)
    z = _two_times(f, s, s)
    tail = poly(f, z[0], *[f.const(1.0 / n, F64) for n in range(29, 5, -2)])
    one = f.const(1.0, F64)
    part = _two_times(f, z, (f.const(0.2, F64), f.const(FIFTH_LOW, F64)))
    part = _two_plus(f, (f.const(1 / 3, F64), f.const(THIRD_LOW, F64)), part)
    part = _two_plus(f, part, (tail * z[0] * z[0], f.const(0.0, F64)))
    part = _two_plus(f, (one, f.const(0.0, F64)), _two_times(f, z, part))
    result = _two_times(f, (s[0] * 2.0, s[1] * 2.0), part)
    whole = _two_sum(f, k * LN2_HIGH, k * LN2_LOW)
    whole = whole[0], f.fma(k, LN2_LOWEST, whole[1])
    return _two_plus(f, whole, result)


def _pow(f: Fn, x: Val, y: Val) -> Val:
    a = fabs(f, x)
    is_ordinary = (a > 0.0) & (a < INF)
    high, low = _log_in_two(f, f.select(is_ordinary, a, 1.0))
    product = high * y
    rest = f.fma(high, y, -product) + low * y
    is_bounded = fabs(f, product) < 746.0
    e = exp(
        f, f.select(fabs(f, product) < INF, product, copysign(f, f.const(1000.0, F64), product))
    )
    # e^(p + r) = e^p (1 + r) for the small rest r of the product.
    e = f.select(is_bounded, f.fma(e, f.select(is_bounded, rest, 0.0), e), e)
    is_zero = a.eq(0.0)
    at_ends = f.select(is_zero ^ (y < 0.0), f.const(0.0, F64), INF)
    result = f.select(is_ordinary, e, at_ends)
    whole = f.intrinsic("floor", y).eq(y)
    half = y * 0.5
    odd = whole & f.intrinsic("floor", half).ne(half)
    result = f.select((f.bits(x, I64) < 0) & odd, -result, result)
    result = f.select((x < 0.0) & ~whole & a.ne(INF), NAN, result)
    infinite = fabs(f, y).eq(INF)
    grows = (a > 1.0) ^ (y < 0.0)
    result = f.select(infinite, f.select(grows, f.const(INF, F64), 0.0), result)
    result = f.select(f.compare("uno", x, y), NAN, result)
    return f.select(y.eq(0.0) | x.eq(1.0) | (a.eq(1.0) & infinite), 1.0, result)


def _fmod(f: Fn, a: Val, b: Val) -> Val:
    """The remainder, after exact subtractions of b times powers of two."""
    left, unit = fabs(f, a), fabs(f, b)

    def exponent(x: Val) -> Val:
        tiny = x < 2.2250738585072014e-308
        bits = f.bits(f.select(tiny, x * 18014398509481984.0, x), I64)
        return f.binary("lshr", bits, 52) - f.select(tiny, 54, f.i64(0))

    def power(n: Val) -> Val:
        return f.bits((n + 1023) << 52, F64)

    fits = (left < INF) & (unit > 0.0) & (unit < INF)

    def times(n: Val) -> Val:
        half = n >> 1
        return unit * power(half) * power(n - half)

    def reduced(rest: Val) -> tuple[Val]:
        # The largest multiple 2^n b that may fit: the difference is exact (Sterbenz).
        n = exponent(rest) - exponent(unit)
        step = times(n)
        step = f.select(step > rest, times(f.max(n - 1, 0)), step)
        return (f.unfused("sub", rest, step),)

    start = f.select(fits, left, 0.0)
    (rest,) = f.loop_while(lambda rest: fits & (rest >= unit), reduced, start)
    result = f.select(fits, copysign(f, rest, a), f.select(unit.eq(INF) & (left < INF), a, NAN))
    return f.select(f.compare("uno", a, b), NAN, result)


# -- the error function
def _exp_of_square(f: Fn, x: Val) -> Val:
    """e^(-x^2), corrected for the rounding error of the square."""
    s = x * x
    low = f.fma(x, x, -s)
    e = exp(f, -s)
    return f.select(s < 746.0, f.fma(-e, low, e), 0.0)


def _erf_near(f: Fn, x: Val) -> Val:
    """2/sqrt(pi) x e^(-x^2) (1 + 2x^2/3 + (2x^2)^2/15 + ...), for |x| <= 2.5."""
    z = x * x * 2.0

    def term(i: Val, total: Val) -> tuple[Val]:
        n = f.convert((SERIES - i) * 2 + 1, F64)
        return (f.fma(total, z / n, 1.0),)

    (total,) = f.loop(0, SERIES, 1, term, f.const(1.0, F64))
    return x * _exp_of_square(f, x) * total * (2.0 / math.sqrt(math.pi))


def _erfc_far(f: Fn, x: Val) -> Val:
    """e^(-x^2) / (sqrt(pi) (x + (1/2) / (x + 1 / (x + (3/2) / ...)))), for x >= 2."""

    def deeper(i: Val, total: Val) -> tuple[Val]:
        n = f.convert(FRACTION - i, F64) * 0.5
        return (x + n / total,)

    (total,) = f.loop(0, FRACTION, 1, deeper, x)
    return _exp_of_square(f, x) / (total * math.sqrt(math.pi))


NEAR = 2.0


def _erf(f: Fn, x: Val) -> Val:
    a = fabs(f, x)

    def far() -> tuple[Val]:
        bounded = f.select(a < 30.0, a, 30.0)
        return (copysign(f, 1.0 - _erfc_far(f, bounded), x),)

    (result,) = f.when(a < NEAR, lambda: (_erf_near(f, x),), far)
    return f.select(f.compare("uno", x, x), x, result)


def _erfc(f: Fn, x: Val) -> Val:
    a = fabs(f, x)

    def far() -> tuple[Val]:
        bounded = f.select(a < 30.0, a, 30.0)
        tail = _erfc_far(f, bounded)
        return (f.select(x < 0.0, 2.0 - tail, tail),)

    (result,) = f.when(a < NEAR, lambda: (1.0 - _erf_near(f, x),), far)
    return f.select(f.compare("uno", x, x), x, result)


# -- the gamma function
def _lgamma(f: Fn, x: Val) -> Val:
    is_negative = x < 0.5
    a = f.select(is_negative, 1.0 - x, x)

    def up(z: Val, product: Val) -> tuple[Val, Val]:
        return z + 1.0, product * z

    start = f.select(a < INF, a, 20.0)
    z, product = f.loop_while(lambda z, _: z < float(LEAST_STIRLING), up, start, f.const(1.0, F64))
    inverse = 1.0 / z
    series = poly(f, inverse * inverse, *STIRLING) * inverse
    value = f.fma(z - 0.5, log(f, z), 0.5 * math.log(2 * math.pi) - z) + series - log(f, product)
    value = f.select(a < INF, value, INF)
    # Exact, so that the sine is right next to the poles.
    distance = x - f.intrinsic("rint", x)
    sine = fabs(f, f.call("sin", distance * math.pi, ret=F64))
    # Reflection: log gamma(x) = log(pi / |sin(pi x)|) - log gamma(1 - x).
    mirrored = f.unfused("sub", math.log(math.pi) - log(f, sine), value)
    result = f.select(is_negative, f.select(x > -INF, mirrored, INF), value)
    result = f.select(x.eq(1.0) | x.eq(2.0), 0.0, result)
    near = fabs(f, x)
    result = f.select(near < 1e-20, -log(f, near), result)
    pole = (x <= 0.0) & f.intrinsic("floor", x).eq(x)
    return f.select(f.compare("uno", x, x), x, f.select(pole, INF, result))


Body = Callable[..., Val]
# By name: the writer of the body, the number of arguments, and the functions that it calls.
FUNCTIONS: dict[str, tuple[Body, int, tuple[str, ...]]] = {
    "sin": (_sin, 1, ()),
    "cos": (_cos, 1, ()),
    "tan": (_tan, 1, ()),
    "pow": (_pow, 2, ()),
    "fmod": (_fmod, 2, ()),
    "erf": (_erf, 1, ()),
    "erfc": (_erfc, 1, ()),
    "lgamma": (_lgamma, 1, ("sin",)),
}


def with_functions(text: str, names: list[str], target: Target) -> str:
    """The text of a module that declares some of FUNCTIONS, with their definitions instead."""
    for name in names:
        text = re.sub(rf"^declare .*@{name}\(.*$\n", "", text, flags=re.M)
    declared, defined = definitions(names, target)
    known = set(text.split("\n"))
    inner = {n for n, _ in declared.values() if n in FUNCTIONS or n == "angle"}
    needed = [line for name, line in declared.values() if name not in inner and line not in known]
    return "\n".join([*needed, *defined, text])
