"""Broadcasts ragged and dense operands of elementwise functions to the same rows."""

import numpy as np

from penstock._src.api.ragged import indexing as rows
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor


def matched(operands):
    """The ragged operand that determines the rows of the result, and all operands' flat values.

    Rows of different lengths do not broadcast, unless they are statically of length 1.

    Raises:
      InvalidArgumentError: the rows do not match.
    """
    ragged = [x for x in operands if isinstance(x, RaggedTensor)]
    structure = ragged[0]
    for other in ragged[1:]:
        structure = _common(structure, other)
    flat = [
        _like(structure, x) if isinstance(x, RaggedTensor) else _laid_out(structure, x)
        for x in operands
    ]
    return structure, flat


def _common(x, y):
    """The one of two ragged tensors to whose rows the other broadcasts."""
    if x.ragged_rank != y.ragged_rank:
        raise errors.InvalidArgumentError(
            f"Unable to broadcast: ragged ranks {x.ragged_rank} and {y.ragged_rank} differ."
        )
    return y if _is_column(x) and not _is_column(y) else x


def _is_column(rt):
    return rt.ragged_rank == 1 and rt._row_partition.static_uniform_row_length == 1


def _like(structure, rt):
    """The flat values of `rt` in the rows of `structure`."""
    if rt is structure:
        return rt.flat_values
    if _is_column(rt) and not _is_column(structure):
        return rows.gather(rt.values, structure.value_rowids())
    for a, b in zip(structure.nested_row_splits, rt.nested_row_splits, strict=True):
        known = hasattr(a, "numpy") and hasattr(b, "numpy")
        if known and not np.array_equal(a.numpy(), b.numpy()):
            raise errors.InvalidArgumentError(
                f"Unable to broadcast: row splits {a.numpy()} and {b.numpy()} differ."
            )
    return rt.flat_values


def _laid_out(ragged, dense):
    """A dense operand that broadcasts with the flat values of `ragged`."""
    if not isinstance(dense, Tensor):
        dense = convert_to_tensor(dense, dtype_hint=ragged.dtype)
    rank, inner = dense.shape.rank, ragged.flat_values.shape.rank
    if rank is None or inner is None or rank < inner:
        return dense
    missing = ragged.shape.rank - rank
    if missing < 0:
        raise errors.InvalidArgumentError(
            f"Unable to broadcast shapes {ragged.shape} and {dense.shape}."
        )
    for _ in range(missing):
        dense = raw.ExpandDims(input=dense, axis=0)
    for partition in ragged._nested_row_partitions:
        dense = _as_values(partition, dense)
    return dense


def _as_values(partition, dense):
    """Expands a tensor with one row for each row of the partition (or a single row) to one row per value."""
    if dense.shape[1] == 1:
        flat = raw.Squeeze(input=dense, axis=[1])
        if dense.shape[0] == 1:
            return flat
        return raw.GatherV2(params=flat, indices=partition.value_rowids(), axis=0)
    shape = raw.Shape(input=dense, out_type=partition.dtype)
    fits = raw.All(input=raw.Equal(x=partition.row_lengths(), y=shape[1]), axis=[0])
    message = "Unable to broadcast: rows of a ragged dimension against one of a single length."
    raw.Assert(condition=fits, data=[convert_to_tensor(message), shape])
    count = raw.Reshape(tensor=partition.nvals(), shape=[1])
    return raw.Reshape(tensor=dense, shape=raw.ConcatV2(values=[count, shape[2:]], axis=0))
