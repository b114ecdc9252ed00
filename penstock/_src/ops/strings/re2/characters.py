"""Sets of characters as sorted ranges of code points: Perl's and POSIX classes, Unicode properties, cases."""

import functools
import unicodedata
from collections.abc import Iterable, Iterator

Ranges = tuple[tuple[int, int], ...]

LAST, LAST_ASCII = 0x10FFFF, 0x7F


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same characters as few sorted ranges."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def negated(ranges: Ranges) -> Ranges:
    """All other characters."""
    gaps, at = [], 0
    for low, high in merged(ranges):
        if low > at:
            gaps.append((at, low - 1))
        at = high + 1
    if at <= LAST:
        gaps.append((at, LAST))
    return tuple(gaps)


def of(text: str) -> Ranges:
    """The ranges of pairs of characters: "azAZ" has two."""
    return merged((ord(low), ord(high)) for low, high in zip(text[::2], text[1::2], strict=True))


EVERY: Ranges = ((0, LAST),)
NO_NEWLINE = negated(((10, 10),))
_DIGITS, _SPACES, _WORDS = of("09"), of("\t\n\f\r  "), of("09AZ__az")
PERL = {"d": _DIGITS, "s": _SPACES, "w": _WORDS}
POSIX = {
    "alnum": of("09AZaz"),
    "alpha": of("AZaz"),
    "ascii": of("\x00\x7f"),
    "blank": of("\t\t  "),
    "cntrl": of("\x00\x1f\x7f\x7f"),
    "digit": _DIGITS,
    "graph": of("!~"),
    "lower": of("az"),
    "print": of(" ~"),
    "punct": of("!/:@[`{~"),
    "space": of("\t\r  "),
    "upper": of("AZ"),
    "word": _WORDS,
    "xdigit": of("09AFaf"),
}


@functools.cache
def _categories() -> dict[str, Ranges]:
    """{general category, or its first letter: its characters}."""
    categories: dict[str, list[tuple[int, int]]] = {}
    start, before = 0, unicodedata.category("\0")
    for code in range(1, LAST + 2):
        category = unicodedata.category(chr(code)) if code <= LAST else ""
        if category != before:
            categories.setdefault(before, []).append((start, code - 1))
            start, before = code, category
    for category in list(categories):
        categories.setdefault(category[0], []).extend(categories[category])
    return {category: merged(ranges) for category, ranges in categories.items()}


# The first words of the names of a script's letters, where they are not the script's name.
_WORDS_OF_SCRIPTS = {"Han": ("CJK",)}


@functools.cache
def _scripts() -> dict[str, Ranges]:
    """{the first word of the names of letters, marks and numbers: those characters}."""
    scripts: dict[str, list[tuple[int, int]]] = {}
    for category in ("L", "M", "N"):
        for low, high in _categories()[category]:
            for code in range(low, high + 1):
                word = unicodedata.name(chr(code), "").partition(" ")[0]
                scripts.setdefault(word, []).append((code, code))
    return {word: merged(ranges) for word, ranges in scripts.items()}


def property_ranges(name: str) -> Ranges | None:
    """The characters of \\p{name}: a general category, a script, "Any"; None if there is none of that name."""
    if name == "Any":
        return EVERY
    if len(name) <= 2:
        return _categories().get(name) if name not in ("C", "Cn") else None
    if not name[0].isupper():
        return None
    words = _WORDS_OF_SCRIPTS.get(name, (name.upper(),))
    known = [_scripts()[word] for word in words if word in _scripts()]
    return merged(r for ranges in known for r in ranges) if known else None


# -- cases


@functools.cache
def _orbits() -> dict[int, tuple[int, ...]]:
    """{character: those that differ from it only by case}."""
    classes: dict[int, set[int]] = {}
    for code, other in _case_pairs():
        joined = classes.get(code, {code}) | classes.get(other, {other})
        for member in joined:
            classes[member] = joined
    return {code: tuple(sorted(members)) for code, members in classes.items()}


def _case_pairs() -> Iterator[tuple[int, int]]:
    """Yields each character with its lower and its upper case, if they are other single characters."""
    for low, high in merged(
        (*_categories()["L"], *_categories()["M"], *_categories()["N"], *_categories()["So"])
    ):
        for code in range(low, high + 1):
            if code in (0x130, 0x131):  # Turkish: alone, in simple folding
                continue
            for other in (chr(code).lower(), chr(code).upper()):
                if len(other) == 1 and ord(other) != code:
                    yield code, ord(other)


# For ASCII letters, without the table of all characters.
_ASCII_ORBITS = {"k": 0x212A, "s": 0x17F}


def folded(ranges: Ranges) -> Ranges:
    """The characters with those that differ from one of them only by case."""
    more: list[tuple[int, int]] = []
    if all(high < 128 for _, high in ranges):
        for low, high in ranges:
            for letter in map(chr, range(low, high + 1)):
                if letter.isalpha():
                    codes = [ord(letter.lower()), ord(letter.upper())]
                    codes += (
                        [_ASCII_ORBITS[letter.lower()]] if letter.lower() in _ASCII_ORBITS else []
                    )
                    more += [(code, code) for code in codes]
        return merged((*ranges, *more))
    for code, members in _orbits().items():
        if any(low <= code <= high for low, high in ranges):
            more += [(member, member) for member in members]
    return merged((*ranges, *more))
