"""Keras's `fit` and `evaluate` in an elastic job: their steps are those that all workers make together."""

from __future__ import annotations

import functools
import importlib
import inspect
import types
from collections.abc import Callable
from typing import Any

from penstock._src.util import nest
from penstock._src.util.lazy import is_instance_of

EXTENDED = "penstock._src.distribute.workers.elastic.extended"
PAST = 1 << 62  # an epoch after all of a `fit` that the others have behind them


def wrap_trainer(module: types.ModuleType) -> None:
    """Lets the models that `keras.src.backend.tensorflow.trainer` trains go on when workers come and go."""
    trainer = module.TensorFlowTrainer  # type: ignore[attr-defined]
    for kind in ("train", "test"):
        name = f"make_{kind}_function"
        setattr(trainer, name, _making(getattr(trainer, name), kind))
    trainer.fit = _fitting(trainer.fit)
    trainer._get_metrics_result_or_logs = _reading(trainer._get_metrics_result_or_logs)


def _steps_of(model: Any) -> Any:
    """The steps of a model of an elastic job; None of others."""
    extended = model.distribute_strategy.extended
    return extended.steps if is_instance_of(extended, EXTENDED, "ElasticExtended") else None


class Function:
    """A function of a step of Keras's, made together with the other workers, and traced again for another number of them.

    Args:
      model: of Keras.
      kind: "train" or "test".
      make: makes the function of one worker.
    """

    def __init__(self, model: Any, kind: str, make: Callable[[], Any]) -> None:
        self._model, self._kind, self._make = model, kind, make
        self._steps = _steps_of(model)
        self._generation, self._made = -1, None
        self.place = {"fit": 0, "epoch": 0, "batch": 0}

    def __call__(self, iterator: Any) -> Any:
        """Returns the logs of a step; none of one that the others have made already."""
        step_of = importlib.import_module("penstock._src.distribute.workers.elastic.steps").Step
        arrival = self._steps.arrival
        if arrival is not None and not self._arrives(arrival, iterator.feed):
            return {}
        step = step_of(self._kind, lambda: self._function()(iterator), iterator.feed, self.place)
        self.place = {**self.place, "batch": self.place["batch"] + 1}
        return self._steps.run(step)

    def _arrives(self, arrival: dict[str, int], feed: Any) -> bool:
        """True if this process is where the others are; its dataset is then, too."""
        where = self.place
        if self._kind != "train":
            return False
        if where["batch"] < arrival["batch"]:
            self.place = {**where, "batch": where["batch"] + 1}
            return False
        feed.advance(arrival["index"], arrival["taken"])
        self._steps.arrival = None
        return True

    def _function(self) -> Any:
        if self._generation != self._steps.generation:
            self._made, self._generation = self._make(), self._steps.generation
        return self._made


def _making(make: Callable[..., Any], kind: str) -> Callable[..., Any]:
    name = f"{kind}_function"

    @functools.wraps(make)
    def making(self: Any, force: bool = False) -> Any:
        if _steps_of(self) is None:
            return make(self, force)
        if getattr(self, name) is None or force:
            if self.steps_per_execution != 1:
                raise NotImplementedError(
                    "steps_per_execution must be 1 in an elastic job, whose workers may change after each step. "
                    f"Received: {self.steps_per_execution}."
                )

            def own() -> Any:
                made = make(self, True) or getattr(self, name)
                setattr(self, name, function)
                return made

            function = Function(self, kind, own)
            setattr(self, name, function)
        return getattr(self, name)

    return making


def _reading(read: Callable[..., Any]) -> Callable[..., Any]:
    """The method that gives an epoch's metrics, which all workers add up."""

    @functools.wraps(read)
    def reading(self: Any, logs: Any) -> Any:
        steps = _steps_of(self)
        if steps is None:
            return read(self, logs)
        if steps.arrival is not None:
            return {}
        step_of = importlib.import_module("penstock._src.distribute.workers.elastic.steps").Step
        return steps.run(step_of("metrics", lambda: read(self, logs)))

    return reading


def _fitting(fit: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def fitting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _steps_of(self) is None:
            return fit(self, *args, **kwargs)
        bound = signature.bind(self, *args, **kwargs)
        follower, given = _follower()(self), bound.arguments.get("callbacks")
        if given is not None and hasattr(given, "append") and not isinstance(given, list):
            given.append(follower)
        else:
            bound.arguments["callbacks"] = [follower, *nest.flatten(given or [])]
        return fit(*bound.args, **bound.kwargs)

    return fitting


@functools.cache
def _follower() -> type:
    """The class of the callback that meets the others when `fit` begins, and says where it is."""
    base = importlib.import_module("keras.src.callbacks.callback").Callback

    class Follower(base):  # type: ignore[misc, name-defined, valid-type]
        """Meets the others, and notes epochs."""

        def __init__(self, model: Any) -> None:
            super().__init__()
            self._steps = _steps_of(model)
            self._steps.fits += 1
            self._fit = self._steps.fits

        def on_train_begin(self, logs: Any = None) -> None:
            """Goes to the epoch where the others are."""
            self._steps.begin()
            arrival = self._steps.arrival
            if arrival is not None:
                is_past = arrival.get("fit", 0) > self._fit
                self.model._initial_epoch = PAST if is_past else arrival.get("epoch", 0)
            self._note(self.model._initial_epoch or 0)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            """Notes the epoch."""
            self._note(epoch)

        def _note(self, epoch: int) -> None:
            self.model.train_function.place = {"fit": self._fit, "epoch": epoch, "batch": 0}

    return Follower
