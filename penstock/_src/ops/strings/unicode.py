"""Strings as characters: decode, encode, transcode, scripts."""

import codecs
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.native.algorithms.texts import code_points
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.strings.elements import each, strings

_ENCODINGS = {
    "UTF-8": "utf-8", "UTF8": "utf-8", "UTF-16-BE": "utf-16-be", "UTF-32-BE": "utf-32-be",
    "UTF-16-LE": "utf-16-le", "UTF-32-LE": "utf-32-le", "UTF-16": "utf-16", "UTF-32": "utf-32",
    "US-ASCII": "ascii", "ASCII": "ascii", "ISO-8859-1": "latin-1", "LATIN1": "latin-1",
    "SHIFT-JIS": "shift-jis", "EUC-JP": "euc-jp", "GB18030": "gb18030",
    "BIG5": "big5", "EUC-KR": "euc-kr", "ISO-2022-JP": "iso2022-jp", "KOI8-R": "koi8-r", "WINDOWS-1252": "cp1252",
}  # fmt: skip

_BYTE_ORDER_MARKS = {
    "utf-16": (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE),
    "utf-32": (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE),
}


def _codec(encoding):
    """Python's name of an encoding; None if it is not known."""
    return _ENCODINGS.get(encoding.upper().replace(" ", "-").replace("_", "-"))


def decoder(op, encoding):
    """The function from bytes to [(code point or None where malformed, first byte)].

    Raises:
      InvalidArgumentError: the encoding is not known.
    """
    name = _codec(encoding)
    if name is None:
        raise op.invalid("Could not create converter for input encoding: " + encoding)
    if name in _BYTE_ORDER_MARKS:
        return lambda s: _in_byte_order(s, name)
    return lambda s: list(_characters(s, name))


def _in_byte_order(s, name):
    """The characters after a byte order mark, if there is one; else bytes are in big-endian order."""
    for mark, order in zip(_BYTE_ORDER_MARKS[name], ("-be", "-le"), strict=True):
        if s.startswith(mark):
            points = _characters(s[len(mark) :], name + order)
            # The first character begins with the mark.
            return [(point, begin + len(mark) if begin else 0) for point, begin in points]
    return list(_characters(s, name + "-be"))


def _characters(s, name):
    at = 0
    if name == "utf-8":
        yield from well_formed_parts(s)
        return
    step = codecs.getincrementaldecoder(name)("strict")
    begin = 0
    for at in range(len(s)):
        try:
            decoded = step.decode(s[at : at + 1], at == len(s) - 1)
        except UnicodeDecodeError:
            yield None, begin
            step.reset()
            begin = at + 1
            continue
        for character in decoded:
            yield ord(character), begin
            begin = at + 1


def well_formed_parts(s):
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


def handled(op, characters, errors, replacement, control):
    """Characters with the malformed ones dropped, replaced, or refused."""
    results = []
    for point, begin in characters:
        if point is None:
            if errors == "strict":
                raise op.invalid("Invalid formatting on input string")
            if errors == "replace":
                results.append((replacement, begin))
        elif control and point < 32:
            if errors != "ignore":
                results.append((replacement, begin))
        else:
            results.append((point, begin))
    return results


def _well_formed(rows):
    """The row splits, code points and first bytes of strings in UTF-8; None if one of them is malformed."""
    try:
        texts = [row.decode() for row in rows]
    except UnicodeDecodeError:
        return None
    splits = np.concatenate([[0], np.cumsum([len(t) for t in texts], dtype=np.int64)])
    points = np.frombuffer("".join(texts).encode("utf-32-le"), "<i4").astype(np.int32)
    sizes = 1 + sum((points >= least).astype(np.int64) for least in (0x80, 0x800, 0x10000))
    begins = np.cumsum(sizes) - sizes
    lengths = np.array([len(row) for row in rows], np.int64)
    return splits, points, begins - np.repeat(np.cumsum(lengths) - lengths, np.diff(splits))


class _Decode(Op):
    """The code points of each string, as a ragged tensor."""

    input_encoding: str
    errors: Literal["strict", "replace", "ignore"] = "replace"
    replacement_char: int = 65533
    replace_control_characters: bool = False
    Tsplits: INDEX = dtypes.int64

    def decoded(self, input):
        check_replacement(self, self.replacement_char)
        read = decoder(self, self.input_encoding)
        control = self.replace_control_characters
        if not control and _codec(self.input_encoding) == "utf-8":
            rows = input.reshape(-1)
            well_formed = code_points.decoded(rows) if runs_native_code() else _well_formed(rows)
            if well_formed is not None:
                splits, points, begins = well_formed
                return splits.astype(self.Tsplits.as_numpy_dtype), points, begins
        rows = [
            handled(self, read(s), self.errors, self.replacement_char, control)
            for s in input.reshape(-1)
        ]
        splits = np.concatenate([[0], np.cumsum([len(r) for r in rows], dtype=np.int64)])
        points = np.array([p for row in rows for p, _ in row], np.int32)
        begins = np.array([b for row in rows for _, b in row], np.int64)
        return splits.astype(self.Tsplits.as_numpy_dtype), points, begins


class UnicodeDecode(_Decode):
    """The code points of each string, as a ragged tensor."""

    signature = "input: string -> row_splits: Tsplits, char_values: int32"

    def shape(self, input):
        count = input.num_elements()
        return [None if count is None else count + 1], [None]

    def eager(self, input):
        return self.decoded(input)[:2]


class UnicodeDecodeWithOffsets(_Decode):
    """The code points of each string, and the byte at which each begins."""

    signature = """input: string
        -> row_splits: Tsplits, char_values: int32, char_to_byte_starts: int64"""

    def shape(self, input):
        count = input.num_elements()
        return [None if count is None else count + 1], [None], [None]

    def eager(self, input):
        return self.decoded(input)


def check_replacement(op, replacement):
    """Raises InvalidArgumentError for an invalid code point."""
    if not 0 <= replacement <= 0x10FFFF:
        raise op.invalid("replacement_char out of unicode codepoint range")


def encoded(points, encoding):
    """Code points in one of the output encodings."""
    name = _ENCODINGS[encoding]
    return "".join(map(chr, points)).encode(name, "surrogatepass")


class UnicodeEncode(Op):
    """Strings of the code points in each row of a ragged tensor."""

    signature = "input_values: int32, input_splits: Tsplits -> output: string"
    ranks = {"input_values": (1,)}
    errors: Literal["ignore", "replace", "strict"] = "replace"
    output_encoding: Literal["UTF-8", "UTF-16-BE", "UTF-32-BE"]
    replacement_char: int = 65533
    Tsplits: INDEX = dtypes.int64

    def shape(self, input_values, input_splits):
        count = input_splits.with_rank(1)[0]
        return [None if count is None else count - 1]

    def eager(self, input_values, input_splits):
        check_replacement(self, self.replacement_char)
        if input_splits.ndim != 1 or not input_splits.size or input_splits[0]:
            raise self.invalid("First value in input_splits must be zero.")
        if input_splits[-1] != input_values.size:
            raise self.invalid(
                "Last value in input_splits must be equal to length of input_tensor."
            )
        if (input_splits[1:] < input_splits[:-1]).any():
            raise self.invalid("Values in input_splits must be monotonically increasing.")
        if self.output_encoding == "UTF-8" and runs_native_code():
            as_utf8 = code_points.encoded(input_values, input_splits)
            if as_utf8 is not None:
                return as_utf8
        rows = []
        for begin, end in zip(input_splits[:-1], input_splits[1:], strict=True):
            points = [self._checked(int(p)) for p in input_values[begin:end]]
            rows.append(encoded([p for p in points if p is not None], self.output_encoding))
        return strings(rows, (len(rows),))

    def _checked(self, point):
        if 0 <= point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF:
            return point
        if self.errors == "strict":
            raise self.invalid("Code point is out of range for Unicode, or a noncharacter.")
        return self.replacement_char if self.errors == "replace" else None


class UnicodeTranscode(Op):
    """Strings in another encoding."""

    signature = "input: string -> output: string[input]"
    elements = Elements(is_elementwise=True)
    input_encoding: str
    output_encoding: Literal["UTF-8", "UTF-16-BE", "UTF-32-BE"]
    errors: Literal["strict", "replace", "ignore"] = "replace"
    replacement_char: int = 65533
    replace_control_characters: bool = False

    def eager(self, input):
        check_replacement(self, self.replacement_char)
        read = decoder(self, self.input_encoding)
        control = self.replace_control_characters

        whole = _codec(self.input_encoding) == "utf-8" and not control
        output = _codec(self.output_encoding)

        def transcode(s):
            if whole:
                try:
                    return s.decode().encode(output)
                except UnicodeDecodeError:
                    pass  # malformed parts are handled one by one
            transcoded = handled(self, read(s), self.errors, self.replacement_char, control)
            return encoded([p for p, _ in transcoded], self.output_encoding)

        return each(transcode, input)
