"""float64 functions."""

from __future__ import annotations

from penstock._src.compiler.codegen.math32 import from_library, sqrt
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, F64
from penstock._src.native.language.value import Val

FUNCTIONS = {
    name: from_library(name)
    for name in (
        "exp expm1 log log1p cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc lgamma pow atan2"
    ).split()
}


def _sigmoid(f: Fn, x: Val) -> Val:
    return 1.0 / (FUNCTIONS["exp"](f, -x) + 1.0)


def _rsqrt(f: Fn, x: Val) -> Val:
    return 1.0 / sqrt(f, x)


FUNCTIONS |= {"sqrt": sqrt, "sigmoid": _sigmoid, "rsqrt": _rsqrt}


def by_double(name: str):
    """The float32 function that computes in float64 and rounds once."""

    def function(f: Fn, *args: Val) -> Val:
        return f.convert(FUNCTIONS[name](f, *[f.convert(a, F64) for a in args]), F32)

    return function
