"""`tensorflow.python.saved_model.model_utils.export_output`: what a model's head gives, as signatures of SavedModels."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.operation import Operation
from penstock._src.util.signatures import read_only
from penstock._src.v1.saving.signature_defs import (
    classification_signature_def,
    predict_signature_def,
    regression_signature_def,
)

from ..signature_def_utils_impl import (
    supervised_eval_signature_def,
    supervised_train_signature_def,
)


class ExportOutput(abc.ABC):
    """The results of a model that a signature offers."""

    _SEPARATOR_CHAR = "/"

    @abc.abstractmethod
    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        """Returns the SignatureDef from the given inputs to these results."""

    def _check_output_key(self, key: Any, error_label: str) -> str:
        """A key as text; a model with several heads has tuples of texts."""
        if isinstance(key, tuple):
            key = self._SEPARATOR_CHAR.join(key)
        if not isinstance(key, str):
            raise ValueError(f"{error_label} output key must be a string; got {key}.")
        return key

    def _wrap_and_check_outputs(
        self, outputs: Any, single_output_default_name: str, error_label: str | None = None
    ) -> dict[str, Any]:
        """Tensors by name; a single one has the default name."""
        label = error_label or single_output_default_name
        named = outputs if isinstance(outputs, dict) else {single_output_default_name: outputs}
        checked = {}
        for key, value in named.items():
            name = self._check_output_key(key, label)
            if not isinstance(value, Tensor):
                raise ValueError(f"{label} output value must be a Tensor; got {value}.")
            checked[name] = value
        return checked


def _check_kind(what: str, value: Any, kind: str, fits: Callable[[dtypes.DType], bool]) -> None:
    if not isinstance(value, Tensor) or not fits(value.dtype):
        raise ValueError(f"{what} must be a {kind} Tensor; got {value}")


def _is_floating(dtype: dtypes.DType) -> bool:
    return dtype.is_floating


def _is_string(dtype: dtypes.DType) -> bool:
    return dtype is dtypes.string


def _examples(what: str, receiver_tensors: Mapping[str, Any]) -> Any:
    """The only input, a string tensor."""
    tensors = list(receiver_tensors.values())
    if len(tensors) != 1 or tensors[0].dtype is not dtypes.string:
        raise ValueError(
            f"{what} signatures can only accept a single tensor input of type tf.string: let the serving input function "
            "make one string placeholder, and parse it by `tf.io.parse_example` if the model has several inputs. "
            f"Received: {receiver_tensors}"
        )
    return tensors[0]


class ClassificationOutput(ExportOutput):
    """The classes of examples, their scores, or both.

    Args:
      scores: a float tensor.
      classes: a string tensor.

    Raises:
      ValueError: both are missing, or one has another type.
    """

    def __init__(self, scores: Any = None, classes: Any = None) -> None:
        if scores is not None:
            _check_kind("Classification scores", scores, "float32", _is_floating)
        if classes is not None:
            _check_kind("Classification classes", classes, "string", _is_string)
        if scores is None and classes is None:
            raise ValueError(
                "Cannot create a ClassificationOutput with empty arguments. At least one of `scores` and `classes` must "
                "be defined."
            )
        self._scores, self._classes = scores, classes

    scores = read_only("_scores", "The scores, or None.")
    classes = read_only("_classes", "The classes, or None.")

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        """Returns the SignatureDef of a classification."""
        examples = _examples("Classification", receiver_tensors)
        return classification_signature_def(examples, self.classes, self.scores)


class RegressionOutput(ExportOutput):
    """The predicted values of a regression.

    Args:
      value: a float tensor.

    Raises:
      ValueError: it is none.
    """

    def __init__(self, value: Any) -> None:
        _check_kind("Regression output value", value, "float32", _is_floating)
        self._value = value

    value = read_only("_value", "The predicted values.")

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        """Returns the SignatureDef of a regression."""
        return regression_signature_def(_examples("Regression", receiver_tensors), self.value)


class PredictOutput(ExportOutput):
    """Any results by name.

    Args:
      outputs: a tensor, or tensors by name.
    """

    _SINGLE_OUTPUT_DEFAULT_NAME = "output"

    def __init__(self, outputs: Any) -> None:
        self._outputs = self._wrap_and_check_outputs(
            outputs, self._SINGLE_OUTPUT_DEFAULT_NAME, error_label="Prediction"
        )

    outputs = read_only("_outputs", "The results by name.")

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        """Returns the SignatureDef of a prediction."""
        return predict_signature_def(receiver_tensors, self.outputs)


class _SupervisedOutput(ExportOutput):
    """The results of a training or evaluation step.

    Args:
      loss: a tensor, or tensors by name.
      predictions: a tensor, or tensors by name.
      metrics: a pair (value, update operation), or pairs or Keras's metrics by name.
    """

    LOSS_NAME = "loss"
    PREDICTIONS_NAME = "predictions"
    METRICS_NAME = "metrics"
    METRIC_VALUE_SUFFIX = "value"
    METRIC_UPDATE_SUFFIX = "update_op"

    def __init__(self, loss: Any = None, predictions: Any = None, metrics: Any = None) -> None:
        self._loss = self._prefixed(loss, self.LOSS_NAME)
        self._predictions = self._prefixed(predictions, self.PREDICTIONS_NAME)
        self._metrics = None if metrics is None else self._wrap_and_check_metrics(metrics)

    loss = read_only("_loss", "The loss by name, or None.")
    predictions = read_only("_predictions", "The predictions by name, or None.")
    metrics = read_only("_metrics", "The values of metrics and their updates by name, or None.")

    def _prefixed(self, outputs: Any, name: str) -> dict[str, Any] | None:
        if outputs is None:
            return None
        named = self._wrap_and_check_outputs(outputs, name)
        return {self._prefix_key(key, name): value for key, value in named.items()}

    def _prefix_key(self, key: str, output_name: str) -> str:
        return key if key.startswith(output_name) else output_name + self._SEPARATOR_CHAR + key

    def _wrap_and_check_metrics(self, metrics: Any) -> dict[str, Any]:
        named = metrics if isinstance(metrics, dict) else {self.METRICS_NAME: metrics}
        outputs = {}
        for key, metric in named.items():
            name = self._prefix_key(
                self._check_output_key(key, self.METRICS_NAME), self.METRICS_NAME
            )
            value, update = metric if isinstance(metric, tuple) else _parts_of(metric)
            if not isinstance(value, Tensor):
                raise ValueError(f"{name} output value must be a Tensor; got {value}.")
            outputs[self._SEPARATOR_CHAR.join((name, self.METRIC_VALUE_SUFFIX))] = value
            outputs[self._SEPARATOR_CHAR.join((name, self.METRIC_UPDATE_SUFFIX))] = _as_tensor(
                name, update
            )
        return outputs

    @abc.abstractmethod
    def _get_signature_def_fn(self) -> Callable[..., Any]:
        """Returns what makes the SignatureDef of inputs, loss, predictions and metrics."""

    def as_signature_def(self, receiver_tensors: Mapping[str, Any]) -> Any:
        """Returns the SignatureDef of the step."""
        make = self._get_signature_def_fn()
        return make(receiver_tensors, self.loss, self.predictions, self.metrics)


def _parts_of(metric: Any) -> tuple[Any, Any]:
    """The value of one of Keras's metrics, and its only update."""
    (update,) = metric.updates
    return metric.result(), update


def _as_tensor(name: str, update: Any) -> Any:
    """An update as a tensor: of an operation, an empty one that depends on it.

    Raises:
      ValueError: it is neither a tensor, a variable nor an operation.
    """
    if isinstance(update, Tensor):
        return update
    if not isinstance(update, Operation | Variable):
        raise ValueError(f"{name} update_op must be a Tensor or Operation; got {update}.")
    operation = update if isinstance(update, Operation) else update.op
    with STATE.graph.control_dependencies([operation]):
        return convert_to_tensor([], dtypes.float32, name="metric_op_wrapper")


class TrainOutput(_SupervisedOutput):
    """The results of a training step."""

    def _get_signature_def_fn(self) -> Callable[..., Any]:
        return supervised_train_signature_def


class EvalOutput(_SupervisedOutput):
    """The results of an evaluation step."""

    def _get_signature_def_fn(self) -> Callable[..., Any]:
        return supervised_eval_signature_def
