"""Samplers that TensorFlow keeps private."""

from __future__ import annotations

from typing import Any

from penstock._src.api.array.creation import shape_vector
from penstock._src.api.random.seeds import op_seeds
from penstock._src.core import dtypes
from penstock._src.core.registry import raw


def parameterized_truncated_normal(
    shape: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: str | None = None,
) -> Any:
    """Returns numbers of normal distributions within bounds, one of each for every row of `shape`."""
    return raw.ParameterizedTruncatedNormal(
        shape=shape_vector(shape),
        means=means,
        stdevs=stddevs,
        minvals=minvals,
        maxvals=maxvals,
        name=name,
        **op_seeds(seed),
    )
