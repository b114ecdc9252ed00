"""`tensorflow.python.ops.parallel_for.gradients`: Jacobians, of all elements at once or one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.gradients import gradients
from penstock._src.api.vectorized.functions import pfor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest

from .control_flow_ops import for_loop


def jacobian(
    output: Any, inputs: Any, use_pfor: bool = True, parallel_iterations: int | None = None
) -> Any:
    """Returns the derivatives of all elements of a tensor in a graph.

    Args:
      output: a tensor.
      inputs: a tensor, or a structure of them.
      use_pfor: whether all rows are computed at once.
      parallel_iterations: accepted.

    Returns:
      A structure of tensors of shape `output.shape + input.shape`, or None where there is no connection.
    """
    sources = nest.flatten(inputs)
    shape, flat = raw.Shape(input=output), raw.Reshape(tensor=output, shape=[-1])

    def row(i: Any) -> list[Any]:
        return gradients(raw.GatherV2(params=flat, indices=i, axis=0), sources)

    rows = _over(row, flat, 0, [output.dtype] * len(sources), use_pfor, parallel_iterations)
    jacobians = []
    for source, part in zip(sources, rows, strict=True):
        if isinstance(part, Tensor):
            whole = raw.ConcatV2(values=[shape, raw.Shape(input=part)[1:]], axis=0)
            part = raw.Reshape(tensor=part, shape=whole)
            part.set_shape(output.shape.concatenate(source.shape))
        jacobians.append(part)
    return nest.pack_sequence_as(inputs, jacobians)


def batch_jacobian(
    output: Any, inp: Any, use_pfor: bool = True, parallel_iterations: int | None = None
) -> Any:
    """Returns the derivatives of each row of a tensor in a graph along the same row of another, or None.

    Args:
      output: a tensor of shape `[batch, ...]` whose rows depend only on the same row of `inp`.
      inp: a tensor of shape `[batch, ...]`.
      use_pfor: whether all columns are computed at once.
      parallel_iterations: accepted.

    Returns:
      A tensor of shape `output.shape + inp.shape[1:]`.

    Raises:
      ValueError: the first dimensions differ.
    """
    if not output.shape[:1].is_compatible_with(inp.shape[:1]):
        raise ValueError(
            f"Need first dimension of `output` shape ({output.shape}) and `inp` shape ({inp.shape}) to "
            "match."
        )
    shape, inner = raw.Shape(input=output), raw.Shape(input=inp)
    with control_dependencies([assert_equal(shape[0], inner[0])]):
        matrix = raw.Reshape(tensor=output, shape=raw.Pack(values=[shape[0], -1]))

    def column(i: Any) -> Any:
        return gradients(raw.GatherV2(params=matrix, indices=i, axis=1), inp)[0]

    columns = _over(column, matrix, 1, output.dtype, use_pfor, parallel_iterations)
    if columns is None:
        return None
    count = raw.Shape(input=matrix)[1]
    by_column = raw.Reshape(tensor=columns, shape=raw.Pack(values=[count, shape[0], -1]))
    whole = raw.ConcatV2(values=[shape, inner[1:]], axis=0)
    transposed = raw.Reshape(tensor=raw.Transpose(x=by_column, perm=[1, 0, 2]), shape=whole)
    transposed.set_shape(output.shape.concatenate(inp.shape[1:]))
    return transposed


def _over(
    step: Callable[[Any], Any],
    x: Tensor,
    axis: int,
    dtypes: Any,
    use_pfor: bool,
    parallel_iterations: int | None,
) -> Any:
    """Returns the results of a step for each entry along an axis, stacked."""
    known = x.shape[axis] if x.shape.rank is not None else None
    count = raw.Shape(input=x)[axis] if known is None else known
    if use_pfor:
        return pfor(step, count, parallel_iterations=parallel_iterations)
    return for_loop(step, dtypes, count, parallel_iterations=parallel_iterations)
