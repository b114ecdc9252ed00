"""Keras's `fit` and `evaluate` in an elastic job: their steps are those that all workers make together; Keras itself is not modified.

In: `keras.src.backend.tensorflow.trainer`, when it loads. Out: methods that ask whether the model's strategy is of an elastic job, and if so go on in
`training.py` (calls, and what newcomers do with calls that the others have behind them), `functions.py` (steps) and `followers.py` (callbacks and their state).
"""

from __future__ import annotations

import functools
import importlib
import types
from collections.abc import Callable
from typing import Any

from penstock._src.util.lazy import is_instance_of

EXTENDED = "penstock._src.distribute.workers.elastic.extended"
METHODS = (
    "fit",
    "evaluate",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "make_train_function",
    "make_test_function",
    "_get_metrics_result_or_logs",
)


def wrap_trainer(module: types.ModuleType) -> None:
    """Lets the models that `keras.src.backend.tensorflow.trainer` trains go on when workers come and go."""
    trainer = module.TensorFlowTrainer  # type: ignore[attr-defined]
    for name in METHODS:
        setattr(trainer, name, _wrapped(getattr(trainer, name), name))
    epochs = module.TFEpochIterator  # type: ignore[attr-defined]
    epochs._enumerate_iterator = _wrapped(epochs._enumerate_iterator, "_enumerate_iterator")


def _wrapped(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A method that another in `training.py` replaces in elastic jobs; it takes the first as an argument."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        strategy = getattr(self, "distribute_strategy", None) or self._distribute_strategy
        extended = strategy and strategy.extended
        if not is_instance_of(extended, EXTENDED, "ElasticExtended"):
            return method(self, *args, **kwargs)
        training = importlib.import_module(f"{__name__}.training")
        return getattr(training, name.lstrip("_"))(method, self, extended.steps, *args, **kwargs)

    return wrapper
