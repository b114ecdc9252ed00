"""Gradients of ops as functions of an operation and the gradients of its outputs: `_MatMulGrad(op, grad)`.

TensorFlow's modules `math_grad`, `nn_grad` ... hold one such function for each op that has a gradient.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from penstock._src.autodiff.graph_gradients import node_gradient
from penstock._src.core import registry
from penstock._src.core.shapes import TensorShape


def __getattr__(name: str) -> Callable[..., list[Any]]:
    """Returns the gradient of the op in a name such as `_MatMulGrad`."""
    match = re.fullmatch(r"_(\w+)Grad", name)
    if match is None or match[1] not in registry.index():
        raise AttributeError(name)

    def gradient(op: Any, *grads: Any) -> list[Any]:
        return node_gradient(op, list(grads), [True] * len(op.inputs))

    gradient.__name__ = gradient.__qualname__ = name
    return gradient


def _InferGradientReductionAxes(
    x_shape: TensorShape, y_shape: TensorShape
) -> tuple[list[int] | None, list[int] | None]:
    """Returns the axes along which each of two shapes is broadcast to the other; None for both if that is not known."""
    if x_shape.rank is None or y_shape.rank is None:
        return None, None
    rank = max(x_shape.rank, y_shape.rank)
    ones: list[int | None] = [1] * rank
    x, y = (ones[s.rank :] + s.as_list() for s in (x_shape, y_shape))
    axes: tuple[list[int], list[int]] = [], []
    for axis, extents in enumerate(zip(x, y)):
        if extents.count(1) == 1:
            axes[extents.index(1)].append(axis)
        elif None in extents:
            return None, None
    return axes
