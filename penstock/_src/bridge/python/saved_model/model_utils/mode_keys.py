"""`tensorflow.python.saved_model.model_utils.mode_keys`: the names of a model's modes, Keras's and those of estimators."""

from collections.abc import Iterator, Mapping
from typing import Any


class KerasModeKeys:
    """Keras's names: "train", "test" and "predict"."""

    TRAIN = "train"
    TEST = "test"
    PREDICT = "predict"


class EstimatorModeKeys:
    """The names of estimators: "train", "eval" and "infer"."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


def is_predict(mode: Any) -> bool:
    """True if a mode is that of predictions."""
    return mode in (KerasModeKeys.PREDICT, EstimatorModeKeys.PREDICT)


def is_eval(mode: Any) -> bool:
    """True if a mode is that of evaluation."""
    return mode in (KerasModeKeys.TEST, EstimatorModeKeys.EVAL)


def is_train(mode: Any) -> bool:
    """True if a mode is that of training."""
    return mode in (KerasModeKeys.TRAIN, EstimatorModeKeys.TRAIN)


def _mode(name: Any) -> str:
    """Keras's name of a mode that has either of its names.

    Raises:
      ValueError: no mode has this name.
    """
    for fits, key in (
        (is_train, KerasModeKeys.TRAIN),
        (is_eval, KerasModeKeys.TEST),
        (is_predict, KerasModeKeys.PREDICT),
    ):
        if fits(name):
            return key
    raise ValueError(f"Invalid mode key: {name}.")


class ModeKeyMap(Mapping[str, Any]):
    """Values by modes, found under either name of a mode.

    Args:
      **kwargs: the values by names.

    Raises:
      ValueError: a name is of no mode, or two are of the same.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._keys = list(kwargs)
        self._values: dict[str, Any] = {}
        for name, value in kwargs.items():
            mode = _mode(name)
            if mode in self._values:
                raise ValueError(
                    f"Error creating ModeKeyMap. Multiple keys/values found for {mode} mode."
                )
            self._values[mode] = value

    def __getitem__(self, key: str) -> Any:
        return self._values[_mode(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
