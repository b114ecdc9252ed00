"""Functions that keep the shape of a tensor of strings, or reduce it."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


@dispatchable("strings.format")
def format(template, inputs, placeholder="{}", summarize=3, name=None):
    """`template` with each placeholder replaced by a tensor's text.

    Args:
      template: a str.
      inputs: a tensor, or a list of one for each placeholder.
      placeholder: what is replaced.
      summarize: how many entries at each end of an axis are shown; -1 for all.
      name: of the operation.

    Returns:
      A string scalar.

    Raises:
      ValueError: there are more or fewer tensors than placeholders.
    """
    if isinstance(inputs, (list, tuple)):
        if inputs and all(isinstance(v, Tensor) for v in inputs):
            tensors = list(inputs)
        else:
            tensors = [convert_to_tensor(v) for v in inputs]
    else:
        tensors = [convert_to_tensor(inputs)]
    count = template.count(placeholder)
    if count != len(tensors):
        raise ValueError(
            f"The template expects {count} tensors, but the inputs only has {len(tensors)}. Please "
            "ensure the number of placeholders in template matches inputs length."
        )
    return raw.StringFormat(
        inputs=tensors, template=template, placeholder=placeholder, summarize=summarize, name=name
    )


@dispatchable("strings.reduce_join", v1=[])
def reduce_join(inputs, axis=None, keepdims=False, separator="", name=None):
    """All strings along `axis` joined.

    Args:
      inputs: a string tensor.
      axis: an axis or a list of them, joined in this order; None for all, the last one first.
      keepdims: whether the axes stay, with length 1.
      separator: between the strings.
      name: of the operation.

    Returns:
      A string tensor.
    """
    inputs = convert_to_tensor(inputs)
    if axis is None:
        rank = inputs.shape.rank
        axis = (
            np.arange(rank - 1, -1, -1, dtype=np.int32)
            if rank is not None
            else raw.Range(start=raw.Rank(input=inputs) - 1, limit=-1, delta=-1)
        )
    return raw.ReduceJoin(
        inputs=inputs, reduction_indices=axis, keep_dims=keepdims, separator=separator, name=name
    )


@unary("strings.regex_full_match")
def regex_full_match(input, pattern, name=None):
    """True where the whole string matches an RE2 pattern.

    Args:
      input: a string tensor.
      pattern: a str, or a string scalar.
      name: of the operation.

    Returns:
      A bool tensor of the same shape.
    """
    if isinstance(pattern, (str, bytes)):
        return raw.StaticRegexFullMatch(input=input, pattern=pattern, name=name)
    return raw.RegexFullMatch(input=input, pattern=pattern, name=name)


@unary("strings.regex_replace", v1=["strings.regex_replace", "regex_replace"])
def regex_replace(input, pattern, rewrite, replace_global=True, name=None):
    r"""Returns strings with the matches of a pattern replaced.

    Args:
      input: strings.
      pattern: a string scalar: a regular expression in the syntax of RE2.
      rewrite: a string scalar; `\1` to `\9` stand for the groups of the match, `\0` for all of
        it.
      replace_global: whether all matches are replaced or the first.
      name: a name for the operation.

    Returns:
      Strings of the shape of `input`.

    Raises:
      InvalidArgumentError: the pattern is not valid.

    >>> tf.strings.regex_replace(["a-b-c"], "-", "+").numpy()
    array([b'a+b+c'], dtype=object)
    """
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return raw.StaticRegexReplace(
            input=input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return raw.RegexReplace(
        input=input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
    )


@dispatchable("strings.ngrams")
def ngrams(
    data,
    ngram_width,
    separator=" ",
    pad_values=None,
    padding_width=None,
    preserve_short_sequences=False,
    name=None,
):
    """All n-grams of `ngram_width` consecutive strings of each row, joined.

    Args:
      data: a string tensor, possibly ragged.
      ngram_width: an int, or several.
      separator: between the strings of an n-gram.
      pad_values: padding before and after each row: a string or a pair.
      padding_width: the maximum amount of padding.
      preserve_short_sequences: keep rows shorter than the width as one n-gram.
      name: a name for the operation.

    Returns:
      A string RaggedTensor, `[..., (n-grams)]`, of a vector a vector; the n-grams of the first
      width come first.

    Raises:
      ValueError: a width or `padding_width` is too small.
      TypeError: `pad_values` is neither a string nor a pair.
    """
    widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
    if any(w < 1 for w in widths):
        raise ValueError(f"All ngram_widths must be greater than 0. Got {widths}")
    left, right = _paddings(pad_values)
    if padding_width is not None and padding_width < 1:
        raise ValueError(f"padding_width must be greater than 0. Received: {padding_width}")
    if padding_width is not None and pad_values is None:
        raise ValueError("pad_values must be provided if padding_width is set.")
    data = data if isinstance(data, RaggedTensor) else convert_to_tensor(data, dtype=dtypes.string)
    to_dense = not isinstance(data, RaggedTensor)
    single = to_dense and data.shape.rank == 1
    if to_dense:
        data = _rows(data)
    inner = data
    while isinstance(inner.values, RaggedTensor):
        inner = inner.values
    width = padding_width if padding_width is not None else (-1 if pad_values is not None else 0)
    grams, splits = raw.StringNGrams(
        data=inner.values,
        data_splits=inner.row_splits,
        separator=separator,
        ngram_widths=widths,
        left_pad=left,
        right_pad=right,
        pad_width=width,
        preserve_short_sequences=preserve_short_sequences,
        name=name,
    )
    result = RaggedTensor.from_row_splits(grams, splits, validate=False)
    if isinstance(data.values, RaggedTensor):
        result = _replace_inner(data, result)
    if single:
        return result.values
    return result.to_tensor(default_value="") if to_dense else result


def _paddings(pad_values):
    """Returns the strings before and after each row."""
    if pad_values is None:
        return "", ""
    if isinstance(pad_values, (str, bytes)):
        return pad_values, pad_values
    is_pair = isinstance(pad_values, (list, tuple)) and len(pad_values) == 2
    if not is_pair or not all(isinstance(p, (str, bytes)) for p in pad_values):
        raise TypeError(
            f"pad_values must be a string, tuple of strings, or None. Got: {pad_values}"
        )
    return tuple(pad_values)


def _rows(data):
    """Returns a dense tensor as a ragged one; a vector is one row."""
    rank = data.shape.rank
    if rank is None:
        raise ValueError("Rank of data must be known.")
    if rank == 0:
        raise ValueError("Data must have rank>0")
    if rank == 1:
        return RaggedTensor.from_tensor(raw.ExpandDims(input=data, axis=0), ragged_rank=1)
    return RaggedTensor.from_tensor(data, ragged_rank=rank - 1)


def _replace_inner(outer, inner):
    if isinstance(outer.values, RaggedTensor):
        return outer.with_values(_replace_inner(outer.values, inner))
    return inner


__getattr__ = op_functions(
    globals(),
    unary="""
strings.as_string as_string = AsString(input, precision=-1, scientific=False, shortest=False, width=-1, fill="")
    Numbers and bools as text.

    Args:
      input: numbers or bools.
      precision: digits after the point; -1: the default of six, or of the shortest form.
      scientific: with an exponent.
      shortest: with an exponent where that is shorter.
      width: the least width.
      fill: what fills it: " " or "0".
      name: a name for the operation.

    Returns:
      A string tensor of the shape of `input`.
-strings.length = StringLength(input, unit="BYTE")
    Returns the lengths of strings.

    Args:
      input: strings.
      unit: "BYTE" or "UTF8_CHAR": what is counted.
      name: a name for the operation.

    Returns:
      An int32 tensor of the shape of `input`.

    >>> tf.strings.length(["a", "bcd", ""]).numpy()
    array([1, 3, 0], dtype=int32)
-strings.substr = Substr(input, pos, len, unit="BYTE")
    Returns a piece of each string.

    Args:
      input: strings.
      pos: where the piece starts, negative numbers counting from the end; it broadcasts with
        `input`.
      len: how long the piece is at most; of the shape of `pos`.
      unit: "BYTE" or "UTF8_CHAR": what is counted.
      name: a name for the operation.

    Returns:
      Strings of the broadcast shape.

    Raises:
      InvalidArgumentError: a position lies outside its string.

    >>> tf.strings.substr(["Hello", "World"], pos=1, len=3).numpy()
    array([b'ell', b'orl'], dtype=object)
strings.lower = StringLower(input, encoding="")
    Returns strings in lower case.

    Args:
      input: strings.
      encoding: "" for ASCII letters only, or "utf-8" for all.
      name: a name for the operation.

    Returns:
      Strings of the shape of `input`.

    Raises:
      InvalidArgumentError: with "utf-8", a string is not valid.

    >>> tf.strings.lower(["Hello"]).numpy()
    array([b'hello'], dtype=object)
strings.upper = StringUpper(input, encoding="")
    Returns strings in upper case.

    Args:
      input: strings.
      encoding: "" for ASCII letters only, or "utf-8" for all.
      name: a name for the operation.

    Returns:
      Strings of the shape of `input`.

    Raises:
      InvalidArgumentError: with "utf-8", a string is not valid.

    >>> tf.strings.upper(["Hello"]).numpy()
    array([b'HELLO'], dtype=object)
strings.strip +string_strip = StringStrip(input)
    Returns strings without white space at both ends.

    Args:
      input: strings.
      name: a name for the operation.

    Returns:
      Strings of the shape of `input`.

    >>> tf.strings.strip(["  a b "]).numpy()
    array([b'a b'], dtype=object)
-strings.to_number = StringToNumber(input: string_tensor, out_type=dtypes.float32)
    Returns the numbers that strings spell.

    Args:
      input: strings, with or without white space around the number.
      out_type: float32, float64, int32, int64, uint32 or uint64.
      name: a name for the operation.

    Returns:
      A tensor of the shape of `input`.

    Raises:
      InvalidArgumentError: a string is not a number, or does not fit `out_type`.

    >>> tf.strings.to_number(["1.5", "-2e3"]).numpy()
    array([ 1.5e+00, -2.0e+03], dtype=float32)
-strings.to_hash_bucket = StringToHashBucket(input: string_tensor, num_buckets)
    Hashes in [0, num_buckets).

    Args:
      input: a string tensor.
      num_buckets: an int.
      name: of the operation.

    Returns:
      An int64 tensor of the same shape.
strings.to_hash_bucket_fast +string_to_hash_bucket_fast = StringToHashBucketFast(input, num_buckets)
    Returns a number from 0 to `num_buckets - 1` for each string, by FarmHash.

    Equal strings always give equal numbers, on all machines; others may share one.

    Args:
      input: strings.
      num_buckets: a positive integer.
      name: a name for the operation.

    Returns:
      An int64 tensor of the shape of `input`.

    >>> tf.strings.to_hash_bucket_fast(["Hello", "World"], 10).numpy()
    array([1, 2])
strings.to_hash_bucket_strong +string_to_hash_bucket_strong = StringToHashBucketStrong(input, num_buckets, key)
    SipHashes under a key of two numbers, in [0, num_buckets).

    Args:
      input: a string tensor.
      num_buckets: an int.
      key: a list of two ints.
      name: of the operation.

    Returns:
      An int64 tensor of the same shape.
strings.unicode_script = UnicodeScript(input)
    The number of the script that each code point belongs to (ICU's).

    Args:
      input: int32 code points.
      name: of the operation.

    Returns:
      An int32 tensor of the same shape; -1 for what is not a code point.
strings.unicode_transcode = UnicodeTranscode(input, input_encoding, output_encoding, errors="replace", replacement_char=65533, replace_control_characters=False)
    Strings in another encoding.

    Args:
      input: a string tensor.
      input_encoding: "UTF-8", "UTF-16-BE", "UTF-32-BE", "US-ASCII" or another name that ICU knows.
      output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors: what happens to bytes that are not valid: "strict" raises, "replace" and "ignore" say
        themselves.
      replacement_char: the code point that replaces them.
      replace_control_characters: whether control characters below U+0020 are replaced as well.
      name: of the operation.

    Returns:
      A string tensor of the same shape.
""",
    dispatchable="""
strings.unsorted_segment_join +unsorted_segment_join = UnsortedSegmentJoin(inputs, segment_ids, num_segments, separator="")
    The strings of each segment joined.

    Args:
      inputs: a string tensor.
      segment_ids: integers in [0, num_segments), in the shape of the outermost axes of `inputs`.
      num_segments: an integer scalar.
      separator: between the strings.
      name: of the operation.

    Returns:
      A string tensor `[num_segments, ...]`.
strings.join +string_join = StringJoin(inputs: [convert_to_tensor(x, dtype=dtypes.string) for x in inputs], separator="") as StringJoin
    Returns strings put together from those at the same place of several tensors.

    Args:
      inputs: a list of string tensors of one shape; scalars broadcast.
      separator: a string that stands between them.
      name: a name for the operation.

    Returns:
      Strings of that shape.

    Raises:
      InvalidArgumentError: the shapes differ.

    >>> tf.strings.join([["a", "b"], ["x", "y"]], separator="-").numpy()
    array([b'a-x', b'b-y'], dtype=object)
""",
)
