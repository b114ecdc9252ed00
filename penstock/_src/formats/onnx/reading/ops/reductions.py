"""Reductions along axes, and running sums and products."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.operators import ROWS
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node, add_reader, reads


def _reduction_axes(n: Node, x: Any, axes: Any) -> Any:
    """The axes of a reduction: known ones as an array, others as a tensor; None if there is nothing to reduce."""
    if axes is None:
        attribute = n.attr("axes", None)
        value = None if attribute is None else np.array(attribute, np.int64)
    else:
        value = t.known(axes)
        if value is None:
            if axes.shape.num_elements() != 0:
                return axes
            value = np.zeros(0, np.int64)
    if value is None or value.size == 0:
        if n.flag("noop_with_empty_axes"):
            return None
        return np.arange(t.rank(x), dtype=np.int32)
    return np.array(t.axes_from(value.reshape(-1), x), np.int32)


def _reduction(compute: Callable[..., Any], prepare: Callable[..., Any] | None = None) -> Any:
    """The reader of a reduction: `prepare` is applied to each element, even if no axis is reduced."""

    def build(n: Node, x: Any, axes: Any = None) -> Any:
        positions = _reduction_axes(n, x, axes)
        if prepare is not None:
            x = prepare(x)
        if positions is None:
            positions = np.zeros(0, np.int32)
        return compute(x, positions, n.flag("keepdims", 1))

    return build


def _simple(op: str) -> Callable[..., Any]:
    def compute(x: Any, axes: Any, keep: bool) -> Any:
        if x.dtype.is_bool:  # the greatest is whether any is true
            return (raw.Any if op == "Max" else raw.All)(x, axes, keep_dims=keep)
        return getattr(raw, op)(x, axes, keep_dims=keep)

    return compute


def _log_sum_exp(x: Any, axes: Any, keep: bool) -> Any:
    dtype = x.dtype
    x = x if dtype.is_floating else t.cast(x, dtypes.float64)
    greatest = raw.StopGradient(raw.Max(x, axes, keep_dims=True))
    greatest = raw.SelectV2(raw.IsFinite(greatest), greatest, t.like(0, greatest))
    total = raw.Sum(raw.Exp(raw.Sub(x, greatest)), axes, keep_dims=keep)
    if not keep:
        greatest = raw.Reshape(greatest, t.shape(total))
    return t.cast(raw.AddV2(raw.Log(total), greatest), dtype)


def _through_floats(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of floats as one of numbers of any type."""

    def call(x: Any) -> Any:
        if x.dtype.is_floating:
            return function(x)
        return t.cast(function(t.cast(x, dtypes.float64)), x.dtype)

    return call


_log, _sqrt = _through_floats(lambda x: raw.Log(x)), _through_floats(lambda x: raw.Sqrt(x))
_sum = _simple("Sum")
for _row in ROWS:
    if _row.reduces:
        add_reader([_row.name], _reduction(_simple(_row.raw)), "", (1,))
add_reader(["ReduceL1"], _reduction(_sum, lambda x: raw.Abs(x)), "", (1,))
add_reader(["ReduceSumSquare"], _reduction(_sum, lambda x: raw.Square(x)), "", (1,))
add_reader(
    ["ReduceL2"],
    _reduction(lambda x, a, k: _sqrt(_sum(x, a, k)), lambda x: raw.Square(x)),
    "",
    (1,),
)
add_reader(["ReduceLogSum"], _reduction(lambda x, a, k: _log(_sum(x, a, k))), "", (1,))
add_reader(["ReduceLogSumExp"], _reduction(_log_sum_exp), "", (1,))


@reads("CumSum", "CumProd", settings=(1,))
def _running(n: Node, x: Any, axis: Any) -> Any:
    op = raw.Cumsum if n.op_type == "CumSum" else raw.Cumprod
    axis = raw.Reshape(axis, t.int64([]))
    return op(x, axis, exclusive=n.flag("exclusive"), reverse=n.flag("reverse"))
