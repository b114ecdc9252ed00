"""Strings of any shape as vectors: tokenizers cut vectors, and give their pieces the shape of the input back."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor, ragged_of_value
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

UNKNOWN_RANK = "Rank of input_tensor must be statically known."


def dense_or_ragged(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A value as a tensor, or as the ragged tensor that it is."""
    value = ragged_of_value(value)
    return (
        value
        if isinstance(value, RaggedTensor)
        else convert_to_tensor(value, dtype=dtype, name=name)
    )


def text_op(name: str) -> Callable[..., Any]:
    """One of the ops in tensorflow-text's namespace of ops."""
    return getattr(raw, f"TFText>{name}")


def known_rank(value: Any, message: str = UNKNOWN_RANK) -> int:
    """The rank of a tensor.

    Raises:
      ValueError: it is not known.
    """
    rank = value.shape.rank
    if rank is None:
        raise ValueError(message)
    return rank


def ragged_rows(values: Any, splits: Any) -> Any:
    """A ragged tensor of values and row splits that an op gave."""
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def on_vectors(
    cut: Callable[[Any], Sequence[Any]], input: Any, message: str = UNKNOWN_RANK
) -> tuple[Any, ...]:
    """The ragged tensors that `cut` makes of a vector, for an input of any rank.

    Args:
      cut: from a vector to ragged tensors with a row for each element.
      input: a tensor or ragged tensor.
      message: of the error if its rank is unknown.

    Returns:
      What `cut` gave, with the dimensions of the input before the rows; of a scalar, the only row.

    Raises:
      ValueError: the rank is unknown.
    """
    rank = known_rank(input, message)
    if not isinstance(input, RaggedTensor):
        if rank == 0:
            return tuple(ragged.values for ragged in cut(raw.Reshape(tensor=input, shape=[1])))
        if rank == 1:
            return tuple(cut(input))
        input = RaggedTensor.from_tensor(input, ragged_rank=rank - 1)
    flat = input.flat_values
    ragged = cut(flat) if flat.shape.rank == 1 else on_vectors(cut, flat, message)
    kind = input.row_splits.dtype
    return tuple(input.with_flat_values(one.with_row_splits_dtype(kind)) for one in ragged)


def on_values(function: Callable[[Any], Any], input: Any) -> Any:
    """The result of an elementwise function of a tensor or ragged tensor."""
    return (
        input.with_flat_values(function(input.flat_values))
        if isinstance(input, RaggedTensor)
        else function(input)
    )
