"""Splits strings; results are ragged."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.ragged.ragged_tensor import RaggedTensor, ragged_of_value
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def _on_flat(input, cut, dtype=None):
    """Runs `cut` (vector -> RaggedTensor) on strings of any shape; an unknown rank is assumed to be 1."""
    input = ragged_of_value(input)
    if isinstance(input, RaggedTensor):
        return input.with_flat_values(_on_flat(input.flat_values, cut, dtype))
    input = convert_to_tensor(input, dtype=dtype, name="input")
    rank = input.shape.rank
    if rank == 0:
        return cut(raw.Reshape(tensor=input, shape=[1])).values
    if rank is None or rank == 1:
        return cut(input)
    if rank == 2:
        flat = raw.Reshape(tensor=input, shape=[-1])
        shape = raw.Shape(input=input, out_type=dtypes.int64)
        return RaggedTensor.from_uniform_row_length(cut(flat), shape[-1], shape[0])
    ragged = RaggedTensor.from_tensor(input, ragged_rank=rank - 1)
    return ragged.with_flat_values(cut(ragged.flat_values))


def _as_ragged(indices, values, shape):
    rows = indices[:, 0]
    return RaggedTensor.from_value_rowids(values, rows, nrows=shape[0], validate=False)


@dispatchable("strings.split", v1=[], scope="StringSplit")
def split(input, sep=None, maxsplit=-1, name=None):
    """Returns the parts of each string between separators, as a ragged tensor.

    Args:
      input: strings of any shape, or a ragged tensor of them.
      sep: the separator; None or "" splits at white space, and leaves out empty parts.
      maxsplit: the greatest number of splits of a string; -1 for no limit.
      name: a name for the operation.

    Returns:
      A `RaggedTensor` with one more axis; for a scalar, a vector.

    Raises:
      ValueError: the rank of `input` is unknown.

    >>> tf.strings.split(["a b c", "d"]).to_list()
    [[b'a', b'b', b'c'], [b'd']]
    >>> tf.strings.split("a,,b", sep=",").numpy()
    array([b'a', b'', b'b'], dtype=object)
    """
    sep = "" if sep is None else sep

    def cut(flat):
        return _as_ragged(*raw.StringSplitV2(input=flat, sep=sep, maxsplit=maxsplit, name=name))

    return _on_flat(input, cut, dtypes.string)


@dispatchable("strings.bytes_split", scope="StringsByteSplit")
def bytes_split(input, name=None):
    """Returns the bytes of each string, as a ragged tensor.

    Args:
      input: strings of any shape, or a ragged tensor of them.
      name: a name for the operation.

    Returns:
      A `RaggedTensor` of strings of one byte with one more axis; for a scalar, a vector.

    Raises:
      ValueError: the rank of `input` is unknown.

    >>> tf.strings.bytes_split(["abc", "d"]).to_list()
    [[b'a', b'b', b'c'], [b'd']]
    """

    def cut(flat):
        parts = raw.StringSplit(input=flat, delimiter="", skip_empty=False, name=name)
        return _as_ragged(*parts)

    return _on_flat(input, cut, dtypes.string)


def _decode(flat, encoding, errors, replacement, control, offsets):
    arguments = dict(
        input=flat,
        input_encoding=encoding,
        errors=errors,
        replacement_char=replacement,
        replace_control_characters=control,
    )
    if offsets:
        splits, characters, starts = raw.UnicodeDecodeWithOffsets(**arguments)
        return (
            RaggedTensor.from_row_splits(characters, splits, validate=False),
            RaggedTensor.from_row_splits(starts, splits, validate=False),
        )
    splits, characters = raw.UnicodeDecode(**arguments)
    return RaggedTensor.from_row_splits(characters, splits, validate=False)


@dispatchable("strings.unicode_decode")
def unicode_decode(
    input,
    input_encoding,
    errors="replace",
    replacement_char=65533,
    replace_control_characters=False,
    name=None,
):
    """Returns the code points of each string, as a ragged tensor.

    Args:
      input: strings of any shape, or a ragged tensor of them.
      input_encoding: the encoding, such as "UTF-8", "UTF-16-BE" or "ISO-8859-1".
      errors: what is done where a string is not valid: "strict" (raise), "replace" or "ignore".
      replacement_char: the code point that takes the place of what is not valid.
      replace_control_characters: whether control characters are replaced too.
      name: a name for the operation.

    Returns:
      An int32 `RaggedTensor` with one more axis; for a scalar, a vector.

    Raises:
      InvalidArgumentError: a string is not valid and `errors` is "strict", or the encoding is
        unknown.

    >>> tf.strings.unicode_decode(["ab", "é"], "UTF-8").to_list()
    [[97, 98], [233]]
    """
    arguments = (input_encoding, errors, replacement_char, replace_control_characters, False)
    return _on_flat(input, lambda flat: _decode(flat, *arguments))


@dispatchable("strings.unicode_decode_with_offsets", scope="UnicodeDecodeWithOffsets")
def unicode_decode_with_offsets(
    input,
    input_encoding,
    errors="replace",
    replacement_char=65533,
    replace_control_characters=False,
    name=None,
):
    """Each string as a row of code points, and the byte offset of each.

    Args:
      input: a string tensor or RaggedTensor.
      input_encoding, errors, replacement_char, replace_control_characters: as
        `tf.strings.unicode_transcode`'s.
      name: of the operations.

    Returns:
      (codepoints, offsets): int32 and int64, ragged for more than one string.
    """
    arguments = (input_encoding, errors, replacement_char, replace_control_characters, True)
    parts = [_on_flat(input, lambda flat, i=i: _decode(flat, *arguments)[i]) for i in range(2)]
    return tuple(parts)


def _encoded(points, encoding):
    """Code points, one string for each."""
    if isinstance(points, RaggedTensor):
        return points.with_flat_values(_encoded(points.flat_values, encoding))
    flat = raw.Reshape(tensor=points, shape=[-1])
    count = raw.Size(input=flat, out_type=dtypes.int64)
    one = np.int64(1)
    splits = raw.Range(start=np.int64(0), limit=count + one, delta=one)
    text = raw.UnicodeEncode(
        input_values=flat, input_splits=splits, output_encoding=encoding, errors="replace"
    )
    return raw.Reshape(tensor=text, shape=raw.Shape(input=points))


@dispatchable("strings.unicode_split", scope="UnicodeSplit")
def unicode_split(input, input_encoding, errors="replace", replacement_char=65533, name=None):
    """Returns the characters of each string, as a ragged tensor.

    Args:
      input: strings of any shape, or a ragged tensor of them.
      input_encoding: the encoding, such as "UTF-8".
      errors: what is done where a string is not valid: "strict" (raise), "replace" or "ignore".
      replacement_char: the code point that takes the place of what is not valid.
      name: a name for the operation.

    Returns:
      A `RaggedTensor` of strings of one character with one more axis; for a scalar, a vector.

    Raises:
      InvalidArgumentError: a string is not valid and `errors` is "strict", or the encoding is
        unknown.

    >>> tf.strings.unicode_split(["ab", "c"], "UTF-8").to_list()
    [[b'a', b'b'], [b'c']]
    """
    points = unicode_decode(input, input_encoding, errors, replacement_char)
    return _encoded(points, input_encoding)


@dispatchable("strings.unicode_split_with_offsets", scope="UnicodeSplitWithOffsets")
def unicode_split_with_offsets(
    input, input_encoding, errors="replace", replacement_char=65533, name=None
):
    """Each string split into its characters, and the byte offset of each.

    Args:
      input: a string tensor or RaggedTensor.
      input_encoding, errors, replacement_char: as `tf.strings.unicode_transcode`'s.
      name: of the operations.

    Returns:
      (characters, offsets): strings and int64, ragged for more than one string.
    """
    points, starts = unicode_decode_with_offsets(input, input_encoding, errors, replacement_char)
    return _encoded(points, input_encoding), starts


@dispatchable("strings.unicode_encode", scope="UnicodeEncode")
def unicode_encode(input, output_encoding, errors="replace", replacement_char=65533, name=None):
    """Each row of code points as a string.

    Args:
      input: int32 `[..., n]` or a RaggedTensor of code points.
      output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors: what happens to numbers that are not code points: "strict" raises, "replace" and
        "ignore" say themselves.
      replacement_char: the code point that replaces them.
      name: of the operations.

    Returns:
      A string tensor `[...]`.

    Raises:
      ValueError: the rank of `input` is 0 or not known.
    """
    if not isinstance(input, RaggedTensor):
        input = convert_to_tensor(input)
        rank = input.shape.rank
        if rank is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        if rank == 0:
            raise ValueError("input_tensor's rank must be at least 1.")
        if rank == 1:
            row = RaggedTensor.from_row_lengths(
                input, raw.Reshape(tensor=raw.Shape(input=input, out_type=dtypes.int64), shape=[1])
            )
            encoded = unicode_encode(row, output_encoding, errors, replacement_char)
            return raw.Reshape(tensor=encoded, shape=np.zeros(0, np.int32))
        if rank > 2:
            lead = raw.Shape(input=input)[:-1]
            flat = raw.Reshape(
                tensor=input,
                shape=raw.Pack(values=[np.int32(-1), raw.Shape(input=input)[-1]]),
            )
            encoded = unicode_encode(flat, output_encoding, errors, replacement_char)
            return raw.Reshape(tensor=encoded, shape=lead)
        input = RaggedTensor.from_tensor(input)
    if isinstance(input.values, RaggedTensor):
        inner = unicode_encode(input.values, output_encoding, errors, replacement_char)
        return input.with_values(inner)
    if input.values.shape.rank and input.values.shape.rank > 1:
        inner = unicode_encode(input.values, output_encoding, errors, replacement_char)
        return input.with_values(inner)
    return raw.UnicodeEncode(
        input_values=input.values,
        input_splits=input.row_splits,
        output_encoding=output_encoding,
        errors=errors,
        replacement_char=replacement_char,
        name=name,
    )
