"""The hook by which Keras gets the functions of a step."""

from __future__ import annotations

import functools
import importlib
import types
from collections.abc import Callable
from typing import Any

from penstock._src.util.lazy import is_instance_of

STRATEGY = "penstock._src.distribute.workers.pipeline.strategy"


def wrap_trainer(module: types.ModuleType) -> None:
    """Lets the models that `keras.src.backend.tensorflow.trainer` trains be computed in stages."""
    trainer = module.TensorFlowTrainer  # type: ignore[attr-defined]
    for kind in ("train", "test", "predict"):
        name = f"make_{kind}_function"
        setattr(trainer, name, _making(getattr(trainer, name), kind))


def _making(make: Callable[..., Any], kind: str) -> Callable[..., Any]:
    @functools.wraps(make)
    def making(self: Any, force: bool = False) -> Any:
        strategy = self.distribute_strategy
        if not is_instance_of(strategy, STRATEGY, "PipelineStrategy"):
            return make(self, force)
        name = f"{kind}_function"
        if getattr(self, name) is None or force:
            training = importlib.import_module(f"{__package__}.training")
            setattr(self, name, getattr(training.pipeline_of(self, strategy), name)())
        return getattr(self, name)

    return making
