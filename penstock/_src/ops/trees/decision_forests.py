"""The ops `SimpleMLInference*` in SavedModels of TensorFlow Decision Forests, and those that load what they compute."""

import os

import numpy as np

from penstock._src.core.calls.facts import Effects, Permissions
from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource
from penstock._src.ops.rules import show
from penstock._src.util.slots import above

_FEATURES = """numerical_features: float32, boolean_features: float32, categorical_int_features: int32,
    categorical_set_int_features_values: int32, categorical_set_int_features_row_splits_dim_1: int64,
    categorical_set_int_features_row_splits_dim_2: int64"""


class ForestResource(Resource):
    """A model of YDF, held by a handle; None until it is loaded."""

    forest = None


# Models that ops find by an identifier: no handle keeps them.
_IDENTIFIED: dict[str, ForestResource] = {}


def _load(handle: ForestResource, path, prefix: str) -> None:
    handle.forest = above("forest_in")(path.item().decode(), prefix)


class SimpleMLCreateModelResource(Op):
    """The handle of a model that is not loaded yet."""

    signature = "-> model_handle: resource[]"
    container: str = ""
    shared_name: str = ""
    differentiable = False
    effects = Effects(effect_free=True)

    def eager(self):
        def make():
            return ForestResource(self.shared_name, self.container)

        return resources.shared(ForestResource, self.container, self.shared_name, make)


class SimpleMLLoadModelFromPathWithHandle(Op):
    """Loads the model of a folder of YDF."""

    signature = "model_handle: resource, path: string ->"
    permissions = Permissions(capabilities="read_files", file_arguments="path")
    output_types: list[str] = []
    file_prefix: str = ""
    allow_slow_inference: bool = True
    differentiable = False

    def touched_files(self, values):
        """The folder, and its files that begin with the prefix, which may lead out of it."""
        folders = super().touched_files(values)
        prefixed = [os.path.join(folder, self.file_prefix) for folder in folders or ()]
        return None if folders is None else [*folders, *prefixed]

    def eager(self, model_handle, path):
        if not isinstance(model_handle, ForestResource):
            raise self.invalid(f"expected the handle of a forest. Received {model_handle!r}")
        _load(model_handle, path, self.file_prefix)


class SimpleMLLoadModelFromPath(Op):
    """Loads the model of a folder of YDF under an identifier."""

    signature = "path: string ->"
    permissions = Permissions(capabilities="read_files", file_arguments="path")
    model_identifier: str
    differentiable = False

    def eager(self, path):
        _load(forest := ForestResource(self.model_identifier), path, "")
        _IDENTIFIED[self.model_identifier] = forest


class _Inference(Op):
    minimum = {"dense_output_dim": 1}
    dense_output_dim: int
    differentiable = False
    effects = Effects(reads_only=True)

    def shape(self, *_inputs):
        return [None, self.dense_output_dim], [self.dense_output_dim]

    def _predictions(self, handle, numbers, booleans, categories, set_values):
        forest = getattr(handle, "forest", None)
        if forest is None:
            raise FailedPreconditionError(
                f"{self.op_type}: the model is not loaded. Run the initializer of the graph first."
            )
        if set_values.size:
            raise self.invalid("the model takes no sets of categories")
        columns = numbers, booleans, categories
        for array, expected in zip(columns, forest.widths, strict=True):
            if array.ndim != 2 or (expected and array.shape[1] != expected):
                raise self.invalid(
                    f"expected {' + '.join(map(str, forest.widths))} numbers, booleans and categories of a row. Received: {', '.join(map(show, (c.shape for c in columns)))}"
                )
        heights = {len(array) for array, width in zip(columns, forest.widths, strict=True) if width}
        if len(heights) > 1:
            raise self.invalid(f"features have different numbers of rows: {sorted(heights)}")
        predictions = forest.predictions(*columns)
        if predictions.shape[1] != self.dense_output_dim:
            raise self.invalid(
                f"the model predicts {predictions.shape[1]} numbers of a row, not {self.dense_output_dim}"
            )
        return predictions, np.array(forest.classes, object)


class SimpleMLInferenceOpWithHandle(_Inference):
    """Predictions of rows, and the names of their columns: classes, or one that is empty.

    Features of a kind are in the order of the model's columns. Missing ones are NaN, or -1 of categories.
    """

    signature = (
        f"{_FEATURES}, model_handle: resource -> dense_predictions: float32, "
        "dense_col_representation: string"
    )

    def eager(self, numbers, booleans, categories, set_values, _inner, _outer, model_handle):
        return self._predictions(model_handle, numbers, booleans, categories, set_values)


class SimpleMLInferenceOp(_Inference):
    """Predictions of the model that an identifier names."""

    signature = f"{_FEATURES} -> dense_predictions: float32, dense_col_representation: string"
    model_identifier: str

    def eager(self, numbers, booleans, categories, set_values, _inner, _outer):
        handle = _IDENTIFIED.get(self.model_identifier)
        return self._predictions(handle, numbers, booleans, categories, set_values)
