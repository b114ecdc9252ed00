"""Moves transposes after the operators that can work on transposed values.

Convolutions are built between transposes (`ops/nn/convolution.py`). An activation after a transpose is applied to the transpose's
input instead, and its result is transposed; so the transpose before the next convolution cancels the one after this one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.tensor import Tensor
from penstock._src.formats.onnx.layouts import BROADCASTING, ELEMENTWISE
from penstock._src.formats.onnx.reading import tensors as t

# The most elements of an input that is transposed itself to fit the others: biases and scales.
_SMALL = 1 << 16


def built(op_type: str, build: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """Builds an operator; `build` is a function of its inputs."""
    layout = _sources(op_type, inputs)
    if layout is None:
        return build(*inputs)
    sources, order = layout
    return t.transpose(build(*sources), order)


def _sources(op_type: str, inputs: Sequence[Any]) -> tuple[list[Any], tuple[int, ...]] | None:
    """The inputs before a transpose that all of them have, and its permutation; None if the operator is to be built as it is."""
    if op_type in ELEMENTWISE:
        first = t.turned(inputs[0]) if isinstance(inputs[0], Tensor) else None
        return None if first is None else ([first[0], *inputs[1:]], first[1])
    if op_type not in BROADCASTING or not all(isinstance(x, Tensor) for x in inputs):
        return None
    pairs = [t.turned(x) for x in inputs]
    orders = {pair[1] for pair in pairs if pair is not None}
    if len(orders) != 1:
        return None
    order = orders.pop()
    sources = []
    for x, pair in zip(inputs, pairs):
        if pair is not None:
            sources.append(pair[0])
            continue
        small = _fitted(x, order)
        if small is None:
            return None
        sources.append(small)
    return sources, order


def _fitted(x: Any, order: tuple[int, ...]) -> Any:
    """A small input as it broadcasts with the sources; None if it is large."""
    count, rank = x.shape.num_elements(), x.shape.rank
    if rank is None or count is None or count > _SMALL or rank > len(order):
        return None
    if rank == 0:
        return x
    full = t.reshape(x, [1] * (len(order) - rank) + x.shape.as_list())
    return t.transpose(full, np.argsort(order).tolist())
