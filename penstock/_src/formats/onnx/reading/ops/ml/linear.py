"""Linear models."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.ml.encoders import ML
from penstock._src.formats.onnx.reading.ops.ml.scores import (
    classified,
    classified_in_two,
    labels_of,
    transformed,
)
from penstock._src.formats.onnx.reading.registry import Node, reads


def rows_of(x: Any) -> Any:
    """Rows of float32; a vector is one row."""
    x = t.cast(x, dtypes.float32)
    return t.expand_dims(x, [0]) if t.rank(x) == 1 else x


def products(x: Any, coefficients: np.ndarray, intercepts: list[float]) -> Any:
    """x C^T + b, for coefficients with a row for each result."""
    y = raw.MatMul(x, t.like(coefficients, x), transpose_b=True)
    return raw.AddV2(y, t.like(intercepts, x)) if intercepts else y


def _by_result(n: Node, results: int) -> np.ndarray:
    coefficients = np.array(n.attr("coefficients"), np.float32)
    if not results or len(coefficients) % results:
        raise InvalidArgumentError(
            f"{len(coefficients)} coefficients do not fit {results} results."
        )
    return coefficients.reshape(results, -1)


@reads("LinearRegressor", domain=ML)
def _linear_regressor(n: Node, x: Any) -> Any:
    coefficients = _by_result(n, n.attr("targets", 1))
    y = products(rows_of(x), coefficients, n.attr("intercepts", []))
    return transformed(n.attr("post_transform", "NONE"), y)


@reads("LinearClassifier", domain=ML)
def _linear_classifier(n: Node, x: Any) -> Any:
    labels, kind = labels_of(n), n.attr("post_transform", "NONE")
    intercepts = n.attr("intercepts", [])
    results = len(intercepts) or len(labels)
    scores = products(rows_of(x), _by_result(n, results), intercepts)
    if results == 1 and len(labels) == 2:
        return classified_in_two(labels, scores, kind, rest=kind != "LOGISTIC")
    return classified(labels, scores, kind)
