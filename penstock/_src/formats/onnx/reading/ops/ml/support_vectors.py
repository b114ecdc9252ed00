"""Support vector machines: sums of kernels with support vectors; probabilities of several classes are coupled from those of pairs."""

import itertools
from typing import Any

import numpy as np

from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.ml.encoders import ML, constant_of
from penstock._src.formats.onnx.reading.ops.ml.linear import products, rows_of
from penstock._src.formats.onnx.reading.ops.ml.scores import (
    classified,
    classified_in_two,
    labels_of,
    transformed,
)
from penstock._src.formats.onnx.reading.registry import Node, reads

_LEAST = 1e-7  # of a probability of one of two classes
_STEPS = 100  # most steps of coupling


@reads("SVMRegressor", domain=ML)
def _svm_regressor(n: Node, x: Any) -> Any:
    """Sums of kernels with support vectors; without vectors, a linear function."""
    x, count = rows_of(x), n.attr("n_supports", 0)
    coefficients = np.array(n.attr("coefficients"), np.float32)
    if count:
        vectors = np.array(n.attr("support_vectors"), np.float32).reshape(count, -1)
        kernels, coefficients = kernels_with(n, x, vectors), coefficients.reshape(1, count)
    else:
        kernels, coefficients = x, coefficients.reshape(1, -1)
    y = products(kernels, coefficients, n.attr("rho", [0.0])[:1])
    if n.flag("one_class"):
        return raw.SelectV2(raw.Greater(y, t.like(0, y)), t.like(1, y), t.like(-1, y))
    return transformed(n.attr("post_transform", "NONE"), y)


def kernels_with(n: Node, x: Any, vectors: np.ndarray) -> Any:
    """The kernel of each row with each support vector."""
    kind, (gamma, offset, degree) = n.attr("kernel_type", "LINEAR"), n.attr("kernel_params", [0.0, 0.0, 0.0])  # fmt: skip
    if kind == "RBF":
        difference = raw.Sub(t.expand_dims(x, [1]), t.like(vectors, x))
        square = t.reduced("Sum", raw.Square(difference), [-1])
        return raw.Exp(raw.Mul(square, t.like(-gamma, x)))
    product = products(x, vectors, [])
    if kind == "LINEAR":
        return product
    inner = raw.AddV2(raw.Mul(product, t.like(gamma, x)), t.like(offset, x))
    if kind == "POLY":
        return raw.Pow(inner, t.like(degree, x))
    if kind == "SIGMOID":
        return raw.Tanh(inner)
    raise InvalidArgumentError(f"the kernel '{kind}' is unknown.")


@reads("SVMClassifier", domain=ML)
def _svm_classifier(n: Node, x: Any) -> Any:
    """Votes of each pair of classes give the label; without support vectors, each class has a linear score."""
    x, labels, kind = rows_of(x), labels_of(n), n.attr("post_transform", "NONE")
    counts = n.attr("vectors_per_class", [])
    coefficients = np.array(n.attr("coefficients"), np.float32)
    if not counts:
        if len(labels) == 2:  # ONNX Runtime's label is not that of the greater score
            raise UnimplementedError("a classifier of two classes without support vectors")
        linear = products(x, coefficients.reshape(len(labels), -1), n.attr("rho", [0.0])[:1])
        return classified(labels, linear, kind)
    _require_sizes(n, labels, counts)
    vectors = np.array(n.attr("support_vectors"), np.float32).reshape(sum(counts), -1)
    decisions = products(
        kernels_with(n, x, vectors), _of_pairs(coefficients, counts), n.attr("rho")
    )
    if n.attr("prob_a", []):
        sides = raw.AddV2(
            raw.Mul(decisions, t.like(n.attr("prob_a"), x)), t.like(n.attr("prob_b"), x)
        )
        scores = _coupled(raw.Sigmoid(raw.Neg(sides)), len(counts))
    elif len(counts) == 2:
        # ONNX Runtime takes the decision for the first class as the second's score.
        is_softmax = kind.startswith("SOFTMAX")
        _, scores = classified_in_two(labels, decisions, kind, rest=is_softmax)
        return _of_votes(labels, decisions), scores
    else:
        scores = decisions
    return _of_votes(labels, decisions), transformed(kind, scores)


def _require_sizes(n: Node, labels: np.ndarray, counts: list[int]) -> None:
    """Raises InvalidArgumentError if attributes do not fit the numbers of vectors of the classes."""
    classes, total, pairs = len(counts), sum(counts), len(_pairs(len(counts)))
    sizes = {"coefficients": (classes - 1) * total, "rho": pairs}
    if n.attr("prob_a", []):
        sizes |= {"prob_a": pairs, "prob_b": pairs}
    fits = len(labels) == classes and min(counts) >= 0 < total
    if not fits or len(n.attr("support_vectors")) % total:
        raise InvalidArgumentError(
            f"{len(n.attr('support_vectors'))} numbers of support vectors and {len(labels)} labels do not fit "
            f"vectors_per_class {counts}."
        )
    for name, size in sizes.items():
        if len(n.attr(name)) != size:
            raise InvalidArgumentError(
                f"expected {size} numbers in '{name}' for vectors_per_class {counts}. Received {len(n.attr(name))}."
            )


def _pairs(classes: int) -> list[tuple[int, int]]:
    return list(itertools.combinations(range(classes), 2))


def _of_pairs(coefficients: np.ndarray, counts: list[int]) -> np.ndarray:
    """The coefficients of all support vectors `[pairs, vectors]`, from those of each against the other classes `[classes - 1, vectors]`."""
    ends = np.cumsum(counts)
    by_class = coefficients.reshape(len(counts) - 1, ends[-1])
    rows = np.zeros((len(_pairs(len(counts))), ends[-1]), np.float32)
    for row, (first, second) in zip(rows, _pairs(len(counts)), strict=True):
        for own, other in ((first, second - 1), (second, first)):
            vectors = slice(ends[own] - counts[own], ends[own])
            row[vectors] = by_class[other, vectors]
    return rows


def _of_votes(labels: np.ndarray, decisions: Any) -> Any:
    """The labels of the classes that win most pairs."""
    wins = np.zeros((2, len(_pairs(len(labels))), len(labels)), np.float32)
    for number, pair in enumerate(_pairs(len(labels))):
        wins[[0, 1], number, pair] = 1
    is_first = t.cast(raw.Greater(decisions, t.like(0, decisions)), dtypes.float32)
    votes = raw.AddV2(
        raw.MatMul(is_first, wins[0]), raw.MatMul(raw.Sub(np.float32(1), is_first), wins[1])
    )
    best = raw.ArgMax(votes, np.int32(-1), output_type=dtypes.int64)
    return t.batched_gather(constant_of(labels), best, 0)


def _coupled(firsts: Any, classes: int) -> Any:
    """The probabilities of classes `[rows, classes]`, given that of the first class of each pair `[rows, pairs]`.

    Source: T.-F. Wu, C.-J. Lin, R. C. Weng, "Probability Estimates for Multi-class Classification by Pairwise Coupling" (2004), the second method.
    """
    firsts = raw.ClipByValue(firsts, t.like(_LEAST, firsts), t.like(1 - _LEAST, firsts))
    # The number of each pair where its first class has the row, 0 elsewhere.
    numbers = np.zeros((classes, classes), np.int32)
    for number, pair in enumerate(_pairs(classes), 1):
        numbers[pair] = number
    none = raw.ZerosLike(firsts[:, :1])
    of_first = t.batched_gather(t.concat([none, firsts], 1), constant_of(numbers.ravel()), 1)
    of_second = t.batched_gather(
        t.concat([none, raw.Sub(t.like(1, firsts), firsts)], 1), constant_of(numbers.T.ravel()), 1
    )
    table = t.reshape(raw.AddV2(of_first, of_second), [-1, classes, classes])
    other = raw.Transpose(table, np.array([0, 2, 1], np.int32))
    diagonal = t.reduced("Sum", raw.Square(other), [-1])
    weights = raw.Sub(raw.MatrixDiag(diagonal), raw.Mul(table, other))
    start = raw.AddV2(raw.ZerosLike(diagonal), t.like(1 / classes, firsts))

    def gradient(p: Any) -> tuple[Any, Any, Any]:
        slope = t.reduced("Sum", raw.Mul(weights, t.expand_dims(p, [1])), [-1])
        total = t.reduced("Sum", raw.Mul(p, slope), [-1], keep_dims=True)
        error = t.reduced("Max", raw.Abs(raw.Sub(slope, total)), [-1], keep_dims=True)
        return slope, total, raw.GreaterEqual(error, t.like(0.005 / classes, p))

    def step(number: Any, p: Any) -> tuple[Any, Any]:
        before = p
        slope, total, goes_on = gradient(p)
        for c in range(classes):
            own, weight = slope[:, c : c + 1], diagonal[:, c : c + 1]
            change = (total - own) / weight
            scale = 1 + change
            total = (total + change * (change * weight + 2 * own)) / scale / scale
            slope = (slope + change * weights[:, c]) / scale
            p = (p + change * np.eye(classes, dtype=np.float32)[c]) / scale
        return number + 1, raw.SelectV2(goes_on, p, before)

    def goes_on(number: Any, p: Any) -> Any:
        some = raw.Any(gradient(p)[2], np.array([0, 1], np.int32))
        return raw.LogicalAnd(raw.Less(number, np.int32(max(_STEPS, classes))), some)

    return while_loop(goes_on, step, [constant_of(np.zeros((), np.int32)), start])[1]
