"""Gradients of graphs: `tensorflow.python.ops.gradients_impl`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.api.gradients import gradients as _gradients
from penstock._src.core.registry import raw


def _hessian_vector_product(ys: Any, xs: Sequence[Any], v: Sequence[Any]) -> list[Any]:
    """Returns the products of the second derivatives of `ys` by `xs` with vectors.

    Args:
      ys: a tensor or list of tensors, which are summed.
      xs: tensors.
      v: a tensor of the same shape for each of `xs`.

    Raises:
      ValueError: there are more or fewer vectors than `xs`.
    """
    if len(v) != len(xs):
        raise ValueError("xs and v must have the same length.")
    first = zip(_gradients(ys, list(xs)), v, strict=True)
    products = [
        raw.Mul(x=gradient, y=raw.StopGradient(input=vector))
        for gradient, vector in first
        if gradient is not None
    ]
    return _gradients(products, list(xs))
