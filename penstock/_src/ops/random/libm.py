"""Logarithm, sine and cosine rounded like the C library's, so that random numbers agree bit for bit.

Single precision follows the algorithms of Arm's optimized routines, which the GNU C library uses: they are
evaluated in double precision from a short table and polynomial, and rounded once. Double precision goes
through Python's `math`, which calls the C library.
"""

import math

import numpy as np

_h = float.fromhex

# 1 / c and log(c) for the centers c of 16 intervals of [0x1.66p-1, 0x1.66p0)
INVERSE = np.array(
    [
        _h("0x1.661ec79f8f3bep+0"), _h("0x1.571ed4aaf883dp+0"), _h("0x1.49539f0f010bp+0"), _h("0x1.3c995b0b80385p+0"),
        _h("0x1.30d190c8864a5p+0"), _h("0x1.25e227b0b8eap+0"), _h("0x1.1bb4a4a1a343fp+0"), _h("0x1.12358f08ae5bap+0"),
        _h("0x1.0953f419900a7p+0"), _h("0x1p+0"), _h("0x1.e608cfd9a47acp-1"), _h("0x1.ca4b31f026aap-1"),
        _h("0x1.b2036576afce6p-1"), _h("0x1.9c2d163a1aa2dp-1"), _h("0x1.886e6037841edp-1"), _h("0x1.767dcf5534862p-1"),
    ]
)  # fmt: skip
LOG = np.array(
    [
        _h("-0x1.57bf7808caadep-2"), _h("-0x1.2bef0a7c06ddbp-2"), _h("-0x1.01eae7f513a67p-2"), _h("-0x1.b31d8a68224e9p-3"),
        _h("-0x1.6574f0ac07758p-3"), _h("-0x1.1aa2bc79c81p-3"), _h("-0x1.a4e76ce8c0e5ep-4"), _h("-0x1.1973c5a611cccp-4"),
        _h("-0x1.252f438e10c1ep-5"), _h("0x0p+0"), _h("0x1.aa5aa5df25984p-5"), _h("0x1.c5e53aa362eb4p-4"),
        _h("0x1.526e57720db08p-3"), _h("0x1.bc2860d224770p-3"), _h("0x1.1058bc8a07ee1p-2"), _h("0x1.4043057b6ee09p-2"),
    ]
)  # fmt: skip
LN2 = _h("0x1.62e42fefa39efp-1")
LOG_POLYNOMIAL = (
    _h("-0x1.00ea348b88334p-2"),
    _h("0x1.5575b0be00b6ap-2"),
    _h("-0x1.ffffef20a4123p-2"),
)
LOG_OFFSET = np.uint32(0x3F330000)

TWO_OVER_PI = _h("0x1.45F306DC9C883p-1")
HALF_PI = _h("0x1.921FB54442D18p0")
COSINE = (
    _h("0x1p0"), _h("-0x1.ffffffd0c621cp-2"), _h("0x1.55553e1068f19p-5"), _h("-0x1.6c087e89a359dp-10"),
    _h("0x1.99343027bf8c3p-16"),
)  # fmt: skip
SINE = _h("-0x1.555545995a603p-3"), _h("0x1.1107605230bc4p-7"), _h("-0x1.994eb3774cf24p-13")


def logf(x: np.ndarray) -> np.ndarray:
    """Natural logarithm of positive normal float32 numbers."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    shifted = bits - LOG_OFFSET
    interval = (shifted >> np.uint32(19)) & np.uint32(15)
    exponent = shifted.view(np.int32) >> np.int32(23)
    mantissa = (bits - (shifted & np.uint32(0xFF800000))).view(np.float32).astype(np.float64)
    r = mantissa * INVERSE[interval] - 1.0
    base = LOG[interval] + exponent * LN2
    a0, a1, a2 = LOG_POLYNOMIAL
    square = r * r
    y = a0 * square + (a1 * r + a2)
    return (y * square + (base + r)).astype(np.float32)


def sincosf(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of float32 numbers of magnitude below 120."""
    y = np.asarray(x, np.float32).astype(np.float64)
    quadrant = np.floor(y * TWO_OVER_PI + 0.5).astype(np.int64)
    r = y - quadrant * HALF_PI
    sine, cosine = _sine_polynomial(r), _cosine_polynomial(r)
    odd = (quadrant & 1).astype(bool)
    negative_sine = (quadrant & 2).astype(bool)
    negative_cosine = ((quadrant + 1) & 2).astype(bool)
    s = np.where(odd, cosine, sine)
    c = np.where(odd, sine, cosine)
    return np.where(negative_sine, -s, s), np.where(negative_cosine, -c, c)


def _sine_polynomial(r: np.ndarray) -> np.ndarray:
    s1, s2, s3 = SINE
    square = r * r
    cube = r * square
    return (r + cube * s1 + cube * square * (s2 + square * s3)).astype(np.float32)


def _cosine_polynomial(r: np.ndarray) -> np.ndarray:
    c0, c1, c2, c3, c4 = COSINE
    square = r * r
    fourth = square * square
    return (c0 + square * c1 + fourth * c2 + fourth * square * (c3 + square * c4)).astype(
        np.float32
    )


def _each(function):
    ufunc = np.frompyfunc(function, 1, 1)
    return lambda x: ufunc(x).astype(np.float64)


log = _each(math.log)
_sin = _each(math.sin)
_cos = _each(math.cos)


def sincos(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of float64 numbers."""
    return _sin(x), _cos(x)
