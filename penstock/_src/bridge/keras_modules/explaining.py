"""`model.train_function.explain` and `model.test_function.explain`: reports of the compiled step of training or evaluation.

Keras hides the `tf.function` of a step in a function that takes an iterator; that function gets a method `explain`, which takes
data as `fit` does. `model.predict_function` is a `tf.function` itself. Keras is not modified.
"""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Callable
from typing import Any

from penstock._src.util.lazy import is_instance_of

_MADE = threading.local()  # `step`: while a function is made, the step that it repeats


def wrap_trainer(module: types.ModuleType) -> None:
    """Gives the functions that `keras.src.backend.tensorflow.trainer` makes the method."""
    trainer = module.TensorFlowTrainer  # type: ignore[attr-defined]
    trainer._autoconvert_optionals = _noting(trainer._autoconvert_optionals)
    epochs = module.TFEpochIterator  # type: ignore[attr-defined]
    trainer._make_function = _explained(trainer._make_function, epochs)


def _noting(convert: Callable[..., Any]) -> Callable[..., Any]:
    """The method that Keras calls with the step, compiled or not; the step is noted."""

    @functools.wraps(convert)
    def noting(self: Any, step: Any) -> Any:
        if hasattr(_MADE, "step"):
            _MADE.step = step
        return convert(self, step)

    return noting


def _explained(make: Callable[..., Any], epochs: Callable[..., Any]) -> Callable[..., Any]:
    """The method that creates `train_function` or `test_function`; `epochs` is Keras's iterator over the data of `fit`."""

    @functools.wraps(make)
    def making(self: Any, step_function: Any) -> Any:
        _MADE.step = None
        try:
            explained = make(self, step_function)
            explained.explain = _explainer(self.distribute_strategy, _MADE.step, epochs)
        finally:
            del _MADE.step
        return explained

    return making


def _explainer(strategy: Any, step: Any, epochs: Callable[..., Any]) -> Callable[..., Any]:
    def explain(
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        time: bool = False,
    ) -> Any:
        """Returns the report of what a step with the first batch of data compiles to, from source line to kernel.

        Variables keep their values. A generator loses the batch.

        Args:
          x: the data, in any form that `fit` takes: arrays, tensors, a dataset, a generator.
          y: the targets, unless `x` has them.
          sample_weight: the weights of samples, unless `x` has them.
          batch_size: rows of the batch of arrays; 32 if None, as in `fit`.
          time: whether kernels and host operations are measured, in a few steps more.

        Returns:
          A string with the report, as `tf.function`'s `explain` gives it: notebooks show a page, `save` writes it.

        Raises:
          ValueError: the model runs eagerly, or there is no batch.
        """
        if not is_instance_of(step, "penstock._src.function.function", "Function"):
            raise ValueError(
                "explain: the model was compiled with run_eagerly=True, so nothing is."
            )
        batches = epochs(
            x=x,
            y=y,
            sample_weight=sample_weight,
            batch_size=batch_size,
            distribute_strategy=strategy,
        )
        for batch in batches._get_iterator():
            return step.explain(batch, time=time)
        raise ValueError("explain: the data have no batch.")

    return explain
