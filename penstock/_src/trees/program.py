"""The functions of an ensemble that are compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.api.lookup.tables import KeyValueTensorInitializer, StaticHashTable
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.function.function import function
from penstock._src.trees.ensemble import Ensemble, Feature, Number
from penstock._src.trees.links import LINKS

PREDICTIONS = "predictions"
_ZERO = 1e-35  # numbers that are not larger count as zero


class Program(Module):
    """An ensemble's functions of rows, `[rows, features]`, and of columns by their names.

    Args:
      ensemble: what is computed.

    Attributes:
      tables: from texts to numbers of categories, by the names of features.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        super().__init__()
        self._ensemble = ensemble
        self.tables = {
            each.name: _table(each.vocabulary)
            for each in ensemble.features
            if each.vocabulary is not None
        }

    def of_rows(self, number: DType) -> Callable[[np.ndarray], np.ndarray]:
        """Returns the compiled function of rows of a type, float32 or float64, to predictions, all as arrays."""
        spec = TensorSpec([None, len(self._ensemble.features)], number, "x")
        compiled = function(self.predictions, input_signature=[spec], autograph=False)
        traced = compiled.get_concrete_function()
        captured = [tensor._value for tensor in traced.captured_inputs]
        run = traced._function.executable.run
        return lambda rows: run([rows, *captured])[0]

    @property
    def ensemble(self) -> Ensemble:
        """The computed function."""
        return self._ensemble

    def signature(self, by_columns: bool = False) -> Any:
        """Returns the function that is saved and served: of rows, or of columns if they are asked for or some hold texts.

        Args:
          by_columns: whether columns are asked for.
        """
        if not (by_columns or self.tables):
            number = dtypes.as_dtype(self._ensemble.number)
            spec: Any = TensorSpec([None, len(self._ensemble.features)], number, "x")
            return function(self._named_of_rows, input_signature=[spec], autograph=False)
        spec = {each.name: self._column_spec(each) for each in self._ensemble.features}
        return function(self._named_of_columns, input_signature=[spec], autograph=False)

    def _named_of_rows(self, x: Tensor) -> dict[str, Tensor]:
        return {PREDICTIONS: self.predictions(x)}

    def _named_of_columns(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {PREDICTIONS: self.predictions(self.rows(columns))}

    def _column_spec(self, feature: Feature) -> TensorSpec:
        number = dtypes.as_dtype(self._ensemble.number)
        return TensorSpec(
            [None], dtypes.string if feature.name in self.tables else number, feature.name
        )

    def predictions(self, x: Tensor) -> Tensor:
        """Returns the predictions of rows."""
        sums = self.sums(x)
        divisor = self._ensemble.divisor
        return LINKS[self._ensemble.link](
            sums / divisor if divisor != 1.0 else sums, self._ensemble.slope
        )

    def sums(self, x: Tensor) -> Tensor:
        """Returns the sums of the leaves that rows reach, `[rows, sums]`."""
        ensemble = self._ensemble
        number: Number = ensemble.number if x.dtype != dtypes.float32 else "float32"
        x = self._prepared(raw.Cast(x=x, DstT=dtypes.as_dtype(number)))
        t = ensemble.tables
        return raw.TreeEnsemble(
            x=x, base=ensemble.base, roots=t.roots, targets=t.targets, feature=t.feature,
            threshold=ensemble.thresholds(number), left=t.left, right=t.right,
            missing_left=t.missing_left, set_of=t.set_of, set_offsets=t.set_offsets,
            set_words=t.set_words, values=t.values, strict=t.strict,
        )  # fmt: skip

    def _prepared(self, x: Tensor) -> Tensor:
        """Rows with NaN for values that count as missing."""
        nothing = convert_to_tensor(np.nan, x.dtype)
        zeros = [each.zero_is_missing for each in self._ensemble.features]
        if any(zeros):
            x = raw.SelectV2(condition=np.array(zeros) & (raw.Abs(x=x) <= _ZERO), t=nothing, e=x)
        whole = [each.whole for each in self._ensemble.features]
        if any(whole):
            differs = raw.NotEqual(x=x, y=raw.Floor(x=x))
            x = raw.SelectV2(condition=np.array(whole) & differs, t=nothing, e=x)
        return x

    def rows(self, columns: Mapping[str, Any]) -> Tensor:
        """Returns rows of columns, `[rows]` each; an empty text is missing.

        Raises:
          InvalidArgumentError: a column is missing.
        """
        features = self._ensemble.features
        if lacking := [each.name for each in features if each.name not in columns]:
            raise InvalidArgumentError(
                f"Expected a column for each feature. Missing: {', '.join(map(repr, lacking))}."
            )
        number = dtypes.as_dtype(self._ensemble.number)
        parts = [self._column(each, columns[each.name], number) for each in features]
        return raw.Pack(values=parts, axis=1)

    def _column(self, feature: Feature, values: Any, number: DType) -> Tensor:
        column = convert_to_tensor(values)
        if column.shape.rank == 2:  # as datasets have them
            column = raw.Squeeze(input=column, axis=[1])
        if feature.name not in self.tables:
            return raw.Cast(x=column, DstT=number)
        if column.dtype != dtypes.string:
            column = raw.AsString(input=column)
        codes = raw.Cast(x=self.tables[feature.name].lookup(column), DstT=number)
        is_missing = raw.Equal(x=column, y=np.array(b"", object))
        return raw.SelectV2(condition=is_missing, t=convert_to_tensor(np.nan, number), e=codes)


def _table(vocabulary: tuple[str, ...]) -> StaticHashTable:
    """From texts to their numbers; unknown ones are number 0."""
    texts = np.array([text.encode() for text in vocabulary], object)
    numbers = np.arange(len(vocabulary))
    initializer = KeyValueTensorInitializer(texts, numbers, dtypes.string, dtypes.int64)
    return StaticHashTable(initializer, 0)
