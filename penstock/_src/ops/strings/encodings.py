"""Encodings of characters, by the names that ICU accepts, and strings of bytes as code points.

Encodings of one byte are tables of 256 code points; those of UTF-16 and UTF-32 are read for all strings at once; the others by Python's codecs.
"""

import codecs
import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from penstock._src.native.algorithms.texts import code_points
from penstock._src.native.systems import runs_native_code

MALFORMED = -1

_ISO_ALIASES = {
    1: ("latin1", "l1", "cp819"), 2: ("latin2", "l2"), 3: ("latin3",), 4: ("latin4",),
    5: ("cyrillic",), 6: ("arabic",), 7: ("greek",), 8: ("hebrew",), 9: ("latin5",), 10: ("latin6",),
    11: (), 13: (), 14: ("latin8",), 15: ("latin9",),
}  # fmt: skip
_DOS_PAGES = (737, 775, 850, 855, 858, 866)
# In these byte E6 is the Greek letter mu, not the micro sign.
_DOS_PAGES_WITH_MU = (437, 860, 861, 862, 863, 865)
_DOS_CONTROLS = {0x1A: 0x1C, 0x1C: 0x7F, 0x7F: 0x1A}
# Unassigned bytes among the C1 controls are these controls.
_WITH_C1_CONTROLS = {"cp1250", "cp1251", "cp1252", "cp1254", "cp1258", "euc-jp", "euc-kr"}
_SHIFTS = (0x8E, 0x8F)  # controls that begin characters of several bytes
# Second bytes that belong to a character even if it is unassigned: both are malformed then.
_SECOND_BYTES = {
    "shift-jis": (*range(0x40, 0x7F), *range(0x80, 0xFD)),
    "euc-jp": tuple(range(0xA1, 0xFF)),
    "euc-kr": tuple(range(0xA1, 0xFF)),
}
_MULTIPLE_BYTES = {
    "shift-jis": "shift-jis", "sjis": "shift-jis", "euc-jp": "euc-jp", "eucjp": "euc-jp",
    "gb18030": "gb18030", "big5": "big5", "euc-kr": "euc-kr", "iso-2022-jp": "iso2022-jp",
}  # fmt: skip
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
    """Python's name of an encoding; None if it is not known."""
    return _names().get(_plain(encoding))


def characters_of(rows: Sequence[bytes], codec: str) -> Characters:
    """The characters of strings of bytes in a codec of `codec_of`."""
    if codec == "utf-8":
        return _of_utf8(rows)
    if codec in _MARKED:
        return _in_byte_order(rows, codec)
    if codec.startswith(_MARKED):
        return _of_units(rows, 2 if "16" in codec else 4, ">" if codec.endswith("be") else "<")
    if codec in _single_byte():
        lengths = np.array([len(row) for row in rows], np.int64)
        data = np.frombuffer(b"".join(rows), np.uint8)
        return Characters(_ends(lengths), _table(codec)[data], _within(lengths))
    return _one_by_one([list(_of_multiple_bytes(row, codec)) for row in rows])


def _plain(name: str) -> str:
    """A name without what ICU ignores in names: case, and all but letters and digits."""
    return re.sub("[^a-z0-9]", "", name.lower())


@functools.cache
def _single_byte() -> dict[str, tuple[str, ...]]:
    """Other names of each codec of one byte."""
    named = {
        f"iso8859-{n}": (f"iso-8859-{n}", f"8859-{n}", *others)
        for n, others in _ISO_ALIASES.items()
    }
    named |= {f"cp{n}": (f"windows-{n}", f"cp{n}") for n in (1250, 1251, 1252, 1254, 1256, 1258)}
    named |= {f"cp{n}": (f"ibm{n}", f"cp{n}", str(n)) for n in (*_DOS_PAGES, *_DOS_PAGES_WITH_MU)}
    named |= {
        "ascii": ("us-ascii", "ascii", "ansi-x3.4-1968"), "koi8-r": ("koi8-r",), "koi8-u": ("koi8-u",),
        "mac-roman": ("macintosh", "mac"), "mac-cyrillic": ("x-mac-cyrillic",), "mac-greek": ("x-mac-greek",),
        "mac-turkish": ("x-mac-turkish",), "mac-latin2": ("x-mac-centraleurroman",),
    }  # fmt: skip
    return named


@functools.cache
def _names() -> dict[str, str]:
    """The codec of each plain name."""
    named = {_plain(name): codec for name, codec in _MULTIPLE_BYTES.items()}
    for codec, others in _single_byte().items():
        named |= {_plain(other): codec for other in others}
    for codec in ("utf-8", "utf-16", "utf-32", "utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le"):
        named[_plain(codec)] = codec
    return named


@functools.cache
def _table(codec: str) -> np.ndarray:
    """The code points of the 256 bytes."""
    points = []
    for byte in range(256):
        try:
            points.append(ord(bytes([byte]).decode(codec)))
        except UnicodeDecodeError:
            is_control = 0x80 <= byte < 0xA0 and codec in _WITH_C1_CONTROLS
            points.append(byte if is_control else MALFORMED)
    dos = {f"cp{n}" for n in (*_DOS_PAGES, *_DOS_PAGES_WITH_MU)}
    if codec in dos:
        for byte, point in _DOS_CONTROLS.items():
            points[byte] = point
    if codec in {f"cp{n}" for n in _DOS_PAGES_WITH_MU}:
        points[0xE6] = ord("\N{GREEK SMALL LETTER MU}")
    return np.array(points, np.int32)


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


def _of_multiple_bytes(s: bytes, codec: str) -> Iterator[tuple[int, int]]:
    """Each character of a string in an encoding of one to four bytes or with states."""
    step = codecs.getincrementaldecoder(codec)("strict")
    begin = at = 0
    while at < len(s):
        try:
            decoded = step.decode(s[at : at + 1], at == len(s) - 1)
        except UnicodeDecodeError as error:
            byte, second = s[begin], s[begin + 1 : begin + 2]
            is_control = 0x80 <= byte < 0xA0 and byte not in _SHIFTS and codec in _WITH_C1_CONTROLS
            yield byte if is_control else MALFORMED, begin
            step.reset()
            is_whole = at > begin and not is_control and second[0] in _SECOND_BYTES.get(codec, ())
            size = 2 if is_whole else error.end - error.start
            # What follows the malformed part is read again.
            at = begin = begin + max(size, 1)
            continue
        for character in decoded:
            yield _control(ord(character), codec), begin
            begin = at + 1
        at += 1


def _control(point: int, codec: str) -> int:
    if codec == "iso2022-jp" and point in (0x0E, 0x0F):
        return MALFORMED
    return _DOS_CONTROLS.get(point, point) if codec == "shift-jis" else point
