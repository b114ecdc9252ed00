"""Weights of losses and metrics: scalars, or of the values' rank with dimensions of 1 or the values'."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock._src.api.control.scopes import no_op
from penstock._src.api.debugging.asserts import Assert
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

_REFUSAL = "weights can not be broadcast to values."


def assert_broadcastable(weights: Any, values: Any) -> Any:
    """Returns an operation that checks that `weights` fit `values`.

    Raises:
      ValueError: the static shapes say that they do not.
    """
    weights, values = convert_to_tensor(weights), convert_to_tensor(values)
    have, want = weights.shape, values.shape
    if have.rank == 0:
        return no_op(name="static_scalar_check_success")
    if have.rank is not None and want.rank is not None:
        if have.rank != want.rank:
            raise ValueError(
                f"{_REFUSAL} values.rank={want.rank}. weights.rank={have.rank}. "
                f"values.shape={want}. weights.shape={have}."
            )
        if have.is_fully_defined() and want.is_fully_defined():
            for axis, (one, other) in enumerate(zip(have.as_list(), want.as_list())):
                if one not in (1, other):
                    raise ValueError(
                        f"{_REFUSAL} Mismatch at dim {axis}. values.shape={want}, weights.shape={have}."
                    )
            return no_op(name="static_dims_check_success")
    return _checked_when_run(weights, values)


def _checked_when_run(weights: Any, values: Any) -> Any:
    have, want = raw.Shape(input=weights), raw.Shape(input=values)
    ranks = raw.Rank(input=weights), raw.Rank(input=values)
    common = raw.Minimum(x=ranks[0], y=ranks[1])
    one, other = have[:common], want[:common]
    fits = raw.All(
        input=raw.LogicalOr(x=raw.Equal(x=one, y=np.int32(1)), y=raw.Equal(x=one, y=other)), axis=0
    )
    fits = raw.LogicalAnd(x=fits, y=raw.Equal(x=ranks[0], y=ranks[1]))
    is_scalar = raw.Equal(x=ranks[0], y=np.int32(0))
    return Assert(
        raw.LogicalOr(x=is_scalar, y=fits),
        [_REFUSAL, "weights.shape=", have, "values.shape=", want, "is_scalar=", is_scalar],
    )
