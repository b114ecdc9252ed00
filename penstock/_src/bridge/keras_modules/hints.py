"""Hints for common mistakes in the data given to a Keras model; Keras itself is not modified.

When Keras loads on the stand-in, the methods of `keras.Model` that take data are wrapped. Errors in them get a note if the
data look like one sample without its batch dimension; `fit` warns if the loss is NaN from the first step and explains why.
"""

from __future__ import annotations

import functools
import inspect
import logging
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penstock._src.core.calls.tracebacks import shorten
from penstock._src.util import nest

from .tracebacks import keras_filters

logger = logging.getLogger("penstock")

MODULE = "keras.src.models.model"
TAKING_DATA = (
    "__call__",
    "fit",
    "evaluate",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
)
LOOKED_AT = 10_000_000  # elements of the data that are checked for NaN


def wrap_model(module: types.ModuleType) -> None:
    """Adds the hints to the module of `keras.Model`."""
    add_hints(module.Model)  # type: ignore[attr-defined]


def add_hints(model_class: type) -> None:
    """Wraps the methods of `keras.Model` that take data."""
    for name in TAKING_DATA:
        setattr(model_class, name, _noted(getattr(model_class, name), name))


def _noted(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wraps a method so that its errors get a note if the data look like one sample."""

    @functools.wraps(method)
    def with_hints(self: Any, *args: Any, **kwargs: Any) -> Any:
        if name == "fit":
            args, kwargs = _watched(self, method, args, kwargs)
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            data = args[0] if args else kwargs.get("x", kwargs.get("inputs"))
            note = one_sample_note(self, data)
            if note and note not in getattr(error, "__notes__", ()):
                error.add_note(note)
            if keras_filters():
                shorten(error)
            raise

    return with_hints


def one_sample_note(model: Any, data: Any) -> str:
    """Returns a hint if `data` has the shape of one sample of the model's input, else an empty string."""
    try:
        wanted = [tuple(x.shape) for x in nest.flatten(model.inputs)] if model.inputs else []
    except (AttributeError, ValueError):  # not built yet
        wanted = []
    shapes = [tuple(leaf.shape) for leaf in nest.flatten(data) if hasattr(leaf, "shape")]
    if None in [d for shape in shapes for d in shape] or not shapes:
        return ""
    if len(wanted) == len(shapes):
        for want, have in zip(wanted, shapes, strict=True):
            missing, repair = _missing(want, have)
            if missing:
                return (
                    f"Penstock: the data have shape {have}, which looks like {missing}; this model takes "
                    f"batches of shape {want}. Pass {repair}."
                )
    elif not wanted and len(shapes[0]) == 1:
        return (
            f"Penstock: the data have shape {shapes[0]}. If this is one sample, its batch dimension is "
            "missing: pass x[None, :]. If it is a batch of samples of one number each, pass x[:, None]."
        )
    return ""


def _missing(want: tuple[Any, ...], have: tuple[int, ...]) -> tuple[str, str]:
    """Returns which dimension data of shape `have` lacks to be a batch of shape `want`, and how to add it."""

    def fits(shape: tuple[Any, ...]) -> bool:
        return len(have) == len(shape) and all(
            w is None or w == h for w, h in zip(shape, have, strict=True)
        )

    if fits(want[1:]):
        return (
            "one sample without its batch dimension",
            "x[None, ...], a batch of one sample (and its label as an array of one)",
        )
    if len(want) > 2 and want[-1] == 1 and fits(want[1:-1]):
        return "one sample without its batch and channel dimensions", "x[None, ..., None]"
    return "", ""


def _watched(
    model: Any, method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns the arguments of `fit` with a callback that checks the first losses added."""
    try:
        bound = inspect.signature(method).bind(model, *args, **kwargs)
    except TypeError:  # fit itself raises the error
        return args, kwargs
    callbacks = bound.arguments.get("callbacks")
    if callbacks is None:
        callbacks = []
    elif not isinstance(callbacks, (list, tuple)):
        return args, kwargs  # a CallbackList that the caller has made
    watch = _callback_class()(bound.arguments.get("x"), bound.arguments.get("y"))
    bound.arguments["callbacks"] = [*callbacks, watch]
    return bound.args[1:], bound.kwargs


@functools.cache
def _callback_class() -> type:
    import keras

    class NanWatch(keras.callbacks.Callback):
        """Checks the loss of the first step and of the first epoch."""

        async_safe = True

        def __init__(self, x: Any, y: Any) -> None:
            super().__init__()
            self._data: Any = (x, y)
            self._is_first = True

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            """Checks the first step."""
            if self._is_first:
                self._is_first = False
                self._look(logs, "the first step")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            """Checks the first epoch, if the loss of the first step was finite."""
            self._look(logs, "the first epoch")
            self._data = None

        def _look(self, logs: Any, when: str) -> None:
            loss = (logs or {}).get("loss")
            if self._data is None or loss is None or np.isfinite(np.asarray(loss)).all():
                return
            x, y = self._data
            reasons = list(why_not_finite(self.model, x, y, when == "the first step"))
            logger.warning(
                "The loss is %s after %s. %s", float(np.mean(loss)), when, " ".join(reasons)
            )
            self._data = None

    return NanWatch


def why_not_finite(model: Any, x: Any, y: Any, from_first: bool) -> Iterator[str]:
    """Yields explanations of a NaN or infinite loss: the causes found, else likely ones."""
    causes = [*_in_data(x, "the input"), *_in_data(y, "the targets"), *_in_labels(model, y)]
    rate = _learning_rate(model)
    if not causes and not from_first and rate is not None:
        causes.append(f"The learning rate is {rate:g}: try a tenth of it, or clip the gradients.")
    if causes:
        yield from causes
        return
    arrays = [leaf for leaf in nest.flatten(x) if hasattr(leaf, "shape")]
    if arrays:
        yield "The input holds no NaN and the labels are within the classes."
    else:
        yield f"The elements of the {type(x).__name__} were not looked at: do they hold NaN?"
    yield "Look for a log or a division of 0 in the loss (a probability of exactly 0 or 1: use"
    yield "from_logits=True), a square root at 0, or sums that overflow float16."


def _in_data(data: Any, what: str) -> Iterator[str]:
    for leaf in nest.flatten(data):
        if isinstance(leaf, np.ndarray) or hasattr(leaf, "numpy"):
            array = np.asarray(leaf)
            if array.dtype.kind == "f":
                seen = array.reshape(-1)[:LOOKED_AT]
                bad = int(np.count_nonzero(~np.isfinite(seen)))
                if bad:
                    yield f"{bad} of {seen.size} numbers in {what} are NaN or infinite."
                elif what == "the input" and seen.size and np.abs(seen).max() > 1e4:
                    size = float(np.abs(seen).max())
                    yield f"The input holds numbers up to {size:g}: scale it to about 1."


def _in_labels(model: Any, y: Any) -> Iterator[str]:
    loss = getattr(model, "loss", None)
    name = loss if isinstance(loss, str) else getattr(loss, "name", "") or ""
    labels = np.asarray(y) if isinstance(y, np.ndarray) or hasattr(y, "numpy") else None
    if "sparse_categorical" not in name or labels is None or not labels.size:
        return
    outputs = nest.flatten(getattr(model, "outputs", None) or [])
    classes = outputs[0].shape[-1] if len(outputs) == 1 else None
    if labels.min() < 0 or (classes is not None and labels.max() >= classes):
        yield (
            f"The labels go from {labels.min()} to {labels.max()}, but the model has {classes} classes: "
            f"labels must be 0 to {(classes or 1) - 1}."
        )


def _learning_rate(model: Any) -> float | None:
    rate = getattr(getattr(model, "optimizer", None), "learning_rate", None)
    return None if rate is None else float(np.asarray(rate))
