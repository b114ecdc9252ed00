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
    """`template` with each placeholder replaced by a tensor's text."""
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
    """All strings along `axis` joined."""
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
    """Whether the whole string matches an RE2 pattern."""
    if isinstance(pattern, (str, bytes)):
        return raw.StaticRegexFullMatch(input=input, pattern=pattern, name=name)
    return raw.RegexFullMatch(input=input, pattern=pattern, name=name)


@unary("strings.regex_replace", v1=["strings.regex_replace", "regex_replace"])
def regex_replace(input, pattern, rewrite, replace_global=True, name=None):
    """Matches of an RE2 pattern replaced by `rewrite`, in which \\1 is the first group."""
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
    """
    widths = [ngram_width] if isinstance(ngram_width, int) else list(ngram_width)
    if any(w < 1 for w in widths):
        raise ValueError(f"All ngram_widths must be greater than 0. Got {widths}")
    if pad_values is None:
        left = right = ""
    elif isinstance(pad_values, (list, tuple)):
        if len(pad_values) != 2 or not all(isinstance(p, (str, bytes)) for p in pad_values):
            raise TypeError(
                f"pad_values must be a string, tuple of strings, or None. Got: {pad_values}"
            )
        left, right = pad_values
    elif isinstance(pad_values, (str, bytes)):
        left = right = pad_values
    else:
        raise TypeError(
            f"pad_values must be a string, tuple of strings, or None. Got: {pad_values}"
        )
    if padding_width is not None and padding_width < 1:
        raise ValueError(f"padding_width must be greater than 0. Received: {padding_width}")
    if padding_width is not None and pad_values is None:
        raise ValueError("pad_values must be provided if padding_width is set.")
    data = data if isinstance(data, RaggedTensor) else convert_to_tensor(data, dtype=dtypes.string)
    to_dense = single = False
    if not isinstance(data, RaggedTensor):
        if data.shape.rank is None:
            raise ValueError("Rank of data must be known.")
        if data.shape.rank == 0:
            raise ValueError("Data must have rank>0")
        to_dense, single = True, data.shape.rank == 1
        data = RaggedTensor.from_tensor(
            raw.ExpandDims(input=data, axis=0) if single else data,
            ragged_rank=1 if single else data.shape.rank - 1,
        )
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
    if to_dense and single:
        return result.values
    return result.to_tensor(default_value="") if to_dense else result


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
-strings.length = StringLength(input, unit="BYTE")
    The number of bytes ("BYTE") or characters ("UTF8_CHAR").
-strings.substr = Substr(input, pos, len, unit="BYTE")
    `len` bytes or characters from `pos` on (negative: from the end).
strings.lower = StringLower(input, encoding="")
    In small letters; `encoding` "utf-8" for others than ASCII.
strings.upper = StringUpper(input, encoding="")
    In capital letters; `encoding` "utf-8" for others than ASCII.
strings.strip +string_strip = StringStrip(input)
    Without white space at both ends.
-strings.to_number = StringToNumber(input: string_tensor, out_type=dtypes.float32)
    The numbers that strings spell.
-strings.to_hash_bucket = StringToHashBucket(input: string_tensor, num_buckets)
    Hashes in [0, num_buckets).
strings.to_hash_bucket_fast +string_to_hash_bucket_fast = StringToHashBucketFast(input, num_buckets)
    FarmHash fingerprints in [0, num_buckets).
strings.to_hash_bucket_strong +string_to_hash_bucket_strong = StringToHashBucketStrong(input, num_buckets, key)
    SipHashes under a key of two numbers, in [0, num_buckets).
strings.unicode_script = UnicodeScript(input)
    The number of the script that each code point belongs to (ICU's).
strings.unicode_transcode = UnicodeTranscode(input, input_encoding, output_encoding, errors="replace", replacement_char=65533, replace_control_characters=False)
    Strings in another encoding.
""",
    dispatchable="""
strings.unsorted_segment_join +unsorted_segment_join = UnsortedSegmentJoin(inputs, segment_ids, num_segments, separator="")
    The strings of each segment joined.
strings.join +string_join = StringJoin(inputs: [convert_to_tensor(x, dtype=dtypes.string) for x in inputs], separator="") as StringJoin
    The strings joined elementwise.
""",
)
