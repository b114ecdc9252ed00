"""float64 functions as straight-line vector code, and the float32 functions that compute in float64 and round once.

Largest errors seen in tests, in units in the last place: exp, log 1, expm1, log1p, cbrt 2, tanh, sinh, cosh 3, sin, cos 1,
atan, asin, acos, asinh, acosh, atanh 3, erf 3, erfc 2, pow 0.6. lgamma and tan of float64 are the C library's, lane by lane.

Sources: W. J. Cody, W. Waite: Software Manual for the Elementary Functions (1980); the reductions and minimax coefficients
of fdlibm (log, sin, cos, erfc) and Cephes (atan, erf); T. J. Dekker: A floating-point technique for extending the available
precision (1971), for pow.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.scalars.math32 import (
    INF,
    NAN,
    clamp,
    copysign,
    fabs,
    from_library,
    keep_zero,
    library_call,
    poly,
    sqrt,
)
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, F64, I64, lanes, like
from penstock._src.native.language.value import Val

LOG2E = 1.4426950408889634
LEAST_EXPONENT = -745.1332191019412  # e^x rounds to 0 below
LEAST_NORMAL_EXPONENT = -708.3964185322641  # e^x is subnormal below
LN2_HI, LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10
FACTORIALS = (
    6227020800.0,
    479001600.0,
    39916800.0,
    3628800.0,
    362880.0,
    40320.0,
    5040.0,
    720.0,
    120.0,
    24.0,
    6.0,
    2.0,
)


def _power_of_two(f: Fn, n: Val) -> Val:
    """2^n of integers n in the exponent's range."""
    return f.bits((n + 1023) << 52, like(n.ty, F64))


def _reduced(f: Fn, x: Val) -> tuple[Val, Val]:
    """(n, r): x = n ln2 + r with |r| <= ln2 / 2, n an i64."""
    n = f.intrinsic("rint", x * LOG2E)
    # ln2 in two parts (Cody and Waite): n * LN2_HI is exact, so the small r keeps its digits.
    r = f.fma(n, -LN2_HI, x)
    return f.convert(n, I64), f.fma(n, -LN2_LO, r)


def _expm1_near_zero(f: Fn, r: Val) -> Val:
    """e^r - 1 for |r| <= ln2 / 2: r + r^2 (1/2 + r/6 + ...)."""
    p = poly(f, r, *[1 / x for x in FACTORIALS])
    return f.fma(p, r * r, r)


def exp(f: Fn, x: Val, least: float = LEAST_EXPONENT) -> Val:
    """e^x; 0 for arguments below `least`, without an underflow, which takes long."""
    n, r = _reduced(f, clamp(f, x, -746.0, 710.0))
    # 2^n as two factors: n may be 1024, or below -1022, which no exponent holds.
    half = n >> 1
    e = f.select(x < least, 0.0, _expm1_near_zero(f, r) + 1.0)
    return e * _power_of_two(f, half) * _power_of_two(f, n - half)


def _exp_of_sum(f: Fn, high: Val, low: Val) -> Val:
    """e^(high + low) for |low| up to 0.1, rounded once: what 1 + (e^r - 1) loses is added to it."""
    n = f.intrinsic("rint", clamp(f, high, -746.0, 710.0) * LOG2E)
    first = f.exact_fma(n, -LN2_HI, clamp(f, high, -746.0, 710.0))
    more = f.fma(n, -LN2_LO, low)
    r, lost = _fast_sum(f, first, more)
    p = poly(f, r, *[1 / x for x in FACTORIALS])
    e, below = _fast_sum(f, f.const(1.0, r.ty), r)
    e = f.unfused("add", e, f.fma(p, r * r, f.fma(lost, e, below)))
    whole = f.convert(n, I64)
    half = whole >> 1
    e = f.select(high < LEAST_EXPONENT - 0.1, 0.0, e)
    return e * _power_of_two(f, half) * _power_of_two(f, whole - half)


def _fast_sum(f: Fn, large: Val, small: Val) -> tuple[Val, Val]:
    """(s, e): large + small = s + e exactly, if large is 0 or not below small in size (Dekker)."""
    s = f.unfused("add", large, small)
    return s, f.unfused("sub", small, f.unfused("sub", s, large))


def expm1(f: Fn, x: Val) -> Val:
    n, r = _reduced(f, clamp(f, x, -50.0, 710.0))
    half = n >> 1
    first, second = _power_of_two(f, half), _power_of_two(f, n - half)
    p = _expm1_near_zero(f, r)
    # Times 2^(n - half): 2^n (p + 1 - 2^-n).
    small = f.fma(p, first, first - _power_of_two(f, half - n))
    # The sign is that of x, also of -0, which the sums lose.
    return copysign(f, f.select(n.eq(0), p, small * second), x)


def log(f: Fn, x: Val) -> Val:
    """k ln2 + log m with m in [sqrt(1/2), sqrt 2)."""
    # Subnormal numbers have no exponent of their own: they are scaled by 2^54 first.
    tiny = x < 2.2250738585072014e-308
    a = f.select(tiny, x * 18014398509481984.0, x)
    bits = f.bits(a, like(x.ty, I64))
    # The bits of sqrt(1/2): the exponent counts from there, so that log m is nearest to 0.
    shifted = bits - 0x3FE6A09E667F3BCD
    k = shifted >> 52
    m = f.bits(bits - (k << 52), x.ty)
    k = f.convert(k, F64)
    k = f.select(tiny, k - 54.0, k)
    t = m - 1.0
    s = t / (t + 2.0)
    z = s * s
    r = poly(
        f, z, 1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
        2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01,
    ) * z  # fmt: skip
    h = t * t * 0.5
    # Small terms first: t - (h - low) loses none of them to the large k ln2.
    low = f.fma(s, h + r, k * LN2_LO)
    result = f.fma(k, LN2_HI, t - (h - low))
    result = f.select(x.eq(INF), x, result)
    result = f.select(x.eq(0.0), -INF, result)
    return f.select(x < 0.0, NAN, f.select(x.ne(x), x, result))


# 3/5, 3/7, 3/9, ...: log((1 + s) / (1 - s)) is 2/3 s (3 + s^2 + 3/5 s^4 + ...). |s| is below 0.172.
_LOG_SERIES = [3 / (2 * i + 1) for i in range(12, 1, -1)]
_TWO_THIRDS = 0.6666666666666666, 3.700743415417188e-17  # the nearest number and its error


def _log_in_two(f: Fn, x: Val) -> tuple[Val, Val]:
    """log x of positive normal or subnormal numbers as a sum of two, right to 2^-64 of it."""
    tiny = x < 2.2250738585072014e-308
    bits = f.bits(f.select(tiny, x * 18014398509481984.0, x), like(x.ty, I64))
    shift = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = f.bits(bits - (shift << 52), x.ty)
    k = f.convert(shift, F64)
    k = f.select(tiny, k - 54.0, k)
    above = m - 1.0  # exact
    below = m + 1.0
    below_lost = f.unfused("sub", above, f.unfused("sub", below, 2.0))
    s = above / below
    s_lost = f.exact_fma(-s, below, above)
    s_lost = f.fma(-s, below_lost, s_lost) / below
    z = s * s
    z_lost = f.fma(s * 2.0, s_lost, f.exact_fma(s, s, -z))
    t, t_lost = _fast_sum(f, f.const(3.0, x.ty), z)
    t_lost = f.fma(z * z, poly(f, z, *_LOG_SERIES), t_lost + z_lost)
    u = s * t
    u_lost = f.fma(s, t_lost, f.fma(s_lost, t, f.exact_fma(s, t, -u)))
    first, first_lost = _TWO_THIRDS
    v = u * first
    v_lost = f.fma(u, first_lost, f.fma(u_lost, first, f.exact_fma(u, first, -v)))
    # k * LN2_HI is exact, and 0 or larger than v.
    high, low = _fast_sum(f, k * LN2_HI, v)
    return _fast_sum(f, high, f.fma(k, LN2_LO, low + v_lost))


def power(f: Fn, x: Val, y: Val) -> Val:
    """x ** y by e^(y log |x|), the exponent as a sum of two: powers that a float64 can hold are exact."""
    a = fabs(f, x)
    high, low = _log_in_two(f, a)
    high = f.select(a.eq(0.0), -INF, f.select(a.eq(INF), INF, high))
    product = y * high
    lost = f.fma(y, low, f.exact_fma(y, high, -product))
    # Beyond, the power is 0 or infinite, and what the product lost may be NaN.
    product, lost = _fast_sum(
        f,
        clamp(f, product, -800.0, 800.0),
        f.select(fabs(f, product) < 800.0, lost, f.zero(x.ty)),
    )
    return _with_sign_of_power(f, x, y, _exp_of_sum(f, product, lost))


def _with_sign_of_power(f: Fn, x: Val, y: Val, size: Val) -> Val:
    """x ** y from |x| ** y."""
    a = fabs(f, x)
    whole = f.intrinsic("floor", y).eq(y)
    half = y * 0.5
    odd = whole & f.intrinsic("floor", half).ne(half)
    negative = f.bits(x, like(x.ty, I64)) < 0
    result = f.select(negative & odd, -size, size)
    result = f.select((x < 0.0) & ~whole & a.ne(INF), NAN, result)
    result = f.select(f.compare("uno", x, y), NAN, result)
    one = y.eq(0.0) | x.eq(1.0) | (a.eq(1.0) & fabs(f, y).eq(INF))
    return f.select(one, 1.0, result)


def log1p(f: Fn, x: Val) -> Val:
    """log u + (x - (u - 1)) / u with u = 1 + x: the second term is the part lost by the sum."""
    u = x + 1.0
    lost = (x - (u - 1.0)) / u
    result = log(f, u) + f.select(fabs(f, u).eq(INF) | u.eq(0.0), 0.0, lost)
    # Where 1 + x is 1 all of x was lost, and x is the result to the last bit.
    return f.select(u.eq(1.0), x, result)


def tanh(f: Fn, x: Val) -> Val:
    # Of a negative argument, e is between -1 and 0: no overflow, and exact near 0.
    e = expm1(f, fabs(f, x) * -2.0)
    return copysign(f, -e / (e + 2.0), x)


def sigmoid(f: Fn, x: Val) -> Val:
    return 1.0 / (exp(f, -x, LEAST_NORMAL_EXPONENT) + 1.0)


def _half_exp(f: Fn, a: Val) -> Val:
    """e^a / 2 without overflow before its own."""
    e = exp(f, a * 0.5)
    return e * 0.5 * e


def sinh(f: Fn, x: Val) -> Val:
    a = fabs(f, x)
    e = expm1(f, a)
    small = (e + e / (e + 1.0)) * 0.5
    # Above 40, e^-a is below the last bit of e^a; e^a overflows before e^a / 2 does.
    return copysign(f, f.select(a > 40.0, _half_exp(f, a), small), x)


def cosh(f: Fn, x: Val) -> Val:
    a = fabs(f, x)
    e = exp(f, a)
    return f.select(a > 40.0, _half_exp(f, a), e * 0.5 + 0.5 / e)


def asinh(f: Fn, x: Val) -> Val:
    a = fabs(f, x)
    s = a * a
    # a + sqrt(1 + a^2) - 1 without its cancellation; beyond 1e8, 1 + a^2 rounds to a^2.
    near = log1p(f, a + s / (sqrt(f, s + 1.0) + 1.0))
    return copysign(f, f.select(a > 1e8, log(f, a) + 0.6931471805599453, near), x)


def acosh(f: Fn, x: Val) -> Val:
    t = x - 1.0  # exact near 1, where acosh needs all digits of the difference
    near = log1p(f, t + sqrt(f, t * 2.0 + t * t))
    result = f.select(x > 1e8, log(f, x) + 0.6931471805599453, near)
    return f.select(x < 1.0, NAN, result)


def atanh(f: Fn, x: Val) -> Val:
    a = fabs(f, x)
    return copysign(f, log1p(f, a * 2.0 / (1.0 - a)) * 0.5, x)


def _atan_positive(f: Fn, x: Val) -> Val:
    """atan of x >= 0."""
    # tan(3 pi / 8): beyond it -1/x, in the middle (x - 1) / (x + 1) bring x below 0.66 (Cephes).
    far, middle = x > 2.414213562373095, x > 0.66
    top = f.select(far, -1.0, f.select(middle, x - 1.0, x))
    below = f.select(far, x, f.select(middle, x + 1.0, 1.0))
    t = top / below
    start = f.select(far, 1.5707963267948966, f.select(middle, 0.7853981633974483, f.zero(x.ty)))
    # The digits of pi/2 and pi/4 that `start` rounds off.
    more = f.select(
        far, 6.123233995736766e-17, f.select(middle, 3.061616997868383e-17, f.zero(x.ty))
    )
    z = t * t
    p = poly(f, z, -8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1,
             -1.228866684490136173410e2, -6.485021904942025371773e1)  # fmt: skip
    q = poly(f, z, 1.0, 2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2,
             4.853903996359136964868e2, 1.945506571482613964425e2)  # fmt: skip
    return start + (f.fma(t, z * p / q, t) + more)


def atan(f: Fn, x: Val) -> Val:
    return copysign(f, _atan_positive(f, fabs(f, x)), x)


def atan2(f: Fn, y: Val, x: Val) -> Val:
    """The angle of (x, y), with the signs of zeros and infinities as IEEE 754 has them."""
    a, b = fabs(f, y), fabs(f, x)
    both = a.eq(INF) & b.eq(INF)
    b_safe = f.select(both, 1.0, b)
    a_safe = f.select(both, 1.0, a)
    ratio = f.select(a.eq(0.0) & b.eq(0.0), 0.0, a_safe / b_safe)
    angle = _atan_positive(f, ratio)
    # The sign bit, not x < 0: atan2(0, -0) is pi.
    negative = f.bits(x, like(x.ty, I64)) < 0
    angle = f.select(negative, 3.141592653589793 - (angle - 1.2246467991473532e-16), angle)
    angle = copysign(f, angle, y)
    return f.select(f.compare("uno", x, y), x + y, angle)


def asin(f: Fn, x: Val) -> Val:
    # 1 - x^2 as a product keeps its digits near 1; atan2 is accurate on both sides.
    return atan2(f, x, sqrt(f, (1.0 - x) * (x + 1.0)))


def acos(f: Fn, x: Val) -> Val:
    return atan2(f, sqrt(f, (1.0 - x) * (x + 1.0)), x)


def cbrt(f: Fn, x: Val) -> Val:
    """e^(log a / 3), and one step of Newton's."""
    a = fabs(f, x)
    y = exp(f, log(f, a) * (1 / 3))
    # The logarithm's error grows with its size; a step of Newton's squares what is left.
    y = y - (y * y * y - a) / (y * y * 3.0)
    y = f.select(a.eq(0.0) | a.eq(INF), a, y)
    return f.select(x.ne(x), x, copysign(f, y, x))


# Rational approximations of Cephes (ndtr.c), highest power first: erf(x) / x up to 1, and erfc(x) e^(x^2) from there.
_ERF_NEAR = (
    (9.60497373987051638749e0, 9.00260197203842689217e1, 2.23200534594684319226e3, 7.00332514112805075473e3,
     5.55923013010394962768e4),
    (1.0, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3, 2.26290000613890934246e4,
     4.92673942608635921086e4),
)  # fmt: skip
_ERFC_FAR = (
    (2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687e0, 4.86371970985681366614e1,
     1.96520832956077098242e2, 5.26445194995477358631e2, 9.34528527171957607540e2, 1.02755188689515710272e3,
     5.57535335369399327526e2),
    (1.0, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2, 9.75708501743205489753e2,
     1.82390916687909736289e3, 2.24633760818710981792e3, 1.65666309194161350182e3, 5.57535340817727675546e2),
)  # fmt: skip


def _ratio(f: Fn, x: Val, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Val:
    above, below = coefficients
    return poly(f, x, *above) / poly(f, x, *below)


def erf(f: Fn, x: Val) -> Val:
    a = fabs(f, x)
    b = f.select(a > 6.0, 6.0, a)  # where it rounds to 1
    far = 1.0 - exp(f, -(b * b)) * _ratio(f, b, _ERFC_FAR)
    near = x * _ratio(f, x * x, _ERF_NEAR)
    return f.select(a < 1.0, near, copysign(f, far, x))


# Rational approximations of fdlibm (s_erf.c), highest power first, for erfc up to 0.84375 (of x^2), to 1.25 (of x - 1), to 1/0.35 and
# beyond (of 1/x^2).
_ERFC_UP_TO = 0.84375, 1.25, 1 / 0.35
_ERFC = (
    ((-2.37630166566501626084e-5, -5.77027029648944159157e-3, -2.84817495755985104766e-2, -3.25042107247001499370e-1,
      1.28379167095512558561e-1),
     (-3.96022827877536812320e-6, 1.32494738004321644526e-4, 5.08130628187576562776e-3, 6.50222499887672944485e-2,
      3.97917223959155352819e-1, 1.0)),
    ((-2.16637559486879084300e-3, 3.54783043256182359371e-2, -1.10894694282396677476e-1, 3.18346619901161753674e-1,
      -3.72207876035701323847e-1, 4.14856118683748331666e-1, -2.36211856075265944077e-3),
     (1.19844998467991074170e-2, 1.36370839120290507362e-2, 1.26171219808761642112e-1, 7.18286544141962662868e-2,
      5.40397917702171048937e-1, 1.06420880400844228286e-1, 1.0)),
    ((-9.81432934416914548592e0, -8.12874355063065934246e1, -1.84605092906711035994e2, -1.62396669462573470355e2,
      -6.23753324503260060396e1, -1.05586262253232909814e1, -6.93858572707181764372e-1, -9.86494403484714822705e-3),
     (-6.04244152148580987438e-2, 6.57024977031928170135e0, 1.08635005541779435134e2, 4.29008140027567833386e2,
      6.45387271733267880336e2, 4.34565877475229228821e2, 1.37657754143519042600e2, 1.96512716674392571292e1, 1.0)),
    ((-4.83519191608651397019e2, -1.02509513161107724954e3, -6.37566443368389627722e2, -1.60636384855821916062e2,
      -1.77579549177547519889e1, -7.99283237680523006574e-1, -9.86494292470009928597e-3),
     (-2.24409524465858183362e1, 4.74528541206955367215e2, 2.55305040643316442583e3, 3.19985821950859553908e3,
      1.53672958608443695994e3, 3.25792512996573918826e2, 3.03380607434824582924e1, 1.0)),
)  # fmt: skip
_ERFC_AT_1 = 0.15493708848953247  # the second approximation gives the difference to it


def erfc(f: Fn, x: Val) -> Val:
    a = fabs(f, x)
    b = f.select(a > 28.0, 28.0, a)  # where it rounds to 0
    ranges = [a < bound for bound in _ERFC_UP_TO]
    square = b * b
    arguments = square, b - 1.0, 1.0 / square, 1.0 / square
    near, middle, *far = (
        (poly(f, t, *above), poly(f, t, *below))
        for t, (above, below) in zip(arguments, _ERFC, strict=True)
    )

    def chosen(i: int) -> Val:
        return f.select(
            ranges[0],
            near[i],
            f.select(ranges[1], middle[i], f.select(ranges[2], far[0][i], far[1][i])),
        )

    ratio = chosen(0) / chosen(1)
    # Of 1 - (x + x r), where x is not small: 1/2 - (x - 1/2 + x r), which keeps its digits.
    start = f.select(x < 0.25, 1.0, f.const(0.5, x.ty))
    small = start - f.fma(x, ratio, x - (1.0 - start))
    beside_one = f.select(x < 0.0, (1.0 - _ERFC_AT_1) + ratio + 1.0, _ERFC_AT_1 - ratio)
    high, low = _fast_sum(f, -square, ratio - 0.5625)
    tail = _exp_of_sum(f, high, low + f.exact_fma(-b, b, square)) / b
    large = f.select(x < 0.0, 2.0 - tail, tail)
    result = f.select(ranges[0], small, f.select(ranges[1], beside_one, large))
    return f.select(x.ne(x), x, result)


FAST_ANGLE = 1e5  # beyond it the reduction loses bits


def _sine_or_cosine(name: str) -> Callable[..., Val]:
    def code(f: Fn, x: Val) -> Val:
        small = fabs(f, x) <= FAST_ANGLE
        # One branch for the whole vector: large angles, which are rare, take the library's way.
        everywhere = small if lanes(x.ty) == 1 else f.reduce("and", small)

        def fast():
            n = f.intrinsic("rint", x * 0.6366197723675814)
            # pi/2 in three parts: each fma must not be split, or the leading digits would cancel.
            r = f.exact_fma(n, -1.5707963267948966, x)
            r = f.exact_fma(n, -6.123233995736766e-17, r)
            r = f.fma(n, 1.4973849048591698e-33, r)
            q = f.convert(n, I64)
            s = r * r
            sine = poly(f, s, 1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
                        -1.98412698298579493134e-04, 8.33333333332248946124e-03, -1.66666666666666324348e-01)  # fmt: skip
            sine = f.fma(sine * s, r, r)
            cosine = poly(f, s, -1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
                          2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02)  # fmt: skip
            h = s * 0.5
            w = 1.0 - h
            cosine = w + (((1.0 - w) - h) + cosine * s * s)
            turn = q + 1 if name == "cos" else q
            # Quadrants: odd ones swap sine and cosine, the upper two flip the sign bit.
            value = f.select((turn & 1).ne(0), cosine, sine)
            value = f.bits(f.bits(value, turn.ty) ^ ((turn & 2) << 62), value.ty)
            return (keep_zero(f, x, value) if name == "sin" else value,)

        return f.when(everywhere, fast, lambda: (library_call(f, name, x),))[0]

    return code


def _rsqrt(f: Fn, x: Val) -> Val:
    return 1.0 / sqrt(f, x)


FUNCTIONS: dict[str, Any] = {
    "exp": exp, "expm1": expm1, "log": log, "log1p": log1p, "cbrt": cbrt, "sin": _sine_or_cosine("sin"),
    "cos": _sine_or_cosine("cos"), "tan": from_library("tan"), "asin": asin, "acos": acos, "atan": atan, "sinh": sinh,
    "cosh": cosh, "tanh": tanh, "asinh": asinh, "acosh": acosh, "atanh": atanh, "erf": erf, "erfc": erfc,
    "lgamma": from_library("lgamma"), "pow": power, "atan2": atan2,
    "sqrt": sqrt, "sigmoid": sigmoid, "rsqrt": _rsqrt,
}  # fmt: skip


def power_for_float32(f: Fn, x: Val, y: Val) -> Val:
    """x ** y in float64 by e^(y log |x|): right to the last bit of a float32."""
    return _with_sign_of_power(f, x, y, exp(f, y * log(f, fabs(f, x))))


def tangent_for_float32(f: Fn, x: Val) -> Val:
    return FUNCTIONS["sin"](f, x) / FUNCTIONS["cos"](f, x)


FOR_FLOAT32 = {**FUNCTIONS, "pow": power_for_float32, "tan": tangent_for_float32}


def by_double(name: str) -> Callable[..., Val]:
    """The float32 function that computes in float64 and rounds once."""

    def function(f: Fn, *args: Val) -> Val:
        return f.convert(FOR_FLOAT32[name](f, *[f.convert(a, F64) for a in args]), F32)

    return function
