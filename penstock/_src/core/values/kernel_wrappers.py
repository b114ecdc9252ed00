"""Wrappers of kernels and lowerings, which `Op` puts around the methods of a class whose facts ask for them."""

import functools
from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.typesets import NARROW
from penstock._src.core.values.resources import UPDATING, RemoteResource


def as_one_step(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a kernel that updates variables so that no other thread changes them between its reads and its writes."""

    @functools.wraps(eager)
    def run(op: Any, *values: Any) -> Any:
        with UPDATING:
            return eager(op, *values)

    return run


def where_resources_are(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a kernel that takes a resource: it runs in the process that holds the resource."""
    if getattr(eager, "runs_where_it_is", False):
        return eager

    @functools.wraps(eager)
    def run(op: Any, *values: Any) -> Any:
        for value in values:
            if isinstance(value, RemoteResource):
                return value.run(op, values)
        return eager(op, *values)

    run.runs_where_it_is = True  # type: ignore[attr-defined]
    return run


def with_checked_scalars(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a kernel that takes inputs declared as scalars by the signature: other ranks are refused."""
    if getattr(eager, "checks_scalars", False):
        return eager

    @functools.wraps(eager)
    def run(op: Any, *values: Any) -> Any:
        for position, name in op.traits.scalars:
            rank = getattr(values[position], "ndim", 0)
            if rank:
                raise op.invalid(f"Shape must be rank 0 but is rank {rank} for `{name}`")
        return eager(op, *values)

    run.checks_scalars = True  # type: ignore[attr-defined]
    return run


def in_float32(lower: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a lowering: narrow floats are computed in float32 and results rounded to the op's output dtypes."""

    @functools.wraps(lower)
    def lowering(op: Any, p: Any, *args: Any) -> Any:
        if not any(x.dtype in NARROW for x in args):
            return lower(op, p, *args)
        results = lower(
            op, p, *[p.cast(x, dtypes.float32) if x.dtype in NARROW else x for x in args]
        )
        types: Any = op._output_dtypes()
        if len(types) == 1:
            return p.cast(results, types[0])
        return tuple(p.cast(x, dtype) for x, dtype in zip(results, types, strict=True))

    return lowering
