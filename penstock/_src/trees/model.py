"""`tf.trees.load`: an ensemble of decision trees of another library, which predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.tensor import Tensor
from penstock._src.formats.model import Model
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.saving.saved_model.save import save
from penstock._src.trees.ensemble import Ensemble
from penstock._src.trees.program import Program
from penstock._src.trees.readers import table
from penstock._src.util.export import export
from penstock._src.util.slots import above

_NUMBERS = {np.dtype(np.float32): dtypes.float32, np.dtype(np.float64): dtypes.float64}


@export("trees.TreeModel", v1=[])
class TreeModel:
    """An ensemble of decision trees, made by `tf.trees.load`. Several threads may use it.

    Args:
      ensemble: what a reader has found; programs call `tf.trees.load` instead.

    Attributes:
      library: that has made the ensemble.
      features: the names of columns.
      labels: of classes, if there are any.
      trees: how many there are.

    >>> model = tf.trees.load("model.ubj")  # doctest: +SKIP
    >>> model.predict(rows)  # doctest: +SKIP
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self._ensemble, self._program = ensemble, Program(ensemble)
        self._compiled: dict[np.dtype, Callable[[np.ndarray], np.ndarray]] = {}
        self.library = ensemble.library
        self.features = tuple([each.name for each in ensemble.features])
        self.labels, self.trees = ensemble.labels, ensemble.trees

    def __repr__(self) -> str:
        return f"<TreeModel of {self.library}: {self.trees} trees, {len(self.features)} features>"

    def __call__(self, x: Any) -> Tensor:
        """Returns the predictions of rows, eagerly or in a function.

        Args:
          x: rows, `[rows, features]`; or columns by their names.

        Returns:
          A tensor, of what the library's own `predict` gives; of a classifier of scikit-learn, its `predict_proba`.
        """
        x = self._program.rows(x) if isinstance(x, Mapping) else convert_to_tensor(x)
        return self._program.predictions(x)

    def predict(self, x: Any) -> np.ndarray:
        """Returns the predictions of rows.

        Args:
          x: rows, `[rows, features]`; columns by their names; or a data frame of pandas.

        Returns:
          A NumPy array, of what the library's own `predict` gives; of a classifier of scikit-learn, its `predict_proba`.

        Raises:
          InvalidArgumentError: rows have another number of features, or have non-numeric values.
        """
        rows = self._rows(x)
        if rows.ndim != 2 or rows.shape[1] != len(self.features):
            raise InvalidArgumentError(
                f"Expected rows of {len(self.features)} features. Received an array of the shape {list(rows.shape)}."
            )
        if rows.dtype not in self._compiled:
            self._compiled[rows.dtype] = self._program.of_rows(_NUMBERS[rows.dtype])
        return self._compiled[rows.dtype](rows)

    def _rows(self, x: Any) -> np.ndarray:
        """Rows as an array of float32 or float64."""
        if hasattr(x, "columns") and not isinstance(x, Mapping):  # a data frame
            if not self._program.tables:
                x = x.to_numpy()
            else:
                x = {name: x[name].to_numpy() for name in self.features if name in x}
        if isinstance(x, Mapping):
            return self._program.rows(x).numpy()
        rows = np.asarray(x)
        if rows.dtype in _NUMBERS:
            return rows
        try:
            return rows.astype(self._ensemble.number)
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"Expected rows of numbers, or columns by their names. Received an array of {rows.dtype}: {error}"
            ) from error

    def sums(self, x: Any) -> np.ndarray:
        """Returns the sums of leaves `[rows, sums]`: margins or raw scores, from which predictions are computed.

        Args:
          x: as that of `predict`.

        Returns:
          A NumPy array.
        """
        return self._program.sums(convert_to_tensor(self._rows(x))).numpy()

    def as_layer(self) -> Any:
        """Returns a Keras layer of rows, which has no weights.

        Returns:
          A `keras.layers.Lambda`.
        """
        keras, program = above("load_keras")(), self._program
        return keras.layers.Lambda(program.predictions, name="trees")

    def save(self, path: str) -> None:
        """Writes a SavedModel.

        Args:
          path: the folder to make.
        """
        save(self._program, path, signatures=self._program.signature())


@export("trees.load", v1=[])
def load(source: Any) -> TreeModel:
    """Returns the model of an ensemble of decision trees.

    Args:
      source: a file of XGBoost (JSON or UBJSON) or LightGBM (text), a folder of YDF; or, in memory, a fitted estimator of scikit-learn (a forest, gradient
        boosting, a tree) or a model of the package ydf. Pickles are not read.

    Returns:
      A `tf.trees.TreeModel`.

    Raises:
      TypeError: it is neither a path nor such a model.
      NotFoundError: there is no such file.
      InvalidArgumentError: it is of no known format.
      DataLossError: the file is damaged.
      UnimplementedError: the model is of a kind that is not implemented.

    >>> model = tf.trees.load("model.txt")  # doctest: +SKIP
    >>> model.save("folder")  # doctest: +SKIP
    """
    return TreeModel(table.read(source))


def tree_model(path: str) -> Model:
    """Returns the function of an ensemble in a file, for other formats."""
    ensemble = table.read(path)
    program = Program(ensemble)
    traced = program.signature().get_concrete_function()
    details = {"library": ensemble.library, "trees": ensemble.trees}
    return Model({DEFAULT_SERVING_SIGNATURE_DEF_KEY: traced}, program, path, details)


def is_tree_model(path: str) -> bool:
    """True if a path is a file of XGBoost or LightGBM, or a folder of YDF."""
    return table.is_ensemble(path)
