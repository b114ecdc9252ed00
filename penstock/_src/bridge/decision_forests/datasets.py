"""Rows as columns by their names: of datasets, data frames and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.bridge.decision_forests.semantics import Task
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.data.dataset import DatasetV2 as Dataset

Columns = dict[str, np.ndarray]
# The name of rows that have none.
_NAMELESS = "data:0"
# Characters that Keras does not take in names.
_FORBIDDEN = " \t?%,/"


def pd_dataframe_to_tf_dataset(
    dataframe: Any,
    label: str | None = None,
    task: Any = None,
    max_num_classes: int | None = 100,
    in_place: bool | None = False,
    fix_feature_names: bool | None = True,
    weight: str | None = None,
    batch_size: int | None = 1000,
) -> Any:
    """Returns a dataset of batches of a pandas data frame: columns by names, then the label and weight if there are any.

    Args:
      dataframe: the data frame.
      label: the column that is predicted; classes with texts become numbers in the order of their texts.
      task: a `Task`; by default there are classes.
      max_num_classes: as more are probably numbers; None: any number.
      in_place: whether the data frame may change.
      fix_feature_names: whether characters that Keras does not take in names are replaced.
      weight: the column of weights.
      batch_size: rows of a batch; None: single rows.

    Raises:
      ValueError: there are too many classes, or negative ones.
    """
    frame = dataframe if in_place else dataframe.copy()
    if fix_feature_names:
        frame.columns = [_fixed(str(name)) for name in frame.columns]
        label, weight = (name and _fixed(name) for name in (label, weight))
    columns = {str(name): _array(frame[name]) for name in frame.columns}
    target = columns.pop(label) if label else None
    weights = columns.pop(weight) if weight else None
    if target is not None and (task is None or task == Task.CLASSIFICATION):
        target = _classes(target, max_num_classes)
    parts = [columns, *(part for part in (target, weights) if part is not None)]
    dataset = Dataset.from_tensor_slices(tuple(parts) if len(parts) > 1 else parts[0])
    return dataset if batch_size is None else dataset.batch(batch_size)


def _fixed(name: str) -> str:
    return "".join("_" if character in _FORBIDDEN else character for character in name)


def _array(series: Any) -> np.ndarray:
    """A column: numbers or strings; a missing string is empty."""
    if series.dtype.kind in "iufb":
        return series.to_numpy()
    return series.fillna("").astype(str).to_numpy().astype(object)


def _classes(target: np.ndarray, most: int | None) -> np.ndarray:
    classes = np.unique(target)
    if most is not None and len(classes) > most:
        raise ValueError(
            f"The label has {len(classes)} classes, more than max_num_classes={most}. Are they numbers? Pass task=Task.REGRESSION."
        )
    if target.dtype.kind in "OUS":
        return np.searchsorted(classes.astype(str), target.astype(str))
    if target.dtype.kind in "iu" and len(classes) and classes[0] < 0:
        raise ValueError(
            f"A class is negative: {classes[0]}. Classes are whole numbers of at least 0."
        )
    return target.astype(np.int64)


def columns_of(x: Any, y: Any = None, weight: Any = None) -> tuple[Columns, Any, Any]:
    """Returns (columns, label or None, weights or None) of a dataset with all its batches, or of arrays.

    Args:
      x: a dataset of (columns, label[, weights]), columns by names, an array of rows or a data frame.
      y: the label, if `x` is not a dataset.
      weight: weights, if `x` is not a dataset.

    Raises:
      InvalidArgumentError: the dataset is empty, or never ends.
    """
    if not isinstance(x, Dataset):
        label = None if y is None else np.asarray(y).reshape(len(y))
        return named(x), label, None if weight is None else np.asarray(weight)
    if int(x.cardinality()) == -1:
        raise InvalidArgumentError(
            "Trees are fitted to all rows at once, and the dataset never ends: do not repeat it."
        )
    batches = [part if isinstance(part, tuple) else (part,) for part in x.as_numpy_iterator()]
    if not batches:
        raise InvalidArgumentError("The dataset has no rows.")
    tables = [named(batch[0]) for batch in batches]
    columns = {name: np.concatenate([each[name] for each in tables]) for name in tables[0]}
    rest = [
        np.concatenate([np.reshape(batch[i], -1) for batch in batches])
        for i in range(1, len(batches[0]))
    ]
    label, weights = (*rest, None, None)[:2]
    return columns, label, weights


def named(x: Any) -> dict[str, Any]:
    """Returns columns by their names, arrays or tensors: those of several numbers become one for each."""
    if hasattr(x, "columns") and not isinstance(x, Mapping):
        x = {str(name): _array(x[name]) for name in x.columns}
    if not isinstance(x, Mapping):
        x = {f"data:{i}": part for i, part in enumerate(x)} if isinstance(x, (tuple, list)) else {_NAMELESS: x}  # fmt: skip
    columns: dict[str, Any] = {}
    for name, values in x.items():
        values = values if hasattr(values, "shape") else np.asarray(values)
        if len(values.shape) < 2:
            columns[name] = values.reshape(-1) if isinstance(values, np.ndarray) else values
        elif values.shape[1] == 1 and name != _NAMELESS:
            columns[name] = values[:, 0]
        else:
            columns |= {f"{name}.{i}": values[:, i] for i in range(values.shape[1])}
    return columns
