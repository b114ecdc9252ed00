"""Callbacks that bring a worker which joined later to the step of the others, and the state of callbacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from keras import ops
from keras.src.callbacks.callback import Callback

from penstock._src.distribute.workers.elastic import plain
from penstock._src.distribute.workers.elastic.steps import Steps

OWN = ("_model", "params")  # attributes that Keras sets
OPERATION = "keras.ops"
LARGE = 1 << 20  # bytes of an attribute that is not kept as part of a result


class Opening(Callback):  # type: ignore[misc]
    """Begins a section of the program when `evaluate` begins."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    def on_test_begin(self, logs: Any = None) -> None:
        """Meets the others, or raises `Passed`."""
        self._steps.begin_section(False)


class Follower(Callback):  # type: ignore[misc]
    """Begins a section of the program when `fit` begins, before other callbacks see that, and notes epochs.

    Args:
      steps: those of this process.
      callbacks: returns the callbacks of the `fit`.
    """

    def __init__(self, steps: Steps, callbacks: Callable[[], list[Any]]) -> None:
        super().__init__()
        self._steps, self._callbacks = steps, callbacks
        self._before: list[dict[str, bytes]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Meets the others, or raises `Passed`."""
        self._before = [_attributes(callback) for callback in self._callbacks()]
        self._steps.begin_section(True)
        self._steps.luggage = self

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes the epoch."""
        self.model.train_function.place = {"epoch": epoch, "batch": 0}

    def pack(self) -> bytes:
        """Returns the attributes of callbacks that have changed since `fit` began."""
        return plain.encode([self._changed(i) for i in range(len(self._before))]) or b""

    def unpack(self, data: bytes) -> None:
        """Takes over the attributes of another worker's callbacks."""
        self._set(plain.decode(data))

    def result(self) -> str:
        """Returns what `fit` has left in callbacks, but for large arrays."""
        states = [self._changed(i, LARGE) for i in range(len(self._before))]
        return json.dumps((plain.encode(states) or b"").hex())

    def recall(self, result: str) -> None:
        """Sets callbacks to what another worker's `fit` has left."""
        self._set(plain.decode(bytes.fromhex(json.loads(result))))

    def _changed(self, index: int, limit: float = float("inf")) -> dict[str, bytes]:
        before, now = self._before[index], _attributes(self._callbacks()[index])
        return {
            name: value
            for name, value in now.items()
            if before.get(name) != value and len(value) < limit
        }

    def _set(self, states: list[dict[str, Any]]) -> None:
        for callback, before, state in zip(self._callbacks(), self._before, states, strict=True):
            for name, value in {**before, **state}.items():
                setattr(callback, name, _value(value))


class Last(Callback):  # type: ignore[misc]
    """Sets the first epoch of a worker that came later, after other callbacks had their say."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    def on_train_begin(self, logs: Any = None) -> None:
        """Goes to the epoch where the others are."""
        if self._steps.arrival is not None:
            self.model._initial_epoch = self._steps.arrival["epoch"]


def _attributes(callback: Any) -> dict[str, bytes]:
    """The plain attributes of a callback, and those that are operations of Keras (with which callbacks compare metrics)."""
    progress = {
        name: plain.encode(_named(value))
        for name, value in vars(callback).items()
        if name not in OWN
    }
    return {name: value for name, value in progress.items() if value is not None}


def _named(value: Any) -> Any:
    """An operation of Keras as its name; other values as they are."""
    name = getattr(value, "__name__", "")
    return (OPERATION, name) if name and getattr(ops, name, None) is value else value


def _value(data: bytes) -> Any:
    value = plain.decode(data)
    is_operation = isinstance(value, tuple) and len(value) == 2 and value[0] == OPERATION
    return getattr(ops, value[1]) if is_operation else value
