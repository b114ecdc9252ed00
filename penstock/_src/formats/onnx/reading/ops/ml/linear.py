"""Linear models and support vector regression."""

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


def _rows(x: Any) -> Any:
    """Rows of float32; a vector is one row."""
    x = t.cast(x, dtypes.float32)
    return t.expand_dims(x, [0]) if t.rank(x) == 1 else x


def _products(x: Any, coefficients: np.ndarray, intercepts: list[float]) -> Any:
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
    y = _products(_rows(x), coefficients, n.attr("intercepts", []))
    return transformed(n.attr("post_transform", "NONE"), y)


@reads("LinearClassifier", domain=ML)
def _linear_classifier(n: Node, x: Any) -> Any:
    labels, kind = labels_of(n), n.attr("post_transform", "NONE")
    intercepts = n.attr("intercepts", [])
    results = len(intercepts) or len(labels)
    scores = _products(_rows(x), _by_result(n, results), intercepts)
    if results == 1 and len(labels) == 2:
        return classified_in_two(labels, scores, kind, rest=kind != "LOGISTIC")
    return classified(labels, scores, kind)


@reads("SVMRegressor", domain=ML)
def _svm_regressor(n: Node, x: Any) -> Any:
    """Sums of kernels with support vectors; without vectors, a linear function."""
    x, count = _rows(x), n.attr("n_supports", 0)
    coefficients = np.array(n.attr("coefficients"), np.float32)
    if count:
        vectors = np.array(n.attr("support_vectors"), np.float32).reshape(count, -1)
        kernels, coefficients = _kernels(n, x, vectors), coefficients.reshape(1, count)
    else:
        kernels, coefficients = x, coefficients.reshape(1, -1)
    y = _products(kernels, coefficients, n.attr("rho", [0.0])[:1])
    if n.flag("one_class"):
        return raw.SelectV2(raw.Greater(y, t.like(0, y)), t.like(1, y), t.like(-1, y))
    return transformed(n.attr("post_transform", "NONE"), y)


def _kernels(n: Node, x: Any, vectors: np.ndarray) -> Any:
    """The kernel of each row with each support vector."""
    kind, (gamma, offset, degree) = n.attr("kernel_type", "LINEAR"), n.attr("kernel_params", [0.0, 0.0, 0.0])  # fmt: skip
    if kind == "RBF":
        difference = raw.Sub(t.expand_dims(x, [1]), t.like(vectors, x))
        square = t.reduced("Sum", raw.Square(difference), [-1])
        return raw.Exp(raw.Mul(square, t.like(-gamma, x)))
    product = _products(x, vectors, [])
    if kind == "LINEAR":
        return product
    inner = raw.AddV2(raw.Mul(product, t.like(gamma, x)), t.like(offset, x))
    if kind == "POLY":
        return raw.Pow(inner, t.like(degree, x))
    if kind == "SIGMOID":
        return raw.Tanh(inner)
    raise InvalidArgumentError(f"the kernel '{kind}' is unknown.")
