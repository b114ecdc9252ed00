"""AutoGraph's state and its conversion of one function: `tf.__internal__.autograph`."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.function.autograph import convert
from penstock._src.util.export import export


class Status(Enum):
    """The conversion of the running code by AutoGraph."""

    UNSPECIFIED = 0
    ENABLED = 1
    DISABLED = 2


class _Entered(threading.local):
    """Statuses that blocks of this thread have set, the innermost last."""

    def __init__(self) -> None:
        self.contexts: list[ControlStatusCtx] = []


_ENTERED = _Entered()


class ControlStatusCtx:
    """Holds a status, which `control_status_ctx` gives within the block."""

    def __init__(self, status: Status, options: Any = None) -> None:
        self.status, self.options = status, options

    def __enter__(self) -> ControlStatusCtx:
        _ENTERED.contexts.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        _ENTERED.contexts.pop()


class NullCtx:
    """A context without effect, where code takes a `ControlStatusCtx` or nothing."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        return None


@export("__internal__.autograph.control_status_ctx", v1=[])
def control_status_ctx() -> ControlStatusCtx:
    """Returns the status: that of the innermost block which sets one; else enabled while a function is traced.

    Returns:
      A ControlStatusCtx.
    """
    if _ENTERED.contexts:
        return _ENTERED.contexts[-1]
    tracing = STATE.graph is not None and STATE.graph.building_function
    return ControlStatusCtx(Status.ENABLED if tracing else Status.UNSPECIFIED)


@export("__internal__.autograph.tf_convert", v1=[])
def tf_convert(
    f: Callable[..., Any],
    ctx: ControlStatusCtx,
    convert_by_default: bool = True,
    user_requested: bool = False,
) -> Callable[..., Any]:
    """Returns `f` as AutoGraph calls it under the status `ctx`.

    Args:
      f: a function or method.
      ctx: from `control_status_ctx()`.
      convert_by_default: whether the context of the call decides if the status is unspecified.
      user_requested: accepted; which modules are converted does not depend on it.

    Returns:
      A function with the arguments of `f`.
    """
    del user_requested
    if ctx.status is Status.DISABLED or (
        ctx.status is Status.UNSPECIFIED and not convert_by_default
    ):
        return convert.do_not_convert(f)

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        building = ctx.status is Status.ENABLED or STATE.graph is not None
        return convert.converted_call(f, *args, **kwargs) if building else f(*args, **kwargs)

    return convert.mark_converted(call)


class PyToTF:
    """Names TensorFlow's class of conversions made of single rewrites, which tf.function makes at once here: there are no objects of it."""

    def __init__(self) -> None:
        raise UnimplementedError(
            "PyToTF: conversions of functions cannot be put together of single rewrites. Call tf.autograph.to_graph."
        )
