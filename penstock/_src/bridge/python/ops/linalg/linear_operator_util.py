"""Checks, shape arithmetic and broadcasting of matrices, as operators use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from penstock._src.api.array.joining import split
from penstock._src.api.control.scopes import name_scope
from penstock._src.api.debugging import asserts
from penstock._src.api.debugging.shape_asserts import assert_proper_iterable
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.algebra import agreed_hint, is_adjoint_pair
from penstock._src.api.linalg.operators.algebra import is_gram as is_aat_form
from penstock._src.api.linalg.operators.blockwise import is_blockwise
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import dimension_value

is_ref = shapes.is_reference

__all__ = ["is_aat_form", "is_adjoint_pair", "is_ref"]


def convert_nonref_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Any:
    """Returns `value` as a tensor; a variable, or a module that converts to a tensor, is returned itself."""
    if value is None:
        return None
    if not is_ref(value):
        return convert_to_tensor(value, dtype=dtype, dtype_hint=dtype_hint, name=name)
    if dtype is not None and base_dtype(dtype) != base_dtype(value.dtype):
        raise TypeError(
            f"Argument `value` must be of dtype `{dtype_name(dtype)}` "
            f"Received: `{dtype_name(value.dtype)}`."
        )
    return value


def base_dtype(dtype: Any) -> Any:
    """Returns the dtype of a reference's target."""
    return dtypes.as_dtype(dtype).base_dtype


def dtype_name(dtype: Any) -> str:
    """Returns the name of a dtype."""
    return base_dtype(dtype).name


def check_dtype(arg: Any, dtype: Any) -> None:
    """Raises TypeError unless `arg` has this dtype."""
    if base_dtype(arg.dtype) != dtype:
        raise TypeError(
            f"Expected argument to have dtype {dtype}. Found: {arg.dtype} in tensor {arg}."
        )


def assert_not_ref_type(x: Any, arg_name: str) -> None:
    """Raises TypeError for a variable."""
    if is_ref(x):
        raise TypeError(f"Argument {arg_name} cannot be reference type. Found: {type(x)}.")


def assert_no_entries_with_modulus_zero(
    x: Any, message: str | None = None, name: str = "assert_no_entries_with_modulus_zero"
) -> Any:
    """Returns an assertion that no entry is 0."""
    with name_scope(name):
        sizes = magnitude(convert_to_tensor(x, name="x"))
        return asserts.assert_less(cast(0, sizes.dtype), sizes, message=message)


def assert_zero_imag_part(
    x: Any, message: str | None = None, name: str = "assert_zero_imag_part"
) -> Any:
    """Returns an assertion that no entry has an imaginary part."""
    with name_scope(name):
        return shapes.assert_real(convert_to_tensor(x, name="x"), message)


def assert_compatible_matrix_dimensions(operator: Any, x: Any) -> Any:
    """Returns an assertion that a matrix has as many rows as the operator has columns."""
    return asserts.assert_equal(
        raw.Shape(input=x)[-2],
        operator.domain_dimension_tensor(),
        message="Dimensions are not compatible.  shape[-2] of argument to be the same as this operator",
    )


def assert_is_batch_matrix(tensor: Any) -> None:
    """Raises ValueError for a tensor that is known to have fewer than two axes."""
    if tensor.shape.rank is not None and tensor.shape.rank < 2:
        raise ValueError(
            f"Expected [batch] matrix to have at least two dimensions. Found: {tensor}."
        )


def shape_tensor(shape: Any, name: str | None = None) -> Any:
    """Returns a shape as a tensor; an empty list is an int32 one."""
    empty = isinstance(shape, (list, tuple)) and not shape
    return convert_to_tensor(shape, dtype=dtypes.int32 if empty else None, name=name)


def broadcast_matrix_batch_dims(batch_matrices: Iterable[Any], name: str | None = None) -> Any:
    """Returns the matrices with their batch axes broadcast to one shape, as a list."""
    assert_proper_iterable(batch_matrices)
    with name_scope(name or "broadcast_matrix_batch_dims"):
        matrices = [convert_to_tensor(matrix) for matrix in batch_matrices]
        for matrix in matrices:
            assert_is_batch_matrix(matrix)
        return shapes.broadcast_matrices(*matrices) if len(matrices) > 1 else matrices


def matrix_solve_with_broadcast(
    matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None
) -> Any:
    """Returns the solution of linear equations, whose batch axes broadcast."""
    with name_scope(name or "MatrixSolveWithBroadcast"):
        matrix = convert_to_tensor(matrix, name="matrix")
        rhs = convert_to_tensor(rhs, name="rhs", dtype=matrix.dtype)
        matrix, rhs = shapes.broadcast_matrices(matrix, rhs)
        return raw.MatrixSolve(matrix=matrix, rhs=rhs, adjoint=adjoint)


def use_operator_or_provided_hint_unless_contradicting(
    operator: Any, hint_attr_name: str, provided_hint_value: bool | None, message: str
) -> bool | None:
    """Returns an operator's hint merged with a given one; raises ValueError if they differ."""
    return agreed_hint(getattr(operator, hint_attr_name), provided_hint_value, message)


def arg_is_blockwise(block_dimensions: Sequence[Any], arg: Any, arg_split_dim: int) -> bool:
    """True if an argument is a list with a block for each operator."""
    return is_blockwise([*map(dimension_value, block_dimensions)], arg, arg_split_dim)


def split_arg_into_blocks(
    block_dims: Iterable[Any], block_dims_fn: Callable[[], Any], arg: Any, axis: int = -1
) -> Any:
    """Returns the blocks of a tensor; `block_dims_fn` gives their sizes if a Dimension does not."""
    sizes = [*map(dimension_value, block_dims)]
    return split(arg, block_dims_fn() if None in sizes else sizes, axis=axis)
