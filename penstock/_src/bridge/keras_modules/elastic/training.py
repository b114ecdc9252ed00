"""The methods of Keras's trainer in an elastic job. Each takes the method that it replaces, what that is of, and the steps of this process."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

from keras.src.callbacks.callback_list import CallbackList

from penstock._src.cluster.elastic.member import Passed
from penstock._src.core.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock._src.distribute.workers.elastic.steps import Step, Steps
from penstock._src.util import nest

from .followers import Follower, Last, Opening
from .functions import Function

Method = Callable[..., Any]


def fit(method: Method, model: Any, steps: Steps, /, *args: Any, **kwargs: Any) -> Any:
    """Trains together with the others; returns the history of all epochs, also of those before this worker came."""
    if steps.is_within:
        raise UnimplementedError(
            None, None, "fit within fit or evaluate is not implemented in elastic jobs."
        )
    bound = inspect.signature(method).bind(model, *args, **kwargs)
    others = _listed(bound.arguments.get("callbacks"))
    follower = Follower(steps, lambda: _with_history(others, model))
    initial = model._initial_epoch
    steps.is_within = True
    try:
        with _called(bound.arguments, model, [follower], [Last(steps)]):
            history = method(*bound.args, **bound.kwargs)
    except Passed as passed:
        follower.recall(passed.result)
        return model.history
    finally:
        steps.is_within, steps.luggage, model._initial_epoch = False, None, initial
    steps.end_section(follower.result())
    return history


def _listed(callbacks: Any) -> list[Any]:
    """The callbacks in what `fit` was given: one, a list, a CallbackList, or None."""
    inside = callbacks.callbacks if isinstance(callbacks, CallbackList) else callbacks
    return [one for one in nest.flatten(inside) if one is not None]


@contextlib.contextmanager
def _called(
    arguments: dict[str, Any], model: Any, before: list[Any], after: list[Any]
) -> Iterator[None]:
    """Puts callbacks before and after those in the arguments of a method."""
    callbacks = arguments.get("callbacks")
    others = _listed(callbacks)
    every = [*before, *others, *after]
    if not isinstance(callbacks, CallbackList):
        arguments["callbacks"] = every
        yield
        return
    for one in (*before, *after):
        one.set_model(model)
    callbacks.callbacks = every
    try:
        yield
    finally:
        callbacks.callbacks = others


def _with_history(callbacks: list[Any], model: Any) -> list[Any]:
    """The callbacks of a `fit`, and Keras's own history."""
    history = getattr(model, "history", None)
    return callbacks if history is None or history in callbacks else [*callbacks, history]


def evaluate(method: Method, model: Any, steps: Steps, /, *args: Any, **kwargs: Any) -> Any:
    """Evaluates together with the others; returns their result if they have done so before this worker came."""
    if steps.is_within:
        return method(model, *args, **kwargs)
    bound = inspect.signature(method).bind(model, *args, **kwargs)
    as_dictionary = bound.arguments.get("return_dict", False)
    bound.arguments["return_dict"] = True
    steps.is_within = True
    try:
        with _called(bound.arguments, model, [Opening(steps)], []):
            logs = method(*bound.args, **bound.kwargs)
    except Passed as passed:
        logs = json.loads(passed.result)
    else:
        steps.end_section(json.dumps(logs))
    finally:
        steps.is_within = False
    return logs if as_dictionary else model._flatten_metrics_in_order(logs)


def predict(method: Method, model: Any, steps: Steps, /, *args: Any, **kwargs: Any) -> Any:
    """Predicts on this worker alone."""
    if steps.is_behind:
        raise UnimplementedError(
            None,
            None,
            "predict: this worker came later to an elastic job, and has not met the others, so it does not have the weights with which they have predicted. "
            "Predict only where strategy.extended.should_checkpoint holds, or after the last fit.",
        )
    return method(model, *args, **kwargs)


def train_on_batch(method: Method, model: Any, steps: Steps, /, *args: Any, **kwargs: Any) -> Any:
    """Refuses single batches."""
    raise _single_batch("train_on_batch")


def test_on_batch(method: Method, model: Any, steps: Steps, /, *args: Any, **kwargs: Any) -> Any:
    """Refuses single batches."""
    raise _single_batch("test_on_batch")


def _single_batch(name: str) -> OpError:
    return UnimplementedError(
        None,
        None,
        f"{name} is not implemented in elastic jobs, whose workers divide the batches of one dataset. Use fit, evaluate or "
        "tf.distribute.experimental.ElasticLoop.",
    )


def make_train_function(method: Method, model: Any, steps: Steps, force: bool = False) -> Any:
    """Makes the function of a training step."""
    return _function(method, model, steps, "train", force)


def make_test_function(method: Method, model: Any, steps: Steps, force: bool = False) -> Any:
    """Makes the function of a step of `evaluate`."""
    return _function(method, model, steps, "test", force)


def _function(method: Method, model: Any, steps: Steps, kind: str, force: bool) -> Any:
    name = f"{kind}_function"

    def own() -> Any:
        result = method(model, True) or getattr(model, name)
        setattr(model, name, function)
        return result

    if getattr(model, name) is None or force:
        function = Function(model, steps, kind, own)
        setattr(model, name, function)
    return getattr(model, name)


def get_metrics_result_or_logs(method: Method, model: Any, steps: Steps, logs: Any) -> Any:
    """Returns an epoch's metrics, which all workers add up."""
    if steps.arrival is not None:
        raise InvalidArgumentError(
            None, None,
            f"Elastic job: the epoch of this worker, which came later, ends before batch {steps.arrival['batch']}, where the others are.",
        )  # fmt: skip
    return steps.run(Step("metrics", lambda: method(model, logs)))


def enumerate_iterator(method: Method, epochs: Any, steps: Steps) -> Iterator[Any]:
    """Yields the executions of an epoch; those that the others have behind them are left out."""
    for begin, end, iterator in method(epochs):
        if not steps.is_within or steps.arrival is None or end >= steps.arrival["batch"]:
            yield begin, end, iterator
