"""float32 functions as straight-line vector code: selects, no tables, no calls, so any expression of them is one pass.

Each takes the function being written and a float value with any number of lanes.  Largest errors seen in tests, in units
in the last place: exp 0.9, expm1 and log1p 1.5, log 0.9, erf 1.0, erfc 3.6 (3.0 with FMA), tanh 1.8, sigmoid 2.5, sin and cos 1.5,
asin and acos 0.6, atan 1.2, atan2 1.6, atanh 2.3.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.native.language.function import Fn
from penstock._src.native.language.text import ModuleText
from penstock._src.native.language.types import F32, F64, I32, lanes, like, mangle
from penstock._src.native.language.value import Val

INF, NAN = float("inf"), float("nan")
LEAST_EXPONENT = -103.97208  # e^x rounds to 0 below
LEAST_NORMAL_EXPONENT = -87.33654  # e^x is subnormal below
LEAST_TO_ADD = -80.0  # 1 + e^x is 1 here, and e^x is normal
GREATEST_EXPONENT = 89.0  # e^x is infinite here
LOG2_E = 1.4426950408889634
LN2 = 0.693145752, 1.42860677e-6  # in two parts, the first with trailing zeros
# Coefficients of e^r for |r| <= ln2 / 2, highest power first.
EXP_OF_REST = (
    1.37805939e-3, 8.37312452e-3, 4.16695364e-2, 1.66664720e-1, 4.99999851e-1, 1.0, 1.0,
)  # fmt: skip
ROUNDING = 12582912.0  # 1.5 * 2^23: added to a number below 2^22, it leaves the nearest whole one in the last bits
HALF_PI = 1.57079637050628662109375, -4.37113900018624283e-8  # the nearest number and what it lacks
PI = 3.1415927410125732421875, -8.74227800037248566e-8


def poly(f: Fn, x: Val, *coefficients: float) -> Val:
    """Horner's rule, highest power first."""
    r: Any = coefficients[0]
    for c in coefficients[1:]:
        r = f.fma(r, x, c)
    return r


def fabs(f: Fn, x: Val) -> Val:
    return f.intrinsic("fabs", x)


def copysign(f: Fn, magnitude: Val, sign: Val) -> Val:
    return f.intrinsic("copysign", magnitude, sign, fast=False)


def keep_zero(f: Fn, x: Val, y: Val) -> Val:
    """y, but x where that is 0: a sum of -0 and a product may lose its sign."""
    return f.select(x.eq(0.0), x, y)


def sqrt(f: Fn, x: Val) -> Val:
    return f.intrinsic("sqrt", x)


def ldexp(f: Fn, x: Val, i: Val) -> Val:
    """x * 2^i for integers |i| up to 250."""
    if "+avx512vl" not in f.module.target.features:
        half = i >> 1
        return x * _power_of_two(f, half, x.ty) * _power_of_two(f, i - half, x.ty)
    name = f"@llvm.ldexp.{mangle(x.ty)}.{mangle(i.ty)}"  # one instruction
    f.module.declare(f"declare {x.ty} {name}({x.ty}, {i.ty})")
    return f.emit(x.ty, f"call {x.ty} {name}({x.ty} {x.s}, {i.ty} {i.s})")


def _power_of_two(f: Fn, n: Val, ty: str) -> Val:
    return f.bits((n + 127) << 23, ty)


def clamp(f: Fn, x: Val, low: float, high: float) -> Val:
    """x between low and high; a NaN stays."""
    x = f.select(x > high, high, x)
    return f.select(x < low, low, x)


def exp(f: Fn, x: Val, least: float = LEAST_EXPONENT) -> Val:
    """2^n e^r with |r| <= ln2 / 2; 0 for arguments below `least`.

    Their powers of two would underflow, which takes a hundred cycles on many processors.
    """
    if _scales(f):
        return _scaled_exp(f, f.select(x > 89.0, 89.0, x), least)
    is_zero = x < least
    x = clamp(f, x, -105.0, 89.0)
    n, i = _whole(f, x * LOG2_E)
    return ldexp(f, f.select(is_zero, 0.0, _exp_of_rest(f, x, n)), i)


def exp_below_90(f: Fn, x: Val, least: float) -> Val:
    """`exp` of x < 90."""
    return _scaled_exp(f, x, least) if _scales(f) else exp(f, x, least)


def _one_plus_exp(f: Fn, x: Val, factor: float, most: float, least: float | None) -> Val:
    """1 + e^(factor x) of a factor whose powers multiply exactly, for x bounded to where one power of two scales the result.

    Arguments beyond `most` or `least` give a result that is the same after rounding, or that overflows in a quotient to 0.
    """
    if _scales(f):
        y = x * factor
        y = _scaled_exp(
            f, f.select(y > GREATEST_EXPONENT, GREATEST_EXPONENT, y), LEAST_NORMAL_EXPONENT
        )
        return y + 1.0
    x = f.select(x > most, most, x)
    if least is not None:
        x = f.select(x < least, least, x)
    moved = _plus_rounding(f, x, LOG2_E * factor)
    n = f.unfused("sub", moved, ROUNDING)
    # The rest over `factor`, whose powers the coefficients contain.
    r = f.fma(n, -LN2[0] / factor, x)
    r = f.fma(n, -LN2[1] / factor, r)
    powers = range(len(EXP_OF_REST) - 1, -1, -1)
    twice = poly(f, r, *[2.0 * c * factor**k for c, k in zip(EXP_OF_REST, powers, strict=True)])
    # 2 e^r times 2^(n - 1), as 2^128 is no float. The bits of `moved` above those of n are shifted out.
    half = f.bits((f.bits(moved, like(x.ty, I32)) + 126) << 23, x.ty)
    return f.fma(twice, half, 1.0)


def _plus_rounding(f: Fn, x: Val, factor: float) -> Val:
    """x * factor + ROUNDING, in one instruction where there is one: a sum that may be fused with its product is no longer rounded as it must be."""
    return f.fma(x, factor, ROUNDING) if f.target.fuses else f.unfused("add", x * factor, ROUNDING)


def _scaled_exp(f: Fn, x: Val, least: float) -> Val:
    """`exp` of x < 90 by an instruction that multiplies by powers of two: far below `least`, whatever comes out is replaced by 0."""
    moved = f.unfused("add", x * LOG2_E, ROUNDING)
    n = f.unfused("sub", moved, ROUNDING)
    return f.select(x < least, 0.0, _by_registers(f, _scalef, _exp_of_rest(f, x, n), n))


def _scales(f: Fn) -> bool:
    """True if there are the instructions of AVX-512 for powers of two and reciprocals."""
    return "+avx512vl" in f.module.target.features


def _by_registers(f: Fn, function: Callable[..., Val], *args: Val) -> Val:
    """A function of 4, 8 or 16 lanes, also for others, with the same bits."""
    n = lanes(args[0].ty)
    if n == 1:
        return f.extract(function(f, *[f.splat(x, 4) for x in args]), 0)
    parts = []
    for first in range(0, n, 16):
        left = min(n - first, 16)
        size = next(size for size in (4, 8, 16) if size >= left)
        index = [first + min(i, left - 1) for i in range(size)]
        same = index == list(range(n))
        parts.append(function(f, *[x if same else f.shuffle(x, None, index) for x in args]))
    # Each part is added after the lanes before it; a shuffle takes two vectors of one length.
    whole, count = parts[0], min(n, 16)
    for part in parts[1:]:
        left = min(n - count, 16)
        size = lanes(whole.ty)
        part = f.shuffle(part, None, [i if i < left else None for i in range(size)])
        whole = f.shuffle(whole, part, [*range(count), *range(size, size + left)])
        count += left
    return whole if lanes(whole.ty) == n else f.shuffle(whole, None, list(range(n)))


def _scalef(f: Fn, x: Val, n: Val) -> Val:
    """x 2^n of a whole n."""
    size = lanes(x.ty)
    name = f"@llvm.x86.avx512.mask.scalef.ps.{32 * size}"
    mask, mode, modes = ("i16", ", i32 4", ", i32") if size == 16 else ("i8", "", "")
    f.module.declare(f"declare {x.ty} {name}({x.ty}, {x.ty}, {x.ty}, {mask}{modes})")
    return f.emit(
        x.ty,
        f"call {x.ty} {name}({x.ty} {x.s}, {x.ty} {n.s}, {x.ty} zeroinitializer, {mask} -1{mode})",
    )


def _rcp14(f: Fn, x: Val) -> Val:
    """1 / x, wrong by 2^-14 of it at most."""
    name = f"@llvm.x86.avx512.rcp14.ps.{32 * lanes(x.ty)}"
    mask = "i16" if lanes(x.ty) == 16 else "i8"
    f.module.declare(f"declare {x.ty} {name}({x.ty}, {x.ty}, {mask})")
    return f.emit(x.ty, f"call {x.ty} {name}({x.ty} {x.s}, {x.ty} zeroinitializer, {mask} -1)")


def _rough_reciprocal(f: Fn, x: Val) -> Val:
    """1 / x, which may be wrong by 2^-14 of it where a division takes as long as 16 multiplications (AVX-512)."""
    return _by_registers(f, _rcp14, x) if _scales(f) else 1.0 / x


def _rest(f: Fn, x: Val, n: Val) -> Val:
    """x - n ln2."""
    return f.fma(n, -LN2[1], f.fma(n, -LN2[0], x))


def _exp_of_rest(f: Fn, x: Val, n: Val) -> Val:
    """e^(x - n ln2)."""
    return poly(f, _rest(f, x, n), *EXP_OF_REST)


def _whole(f: Fn, x: Val) -> tuple[Val, Val]:
    """The nearest whole number, also as an i32; for |x| below 2^22."""
    if not f.target.saturates:
        i = f.convert(f.intrinsic("rint", x), I32)
        return f.convert(i, F32), i
    moved = f.unfused("add", x, ROUNDING)
    return f.unfused("sub", moved, ROUNDING), f.bits(moved, like(x.ty, I32)) - 0x4B400000


def log(f: Fn, x: Val) -> Val:
    """log(m 2^e) with m in [2/3, 4/3)."""
    tiny = x < 1.17549435e-38
    a = f.select(tiny, x * 8388608.0, x)
    i = f.bits(a, like(x.ty, I32))
    e = (i - 0x3F2AAAAB) & -8388608
    m = f.bits(i - e, x.ty)
    k = f.convert(e, F32) * 1.1920929e-7
    k = f.select(tiny, k - 23.0, k)
    r = _log_near_one(f, k, m - 1.0)
    r = f.select(x.eq(INF), x, r)
    r = f.select(x.eq(0.0), -INF, r)
    return f.select(x < 0.0, NAN, f.select(x.ne(x), x, r))


def _log_near_one(f: Fn, k: Val, t: Val) -> Val:
    """k ln2 + log(1 + t) with t in [-1/3, 1/3)."""
    s = t * t
    r = poly(f, s, -0.130310059, -0.121483766, -0.166846052, -0.249996200)
    q = poly(f, s, 0.140869141, 0.139814854, 0.200120345)
    r = f.fma(q, t, r)
    r = f.fma(f.fma(r, t, 0.333331972), t, -0.5)
    return f.fma(k, 0.693147182, f.fma(r, s, t))


def log1p(f: Fn, x: Val) -> Val:
    """log(m 2^k) with m in [2/3, 4/3) and 1 + x = u + lost: m is (u + lost) / 2^k."""
    u = f.unfused("add", x, 1.0)
    lost = f.unfused("sub", x, f.unfused("sub", u, 1.0))
    i = f.bits(u, like(x.ty, I32))
    e = (i - 0x3F2AAAAB) & -8388608
    # Of large x nothing is lost, and the largest powers of two have no reciprocal.
    scale = f.select(x > 67108864.0, 0.0, f.bits(0x3F800000 - e, x.ty))
    t = f.fma(lost, scale, f.bits(i - e, x.ty) - 1.0)
    r = _log_near_one(f, f.convert(e, F32) * 1.1920929e-7, t)
    r = f.select(u.eq(0.0), -INF, f.select(x < -1.0, NAN, r))
    # Where u is 1, log(1 + x) is x to the last bit, also of -0.
    return f.select(u.eq(1.0) | x.eq(INF) | x.ne(x), x, r)


def expm1(f: Fn, x: Val) -> Val:
    """2^n (e^r - 1) + (2^n - 1) with |r| <= ln2 / 2."""
    x = clamp(f, x, -18.0, 89.0)  # -1 and infinity beyond
    n, i = _whole(f, x * LOG2_E)
    r = _rest(f, x, n)
    p = poly(f, r, 1.99135262e-4, 1.39410526e-3, 8.33327416e-3, 4.16663550e-2, 1.66666672e-1, 0.5)
    p = f.fma(p, r * r, r)
    half = f.bits((i + 126) << 23, x.ty)  # 2^(n - 1), as 2^128 is no float
    # The sign is that of x, also of -0, which the sums lose.
    return copysign(f, f.select(i.eq(0), p, f.fma(p, half, half - 0.5) * 2.0), x)


def atanh(f: Fn, x: Val) -> Val:
    a = fabs(f, x)
    return copysign(f, log1p(f, a * 2.0 / (1.0 - a)) * 0.5, x)


def tanh(f: Fn, x: Val) -> Val:
    t = fabs(f, x)
    s = t * t
    small = poly(f, s, 1.57394409e-2, -5.23025580e-2, 1.33152470e-1, -3.33327681e-1) * s
    small = f.fma(small, t, t)
    divisor = _one_plus_exp(f, t, 2.0, GREATEST_EXPONENT / 2, None)
    # The sign is that of x, also of -0, which the sums lose.
    return copysign(f, f.select(t < 0.55, small, 1.0 - 2.0 / divisor), x)


def sigmoid(f: Fn, x: Val) -> Val:
    return 1.0 / _one_plus_exp(f, x, -1.0, -LEAST_TO_ADD, -GREATEST_EXPONENT)


def erf(f: Fn, x: Val) -> Val:
    t, s = fabs(f, x), x * x
    r = poly(f, t, -1.72853470e-5, 3.83197126e-4)
    u = poly(f, t, -3.88396438e-3, 2.42546219e-2)
    r = f.fma(r, s, u)
    for c in (-1.06777877e-1, -6.34846687e-1, -1.28717512e-1):
        r = f.fma(r, t, c)
    big = copysign(f, 1.0 - exp_below_90(f, f.fma(r, t, -t), LEAST_NORMAL_EXPONENT), x)
    p = poly(
        f,
        s,
        -5.96761703e-4,
        4.99119423e-3,
        -2.67681349e-2,
        1.12819925e-1,
        -3.76125336e-1,
        1.28379166e-1,
    )
    return f.select(t > 0.927734375, big, f.fma(p, x, x))


def erfc(f: Fn, x: Val) -> Val:
    """exp(-a^2) (1 + p(q)) / (1 + 2a) of a = |x|, with a polynomial of q = (a - 2) / (a + 2)."""
    a = fabs(f, x)
    y, s = _erfc_parts(f, a) if f.target.fuses else _erfc_parts_unfused(f, a)
    y = y * exp_below_90(f, -s, LEAST_EXPONENT)
    y = f.select(a > 10.1, 0.0, y)
    return f.select(x < 0.0, 2.0 - y, y)


def _erfc_polynomial(f: Fn, q: Val) -> Val:
    """Even and odd powers apart: half as many steps wait for one another."""
    s = q * q
    odd = poly(f, s, -3.99452605e-4, 1.31331233e-3, -8.06014333e-3, 1.64055422e-1, -9.27639827e-2)
    even = poly(f, s, -1.22800702e-3, 8.6301025e-3, -5.42038865e-2, -1.66031465e-1, 2.76978403e-1)
    return f.fma(odd, q, even)


def _erfc_parts(f: Fn, a: Val) -> tuple[Val, Val]:
    """(erfc(a) exp(s), s) of s = a^2 rounded: exp(-a^2) = exp(-s) (1 + error). Quotients are corrected by their remainders.

    The error corrects the quotient: a term of the product with exp(-s) would be subnormal, and flushed to 0.
    """
    s = a * a
    error = f.exact_fma(-a, a, s)
    r = _rough_reciprocal(f, a + 2.0)
    q = (a - 2.0) * r
    q = f.fma(f.exact_fma(q, -(a + 2.0), a - 2.0), r, q)
    p = _erfc_polynomial(f, q)
    d = f.fma(a, 2.0, 1.0)
    r = _rough_reciprocal(f, d)
    y = f.fma(p, r, r)
    remainder = f.exact_fma(y, -d, 1.0) + p
    return f.fma(f.fma(p, error, error) + remainder, r, y), s


def _erfc_parts_unfused(f: Fn, a: Val) -> tuple[Val, Val]:
    """`_erfc_parts` without FMA: by divisions, and by the first twelve bits of a number, whose square is exact."""
    high = f.bits(f.bits(a, like(a.ty, I32)) & -4096, a.ty)
    large, small = high * high, (a - high) * (a + high)
    s = large + small
    error = (s - large) - small
    p = _erfc_polynomial(f, (a - 2.0) / (a + 2.0))
    return (p + (p * error + error) + 1.0) / (a * 2.0 + 1.0), s


LARGEST_ERFC = 9.3  # erfc(x) is subnormal beyond


def short_erfc(f: Fn, x: Val) -> Val:
    """erfc for results of at most 11 bits: relative errors of 2^-17, by one division and half the terms.

    exp(-a^2) t p(t) of a = |x|, t = 1 / (1 + 0.435 a), where x has 11 bits at most, so that a^2 is exact.
    """
    size = fabs(f, x)
    a = f.select(size > LARGEST_ERFC, LARGEST_ERFC, size)
    t = 1.0 / f.fma(a, 0.435, 1.0)
    y = t * poly(
        f, t, -0.151733652, 0.383798689, 0.0101351785, 0.27484268, 0.236997604, 0.245955855
    )
    s = -(a * a)
    n, i = _whole(f, s * LOG2_E)
    r = f.fma(n, -0.6931471805599453, s)
    e = poly(f, r, 0.0414582454, 0.167910799, 0.50004369, 0.999963284, 0.999999285)
    y = f.select(size > LARGEST_ERFC, 0.0, y * ldexp(f, e, i))
    return f.select(x < 0.0, 2.0 - y, y)


def _reduced_angle(f: Fn, x: Val) -> tuple[Val, Val]:
    """(r, q): x = r + q pi/2 with |r| <= pi/4, q an i32; for |x| <= FAST_ANGLE."""
    n = f.intrinsic("rint", x * (2 / math.pi))
    r = f.fma(n, -1.5703125, x)  # pi/2 in four parts, the first two with trailing zeros
    r = f.fma(n, -4.837512969970703125e-4, r)
    r = f.exact_fma(n, -7.549790126404332e-8, r)
    r = f.fma(n, 1.7151244994428828e-15, r)  # the remainder near a zero of the function
    return r, f.convert(n, I32)


def _sine_or_cosine(f: Fn, r: Val, q: Val, name: str) -> Val:
    s = r * r
    sine = f.fma(poly(f, s, 2.86567956e-6, -1.98559923e-4, 8.33338592e-3, -1.66666672e-1) * s, r, r)
    cosine = poly(f, s, 2.44677067e-5, -1.38877297e-3, 4.16666567e-2, -0.5, 1.0)
    if name == "cos":
        q = q + 1
    value = f.select((q & 1).ne(0), cosine, sine)
    return f.bits(f.bits(value, q.ty) ^ ((q & 2) << 30), value.ty)


def _arcsine_parts(f: Fn, size: Val) -> tuple[Val, Val, Val]:
    """A flag for 0 <= size <= 1/2, and two numbers that sum to asin(size) there, beyond to half of acos(size) = 2 asin(sqrt((1 - size) / 2))."""
    small = size <= 0.5
    z = f.select(small, size * size, (1.0 - size) * 0.5)
    root = sqrt(f, z)
    # what rounding the root has lost; of a root of 0, nothing
    lost = f.select(z > 0.0, f.exact_fma(-root, root, z) / (root + root), z)
    s = f.select(small, size, root)
    r = poly(f, z, 3.75652015e-2, 1.44026075e-2, 3.18176113e-2, 4.45157215e-2, 7.50051066e-2, 1.66666597e-1)  # fmt: skip
    return small, s, f.fma(s * z, r, f.select(small, 0.0, lost))


def _difference(f: Fn, high: float, low: float, s: Val, more: Val) -> Val:
    """high + low - (s + more), where |s| <= high, rounded once but for the smaller terms."""
    total = high - s
    return total + (((high - total) - s) + (low - more))


def asin(f: Fn, x: Val) -> Val:
    small, s, more = _arcsine_parts(f, fabs(f, x))
    large = _difference(f, *HALF_PI, s + s, more + more)
    return copysign(f, f.select(small, s + more, large), x)


def _quotient_angle(f: Fn, a: Val, b: Val) -> Val:
    """atan(a / b) of a, b >= 0 that are neither both 0 nor both infinite: of the quotient that is at most 1, or pi/2 minus it."""
    steep = a > b
    t = f.select(steep, b, a) / f.select(steep, a, b)
    z = t * t
    # atan(t) / t - 1, over z: the greatest error is 2.6e-9 of atan(t).
    r = poly(f, z, -1.79362297e-3, 1.09146116e-2, -3.11778560e-2, 5.79576045e-2, -8.40345100e-2, 1.09521858e-1,
             -1.42642424e-1, 1.99985489e-1, -3.33332986e-1)  # fmt: skip
    more = t * z * r
    return f.select(steep, _difference(f, *HALF_PI, t, more), t + more)


def atan(f: Fn, x: Val) -> Val:
    return copysign(f, _quotient_angle(f, fabs(f, x), f.const(1.0, x.ty)), x)


def atan2(f: Fn, y: Val, x: Val) -> Val:
    """The angle of (x, y), with the signs of zeros and infinities as IEEE 754 has them."""
    a, b = fabs(f, y), fabs(f, x)
    both = a.eq(INF) & b.eq(INF)
    a = f.select(both, 1.0, a)
    b = f.select(both | (a.eq(0.0) & b.eq(0.0)), 1.0, b)
    angle = _quotient_angle(f, a, b)
    # The sign bit, not x < 0: atan2(0, -0) is pi.
    negative = f.bits(x, like(x.ty, I32)) < 0
    angle = f.select(negative, _difference(f, *PI, angle, f.zero(x.ty)), angle)
    return f.select(f.compare("uno", x, y), x + y, copysign(f, angle, y))


def acos(f: Fn, x: Val) -> Val:
    small, s, more = _arcsine_parts(f, fabs(f, x))
    middle = _difference(f, *HALF_PI, x, copysign(f, more, x))
    twice, twice_more = s + s, more + more
    low = _difference(f, *PI, twice, twice_more)
    return f.select(small, middle, f.select(x < 0.0, low, twice + twice_more))


FAST_ANGLE = 8192.0  # beyond it the reduction loses bits


def sine_or_cosine(name: str):
    def function(f: Fn, x: Val) -> Val:
        small = fabs(f, x) <= FAST_ANGLE
        everywhere = small if lanes(x.ty) == 1 else f.reduce("and", small)

        def fast():
            value = _sine_or_cosine(f, *_reduced_angle(f, x), name)
            return (keep_zero(f, x, value) if name == "sin" else value,)

        return f.when(everywhere, fast, lambda: (library_call(f, name, x),))[0]

    return function


sin, cos = sine_or_cosine("sin"), sine_or_cosine("cos")


def library_call(f: Fn, name: str, *args: Val) -> Val:
    """The C library's function of doubles; of vectors lane by lane, in a function of its own: most never come there."""
    element = "float" if "float" in args[0].ty else "double"
    n = lanes(args[0].ty)
    if n == 1:
        return f.convert(f.call(name, *[f.convert(a, F64) for a in args], ret=F64), element)
    lane_by_lane = f"{name}_{element}_{n}"
    if lane_by_lane not in f.module.names:
        _write_lane_by_lane(f.module, lane_by_lane, name, args)
    return f.call(lane_by_lane, *args, ret=args[0].ty)


def _write_lane_by_lane(m: ModuleText, called: str, name: str, args: Sequence[Val]) -> None:
    n, ty = lanes(args[0].ty), args[0].ty
    parameters = {f"x{i}": a.ty for i, a in enumerate(args)}
    with Fn(m, called, parameters, ty, internal=True, noalias=False) as f:
        wide = [f.convert(getattr(f, parameter), F64) for parameter in parameters]
        rooms = [f.alloca(F64, n) for _ in wide]
        for room, value in zip(rooms, wide):
            f.store(value, room)

        def one(i):
            f.store(f.call(name, *[f.load(room, i, F64) for room in rooms], ret=F64), rooms[0], i)

        f.loop(f.i64(0), n, 1, one)
        element = "float" if "float" in ty else "double"
        f.give(f.convert(f.load(rooms[0], 0, like(ty, F64)), element))


def from_library(name: str):
    """A function that is computed by the C library in double precision, then rounded."""

    def function(f: Fn, *args: Val) -> Val:
        return library_call(f, name, *args)

    return function
