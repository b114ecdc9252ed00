"""String splitting of TensorFlow 1."""

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.api.strings import splitting
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


@export(v1=["string_split"])
def string_split(
    source, sep=None, skip_empty=True, delimiter=None, result_type="SparseTensor", name=None
):
    """Splits the strings of a vector at every character of `sep` (by default at spaces).

    Args:
      source: the strings.
      sep: the characters; an empty string splits into bytes.
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


@export(v1=["strings.split"])
def split(input=None, sep=None, maxsplit=-1, result_type="SparseTensor", source=None, name=None):
    """`tf.strings.split` with a sparse or a ragged result."""
    source = input if source is None else source
    if not isinstance(source, RaggedTensor):
        source = convert_to_tensor(source, dtype=dtypes.string, name="input")
        if source.shape.rank == 0:
            source = raw.ExpandDims(input=source, axis=0)
    ragged = splitting.split(source, sep, maxsplit, name)
    if result_type == "RaggedTensor":
        return ragged
    if result_type == "SparseTensor":
        return ragged.to_sparse()
    raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")
