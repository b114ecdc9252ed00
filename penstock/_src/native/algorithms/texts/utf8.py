"""Characters of UTF-8 within generated code."""

from collections.abc import Callable

from ... import python_calls as py
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I8, I64, PTR
from ...language.value import Val

MALFORMED = -1
_SIZE_BITS = 3


def byte(f: Fn, data: Val, at: Val) -> Val:
    """A byte, as an i64; the one at the end of a string is the zero that follows all bytes objects."""
    return f.convert(f.load(data, at, I8), I64, signed=False)


def string(f: Fn, array: Val, at: Val) -> tuple[Val, Val]:
    """The address and the size of a bytes object in an array."""
    return py.bytes_parts(f, f.load(array, at, PTR))


def character(f: Fn, data: Val, at: Val) -> tuple[Val, Val]:
    """The code point that begins at a position, MALFORMED for invalid bytes, and the number of its bytes.

    The module must have the function of `emit_longer`.
    """
    first = byte(f, data, at)

    def longer() -> tuple[Val, Val]:
        packed = f.call("longer_character", data, at, first, ret=I64)
        return packed >> _SIZE_BITS, packed & 7

    return f.when(first < 0x80, lambda: (first, f.i64(1)), longer)  # type: ignore[return-value]


def emit_longer(m: Module, has_surrogates: bool = False) -> None:
    """`longer_character` (data, position, its byte) -> a character of several bytes: its code point times 8, plus its size."""
    with m.fn("longer_character", ret=I64, internal=True, data=PTR, place=I64, first=I64) as f:
        first = f.first
        wrong = f.i64(MALFORMED << _SIZE_BITS | 1)

        def two() -> tuple[Val]:
            return (_following(f, 1, (0x80, 0xBF), wrong, _packed(1))(first & 0x1F),)

        def three() -> tuple[Val]:
            # After E0 a lower byte would be an overlong form; after ED a higher one a surrogate.
            low = f.select(first.eq(0xE0), f.i64(0xA0), f.i64(0x80))
            high = (
                f.i64(0xBF)
                if has_surrogates
                else f.select(first.eq(0xED), f.i64(0x9F), f.i64(0xBF))
            )
            third = _following(f, 2, (0x80, 0xBF), wrong, _packed(2))
            return (_following(f, 1, (low, high), wrong, third)(first & 0xF),)

        def four() -> tuple[Val]:
            # After F0 overlong forms, after F4 code points beyond 10FFFF are ruled out.
            low = f.select(first.eq(0xF0), f.i64(0x90), f.i64(0x80))
            high = f.select(first.eq(0xF4), f.i64(0x8F), f.i64(0xBF))
            fourth = _following(f, 3, (0x80, 0xBF), wrong, _packed(3))
            third = _following(f, 2, (0x80, 0xBF), wrong, fourth)
            return (_following(f, 1, (low, high), wrong, third)(first & 7),)

        def beyond_two() -> tuple[Val, ...]:
            return f.when(
                first < 0xF0,
                three,
                lambda: f.when(first <= 0xF4, four, lambda: (wrong,)),
            )

        (packed,) = f.when(
            (first >= 0xC2) & (first < 0xE0),
            two,
            lambda: f.when(first >= 0xE0, beyond_two, lambda: (wrong,)),
        )
        f.give(packed)


def _following(
    f: Fn, step: int, limits: tuple[Val | int, Val | int], wrong: Val, then: Callable[[Val], Val]
) -> Callable[[Val], Val]:
    """Writes the reading of the byte `step` after the first: its bits are added to a code point, which `then` takes.

    The result is `wrong` if the byte is not within the limits.
    """

    def read(point: Val) -> Val:
        following = byte(f, f.data, f.place + step)
        is_inside = (following >= limits[0]) & (following <= limits[1])
        (character,) = f.when(
            is_inside, lambda: (then((point << 6) | (following & 0x3F)),), lambda: (wrong,)
        )
        return character

    return read


def _packed(step: int) -> Callable[[Val], Val]:
    """Packs a code point whose last byte is `step` after its first one with its size."""
    return lambda point: (point << _SIZE_BITS) | (step + 1)
