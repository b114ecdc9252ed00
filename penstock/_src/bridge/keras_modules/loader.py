"""Additions to modules of Keras when they load on the stand-in."""

from __future__ import annotations

import importlib.abc
import types
from collections.abc import Callable
from typing import Any

from penstock._src.util.process.collector import paused

from . import (
    backup,
    distribution,
    elastic,
    explaining,
    hints,
    loss_scaling,
    saving,
    tracebacks,
)
from .pipeline import hook
from .steps import predictions, updates, variables


def _wrap_trainer(module: types.ModuleType) -> None:
    backup.wrap_trainer(module)
    explaining.wrap_trainer(module)
    hook.wrap_trainer(module)
    elastic.wrap_trainer(module)
    predictions.wrap_trainer(module)


def _wrap_optimizer(module: types.ModuleType) -> None:
    tracebacks.wrap_optimizer(module)
    variables.wrap_optimizer(module)


def _nothing(module: types.ModuleType) -> None:
    """Adds nothing."""


WRAPPERS: dict[str, Callable[[types.ModuleType], None]] = {
    "keras": _nothing,  # but the garbage collector pauses while all of it is imported
    "tf_keras": _nothing,
    hints.MODULE: hints.wrap_model,
    loss_scaling.MODULE: loss_scaling.wrap_optimizer,
    tracebacks.MODULE: tracebacks.wrap_filter,
    tracebacks.OPTIMIZER: _wrap_optimizer,
    variables.METRIC: variables.wrap_metric,
    variables.COMPILED: variables.wrap_compiled,
    updates.OPTIMIZER: updates.wrap_optimizer,
    predictions.CALLBACKS: predictions.wrap_callbacks,
    "keras.src.callbacks.backup_and_restore": backup.wrap_backup,
    "keras.src.backend.tensorflow.trainer": _wrap_trainer,
    "keras.src.backend.tensorflow.distribution_lib": distribution.wrap_backend,
    "keras.src.backend.tensorflow.core": distribution.wrap_variables,
    **saving.WRAPPERS,
}


class Loader(importlib.abc.Loader):
    """Loads a module as another loader does, then wraps functions in it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def create_module(self, spec: Any) -> types.ModuleType | None:
        """Delegates to the other loader."""
        return self.inner.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        """Delegates to the other loader, then wraps."""
        with paused(lasting=True):
            self.inner.exec_module(module)
        WRAPPERS[module.__name__](module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
