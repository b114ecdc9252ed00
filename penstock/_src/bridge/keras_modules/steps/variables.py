"""Variables that a training step of Keras makes when it is first traced: they are made outside of the function.

A function whose first trace makes variables is traced a second time, as TensorFlow does it, because the first trace may do more than later calls. Keras's own optimizers and
compiled metrics and losses exist before; their first trace only adds variables, from a shape and an initializer. If these are made outside of the function, the first trace
equals the second. Some metrics, such as F1Score, make theirs in their first update, when the shapes are known. Users'
classes are not handled, since their `build` may compute in the function, nor users' functions, which may count their traces.
"""

from __future__ import annotations

import contextvars
import functools
import types
from collections.abc import Callable
from typing import Any

from penstock._src.core.dispatch import STATE
from penstock._src.distribute.current import has_strategy
from penstock._src.eager.variable_handle import made_before

COMPILED, METRIC = "keras.src.trainers.compile_utils", "keras.src.metrics.metric"
_KERAS, _TRAINER = "keras.src.", "keras.src.backend.tensorflow.trainer"

# The compiled metrics or losses that are built or updated now: a metric that a function makes itself is the user's mistake, to be reported.
_BUILT: contextvars.ContextVar[Any] = contextvars.ContextVar("built", default=None)
_UPDATED: contextvars.ContextVar[Any] = contextvars.ContextVar("updated", default=None)


def wrap_optimizer(module: types.ModuleType) -> None:
    """Makes variables of Keras's own optimizers outside of functions."""
    kind = module.BaseOptimizer  # type: ignore[attr-defined]
    plain = kind.scale_loss

    def only_makes_variables(self: Any) -> bool:
        # A dynamic scale of losses is a constant until its variable is there: only a second trace reads it.
        return type(self).scale_loss is plain

    kind.add_variable = _outside(kind.add_variable, only_makes_variables)


def wrap_metric(module: types.ModuleType) -> None:
    """Makes variables of Keras's own metrics outside of functions while those of a compiled model are built or updated."""
    kind = module.Metric  # type: ignore[attr-defined]
    kind.add_variable = _outside(kind.add_variable, _is_compiled)


def wrap_compiled(module: types.ModuleType) -> None:
    """Notes that the metrics or losses of a compiled model are built or updated."""
    metrics = module.CompileMetrics  # type: ignore[attr-defined]
    for kind in (metrics, module.CompileLoss):  # type: ignore[attr-defined]
        kind.build = _noted(kind.build, _BUILT)
    metrics.update_state = _noted(metrics.update_state, _UPDATED)


def _is_compiled(metric: Any) -> bool:
    """True if a metric is made for a compiled model now, or is one whose update that model has begun."""
    if _BUILT.get() is not None:
        return True
    compiled = _UPDATED.get()
    # Others that are made meanwhile are those of a user's metric.
    return compiled is not None and any(metric is one for one in compiled.metrics)


def _outside(make: Callable[..., Any], applies: Callable[[Any], bool]) -> Callable[..., Any]:
    @functools.wraps(make)
    def add_variable(self: Any, *args: Any, **kwargs: Any) -> Any:
        is_own = type(self).__module__.startswith(_KERAS)
        # The variables of replicas depend on the replica in which they are made.
        if not is_own or not applies(self) or has_strategy() or not _traces_trainer():
            return make(self, *args, **kwargs)
        with made_before():
            return make(self, *args, **kwargs)

    return add_variable


def _traces_trainer() -> bool:
    """True while a function of Keras's trainer is traced."""
    graph = STATE.graph
    while graph is not None and graph.building_function:
        if getattr(graph.python_function, "__module__", None) == _TRAINER:
            return True
        graph = graph.enclosing
    return False


def _noted(method: Callable[..., Any], during: contextvars.ContextVar[Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = during.set(self)
        try:
            return method(self, *args, **kwargs)
        finally:
            during.reset(token)

    return noting
