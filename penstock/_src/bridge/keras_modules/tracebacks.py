"""Keras's filter of tracebacks, without the frame that Keras's own leaves in them, and for optimizers too."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

from penstock._src.core.calls.tracebacks import shorten, shortening_methods

MODULE = "keras.src.utils.traceback_utils"
OPTIMIZER = "keras.src.optimizers.base_optimizer"


def keras_filters() -> bool:
    """Returns whether Keras's filter is on: tf.keras.config.is_traceback_filtering_enabled."""
    return sys.modules[MODULE].is_traceback_filtering_enabled()


def wrap_filter(module: types.ModuleType) -> None:
    """Replaces Keras's `filter_traceback`, which decorates the public methods of layers and models."""

    def filter_traceback(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def error_handler(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if keras_filters():
                    shorten(error)
                raise

        return error_handler

    module.filter_traceback = filter_traceback  # type: ignore[attr-defined]


def wrap_optimizer(module: types.ModuleType) -> None:
    """Makes the errors of optimizers short."""
    shortening_methods("apply_gradients", "apply")(module.BaseOptimizer)  # type: ignore[attr-defined]
