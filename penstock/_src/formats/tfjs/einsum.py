"""Einsums of two tensors as products of matrices: TensorFlow.js's backends for WebAssembly and WebGPU have no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.ops.math.einsum import labels_of

UNKNOWN = -1


def as_product(node: Operation, inputs: Sequence[SymbolicTensor]) -> Any:
    """Adds an einsum to the current graph, as a product if it is a matrix product up to static reshapes."""
    equation = node.raw_op.attrs["equation"]
    product = _product(equation, inputs)
    return raw.Einsum(list(inputs), equation=equation) if product is None else product


def _product(equation: str, inputs: Sequence[SymbolicTensor]) -> Any:
    if len(inputs) != 2 or any(t.shape.rank is None for t in inputs) or "." in equation:
        return None
    (first, second), result = labels_of(equation, tuple(t.shape.rank for t in inputs))
    if any(len(set(text)) != len(text) for text in (first, second, result)):
        return None
    shared = set(first) & set(second)
    batch = [k for k in first if k in shared and k in result]
    summed = [k for k in first if k in shared and k not in result]
    rows = [k for k in first if k not in shared]
    columns = [k for k in second if k not in shared]
    if sorted([*batch, *rows, *columns]) != sorted(result):
        return None  # something is summed in one of them alone
    sizes = dict(zip(second, inputs[1].shape.as_list()))
    sizes |= {k: n for k, n in zip(first, inputs[0].shape.as_list()) if sizes.get(k) is None}
    sides = [[batch, rows, summed], [batch, summed, columns]]
    if any(_unknowns(groups, sizes) > 1 for groups in [*sides, [batch, rows, columns]]):
        return None
    x = _matrices(inputs[0], first, sides[0], sizes)
    y = _matrices(inputs[1], second, sides[1], sizes)
    product = raw.BatchMatMulV2(x=x, y=y) if batch else raw.MatMul(a=x, b=y)
    labels = [*batch, *rows, *columns]
    if len(rows) != 1 or len(columns) != 1:
        product = _reshaped(product, [[k] for k in labels], sizes)
    return _transposed(product, labels, list(result))


def _matrices(tensor: Any, labels: str, groups: list[list[str]], sizes: dict[str, Any]) -> Any:
    """A tensor with its axes in this order: those of the batch, and one for each of the other groups."""
    batch, *others = groups
    turned = _transposed(tensor, list(labels), [k for group in groups for k in group])
    if all(len(group) == 1 for group in others):
        return turned
    return _reshaped(turned, [*[[k] for k in batch], *others], sizes)


def _transposed(tensor: Any, labels: list[str], wanted: list[str]) -> Any:
    if labels == wanted:
        return tensor
    return raw.Transpose(x=tensor, perm=np.array([labels.index(k) for k in wanted], np.int32))


def _reshaped(tensor: Any, groups: list[list[str]], sizes: dict[str, Any]) -> Any:
    shape = [_size(group, sizes) for group in groups]
    return raw.Reshape(tensor=tensor, shape=np.array(shape, np.int32))


def _size(group: Sequence[str], sizes: dict[str, Any]) -> int:
    """The elements of some axes together."""
    known = [sizes[k] for k in group]
    return UNKNOWN if None in known else int(np.prod(known, dtype=np.int64))


def _unknowns(groups: Sequence[Sequence[str]], sizes: dict[str, Any]) -> int:
    return sum(sizes[k] is None for group in groups for k in group)
