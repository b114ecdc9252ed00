"""Custom calls: functions outside the module, by name."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.linear_algebra import LAPACK
from penstock._src.ops.xla.translation.sorting import sorted_by
from penstock._src.ops.xla.translation.translate import (
    Translation,
    place_of,
    translates,
)
from penstock._src.ops.xla.translation.windows import ReduceWindow, reduced_windows
from penstock._src.stablehlo.module import HloBlock, HloOperation, plain

Handler = Callable[..., list[Node] | Node]

_LAPACK = re.compile(r"lapack_[sdcz](\w+?)(_ffi)?")
# Hints about partitioning or layout, without computation.
_ANNOTATIONS = frozenset(
    "Sharding annotate_device_placement LayoutConstraint xla.sdy.FuncResultSharding".split()
)
# Functions that JAX emits as composites or calls and that are single primitives here.
_PRIMITIVES = {"erf": "erf", "erfc": "erfc", "lgamma": "lgamma", "tan": "tan", "square": "square"}


@translates("custom_call")
def custom_call(t: Translation, operation: HloOperation, *operands: Node) -> list[Node] | Node:
    """Calls a function by name."""
    target = operation.attribute("call_target_name")
    if target in _ANNOTATIONS:
        return list(operands)
    lapack = _LAPACK.fullmatch(target)
    if lapack and lapack[1] in LAPACK:
        return _called_with(LAPACK[lapack[1]], t, operation, _configuration(operation), *operands)
    if target in _CALLS:
        return _called_with(_CALLS[target], t, operation, *operands)
    dialect, _, name = target.partition(".")
    if dialect in ("mhlo", "chlo") and name in _PRIMITIVES:
        return _called_with(getattr(t.p, _PRIMITIVES[name]), *operands)
    raise UnimplementedError(
        f"XlaCallModule: the custom call {target!r} is not implemented{place_of(operation)}."
    )


@translates("composite")
def composite(t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """A named function: its primitive if there is one, else its decomposition."""
    name = operation.attribute("name").removeprefix("chlo.")
    if name in _PRIMITIVES:
        return [getattr(t.p, _PRIMITIVES[name])(*operands)]
    return t.call(operation.attribute("decomposition"), operands)


def _called_with(handler: Callable[..., Any], *arguments: Any) -> Any:
    """Return a handler's result. Raise ValueError if it takes another number of operands."""
    try:
        inspect.signature(handler).bind(*arguments)
    except TypeError as error:
        raise ValueError(f"its number of operands is wrong: {error}") from None
    return handler(*arguments)


def _configuration(operation: HloOperation) -> dict[str, Any]:
    """The options of a call."""
    options = operation.attributes.get("mhlo.backend_config")
    options = operation.attributes.get("backend_config") if options is None else options
    return options if isinstance(options, dict) else {}


def _called(t: Translation, operation: HloOperation) -> HloBlock:
    """The block of the module's function that a call names."""
    names = operation.attribute("called_computations")
    if not isinstance(names, tuple) or len(names) != 1 or plain(names[0]) not in t.module.functions:
        raise ValueError(f"it calls the functions {names!r}")
    return t.module.functions[plain(names[0])].regions[0].block


def _assert(t: Translation, operation: HloOperation, condition: Node, *values: Node) -> list[Node]:
    """Raises InvalidArgumentError unless a condition on sizes holds; {0}, {1} in the message are values."""
    message = str(operation.attribute("error_message", "the shapes of the arguments do not fit."))
    if not bool(np.all(t.value(condition, "the condition of a shape assertion"))):
        for number, value in enumerate(values):
            shown = int(t.value(value, "a number of a shape assertion"))
            message = message.replace(f"{{{number}}}", str(shown))
        raise InvalidArgumentError(message)
    return []


def _reduce_window(
    t: Translation, operation: HloOperation, x: Node, init: Node, *form: Node
) -> list[Node]:
    """A reduction over windows with computed parameters."""
    sizes, strides, base_dilations, dilations, edges = (t.extents(vector) for vector in form)
    padding = list(zip(edges[::2], edges[1::2]))
    window = ReduceWindow(sizes, strides, base_dilations, dilations, padding)
    return reduced_windows(t, _called(t, operation), window, [x], [init])


def _approximate_top_k(t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """The exact top k by a comparator: operands, then fill values, which are unused."""
    config = _configuration(operation)
    xs = operands[: len(operands) // 2]
    axis = plain(config.get("reduction_dim"))
    if not xs or not isinstance(axis, int) or not 0 <= axis < xs[0].rank:
        raise ValueError(f"the option reduction_dim is {axis!r}")
    in_order = sorted_by(t, _called(t, operation), xs, axis)
    extent = operation.results[0].type.shape[axis]
    return [t.p.slice_axis(x, axis, 0, extent) for x in in_order]


# Target -> handler.
_CALLS: dict[str, Handler] = {
    "ApproxTopK": _approximate_top_k,
    "shape_assertion": _assert,
    "stablehlo.dynamic_reduce_window": _reduce_window,
}
