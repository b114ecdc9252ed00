"""Encodings of characters, by the names that ICU accepts, and strings of bytes as code points.

Strings in UTF-8, UTF-16, UTF-32 and encodings of one byte are read all at once, those of several bytes and ISO-2022-JP one by one; `charsets` has
the encodings without states.
"""

import codecs
import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from penstock._src.native.algorithms.texts import code_points
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.strings.charsets import MALFORMED, charset, plain_name

# Encodings with states, by their plain names.
_WITH_STATES = {"iso2022jp": "iso2022-jp", "csiso2022jp": "iso2022-jp"}
_MARKED = ("utf-16", "utf-32")
_MARKS = {
    "utf-16": (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE),
    "utf-32": (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE),
}

# The sets of characters of ISO-2022-JP.
_ESCAPE, _SHIFTS, _LINE_ENDS = 0x1B, b"\x0e\x0f", b"\n\r"
_ASCII, _ROMAN, _KATAKANA, _PAIRS = "ASCII", "JIS X 0201 Roman", "JIS X 0201 katakana", "JIS X 0208"
_SETS = {
    b"(B": _ASCII, b"(J": _ROMAN, b"(H": _ROMAN, b"(I": _KATAKANA, b"$@": _PAIRS, b"$B": _PAIRS, b"&@": _PAIRS,
}  # fmt: skip
# Sequences of other variants of ISO 2022: malformed as a whole.
_OTHERS = frozenset(
    b"(@ (A (C (D (E (F (G (K (R .A .F %B O $A $(@ $(A $(B $(C $(D $(E $(G $(H $(I $(J $(K $(L $(M $)A $)C $)E $)G $*H"
    b" $+I $+J $+K $+L $+M".split()
)
_BEGINNINGS = frozenset(
    sequence[:size] for sequence in (*_SETS, *_OTHERS) for size in range(len(sequence))
)
_ROMAN_ONLY = {0x5C: 0xA5, 0x7E: 0x203E}
_FIRST_KATAKANA = 0xFF61  # that of 0x21
# What TensorFlow gives for a mark or an escape sequence that nothing follows.
_NONCHARACTER = 0xFFFF


class Characters(NamedTuple):
    """Characters of strings.

    Attributes:
      splits: int64, the first character of each string, and the number of all.
      points: int32, their code points; MALFORMED for bytes that are not a character.
      begins: int64, the first byte of each within its string.
    """

    splits: np.ndarray
    points: np.ndarray
    begins: np.ndarray

    def select(self, kept: np.ndarray) -> "Characters":
        """The characters at which `kept` is True."""
        counts = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
        return Characters(counts[self.splits], self.points[kept], self.begins[kept])


def codec_of(encoding: str) -> str | None:
    """The name of an encoding for `characters_of`; None if it is not known."""
    plain = plain_name(encoding)
    return _codecs().get(plain) or (plain if charset(plain) else None)


def characters_of(rows: Sequence[bytes], codec: str) -> Characters:
    """The characters of strings of bytes in a codec of `codec_of`."""
    if codec == "utf-8":
        return _of_utf8(rows)
    if codec in _MARKED:
        return _in_byte_order(rows, codec)
    if codec.startswith(_MARKED):
        return _of_units(rows, 2 if "16" in codec else 4, ">" if codec.endswith("be") else "<")
    found = charset(codec)
    if found is None:
        return _one_by_one([list(_of_iso_2022_jp(row)) for row in rows])
    if found.leads:
        return _one_by_one([list(found.characters(row)) for row in rows])
    lengths = np.array([len(row) for row in rows], np.int64)
    data = np.frombuffer(b"".join(rows), np.uint8)
    return Characters(_ends(lengths), found.ones[data], _within(lengths))


@functools.cache
def _codecs() -> dict[str, str]:
    """The encodings that are not in `charsets`, by their plain names."""
    unicode = {
        "utf-8": ("unicode-1-1-utf-8", "unicode-2-0-utf-8", "x-utf-8j"),
        "utf-16": (),
        "utf-32": (),
        "utf-16-be": ("unicode-big-unmarked", "x-utf-16be"),
        "utf-16-le": ("unicode-little-unmarked", "x-utf-16le"),
        "utf-32-be": (),
        "utf-32-le": (),
    }
    named = {
        plain_name(other): codec for codec, others in unicode.items() for other in (codec, *others)
    }
    return named | _WITH_STATES


def _ends(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _within(lengths: np.ndarray) -> np.ndarray:
    """The position of each element in its row."""
    return np.arange(lengths.sum()) - np.repeat(_ends(lengths)[:-1], lengths)


def _one_by_one(rows: Sequence[Sequence[tuple[int, int]]]) -> Characters:
    return Characters(
        _ends(np.array([len(row) for row in rows], np.int64)),
        np.array([point for row in rows for point, _ in row], np.int32),
        np.array([begin for row in rows for _, begin in row], np.int64),
    )


def _of_utf8(rows: Sequence[bytes]) -> Characters:
    array = np.empty(len(rows), object)
    array[:] = rows
    well_formed = code_points.decoded(array) if runs_native_code() else _well_formed(rows)
    if well_formed is not None:
        return Characters(*well_formed)
    return _one_by_one(
        [[(MALFORMED if p is None else p, at) for p, at in well_formed_parts(s)] for s in rows]
    )


def _well_formed(rows: Sequence[bytes]) -> tuple[np.ndarray, ...] | None:
    """The row splits, code points and first bytes of strings in UTF-8; None if one of them is malformed."""
    try:
        texts = [row.decode() for row in rows]
    except UnicodeDecodeError:
        return None
    splits = _ends(np.array([len(t) for t in texts], np.int64))
    points = np.frombuffer("".join(texts).encode("utf-32-le"), "<i4").astype(np.int32)
    sizes = 1 + sum((points >= least).astype(np.int64) for least in (0x80, 0x800, 0x10000))
    begins = np.cumsum(sizes) - sizes
    lengths = np.array([len(row) for row in rows], np.int64)
    return splits, points, begins - np.repeat(_ends(lengths)[:-1], np.diff(splits))


def well_formed_parts(s: bytes) -> Iterator[tuple[int | None, int]]:
    """Each character, or None for a maximal part of one that is malformed (Unicode 15, section 3.9)."""
    at = 0
    while at < len(s):
        lead = s[at]
        if lead < 0x80:
            yield lead, at
            at += 1
            continue
        need = (
            1
            if 0xC2 <= lead <= 0xDF
            else 2
            if 0xE0 <= lead <= 0xEF
            else 3
            if 0xF0 <= lead <= 0xF4
            else 0
        )
        low, high = 0x80, 0xBF
        if lead in (0xE0, 0xF0):
            low = 0xA0 if lead == 0xE0 else 0x90
        if lead in (0xED, 0xF4):
            high = 0x9F if lead == 0xED else 0x8F
        end = at + 1
        while need and end < len(s) and end - at <= need and low <= s[end] <= high:
            low, high = 0x80, 0xBF
            end += 1
        if need and end - at == need + 1:
            yield ord(s[at:end].decode()), at
        else:
            yield None, at
        at = end


def _in_byte_order(rows: Sequence[bytes], codec: str) -> Characters:
    """The characters after a byte order mark, if there is one; else bytes are in big-endian order."""
    big, little = _MARKS[codec]
    size = len(big)
    is_little = np.array([row.startswith(little) for row in rows], bool)
    is_marked = is_little | np.array([row.startswith(big) for row in rows], bool)
    bare = [row[size:] if marked else row for row, marked in zip(rows, is_marked, strict=True)]
    alone = _NONCHARACTER.to_bytes(size, "big")
    bare = [
        alone if marked and not row else row for row, marked in zip(bare, is_marked, strict=True)
    ]
    order = np.where(is_little & (np.array([len(row) for row in rows]) > size), "<", ">")
    found = _of_units(bare, size, order)
    # The first character begins with the mark.
    is_moved = np.repeat(is_marked, np.diff(found.splits)) & (found.begins > 0)
    return found._replace(begins=found.begins + size * is_moved)


def _of_units(rows: Sequence[bytes], size: int, order: str | np.ndarray) -> Characters:
    """Characters of UTF-16 or UTF-32, in one byte order or in that of each row."""
    lengths = np.array([len(row) for row in rows], np.int64)
    counts = -(-lengths // size)
    padded = b"".join(row + b"\0" * (-len(row) % size) for row in rows)
    units = np.frombuffer(padded, f">u{size}").astype(np.int64)
    swapped = np.frombuffer(padded, f"<u{size}").astype(np.int64)
    units = np.where(
        np.repeat(np.broadcast_to(np.equal(order, "<"), len(rows)), counts), swapped, units
    )
    splits, position = _ends(counts), _within(counts)
    # The last unit of a row may lack bytes.
    is_cut = (position + 1) * size > np.repeat(lengths, counts)
    is_high = ((units & ~0x3FF) == 0xD800) & ~is_cut
    is_low = ((units & ~0x3FF) == 0xDC00) & ~is_cut
    is_wrong = is_cut | is_high | is_low | (units > 0x10FFFF)
    points = np.where(is_wrong, MALFORMED, units)
    found = Characters(splits, points.astype(np.int32), position * size)
    if size == 4:
        return found
    # Bytes that are too few after a first half are one malformed character with it.
    second = (is_low | is_cut) & (position > 0)
    second[1:] &= is_high[:-1]
    first = np.append(second[1:], False) if len(second) else second
    pairs = 0x10000 + ((units[first] & 0x3FF) << 10) + (units[second] & 0x3FF)
    found.points[first] = np.where(is_cut[second], MALFORMED, pairs)
    return found.select(~second)


def _of_iso_2022_jp(s: bytes) -> Iterator[tuple[int, int]]:
    """Each character of a string in ISO-2022-JP, or MALFORMED, and its first byte, as ICU reads them.

    Escape sequences choose the set of the characters that follow, of malformed bytes too, and are a part of the next character.
    """
    chosen, begin, at = _ASCII, 0, 0
    is_empty = False  # nothing has followed the last escape sequence
    while at < len(s):
        if s[at] == _ESCAPE:
            size, to_choose = _escape(s, at)
            at += size
            chosen = to_choose or chosen
            if is_empty or to_choose is None:
                yield MALFORMED, begin
                begin, is_empty = at, False
            else:
                is_empty = True
            continue
        if s[at] in _LINE_ENDS and chosen != _ROMAN:
            chosen = _ASCII
        point, size = _pair(s, at) if chosen == _PAIRS else (_single(s[at], chosen), 1)
        yield point, begin
        at += size
        begin, is_empty = at, False
    if begin < at:
        yield _NONCHARACTER, begin


def _escape(s: bytes, at: int) -> tuple[int, str | None]:
    """The bytes of an escape sequence, and the set that it chooses; None if it is malformed."""
    for size in (1, 2, 3):
        sequence = s[at + 1 : at + 1 + size]
        if sequence in _SETS:
            return 1 + size, _SETS[sequence]
        if sequence in _OTHERS:
            return 1 + size, None
    rest = s[at + 1 :]
    return (1 + len(rest) if rest in _BEGINNINGS else 1), None


def _single(byte: int, chosen: str) -> int:
    if byte >= 0x80 or byte in _SHIFTS:
        return MALFORMED
    if chosen == _KATAKANA:
        return byte - 0x21 + _FIRST_KATAKANA if 0x21 <= byte <= 0x5F else MALFORMED
    return _ROMAN_ONLY.get(byte, byte) if chosen == _ROMAN else byte


def _pair(s: bytes, at: int) -> tuple[int, int]:
    """The character of two bytes at a position, and how many bytes it has."""
    lead, trail = s[at], s[at + 1] if at + 1 < len(s) else _ESCAPE
    if lead in _SHIFTS or trail == _ESCAPE or trail in _SHIFTS:
        return MALFORMED, 1
    is_trail = 0x21 <= trail <= 0x7E
    if not 0x21 <= lead <= 0x7E:
        return MALFORMED, 1 if is_trail else 2
    if not is_trail:
        return MALFORMED, 2
    return _of_pair(lead, trail), 2


def _of_pair(lead: int, trail: int) -> int:
    """The character of a pair, which is that of EUC-JP with the high bits set."""
    table = charset("eucjp")
    assert table is not None
    ((point, _), *rest) = table.characters(bytes([lead | 0x80, trail | 0x80]))
    return MALFORMED if rest else point
