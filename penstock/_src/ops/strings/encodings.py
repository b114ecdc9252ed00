"""Encodings of characters, by the names that ICU accepts, and strings of bytes as code points.

Strings in UTF-8, UTF-16, UTF-32 and encodings of one byte are read all at once, those of several bytes one by one; `charsets` has these encodings.
Those with states are read by Python's codecs.
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
_SHIFTS = "\x0e\x0f"  # controls that choose a set of characters
_MARKED = ("utf-16", "utf-32")
_MARKS = {
    "utf-16": (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE),
    "utf-32": (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE),
}


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
    """The name of an encoding for `characters_of`, that of Python's codec if it is not one of `charsets`; None if it is not known."""
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
        return _one_by_one([list(_with_states(row, codec)) for row in rows])
    if found.leads:
        return _one_by_one([list(found.characters(row)) for row in rows])
    lengths = np.array([len(row) for row in rows], np.int64)
    data = np.frombuffer(b"".join(rows), np.uint8)
    return Characters(_ends(lengths), found.ones[data], _within(lengths))


@functools.cache
def _codecs() -> dict[str, str]:
    """Python's codec of the plain names of encodings that are not in `charsets`."""
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
    found = _of_units(bare, size, np.where(is_little, "<", ">"))
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


def _with_states(s: bytes, codec: str) -> Iterator[tuple[int, int]]:
    """Each character of a string in an encoding with states."""
    step = codecs.getincrementaldecoder(codec)("strict")
    begin = at = 0
    while at < len(s):
        try:
            decoded = step.decode(s[at : at + 1], at == len(s) - 1)
        except UnicodeDecodeError as error:
            yield MALFORMED, begin
            step.reset()
            # What follows the malformed part is read again.
            at = begin = begin + max(error.end - error.start, 1)
            continue
        for character in decoded:
            yield MALFORMED if character in _SHIFTS else ord(character), begin
            begin = at + 1
        at += 1
