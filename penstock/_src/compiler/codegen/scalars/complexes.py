"""Complex arithmetic on pairs of real values.

A function takes (f, real, *values), where real(name, *values) is the code of a real operation; complex values are Pairs.
"""

import math
from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.scalars.registers import Pair, register_type
from penstock._src.core.errors import UnimplementedError
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F64, scalar
from penstock._src.native.language.value import Val

Real = Callable[..., Val]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "complex": lambda f, real, re, im: Pair(re, im),
    "real": lambda f, real, z: z.re,
    "imag": lambda f, real, z: z.im,
    "conj": lambda f, real, z: Pair(z.re, -z.im),
    "neg": lambda f, real, z: Pair(-z.re, -z.im),
    "is_nan": lambda f, real, z: f.compare("uno", z.re, z.im),
    "add": lambda f, real, a, b: Pair(f.unfused("add", a.re, b.re), f.unfused("add", a.im, b.im)),
    "sub": lambda f, real, a, b: Pair(f.unfused("sub", a.re, b.re), f.unfused("sub", a.im, b.im)),
    "square": lambda f, real, z: product(f, real, z, z),
    "reciprocal": lambda f, real, z: quotient(f, real, _one(f, z), z),
}


def function(*names: str):
    """Registers the code of operations."""

    def register(code):
        for name in names:
            FUNCTIONS[name] = code
        return code

    return register


def apply(f: Fn, name: str, dtype: Any, arg_dtypes: Any, args: Any, real_operation: Any) -> Any:
    """The code of one operation that takes or gives complex numbers."""
    if name == "cast":
        return _cast(f, args[0], dtype, arg_dtypes[0], real_operation)
    if name == "select":
        c, a, b = args
        return Pair(f.select(c, a.re, b.re), f.select(c, a.im, b.im))
    code = FUNCTIONS.get(name)
    if code is None:
        raise UnimplementedError(None, None, f"{name} of complex numbers: not in compiled code.")
    part = (dtype if dtype.is_complex else arg_dtypes[0]).real_dtype

    def real(operation: str, *values: Any) -> Val:
        return real_operation(f, operation, part, [part] * len(values), list(values))

    return code(f, real, *args)


def _cast(f: Fn, x: Any, dtype: Any, source: Any, real_operation: Any) -> Any:
    if not dtype.is_complex:
        if dtype.is_bool:
            return x.re.ne(0.0) | x.im.ne(0.0)
        return real_operation(f, "cast", dtype, [source.real_dtype], [x.re])
    target = dtype.real_dtype
    if isinstance(x, Pair):
        element = register_type(target)
        return Pair(f.convert(x.re, element), f.convert(x.im, element))
    re = real_operation(f, "cast", target, [source], [x])
    return Pair(re, f.zero(re.ty))


# -- parts
@function("abs")
def magnitude(f, real, z):
    """sqrt(re^2 + im^2) scaled by the larger part, so that squares do not overflow."""
    a, b = real("abs", z.re), real("abs", z.im)
    large, small = real("maximum", a, b), real("minimum", a, b)
    ratio = small / f.select(large.eq(0.0), 1.0, large)
    result = large * real("sqrt", ratio * ratio + 1.0)
    infinite = real("is_inf", a) | real("is_inf", b)
    return f.select(infinite, float("inf"), result)


@function("is_finite")
def _is_finite(f, real, z):
    return (real("abs", z.re) < float("inf")) & (real("abs", z.im) < float("inf"))


@function("is_inf")
def _is_inf(f, real, z):
    infinity = float("inf")
    return real("abs", z.re).eq(infinity) | real("abs", z.im).eq(infinity)


def _is_zero(z: Pair) -> Val:
    return z.re.eq(0.0) & z.im.eq(0.0)


# -- arithmetic
@function("mul")
def product(f, real, a, b):
    """(a + bi)(c + di); conjugates give a real number."""
    re = f.unfused("sub", a.re * b.re, a.im * b.im)
    return Pair(re, f.unfused("add", a.re * b.im, a.im * b.re))


@function("div")
def quotient(f, real, a, b):
    """Complex division by Smith's method, in double precision: the divisor is scaled by its larger part."""
    element = scalar(a.ty)
    (p, q), (c, d) = ((f.convert(x, F64) for x in (z.re, z.im)) for z in (a, b))
    wide = f.intrinsic("fabs", c) >= f.intrinsic("fabs", d)
    large, small = f.select(wide, c, d), f.select(wide, d, c)
    ratio = small / large
    # Not times its reciprocal, which programs take for zero if the divisor is very large.
    total = large + small * ratio
    re = (f.select(wide, p, q) + f.select(wide, q, p) * ratio) / total
    im = f.select(wide, q - p * ratio, q * ratio - p) / total
    return Pair(f.convert(re, element), f.convert(im, element))


def _one(f: Fn, z: Pair) -> Pair:
    return Pair(f.zero(z.ty) + 1.0, f.zero(z.ty))


@function("sign")
def _sign(f, real, z):
    size = magnitude(f, real, z)
    none = size.eq(0.0)
    size = f.select(none, 1.0, size)
    return Pair(z.re / size, z.im / size)


@function("eq")
def _eq(f, real, a, b):
    return a.re.eq(b.re) & a.im.eq(b.im)


@function("ne")
def _ne(f, real, a, b):
    return a.re.ne(b.re) | a.im.ne(b.im)


# -- functions
def _zero_with(f, zeros, product):
    """A product that is 0 where one of these factors is, also by an infinity or NaN (C99, annex G)."""
    for x in zeros:
        product = f.select(x.eq(0.0), x, product)
    return product


def _infinite_with(f, x, product):
    """A product that is infinite where x is, also by the NaN of an angle that is not finite (C99, annex G)."""
    infinite = f.intrinsic("fabs", x, fast=False)
    lost = infinite.eq(float("inf")) & product.ne(product)
    return f.select(lost, infinite, product)


@function("exp")
def exp(f, real, z):
    """e^re (cos im + i sin im)"""
    size = real("exp", z.re)
    none = z.re.eq(-float("inf"))  # then the angle does not matter
    re = _infinite_with(f, z.re, f.select(none, size, size * real("cos", z.im)))
    im = f.select(none, size, size * real("sin", z.im))
    return Pair(re, _zero_with(f, [z.im], im))


@function("expm1")
def _expm1(f, real, z):
    half = real("sin", z.im * 0.5)
    re = real("expm1", z.re) * real("cos", z.im) - half * half * 2.0
    return Pair(re, real("exp", z.re) * real("sin", z.im))


@function("log")
def log(f, real, z):
    """log |z| + i arg z"""
    return Pair(real("log", magnitude(f, real, z)), real("atan2", z.im, z.re))


@function("log1p")
def _log1p(f, real, z):
    """log |1 + z| + i arg(1 + z); of small z by |1 + z|^2 - 1, as 1 + z has lost their bits."""
    far = log(f, real, Pair(z.re + 1.0, z.im))
    near = real("maximum", real("abs", z.re), real("abs", z.im)) < 0.5
    size = z.re * (z.re + 2.0) + z.im * z.im
    re = real("log1p", f.select(near, size, 0.0)) * 0.5
    return Pair(f.select(near, re, far.re), far.im)


@function("sqrt")
def sqrt(f, real, z):
    """The root with a real part that is not negative."""
    size = magnitude(f, real, z)
    t = real("sqrt", (size + real("abs", z.re)) * 0.5)
    safe = f.select(t.eq(0.0), 1.0, t)
    u = z.im / (safe * 2.0)
    right = z.re >= 0.0
    sign = f.intrinsic("copysign", t, z.im, fast=False)
    root = Pair(f.select(right, t, real("abs", u)), f.select(right, u, sign))
    endless = real("abs", z.im).eq(float("inf"))  # infinite in both parts, whatever the real one is
    return Pair(f.select(endless, float("inf"), root.re), f.select(endless, z.im, root.im))


@function("rsqrt")
def _rsqrt(f, real, z):
    """1 / sqrt(z): 0 if a part is infinite, infinite for 0."""
    found = quotient(f, real, _one(f, z), sqrt(f, real, z))
    endless, none = _is_inf(f, real, z), _is_zero(z)
    re = f.select(none, float("inf"), f.select(endless, 0.0, found.re))
    return Pair(re, f.select(none, float("nan"), f.select(endless, 0.0, found.im)))


@function("pow")
def power(f, real, a, b):
    """exp(b log a); 0 ** 0 is 1, and 0 ** b is 0 if b's real part is positive, else NaN."""
    none = _is_zero(a)
    safe = Pair(f.select(none, 1.0, a.re), a.im)
    result = exp(f, real, product(f, real, b, log(f, real, safe)))
    unit = _is_zero(b)
    of_none = f.select(b.re > 0.0, f.zero(a.ty), f.zero(a.ty) + float("nan"))
    re = f.select(unit, f.zero(a.ty) + 1.0, of_none)
    im = f.select(unit, f.zero(a.ty), of_none)
    return Pair(f.select(none, re, result.re), f.select(none, im, result.im))


@function("sin")
def _sin(f, real, z):
    turned = _sinh(f, real, Pair(-z.im, z.re))
    return Pair(turned.im, -turned.re)


@function("cos")
def _cos(f, real, z):
    return _cosh(f, real, Pair(-z.im, z.re))


@function("tan")
def _tan(f, real, z):
    t = tanh(f, real, Pair(-z.im, z.re))
    return Pair(t.im, -t.re)


@function("sinh")
def _sinh(f, real, z):
    re = _zero_with(f, [z.re], real("sinh", z.re) * real("cos", z.im))
    im = _zero_with(f, [z.im], real("cosh", z.re) * real("sin", z.im))
    return Pair(_infinite_with(f, z.re, re), im)


@function("cosh")
def _cosh(f, real, z):
    re = real("cosh", z.re) * real("cos", z.im)
    im = _zero_with(f, [z.re, z.im], real("sinh", z.re) * real("sin", z.im))
    return Pair(_infinite_with(f, z.re, re), im)


@function("tanh")
def tanh(f, real, z):
    """(sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y), which cancels nothing near a pole; beyond |x| = 20 that is 1 to the last bit."""
    far = real("abs", z.re) > 20.0
    finite = real("abs", z.re) < float("inf")
    lost = f.select(finite, z.im - z.im, 0.0)  # NaN if the angle is not finite and matters
    x = f.select(far, 0.0, z.re)
    sinh, cos = real("sinh", x), real("cos", z.im)
    below = sinh * sinh + cos * cos
    re = f.select(
        far,
        f.intrinsic("copysign", f.zero(x.ty) + 1.0, z.re, fast=False),
        sinh * real("cosh", x) / below,
    )
    im = f.select(far, f.zero(x.ty), real("sin", z.im) * cos / below)
    return Pair(_zero_with(f, [z.re], re + lost), _zero_with(f, [z.im], im + lost))


@function("sigmoid")
def _sigmoid(f, real, z):
    """1 / (1 + exp(-z)), and left of zero exp(z) / (exp(z) + 1): no exponential overflows."""
    left = z.re < 0.0
    e = exp(f, real, Pair(f.select(left, z.re, -z.re), f.select(left, z.im, -z.im)))
    one = _one(f, z)
    above = Pair(f.select(left, e.re, one.re), f.select(left, e.im, one.im))
    return quotient(f, real, above, Pair(e.re + 1.0, e.im))


# -- inverses, with the cuts of Kahan 1987, "Branch cuts for complex elementary functions"
def _beside_one(f, real, z):
    """(the root of 1 - z, the root of 1 + z)."""
    return sqrt(f, real, Pair(1.0 - z.re, -z.im)), sqrt(f, real, Pair(z.re + 1.0, z.im))


def _is_endless(f, z):
    """Emit the condition that a part is infinite: then angles and sizes follow C99's annex G."""
    return f.intrinsic("fabs", z.re).eq(float("inf")) | f.intrinsic("fabs", z.im).eq(float("inf"))


def _with_sign(f, size, x):
    """A number of x's type and sign."""
    return f.intrinsic("copysign", f.zero(x.ty) + size, x, fast=False)


@function("asin")
def _asin(f, real, z):
    below, above = _beside_one(f, real, z)
    endless = _is_endless(f, z)
    re = real("atan2", z.re, below.re * above.re - below.im * above.im)
    re = f.select(endless, real("atan2", z.re, real("abs", z.im)), re)
    im = real("asinh", below.re * above.im - below.im * above.re)
    im = f.select(endless, _with_sign(f, float("inf"), z.im), im)
    return Pair(_zero_with(f, [z.re], re), im)


@function("acos")
def _acos(f, real, z):
    below, above = _beside_one(f, real, z)
    endless = _is_endless(f, z)
    re = real("atan2", below.re, above.re) * 2.0
    re = f.select(endless, real("atan2", real("abs", z.im), z.re), re)
    im = real("asinh", above.re * below.im - above.im * below.re)
    im = f.select(endless, -_with_sign(f, float("inf"), z.im), im)
    return Pair(f.select(z.re.eq(0.0), math.pi / 2, re), im)


@function("acosh")
def _acosh(f, real, z):
    below, above = sqrt(f, real, Pair(z.re - 1.0, z.im)), sqrt(f, real, Pair(z.re + 1.0, z.im))
    endless = _is_endless(f, z)
    re = real("asinh", below.re * above.re + below.im * above.im)
    im = real("atan2", below.im, above.re) * 2.0
    im = f.select(endless, real("atan2", z.im, z.re), im)
    im = f.select(z.re.eq(0.0), _with_sign(f, math.pi / 2, z.im), im)
    return Pair(f.select(endless, float("inf"), re), im)


@function("atanh")
def _atanh(f, real, z):
    size = real("abs", z.re)  # as the function is odd: numbers near -1 have digits to lose
    left = 1.0 - size
    endless = _is_endless(f, z)
    distance, height = real("abs", left), real("abs", z.im)
    most, least = f.max(distance, height), f.min(distance, height)
    # Not left * left + z.im * z.im: the squares of large numbers are infinite.
    ratio = f.select(most.eq(0.0), 0.0, least / most)
    re = real("log1p", size / most / (most * (ratio * ratio + 1.0)) * 4.0) * 0.25
    re = f.select(endless, 0.0, re)
    im = real("atan2", z.im * 2.0, left * (size + 1.0) - z.im * z.im) * 0.5
    im = f.select(left.eq(0.0) & z.im.eq(0.0), z.im, im)
    turned = f.select(f.compare("uno", z.im, z.im), z.im, _with_sign(f, math.pi / 2, z.im))
    im = f.select(endless, turned, im)
    return Pair(_zero_with(f, [z.re], f.intrinsic("copysign", re, z.re, fast=False)), im)


def _turned(function):
    """-i function(i z)."""

    def of(f, real, z):
        rotated = function(f, real, Pair(-z.im, z.re))
        return Pair(rotated.im, -rotated.re)

    return of


FUNCTIONS["asinh"], FUNCTIONS["atan"] = _turned(_asin), _turned(_atanh)
