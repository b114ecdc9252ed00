"""Weights of losses and metrics: scalars, or of the values' rank with dimensions of 1 or the values'."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.array.shaping import rank, shape
from penstock._src.api.control.conditionals import cond
from penstock._src.api.control.scopes import control_dependencies, name_scope, no_op
from penstock._src.api.debugging.asserts import Assert
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export
from penstock._src.v1.functions.arrays import ones_like

_REFUSAL = "weights can not be broadcast to values."


@export("__internal__.ops.broadcast_weights", v1=[])
def broadcast_weights(weights: Any, values: Any) -> Tensor:
    """Broadcasts `weights` to the shape of `values`.

    Args:
      weights: numbers.
      values: a tensor.

    Returns:
      A tensor of the shape and dtype of `values`.

    Raises:
      ValueError: the ranks differ, or a dimension of the weights is neither 1 nor that of the
        values.
    """
    with name_scope("broadcast_weights") as scope:
        values = convert_to_tensor(values, name="values")
        weights = convert_to_tensor(weights, dtype=values.dtype.base_dtype, name="weights")
        if weights.shape.is_fully_defined() and weights.shape == values.shape:
            return weights
        with control_dependencies([assert_broadcastable(weights, values)]):
            return raw.Mul(x=weights, y=ones_like(values), name=scope)


def assert_broadcastable(weights: Any, values: Any) -> Any:
    """Returns an operation that checks that `weights` fit `values`.

    Raises:
      ValueError: the static shapes say that they do not.
    """
    with name_scope("assert_broadcastable") as scope:
        values = convert_to_tensor(values, name="values")
        weights = convert_to_tensor(weights, name="weights")
        if STATE.graph is None:
            return no_op(name=_known_to_fit(weights.shape, values.shape))
        have, have_rank = shape(weights, name="weights/shape"), rank(weights, name="weights/rank")
        want, want_rank = shape(values, name="values/shape"), rank(values, name="values/rank")
        known = _known_to_fit(weights.shape, values.shape)
        if known:
            return no_op(name=known)
        is_scalar = raw.Equal(x=0, y=have_rank, name="is_scalar")
        fits = cond(
            is_scalar,
            lambda: is_scalar,
            lambda: _fit_when_run(have, have_rank, want, want_rank),
            name="is_valid_shape",
        )
        message = [_REFUSAL, "weights.shape=", _name_of(weights), have]
        message += ["values.shape=", _name_of(values), want, "is_scalar=", is_scalar]
        return Assert(fits, message, name=scope)


def _known_to_fit(have: Any, want: Any) -> str | None:
    """Returns the name of the check that static shapes pass, or None if they say too little."""
    if have.rank == 0:
        return "static_scalar_check_success"
    if have.rank is None or want.rank is None:
        return None
    if have.rank != want.rank:
        raise ValueError(
            f"{_REFUSAL} values.rank={want.rank}. weights.rank={have.rank}. "
            f"values.shape={want}. weights.shape={have}."
        )
    if not (have.is_fully_defined() and want.is_fully_defined()):
        return None
    for axis, (one, other) in enumerate(zip(have.as_list(), want.as_list(), strict=True)):
        if one not in (1, other):
            raise ValueError(
                f"{_REFUSAL} Mismatch at dim {axis}. values.shape={want}, weights.shape={have}."
            )
    return "static_dims_check_success"


def _name_of(value: Tensor) -> str:
    """Return a tensor's name in messages."""
    return getattr(value, "name", "") if hasattr(value, "graph") else ""


def _fit_when_run(have: Tensor, have_rank: Tensor, want: Tensor, want_rank: Tensor) -> Tensor:
    """Return a bool tensor: True if every dimension of the weights is 1 or equal to that of the values."""
    common = raw.Minimum(x=have_rank, y=want_rank)
    one, other = have[:common], want[:common]
    fits = raw.All(
        input=raw.LogicalOr(x=raw.Equal(x=one, y=np.int32(1)), y=raw.Equal(x=one, y=other)), axis=0
    )
    return raw.LogicalAnd(x=fits, y=raw.Equal(x=have_rank, y=want_rank))
