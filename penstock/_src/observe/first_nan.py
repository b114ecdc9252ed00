"""tf.debugging.first_nan: one run of a function, op by op, up to the op that makes the first NaN or infinity."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.api.debugging.keras_layers import current_layer
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.function.function import functions_run_eagerly, run_functions_eagerly
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.locations import Location, user_location


@dataclass(frozen=True)
class Place:
    """Location of an op's call: its type, the line of the user's program, and the Keras layer, if there is one."""

    op: str
    location: Location | None
    layer: str | None

    def __str__(self) -> str:
        layer = f" of the Keras layer '{self.layer}'" if self.layer else ""
        return f"{self.op}{layer}" + (f", {self.location.in_user_code()}" if self.location else "")


@dataclass(frozen=True)
class FirstNaN:
    """The first NaN or infinity of a run; its string contains all of this.

    Attributes:
      kind: "NaN" or "infinity".
      direction: "forward", "backward" if it is in a gradient, or "argument" if the function was given it.
      place: the op that made it and its line; for an argument its position.
      forward: in a gradient, the op whose gradient it is, and its line.
      index: the position of the first such element.
      inputs: the inputs of the op, in words.
    """

    kind: str
    direction: str
    place: Place
    forward: Place | None
    index: tuple[int, ...]
    inputs: tuple[str, ...]

    def __str__(self) -> str:
        where = f" at {list(self.index)}" if self.index else ""
        lines = [f"first {self.kind}{where}, {self.direction}: {self.place}"]
        if self.forward is not None:
            lines.append(f"  the gradient of {self.forward}")
        lines += [f"  input {i}: {text}" for i, text in enumerate(self.inputs)]
        return "\n".join(lines)


@export("debugging.first_nan", v1=[])
def first_nan(f: Callable[..., Any], *args: Any) -> FirstNaN | None:
    """Runs a function once, op by op, and finds where the first NaN or infinity is born, forward or backward.

    The run ends there, before the value spreads. Functions made by `tf.function` run as Python, also those of Keras models. If the function
    takes no gradients itself, those of its results are taken with respect to its arguments and the trainable variables that it reads.
    An infinity that comes from an infinite input, such as a mask, is passed over; a NaN never is.

    Args:
      f: a function, `tf.function` or Keras model, or such a thing as `lambda: model.train_on_batch(x, y)`.
      *args: its arguments.

    Returns:
      What was found, with the op, the user's line, the Keras layer, the index and the inputs; None if all is finite.

    Raises:
      Exception: what the function raises.

    >>> import penstock as tf
    >>> found = tf.debugging.first_nan(lambda x: tf.sqrt(x), tf.constant([4.0, 0.0]))
    >>> found.kind, found.direction, found.forward.op, found.index
    ('infinity', 'backward', 'Sqrt', (1,))
    >>> tf.debugging.first_nan(lambda x: tf.sqrt(x), tf.constant([4.0, 1.0])) is None
    True
    """
    in_arguments = _among_arguments(args)
    if in_arguments is not None:
        return in_arguments
    observer = _Observer()
    try:
        with _watched_by(observer), GradientTape() as tape:
            inputs = [leaf for leaf in nest.flatten(args) if _is_float(leaf)]
            for tensor in inputs:
                tape.watch(tensor)
            targets = [leaf for leaf in nest.flatten(f(*args)) if _is_float(leaf)]
        sources = [*inputs, *tape.watched_variables()]
        if targets and sources and not observer.has_seen_gradients:
            with _watched_by(observer):
                tape.gradient(targets, sources)
    except _Found as found:
        return found.what
    return None


class _Found(BaseException):
    """Ends the run; no handler of errors in the function is meant to see it."""

    def __init__(self, what: FirstNaN) -> None:
        super().__init__(what)
        self.what = what


class _Observer:
    """Check the outputs of every eager op; called like a tape."""

    def __init__(self) -> None:
        self.has_seen_gradients = False
        self._places: dict[int, Place] = {}  # id of an output -> where it was made

    def record_op(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Raises _Found if an output is the first that is not finite."""
        if STATE.graph is not None:
            return
        place = Place(type(op).__name__, user_location(), current_layer())
        of = STATE.gradient_of
        self.has_seen_gradients |= of is not None
        for tensor in outputs:
            self._places[tensor._id] = place
            kind, index = _bad_element(tensor)
            if kind == "NaN" or kind and not any(_bad_element(x)[0] for x in inputs):
                forward = None if of is None else self._places.get(of)
                shown = tuple(_shown(x, index) for x in inputs)
                direction = "forward" if of is None else "backward"
                raise _Found(FirstNaN(kind, direction, place, forward, index, shown))


@contextlib.contextmanager
def _watched_by(observer: _Observer) -> Iterator[None]:
    """Within this block functions run as Python, and an observer sees every op."""
    before, were_eager = STATE.accumulators, functions_run_eagerly()
    STATE.accumulators = (*before, observer)
    run_functions_eagerly(True)
    try:
        yield
    finally:
        run_functions_eagerly(were_eager)
        STATE.accumulators = before


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype.is_floating


def _bad_element(tensor: Any) -> tuple[str, tuple[int, ...]]:
    """Returns "NaN" or "infinity" and the index of the first such element, NaNs before infinities; an empty string if all is finite."""
    if not (tensor.dtype.is_floating or tensor.dtype.is_complex):
        return "", ()
    value = np.asarray(tensor.numpy())
    if value.dtype.kind not in "fc":
        value = value.astype(np.float32)
    if np.isfinite(value).all():
        return "", ()
    nans = np.isnan(value)
    kind, bad = ("NaN", nans) if nans.any() else ("infinity", np.isinf(value))
    return kind, tuple(int(i) for i in np.argwhere(bad)[0])


def _among_arguments(args: Sequence[Any]) -> FirstNaN | None:
    """The first argument that is not finite."""
    for position, argument in enumerate(args):
        for leaf in nest.flatten(argument):
            kind, index = _bad_element(leaf) if _is_float(leaf) else ("", ())
            if kind:
                place = Place(f"argument {position}", None, None)
                return FirstNaN(kind, "argument", place, None, index, ())
    return None


def _shown(tensor: Any, index: tuple[int, ...]) -> str:
    """An input in words: its type, its shape, its range, and the element at the index of the bad one."""
    text = f"{tensor.dtype.name}{tensor.shape}"
    if not tensor.dtype.is_floating or not tensor.shape.num_elements():
        return text
    value = np.asarray(tensor.numpy()).astype(np.float64)
    if not value.shape:
        return f"{text} = {value:g}"
    text += f" from {value.min():g} to {value.max():g}"
    return (
        f"{text}, {value[index]:g} there"
        if len(index) == value.ndim and _is_within(value, index)
        else text
    )


def _is_within(value: np.ndarray, index: tuple[int, ...]) -> bool:
    return all(i < n for i, n in zip(index, value.shape, strict=True))
