"""The script that a character belongs to."""

import unicodedata

import numpy as np

from penstock._src.core.op import Op

# ICU's script numbers by the first word of their characters' names.
_NUMBERS = {
    name: number
    for number, name in enumerate(
        "COMMON INHERITED ARABIC ARMENIAN BENGALI BOPOMOFO CHEROKEE COPTIC CYRILLIC DESERET DEVANAGARI"
        " ETHIOPIC GEORGIAN GOTHIC GREEK GUJARATI GURMUKHI CJK HANGUL HEBREW HIRAGANA KANNADA KATAKANA"
        " KHMER LAO LATIN MALAYALAM MONGOLIAN MYANMAR OGHAM OLD ORIYA RUNIC SINHALA SYRIAC TAMIL TELUGU"
        " THAANA THAI TIBETAN".split()
    )
}
_INVALID, _UNKNOWN = -1, 103


def script_of(point):
    """ICU's number of a code point's script."""
    if not 0 <= point <= 0x10FFFF:
        return _INVALID
    character = chr(point)
    category = unicodedata.category(character)
    if category == "Cn":
        return _UNKNOWN
    word = unicodedata.name(character, "COMMON").split()[0]
    if category[0] not in "LMN" or word in ("COMMON", "INHERITED", "MODIFIER"):
        return _NUMBERS["COMMON"]
    if word == "COMBINING":
        return _NUMBERS["INHERITED"]
    return _NUMBERS.get(word, _NUMBERS["COMMON"])


class UnicodeScript(Op):
    """ICU's number of the script of each code point."""

    signature = "input: int32 -> output: int32[input]"
    is_elementwise = True

    def eager(self, input):
        found = [script_of(int(p)) for p in input.reshape(-1)]
        return np.array(found, np.int32).reshape(input.shape)
