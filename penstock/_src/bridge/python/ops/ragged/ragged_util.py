"""Repeated ranges, and the comparison of row splits."""

from __future__ import annotations

from typing import Any

from penstock._src.api.array.joining import repeat as repeat
from penstock._src.api.debugging.asserts import assert_non_negative
from penstock._src.api.debugging.shape_asserts import assert_integer
from penstock._src.bridge.internals.graphs import assert_splits_match as assert_splits_match
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw


def lengths_to_splits(lengths: Any) -> Any:
    """Returns the row splits of rows of these lengths."""
    sums = raw.Cumsum(x=lengths, axis=0)
    return raw.ConcatV2(values=[raw.ZerosLike(x=sums[:1]), sums], axis=0)


def repeat_ranges(params: Any, splits: Any, repeats: Any) -> Any:
    """Returns each range `params[splits[i] : splits[i + 1]]` as often as `repeats`, or `repeats[i]`, says."""
    splits, repeats = convert_to_tensor(splits), convert_to_tensor(repeats)
    for name, value in (("splits", splits), ("repeats", repeats)):
        assert_non_negative(value, message=f"Input argument '{name}' must be non-negative")
        assert_integer(
            value, message=f"Input argument '{name}' must be integer, but got {value.dtype} instead"
        )
    starts, limits = repeat(splits[:-1], repeats, axis=0), repeat(splits[1:], repeats, axis=0)
    places = raw.RaggedRange(starts=starts, limits=limits, deltas=raw.OnesLike(x=starts[:1])[0])
    return raw.GatherV2(params=params, indices=places.rt_dense_values, axis=0)
