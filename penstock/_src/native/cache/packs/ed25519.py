"""Verification of Ed25519 signatures (RFC 8032), in integers.

It takes two milliseconds, for one manifest a pack. All that is public goes in, so nothing depends on timing. Stricter than the RFC where it leaves room:
encodings must be canonical, S below the order of the group, and a public key of small order, whose signatures prove nothing, is not accepted.
"""

import hashlib

KEY_BYTES, SIGNATURE_BYTES = 32, 64

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1

# (X, Y, Z, T): the point (X/Z, Y/Z), with T = XY/Z.
_Point = tuple[int, int, int, int]
_ZERO: _Point = (0, 1, 1, 0)


def _add(p: _Point, q: _Point) -> _Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _doubled(p: _Point) -> _Point:
    a, b = p[0] * p[0], p[1] * p[1]
    h = a + b
    e = h - (p[0] + p[1]) ** 2
    g = a - b
    f = 2 * p[2] * p[2] + g
    e, f, g, h = e % _P, f % _P, g % _P, h % _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: _Point, other: int = 0, second: _Point = _ZERO) -> _Point:
    """`number` times a point, plus `other` times a second one, with the doublings of both done together."""
    # Shamir's trick: one addition for two bits, and half the doublings.
    points = (_ZERO, point, second, _add(point, second))
    result = _ZERO
    for at in range(max(number.bit_length(), other.bit_length()) - 1, -1, -1):
        result = _doubled(result)
        which = (number >> at & 1) + 2 * (other >> at & 1)
        if which:
            result = _add(result, points[which])
    return result


def _decoded(text: bytes) -> _Point | None:
    """The point of an encoding; None if it is not one, or not the canonical one."""
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    # The reduced number would be a second encoding of the same point.
    if y >= _P:
        return None
    # The denominator is never zero: -1/d is not a square.
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    # If `square` has roots, this is one of it or of its opposite, since _P is 5 modulo 8.
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encoded(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(KEY_BYTES, "little")


_BASE = _decoded((4 * pow(5, -1, _P) % _P).to_bytes(KEY_BYTES, "little")) or _ZERO


def _has_small_order(point: _Point) -> bool:
    # The cofactor is 8: a point of small order is one whose order divides it.
    return _encoded(_times(8, point)) == _encoded(_ZERO)


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """True if a signature is that of a message by a public key's owner."""
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    commitment, scalar = signature[:KEY_BYTES], int.from_bytes(signature[KEY_BYTES:], "little")
    point = _decoded(key)
    if point is None or scalar >= _ORDER or _has_small_order(point):
        return False
    challenge = int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little")
    # R = S B - k A instead of S B = R + k A: R need not be decoded.
    opposite = (_P - point[0], point[1], 1, _P - point[3])
    expected = _times(scalar, _BASE, challenge % _ORDER, opposite)
    return _encoded(expected) == commitment
