"""Functions of strings and records with TensorFlow 1's names and orders of arguments."""

from penstock._src.api.io import parsing, records
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.api.strings import functions
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


@export(v1=["string_split"])
def string_split(
    source, sep=None, skip_empty=True, delimiter=None, result_type="SparseTensor", name=None
):
    """The strings of a vector cut at every character of `sep` (by default at spaces).

    Args:
      source: the strings.
      sep: the characters; an empty string cuts into bytes.
      skip_empty: whether empty parts are left out.
      delimiter: the older name of `sep`.
      result_type: "SparseTensor" or "RaggedTensor".
      name: a name for the operation.
    """
    sep = either("sep", sep, "delimiter", delimiter)
    indices, values, shape = raw.StringSplit(
        input=source, delimiter=" " if sep is None else sep, skip_empty=skip_empty, name=name
    )
    indices.set_shape([None, 2])
    values.set_shape([None])
    shape.set_shape([2])
    if result_type == "SparseTensor":
        return SparseTensor(indices, values, shape)
    if result_type == "RaggedTensor":
        return RaggedTensor.from_value_rowids(values, indices[:, 0], nrows=shape[0])
    raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")


@export(v1=["string_to_hash_bucket", "strings.to_hash_bucket"])
def string_to_hash_bucket(string_tensor=None, num_buckets=None, name=None, input=None):
    """The hash of each string, modulo `num_buckets`."""
    given = either("string_tensor", string_tensor, "input", input)
    return functions.to_hash_bucket(given, num_buckets, name)


@export(v1=["string_to_number", "strings.to_number"])
def string_to_number(string_tensor=None, out_type=dtypes.float32, name=None, input=None):
    """The number that each string shows."""
    given = either("string_tensor", string_tensor, "input", input)
    return functions.to_number(given, out_type, name)


@export(v1=["strings.length"])
def string_length(input, name=None, unit="BYTE"):
    """The length of each string in bytes ("BYTE") or characters ("UTF8_CHAR")."""
    return functions.length(input, unit, name)


@export(v1=["strings.substr"])
def substr(input, pos, len, name=None, unit="BYTE"):
    """`len` bytes or characters of each string from `pos` on."""
    return functions.substr(input, pos, len, unit, name)


@export(v1=["substr"])
def substr_deprecated(input, pos, len, name=None, unit="BYTE"):
    """`len` bytes or characters of each string from `pos` on."""
    return functions.substr(input, pos, len, unit, name)


@export(v1=["reduce_join", "strings.reduce_join"])
def reduce_join(
    inputs,
    axis=None,
    keep_dims=None,
    separator="",
    name=None,
    reduction_indices=None,
    keepdims=None,
):
    """The strings joined over `axis`."""
    axis = either("axis", axis, "reduction_indices", reduction_indices)
    keep = either("keepdims", keepdims, "keep_dims", keep_dims)
    return functions.reduce_join(inputs, axis, bool(keep), separator, name)


@export(v1=["parse_example", "io.parse_example"])
def parse_example(serialized, features, name=None, example_names=None):
    """Serialised examples as tensors by feature."""
    return parsing.parse_example(serialized, features, example_names, name)


@export(v1=["parse_single_example", "io.parse_single_example"])
def parse_single_example(serialized, features, name=None, example_names=None):
    """A serialised example as tensors by feature."""
    return parsing.parse_single_example(serialized, features, example_names, name)


@export(v1=["decode_csv", "io.decode_csv"])
def decode_csv(
    records,
    record_defaults,
    field_delim=",",
    use_quote_delim=True,
    name=None,
    na_value="",
    select_cols=None,
):
    """The columns of lines of comma-separated values."""
    return _decode_csv(
        records, record_defaults, field_delim, use_quote_delim, na_value, select_cols, name
    )


_decode_csv = records.decode_csv


@export(v1=["decode_raw", "io.decode_raw"])
def decode_raw(input_bytes=None, out_type=None, little_endian=True, name=None, bytes=None):
    """The bytes of strings as numbers."""
    given = either("input_bytes", input_bytes, "bytes", bytes)
    return raw.DecodeRaw(
        bytes=convert_to_tensor(given, dtypes.string),
        out_type=out_type,
        little_endian=little_endian,
        name=name,
    )
