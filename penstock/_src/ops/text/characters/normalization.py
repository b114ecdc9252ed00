"""Strings in Unicode's normalization forms, and with case folded."""

import bisect
import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.native.algorithms.texts.replacing import LEFT, Replacements
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.strings.elements import data, each, strings, text

# Unicode's property Default_Ignorable_Code_Point.
_IGNORABLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
# Behind the last letters no character is composed of others.
_LAST_COMPOSED = 0x32000
# Without the last one before another character, which may be composed with it.
_ASCII_RUN = re.compile(r"[\x00-\x7f]+(?![^\x00-\x7f])")
_HANGUL = frozenset(map(chr, (*range(0x1100, 0x1200), *range(0xAC00, 0xD7A4))))
_FORMS = ("NFC", "NFKC", "NFD", "NFKD")


def is_ignorable(point: int) -> bool:
    """True if a code point is invisible where it is not supported."""
    at = bisect.bisect_right(_IGNORABLE, (point, 0x110000)) - 1
    return at >= 0 and point <= _IGNORABLE[at][1]


class _Folds(dict):
    """The NFKC_Casefold form of each code point, for str.translate; computed at first use."""

    def __missing__(self, point: int) -> str:
        folded = "" if is_ignorable(point) else chr(point)
        before = None
        while folded != before and not 0xDC80 <= point <= 0xDCFF:
            before = folded
            folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", before).casefold())
            folded = unicodedata.normalize("NFKC", folded)
            folded = "".join(c for c in folded if not is_ignorable(ord(c)))
        self[point] = folded
        return folded


_FOLDS = _Folds()


def folded(s: bytes) -> bytes:
    """NFKC_Casefold of a string (Unicode 15, section 5.18); bytes that are malformed stay."""
    if s.isascii():
        return s.lower()
    return data(unicodedata.normalize("NFC", text(s).translate(_FOLDS)))


def normalized(s: bytes, form: str) -> bytes:
    """A string in a normalization form; bytes that are malformed stay."""
    return s if s.isascii() else data(unicodedata.normalize(form, text(s)))


def _each(function: Callable[[bytes], bytes], alone: Replacements, x: np.ndarray) -> np.ndarray:
    """`function` of every string; `alone` maps characters that do not depend on their neighbors."""
    replaced = alone.replaced(x.reshape(-1)) if runs_native_code() else None
    if replaced is None:
        return each(function, x)
    rows = x.reshape(-1)
    for i, new in enumerate(replaced.tolist()):
        if new is None:
            replaced[i] = function(rows[i])
    return replaced.reshape(x.shape)


def _entries(points: range, new: Callable[[str], str], form: str) -> Iterator[bytes | int | None]:
    """The mapping of characters; LEFT for those that depend on the preceding characters."""
    for point in points:
        character = chr(point)
        if 0xD800 <= point < 0xE000:
            yield LEFT
            continue
        replacement = new(character)
        if replacement and not _is_boundary(replacement[0], form):
            yield LEFT
        else:
            yield None if replacement == character else replacement.encode()


@functools.cache
def _folds() -> Replacements:
    return Replacements(lambda points: _entries(points, lambda c: _FOLDS[ord(c)], "NFC"))


@functools.cache
def _forms(form: str) -> Replacements:
    def new(character: str) -> str:
        return unicodedata.normalize(form, character)

    return Replacements(lambda points: _entries(points, new, form))


class CaseFoldUTF8(Op):
    """Strings with case folded and compatible characters made equal: Unicode's NFKC_Casefold."""

    signature = "input: string -> output: string[input]"
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        return _each(folded, _folds(), input)


class _InForm(Op):
    normalization_form: str
    forms: ClassVar[tuple[str, ...]] = _FORMS

    def form(self) -> str:
        """The form.

        Raises:
          InvalidArgumentError: it is none of Unicode's.
        """
        form = self.normalization_form.upper()
        if form not in self.forms:
            offset = (
                "" if len(self.forms) == 4 else "Offset not supported for this normalization form: "
            )
            message = offset or "Unknown normalization form requested: "
            raise self.invalid(f"{message}{form}")
        return form


class NormalizeUTF8(_InForm):
    """Strings in a normalization form of Unicode."""

    signature = "input: string -> output: string[input]"
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        form = self.form()
        return _each(functools.partial(normalized, form=form), _forms(form), input)


class OffsetsMap:
    """Which byte of a string each byte of its normalized form comes from.

    Args:
      edits: (bytes before, bytes after, whether they were changed) of each part, in order.
    """

    def __init__(self, edits):
        self._edits = [e for e in edits if not e[2] or e[0] or e[1]]
        before = itertools.accumulate((e[0] for e in self._edits), initial=0)
        after = itertools.accumulate((e[1] for e in self._edits), initial=0)
        self._before, self._after = list(before), list(after)

    def source(self, offset: int) -> int:
        """The byte of the source; within a change, the one after it."""
        if offset <= 0:
            return 0
        if offset >= self._after[-1]:
            return self._before[-1]
        at = bisect.bisect_right(self._after, offset) - 1
        inside = offset - self._after[at]
        if not inside:
            # Characters left out at this position come first.
            return self._before[bisect.bisect_left(self._after, offset)]
        return self._before[at + 1] if self._edits[at][2] else self._before[at] + inside


@functools.lru_cache(maxsize=65536)
def _is_boundary(character: str, form: str) -> bool:
    """True if a character is normalized independently of the preceding ones."""
    decomposed = unicodedata.normalize("NFKD" if "K" in form else "NFD", character)
    if not decomposed or unicodedata.combining(decomposed[0]):
        return False
    return form.endswith("D") or not _combines_backwards(decomposed[0])


def _is_closed(character: str, following: str, form: str) -> bool:
    """True if a mark that follows a character is another part of a text: ICU keeps apart what neither reorders nor composes."""
    if not unicodedata.combining(unicodedata.normalize("NFD", following)[0]):
        return False
    last = unicodedata.normalize("NFKD" if "K" in form else "NFD", character)[-1]
    if unicodedata.combining(last):
        return False
    return form.endswith("D") or character in _HANGUL or last not in _composed_starters()


@functools.cache
def _composed_starters() -> frozenset[str]:
    """Characters that one behind them may be composed with."""
    firsts = set()
    for point in range(0xA0, _LAST_COMPOSED):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and parts[0][0] != "<":
            firsts.add(chr(int(parts[0], 16)))
    return frozenset(firsts)


@functools.cache
def _combining_starters() -> frozenset[str]:
    """Starters that a character before them may be composed with."""
    starters = {chr(c) for c in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for point in range(0xA0, _LAST_COMPOSED):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and parts[0][0] != "<":
            second = chr(int(parts[1], 16))
            if not unicodedata.combining(second):
                starters.add(second)
    return frozenset(starters)


def _combines_backwards(character: str) -> bool:
    return ord(character) > 0x300 and character in _combining_starters()


def offsets_map(source: str, form: str) -> tuple[str, OffsetsMap]:
    """A text in a normalization form, and where its bytes come from."""
    pieces, edits, begin = [], [], 0
    while begin < len(source):
        run = _ASCII_RUN.match(source, begin)
        if run is not None:
            at = run.end()
            part = changed = run[0]
        else:
            at = begin + 1
            while at < len(source) and not (
                _is_boundary(source[at], form) or _is_closed(source[at - 1], source[at], form)
            ):
                at += 1
            part = source[begin:at]
            changed = unicodedata.normalize(form, part)
        edits.append((len(data(part)), len(data(changed)), changed != part))
        pieces.append(changed)
        begin = at
    return "".join(pieces), OffsetsMap(edits or [(0, 0, False)])


class NormalizeUTF8WithOffsetsMap(_InForm):
    """Strings in a normalization form, and of each a map from bytes of the new one to bytes of the old one."""

    signature = "input: string -> output: string[input], offsets_map: variant[input]"

    def eager(self, input):
        form = self.form()
        normalized = [offsets_map(text(s), form) for s in input.reshape(-1)]
        maps = np.empty(len(normalized), object)
        maps[:] = [m for _, m in normalized]
        outputs = strings((data(s) for s, _ in normalized), input.shape)
        return outputs, maps.reshape(input.shape) if input.ndim else maps[0]


class FindSourceOffsets(Op):
    """The bytes of the strings before normalization for rows of bytes after it, by a map for each row."""

    signature = """offsets_map: variant, input_offsets_values: int64, input_offsets_splits: Tsplits
        -> output_offsets_values: int64[input_offsets_values]"""
    Tsplits: INDEX = dtypes.int64

    def eager(self, offsets_map, input_offsets_values, input_offsets_splits):
        maps = offsets_map if isinstance(offsets_map, np.ndarray) else [offsets_map]
        maps = list(np.reshape(maps, -1)) if isinstance(maps, np.ndarray) else maps
        # Rows without offsets have no map.
        (rows,) = np.nonzero(np.diff(input_offsets_splits))
        if len(maps) != len(rows):
            raise self.invalid(
                "Input offset tensor dimension did not match the offset map dimension."
            )
        out = np.empty_like(input_offsets_values)
        for row, mapping in zip(rows.tolist(), maps, strict=True):
            if not isinstance(mapping, OffsetsMap):
                raise self.invalid("Input data type of the variant is not an offsets map.")
            begin, end = input_offsets_splits[row : row + 2]
            out[begin:end] = [mapping.source(o) for o in input_offsets_values[begin:end].tolist()]
        return out
