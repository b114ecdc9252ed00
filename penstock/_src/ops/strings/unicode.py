"""Strings as characters: decode, encode, transcode, scripts."""

from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.native.algorithms.texts import code_points
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.strings.elements import strings
from penstock._src.ops.strings.encodings import MALFORMED, Characters, characters_of, codec_of


def decoder(op, encoding):
    """The function from strings of bytes to their characters.

    Raises:
      InvalidArgumentError: the encoding is not known.
    """
    codec = codec_of(encoding)
    if codec is None:
        raise op.invalid("Could not create converter for input encoding: " + encoding)
    return lambda rows: characters_of(rows, codec)


def handled(op, characters, errors, replacement, control):
    """Characters with the malformed ones dropped, replaced, or refused."""
    points = characters.points
    is_malformed = points == MALFORMED
    is_replaced = is_malformed if errors == "replace" else np.zeros(len(points), bool)
    is_dropped = is_malformed & ~is_replaced
    if errors == "strict" and is_malformed.any():
        raise op.invalid("Invalid formatting on input string")
    if control:
        is_control = (points >= 0) & (points < 32)
        if errors == "ignore":
            is_dropped |= is_control
        else:
            is_replaced = is_replaced | is_control
    if is_replaced.any():
        points = np.where(is_replaced, np.int32(replacement), points)
    replaced = characters._replace(points=points)
    return replaced.select(~is_dropped) if is_dropped.any() else replaced


class _Decode(Op):
    """The code points of each string, as a ragged tensor."""

    input_encoding: str
    errors: Literal["strict", "replace", "ignore"] = "replace"
    replacement_char: int = 65533
    replace_control_characters: bool = False
    Tsplits: INDEX = dtypes.int64

    def decoded(self, input):
        check_replacement(self, self.replacement_char)
        found = decoder(self, self.input_encoding)(input.reshape(-1))
        splits, points, begins = handled(
            self, found, self.errors, self.replacement_char, self.replace_control_characters
        )
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


def encoded(points, splits, encoding):
    """Strings of rows of code points in one of the output encodings."""
    if encoding == "UTF-8" and runs_native_code():
        as_utf8 = code_points.encoded(points, splits)
        if as_utf8 is not None:
            return as_utf8
    # All rows at once: a call of a codec costs more than a short row.
    text = points.astype("<i4").tobytes().decode("utf-32-le", "surrogatepass")
    data = text.encode(codec_of(encoding), "surrogatepass")
    if encoding == "UTF-8":
        sizes = 1 + sum((points >= least).astype(np.int64) for least in (0x80, 0x800, 0x10000))
    else:
        sizes = (
            np.where(points >= 0x10000, 4, 2)
            if encoding == "UTF-16-BE"
            else np.full(len(points), 4)
        )
    bounds = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])[splits].tolist()
    rows = [data[begin:end] for begin, end in zip(bounds[:-1], bounds[1:], strict=True)]
    return strings(rows, (len(rows),))


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
        is_valid = (input_values >= 0) & (input_values <= 0x10FFFF)
        is_valid &= (input_values < 0xD800) | (input_values > 0xDFFF)
        if not is_valid.all():
            if self.errors == "strict":
                raise self.invalid("Code point is out of range for Unicode, or a noncharacter.")
            marked = Characters(
                input_splits, np.where(is_valid, input_values, MALFORMED), input_values
            )
            marked = handled(self, marked, self.errors, self.replacement_char, False)
            input_splits, input_values = marked.splits, marked.points
        return encoded(input_values, input_splits, self.output_encoding)


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
        found = decoder(self, self.input_encoding)(input.reshape(-1))
        if self.errors == "strict" and self.replace_control_characters:
            # Here alone control characters to be replaced are malformed ones, too.
            is_control = (found.points >= 0) & (found.points < 32)
            found = found._replace(points=np.where(is_control, MALFORMED, found.points))
        found = handled(
            self, found, self.errors, self.replacement_char, self.replace_control_characters
        )
        return encoded(found.points, found.splits, self.output_encoding).reshape(input.shape)
