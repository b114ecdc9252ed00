"""Fitted estimators of scikit-learn: forests, gradient boosting, single trees. Nothing of scikit-learn is imported, and no pickles are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import FailedPreconditionError, UnimplementedError
from penstock._src.trees.ensemble import Ensemble, Feature
from penstock._src.trees.readers.forest import Forest

_FORESTS = {
    f"{kind}{what}"
    for kind in ("RandomForest", "ExtraTrees")
    for what in ("Classifier", "Regressor")
}
_TREES = {
    f"{kind}{what}"
    for kind in ("DecisionTree", "ExtraTree")
    for what in ("Classifier", "Regressor")
}
_BOOSTED = {"GradientBoostingClassifier", "GradientBoostingRegressor"}
_HISTOGRAMS = {"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"}
KNOWN = frozenset(_FORESTS | _TREES | _BOOSTED | _HISTOGRAMS)
# Losses of HistGradientBoostingRegressor whose predictions are the exponentials of sums.
_LOGARITHMIC = frozenset({"poisson", "gamma"})
_BYTE = 256  # categories that a set may have
_MOST_CATEGORY = 1 << 16


def is_estimator(value: Any) -> bool:
    """True if a value is an estimator of scikit-learn, or derived from one."""
    return any(kind.__module__.split(".")[0] == "sklearn" for kind in type(value).__mro__)


def read(estimator: Any) -> Ensemble:
    """Returns the ensemble of a fitted estimator.

    Raises:
      UnimplementedError: it is of a kind that is not implemented.
      FailedPreconditionError: it is not fitted.
    """
    kind = next((k.__name__ for k in type(estimator).__mro__ if k.__name__ in KNOWN), None)
    if kind is None:
        known = ", ".join(sorted(KNOWN))
        raise UnimplementedError(
            f"{type(estimator).__name__} is not an ensemble of trees that is implemented: {known}."
        )
    if not hasattr(estimator, "n_features_in_"):
        raise FailedPreconditionError(f"{kind} is not fitted. Call its `fit` first.")
    if kind in _HISTOGRAMS:
        return _histograms(estimator)
    if kind in _BOOSTED:
        return _boosted(estimator)
    trees = [estimator] if kind in _TREES else estimator.estimators_
    return _averaged(estimator, trees)


def _averaged(estimator: Any, trees: Sequence[Any]) -> Ensemble:
    """A forest, whose prediction is the mean of its trees'."""
    if estimator.n_outputs_ > 1:
        raise UnimplementedError("Trees of several outputs are not implemented.")
    forest, labels = Forest(np.float64, strict=False), _labels(estimator)
    width = 1
    for each in trees:
        values = each.tree_.value[:, 0]
        if labels:  # older versions keep counts
            values = values / values.sum(1, keepdims=True)
        width = values.shape[1]
        _add(forest, each.tree_, values, 0)
    features = _features(estimator)
    tables = forest.tables(len(features), width)
    link = "columns" if labels else "identity"
    return Ensemble(
        "scikit-learn",
        features,
        tables,
        np.zeros(width),
        "float32",
        link,
        len(trees),
        labels=labels,
    )


def _add(forest: Forest, tree: Any, values: np.ndarray, target: int) -> None:
    missing_left = np.asarray(getattr(tree, "missing_go_to_left", np.zeros(tree.node_count, bool)))
    forest.add(
        tree.children_left,
        tree.children_right,
        tree.feature,
        tree.threshold,
        missing_left.astype(bool),
        values,
        target,
    )


def _boosted(estimator: Any) -> Ensemble:
    labels, sums = _labels(estimator), estimator.estimators_.shape[1]
    if estimator.init_ != "zero" and type(estimator.init_).__name__ not in (
        "DummyClassifier",
        "DummyRegressor",
    ):
        raise UnimplementedError(
            f"Gradient boosting that begins with {type(estimator.init_).__name__} is not implemented."
        )
    base = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), np.float32))[0]
    forest = Forest(np.float64, strict=False)
    for stage in estimator.estimators_:
        for target, each in enumerate(stage):
            _add(forest, each.tree_, estimator.learning_rate * each.tree_.value[:, 0], target)
    features = _features(estimator)
    tables = forest.tables(len(features), sums)
    link = _link_of_classes(sums) if labels else "identity"
    slope = 2.0 if labels and estimator.loss == "exponential" else 1.0
    return Ensemble(
        "scikit-learn",
        features,
        tables,
        np.asarray(base, np.float64),
        "float32",
        link,
        slope=slope,
        labels=labels,
    )


def _histograms(estimator: Any) -> Ensemble:
    labels, predictors = _labels(estimator), estimator._predictors
    sums = len(predictors[0]) if predictors else 1
    base = np.broadcast_to(
        np.asarray(estimator._baseline_prediction, np.float64).reshape(-1), (sums,)
    )
    columns, codes = _columns(estimator)
    forest = Forest(np.float64, strict=False)
    for stage in predictors:
        for target, each in enumerate(stage):
            _add_histogram(forest, each, columns, codes, target)
    features = tuple(
        [Feature(each.name, whole=i in codes) for i, each in enumerate(_features(estimator))]
    )
    tables = forest.tables(len(features), sums)
    if labels:
        link = _link_of_classes(sums)
    else:
        link = "exp" if estimator.loss in _LOGARITHMIC else "identity"
    return Ensemble("scikit-learn", features, tables, base.copy(), "float64", link, labels=labels)


def _columns(estimator: Any) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """(the column of each feature that trees test, the category of each code of columns with categories)

    Raises:
      UnimplementedError: a category is not a small number.
    """
    count = estimator.n_features_in_
    is_set = getattr(estimator, "is_categorical_", None)
    if is_set is None or not np.any(is_set):
        return np.arange(count), {}
    if getattr(estimator, "_preprocessor", None) is None:
        raise UnimplementedError(
            "Categories of scikit-learn before version 1.4 are not implemented."
        )
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    sets = np.flatnonzero(is_set)  # which trees see first
    codes = {}
    for column, categories in zip(sets.tolist(), encoder.categories_, strict=True):
        values = np.asarray(categories)
        numbers = values[values == values] if values.dtype.kind in "iuf" else None
        if (
            numbers is None
            or (numbers != np.floor(numbers)).any()
            or (numbers < 0).any()
            or (numbers >= _MOST_CATEGORY).any()
        ):
            raise UnimplementedError(
                f"Categories that are not whole numbers below {_MOST_CATEGORY} are not implemented: column {column}."
            )
        codes[column] = numbers.astype(np.int64)
    return np.concatenate([sets, np.flatnonzero(~np.asarray(is_set))]), codes


def _add_histogram(
    forest: Forest, predictor: Any, columns: np.ndarray, codes: dict[int, np.ndarray], target: int
) -> None:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    left, right = (
        np.where(is_leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right")
    )
    missing_left = nodes["missing_go_to_left"].astype(bool)
    threshold = np.array(nodes["num_threshold"], np.float64)
    feature = columns[np.where(is_leaf, 0, nodes["feature_idx"])]
    sets = np.full(len(nodes), -1)
    for node in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~is_leaf):
        known = codes[int(feature[node])]
        words = np.ascontiguousarray(
            predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]], "<u4"
        )
        goes_left = np.unpackbits(words.view(np.uint8), bitorder="little")[: len(known)].astype(
            bool
        )
        threshold[node] = 0.0
        # A category unseen in fitting is treated as a missing value: right, unless a set contains it.
        if missing_left[node]:
            sets[node] = forest.add_set(known[~goes_left])
            left[node], right[node] = right[node], left[node]
            missing_left[node] = False
        else:
            sets[node] = forest.add_set(known[goes_left])
    forest.add(left, right, feature, threshold, missing_left, nodes["value"][:, None], target, sets)


def _labels(estimator: Any) -> tuple[Any, ...]:
    classes = getattr(estimator, "classes_", None)
    return () if classes is None else tuple(np.asarray(classes).tolist())


def _link_of_classes(sums: int) -> str:
    return "softmax" if sums > 1 else "two classes"


def _features(estimator: Any) -> tuple[Feature, ...]:
    count = estimator.n_features_in_
    names = getattr(estimator, "feature_names_in_", None)
    return tuple([Feature(str(name)) for name in (range(count) if names is None else names)])
