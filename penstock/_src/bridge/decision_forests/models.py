"""Keras models of decision trees: `RandomForestModel`, `GradientBoostedTreesModel`, `CartModel`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from penstock._src.bridge.decision_forests.datasets import columns_of, named
from penstock._src.bridge.decision_forests.inspection import AbstractInspector, inspector_of
from penstock._src.bridge.decision_forests.learners import ydf
from penstock._src.bridge.decision_forests.semantics import FeatureUsage, Task
from penstock._src.bridge.decision_forests.templates import (
    HyperParameterTemplate,
    template_named,
    templates_of,
)
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.filesystems import files
from penstock._src.saving.saved_model.save import save
from penstock._src.trees.program import Program
from penstock._src.trees.readers import table

_LABEL, _WEIGHT, _GROUP = "__LABEL", "__WEIGHT", "ranking_group"


class CoreModel(keras.Model):
    """A Keras model of decision trees, which ydf fits to all rows at once.

    Args:
      task: what is predicted.
      learner: the name of ydf's learner.
      features: columns that are used, or how; by default all are.
      exclude_non_specified_features: whether columns that `features` does not name are left out.
      preprocessing: a Keras model or function of columns, before trees.
      postprocessing: of predictions, after trees.
      ranking_group: the column with the group of a row, where rows are ranked.
      verbose: 0: nothing is printed.
      hyperparameter_template: a name of `predefined_hyperparameters()`, as "better_default" or "better_default@v1".
      tuner: looks for hyperparameters; see `tuner.RandomSearch`.
      num_threads: that fit; by default as many as there are cores.
      name: of the model.
      **hyperparameters: ydf's, as `num_trees` and `max_depth`.

    Attributes:
      task: what is predicted.
    """

    _learner = ""

    def __init__(
        self,
        task: Task = Task.CLASSIFICATION,
        learner: str = "",
        features: Sequence[FeatureUsage] | None = None,
        exclude_non_specified_features: bool = False,
        preprocessing: Any = None,
        postprocessing: Any = None,
        ranking_group: str | None = None,
        verbose: int = 1,
        hyperparameter_template: str | None = None,
        tuner: Any = None,
        num_threads: int | None = None,
        name: str | None = None,
        **hyperparameters: Any,
    ) -> None:
        super().__init__(name=name)
        self.task = Task(task)
        self._learner = learner or self._learner
        if not self._learner:
            raise InvalidArgumentError("CoreModel: expected the name of a learner of ydf.")
        self._columns = list(features or ())
        self._only = exclude_non_specified_features
        self._before, self._after = preprocessing, postprocessing
        self._group, self._says, self._tuner, self._threads = ranking_group, verbose, tuner, num_threads  # fmt: skip
        if hyperparameter_template is not None:
            known = templates_of(self._learner)
            template = template_named(hyperparameter_template, known).parameters
            hyperparameters = {**template, **hyperparameters}
        self._options = hyperparameters
        self._fitted: Any = None
        self._program: Program | None = None
        self._classes = 0
        self.compile()

    @classmethod
    def predefined_hyperparameters(cls) -> list[HyperParameterTemplate]:
        """Returns the named sets of hyperparameters."""
        return templates_of(cls._learner)

    def compile(self, metrics: Any = None, weighted_metrics: Any = None, **kwargs: Any) -> None:
        """Says what `evaluate` computes.

        Args:
          metrics: Keras's metrics.
          weighted_metrics: those that weights count for.
          **kwargs: further arguments of `keras.Model.compile`; there is no loss.
        """
        super().compile(metrics=metrics, weighted_metrics=weighted_metrics, **kwargs)

    def compute_loss(self, *_args: Any, **_kwargs: Any) -> Any:
        """Returns 0: trees are not fitted by steps of a loss."""
        return keras.ops.zeros(())

    def build(self, input_shape: Any = None) -> None:
        """There are no weights to build."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        callbacks: Any = None,
        verbose: Any = None,
        validation_data: Any = None,
        sample_weight: Any = None,
        **_kwargs: Any,
    ) -> Any:
        """Fits trees to all rows.

        Args:
          x: a dataset of batches (columns, label[, weights]), which ends; columns by names; or an array of rows.
          y: the label, if `x` is not a dataset.
          callbacks: called at the begin and end.
          verbose: 0: nothing is printed.
          validation_data: a dataset, or (columns, label), which boosting ends by.
          sample_weight: weights, if `x` is not a dataset.
          **_kwargs: of `keras.Model.fit`; there are no epochs.

        Returns:
          A History.
        """
        package = ydf()
        package.verbose(self._says if verbose is None else verbose)
        known = self._table(x, y, sample_weight)
        validation = {"valid": self._table(*_parts(validation_data))} if validation_data is not None else {}  # fmt: skip
        learner = getattr(package, self._learner)(
            label=_LABEL,
            task=package.Task[self.task.name],
            weights=_WEIGHT if _WEIGHT in known else None,
            features=[each.column() for each in self._columns] or None,
            include_all_columns=not self._only,
            ranking_group=self._group,
            num_threads=self._threads,
            tuner=self._tuner and self._tuner.of(package),
            **self._options,
        )
        history = keras.callbacks.CallbackList(callbacks, add_history=True, model=self)
        history.on_train_begin()
        self._take(learner.train(known, **validation))
        if self.task is Task.CLASSIFICATION:
            self._classes = int(np.max(known[_LABEL])) + 1
        history.on_epoch_end(0, {})
        history.on_train_end()
        return self.history

    def _take(self, fitted: Any) -> None:
        """Keeps a model of ydf."""
        self._fitted, self._program = fitted, Program(table.read(fitted))
        for name in ("predict_function", "test_function"):  # traced with other trees
            setattr(self, name, None)

    def _table(self, x: Any, y: Any, weight: Any) -> dict[str, np.ndarray]:
        """All columns that ydf takes."""
        columns, label, weights = columns_of(x, y, weight)
        if label is None:
            raise InvalidArgumentError("fit: expected a label beside the columns.")
        if self.task is Task.CLASSIFICATION:
            label = label.astype(np.int64)
            if len(label) and label.min() < 0:
                raise InvalidArgumentError("fit: classes are whole numbers of at least 0.")
        columns = self._features(columns)
        columns[_LABEL] = label
        return columns if weights is None else columns | {_WEIGHT: weights}

    def _features(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Columns as ydf takes them, after the preprocessing."""
        if self._before is not None:
            columns = {k: np.asarray(v) for k, v in named(self._before(columns)).items()}
        return {name: _readable(values) for name, values in columns.items()}

    def predict_get_leaves(self, x: Any) -> np.ndarray:
        """Returns the number of the leaf that each row reaches in each tree, `[rows, trees]`; ydf finds them.

        Args:
          x: a dataset of batches, columns by names or an array of rows.
        """
        columns = self._features(columns_of(x)[0])
        label = np.zeros(len(next(iter(columns.values()))), np.int64)  # ydf asks for one
        return self._known().predict_leaves({**columns, _LABEL: label})

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """Returns predictions `[rows, 1]`: numbers, or the probability of the second of two classes; `[rows, classes]` of more."""
        if self._program is None:
            raise FailedPreconditionError("The model is not fitted. Call its `fit` first.")
        columns = inputs if self._before is None else self._before(inputs)
        predictions = self._program.predictions(self._program.rows(named(columns)))
        if len(predictions.shape) == 1:
            predictions = raw.ExpandDims(input=predictions, axis=-1)
        elif self._classes > 2:
            predictions = self._all_classes(predictions)
        return predictions if self._after is None else self._after(predictions)

    def _all_classes(self, probabilities: Tensor) -> Tensor:
        """Probabilities in the order of classes' numbers, with 0 for those without rows."""
        assert self._program is not None
        labels = [int(each) for each in self._program.ensemble.labels]
        if labels == list(range(self._classes)):
            return probabilities
        places = [labels.index(c) if c in labels else len(labels) for c in range(self._classes)]
        padded = raw.PadV2(
            input=probabilities, paddings=[[0, 0], [0, 1]], constant_values=np.float32(0)
        )
        return raw.GatherV2(params=padded, indices=places, axis=1)

    def summary(self, line_length: Any = None, positions: Any = None, print_fn: Any = None, **_kwargs: Any) -> None:  # fmt: skip
        """Prints what ydf says of the model.

        Args:
          line_length, positions: have no meaning.
          print_fn: in place of `print`.
        """
        (print_fn or print)(str(self._known().describe("text")))

    def make_inspector(self, index: int = 0) -> AbstractInspector:
        """Returns what looks into the model.

        Args:
          index: of one of several tasks; there is one.
        """
        return inspector_of(self._known())

    def ydf_model(self) -> Any:
        """Returns ydf's model."""
        return self._known()

    def save(self, filepath: str, overwrite: bool = True, **_kwargs: Any) -> None:
        """Writes a SavedModel, a function of columns, with the folder of YDF as its assets; `tf.saved_model.load` and `tf.trees.load` read them.

        Args:
          filepath: the folder to make.
          overwrite: has no meaning: a SavedModel is replaced.
        """
        self._known()
        assert self._program is not None
        save(self._program, filepath, signatures=self._program.signature(by_columns=True))
        folder = os.path.join(files.text_of(filepath), "assets")
        files.make_folders(folder)
        with tempfile.TemporaryDirectory() as temporary:
            path = os.path.join(temporary, "model")
            self._fitted.save(path)
            for name in files.names(path):
                files.copy(os.path.join(path, name), os.path.join(folder, name))

    def _known(self) -> Any:
        if self._fitted is None:
            raise FailedPreconditionError("The model is not fitted. Call its `fit` first.")
        return self._fitted


def _parts(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, weights) of validation data."""
    parts = list(data) if isinstance(data, tuple) else [data]
    x, y, weight = (parts + [None, None])[:3]
    return x, y, weight


def _readable(values: np.ndarray) -> np.ndarray:
    """Texts as ydf takes them: str."""
    if values.dtype.kind != "O":
        return values
    return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values])


class RandomForestModel(CoreModel):
    """A random forest."""

    _learner = "RandomForestLearner"


class GradientBoostedTreesModel(CoreModel):
    """Gradient boosted trees."""

    _learner = "GradientBoostedTreesLearner"


class CartModel(CoreModel):
    """A single tree."""

    _learner = "CartLearner"
