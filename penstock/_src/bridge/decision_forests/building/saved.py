"""The SavedModel of a model that is built: a Keras model where legacy Keras is installed, else a module."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.api.module import Module
from penstock._src.bridge.decision_forests.py_tree.dataspec import ColumnType
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.filesystems import files
from penstock._src.function.function import function
from penstock._src.saving.saved_model.save import save
from penstock._src.trees.program import Program
from penstock._src.trees.readers import table, ydf

_NAME, _OUTPUT = "inference_core_model", "output_1"
_TYPES = {
    ColumnType.NUMERICAL: dtypes.float32,
    ColumnType.BOOLEAN: dtypes.float32,
    ColumnType.CATEGORICAL: dtypes.string,
}


def default_signature(inspector: Any) -> dict[str, TensorSpec]:
    """Returns the specs of a model's columns: float32 of numbers and booleans, texts of categories, int32 of those that are numbers.

    Args:
      inspector: of the model.

    Raises:
      ValueError: a column is of another type.
    """
    return {each.name: _spec(each, inspector.dataspec) for each in inspector.features()}


def _spec(feature: Any, dataspec: Any) -> TensorSpec:
    if feature.type not in _TYPES:
        raise ValueError(
            f"The column {feature.name!r} has no spec by default: it is {ColumnType.Name(feature.type)}."
        )
    has_numbers = dataspec.columns[feature.col_idx].categorical.is_already_integerized
    return TensorSpec([None], dtypes.int32 if has_numbers else _TYPES[feature.type], feature.name)


def save_built(
    folder: str, prefix: str, path: str, signature: Mapping[str, Any], offset: int, name: str | None
) -> None:
    """Writes a SavedModel of columns, with the folder of YDF as its assets.

    Args:
      folder: of YDF.
      prefix: what the names of its files begin with.
      path: the folder to make.
      signature: the specs of columns.
      offset: what is added to categories that are numbers.
      name: of the Keras model.

    Raises:
      UnimplementedError: the model tests several columns at once, or sets.
    """
    with table.named_errors(folder):
        forest = _Forest(folder, prefix, offset)
    if importlib.util.find_spec("tf_keras") is not None:
        _save_as_keras(forest, path, signature, name or _NAME)
    else:
        specs = [{each: _named(spec, each) for each, spec in signature.items()}]
        save(
            _Called(forest, specs),
            path,
            signatures=function(forest.named, input_signature=specs, autograph=False),
        )
    assets = os.path.join(path, "assets")
    if files.is_folder(assets):  # of a model that was here before
        files.remove_tree(assets)
    files.make_folders(assets)
    for each in files.names(folder):
        files.copy(os.path.join(folder, each), os.path.join(assets, each))


def _named(spec: Any, name: str) -> Any:
    """A spec with the name by which a signature takes it; only those of tensors have names."""
    return TensorSpec(spec.shape, spec.dtype, name) if isinstance(spec, TensorSpec) else spec


class _Forest(Module):
    """The function of columns to predictions, `[rows, 1]`, or `[rows, classes]` of more than two."""

    def __init__(self, folder: str, prefix: str, offset: int) -> None:
        super().__init__()
        kinds = ydf.kinds_of(folder, prefix)
        self.program = Program(ydf.read(folder, prefix))
        features = zip(self.program.ensemble.features, kinds, strict=True)
        # Categories that are numbers, and how many there are.
        self._counts = {
            feature.name: kind.categories
            for feature, kind in features
            if kind.categories and feature.vocabulary is None
        }
        self._offset = offset

    def __call__(self, columns: Mapping[str, Any]) -> Tensor:
        """Returns the predictions of columns."""
        prepared = {name: self._prepared(name, values) for name, values in columns.items()}
        predictions = self.program.predictions(self.program.rows(prepared))
        return (
            raw.ExpandDims(input=predictions, axis=-1)
            if predictions.shape.rank == 1
            else predictions
        )

    def named(self, columns: Mapping[str, Any]) -> dict[str, Tensor]:
        """Returns the predictions by their name."""
        return {_OUTPUT: self(columns)}

    def _prepared(self, name: str, values: Any) -> Tensor:
        """A column as trees test it: categories that are not known have number 0, those that are missing NaN."""
        column = convert_to_tensor(values)
        if name not in self._counts:
            return column
        if not column.dtype.is_integer:
            raise InvalidArgumentError(
                f"The column {name!r} has categories that are integers. Received: {column.dtype.name}."
            )
        code = raw.Cast(x=column, DstT=dtypes.int32) + self._offset
        is_known = (code >= 0) & (code < self._counts[name])
        known = raw.Cast(x=raw.SelectV2(condition=is_known, t=code, e=0), DstT=dtypes.float32)
        return raw.SelectV2(condition=raw.Equal(x=code, y=-1), t=np.float32(np.nan), e=known)


class _Called(Module):
    """A forest whose call is saved."""

    def __init__(self, forest: _Forest, specs: list[Any]) -> None:
        super().__init__()
        self.forest = forest
        self.__call__ = function(forest.__call__, input_signature=specs, autograph=False)


def _save_as_keras(forest: _Forest, path: str, signature: Mapping[str, Any], name: str) -> None:
    """Writes a SavedModel that legacy Keras also reads."""
    legacy = importlib.import_module("tf_keras")

    class InferenceCoreModel(legacy.Model):  # type: ignore[misc,name-defined]
        """A forest as a Keras model."""

        def __init__(self) -> None:
            super().__init__(name=name)
            self.forest = forest

        def call(self, inputs: Any, training: bool = False) -> Tensor:
            """Returns the predictions of columns."""
            return self.forest(inputs)

        def get_config(self) -> dict[str, Any]:
            """There is nothing to configure."""
            return {}

    model = InferenceCoreModel()
    model.compile()
    function(model.__call__, autograph=False).get_concrete_function(dict(signature))
    model.save(path, save_format="tf")
