"""Elements and results that are not plain tensors: composites as the tensors that they are made of."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from penstock._src.api.mapping import row_codec
from penstock._src.api.vectorized.rules import NoRows
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor
from penstock._src.graph.operation import Operation
from penstock._src.util import nest


class Parts(NamedTuple):
    """Tensors, and the function that makes a value of as many others."""

    tensors: list[Any]
    make: Callable[[Sequence[Any]], Any]


def parts_of_rows(leaf: Any) -> Parts:
    """Returns tensors with the rows of a value, and a function that rebuilds one row from their rows."""
    if _is_batchable(leaf):
        spec = leaf._type_spec
        row = spec._unbatch()
        return Parts(spec.to_tensors(leaf), lambda tensors: row.from_tensors(iter(tensors)))
    if nest.is_composite(leaf) and row_codec.is_encoded(getattr(leaf, "_type_spec", None)):
        spec = row_codec.row_spec(leaf)
        encoded = row_codec.encode_rows(leaf)
        return Parts([encoded], lambda tensors: row_codec.decode_row(spec, tensors[0]))
    return Parts([convert_to_tensor(leaf)], lambda tensors: tensors[0])


def parts_of_result(leaf: Any, count: Any) -> Parts:
    """Returns the tensors of one row's result, and a function that rebuilds the result of all rows from their stacks.

    Raises:
      NoRows: the results of rows have different sizes.
    """
    if leaf is None or isinstance(leaf, Operation):
        return Parts([leaf], lambda stacks: stacks[0])
    if _is_batchable(leaf):
        spec = leaf._type_spec
        rows = spec._batch(count if isinstance(count, int) else None)
        return Parts(spec._to_tensor_list(leaf), lambda tensors: rows.from_tensors(iter(tensors)))
    if nest.is_composite(leaf) and not isinstance(leaf, IndexedSlices | Tensor):
        raise NoRows(f"the result {type(leaf).__name__}")
    return Parts([convert_to_tensor(leaf)], lambda tensors: tensors[0])


def _is_batchable(leaf: Any) -> bool:
    """True if a value is an extension type or another composite whose fields have rows."""
    spec = None if isinstance(leaf, Tensor) else getattr(leaf, "_type_spec", None)
    return hasattr(spec, "_unbatch") and not row_codec.is_encoded(spec)
