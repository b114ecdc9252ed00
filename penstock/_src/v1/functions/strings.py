"""Strings cut as TensorFlow 1 cuts them."""

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
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
