"""Scores of classifiers and regressors: their transformations, those of two classes, labels."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.ops.ml.encoders import constant_of, table
from penstock._src.formats.onnx.reading.registry import Node

_TINY = 1e-7  # SOFTMAX_ZERO leaves smaller scores alone
KINDS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


def transformed(kind: str, scores: Any) -> Any:
    """Returns scores `[rows, classes]` after a `post_transform`; of a single score, only PROBIT takes part, as in ONNX Runtime.

    Raises:
      InvalidArgumentError: it is unknown.
    """
    if kind == "NONE" or (scores.shape[-1] == 1 and kind in KINDS and kind != "PROBIT"):
        return scores
    if kind == "SOFTMAX":
        return raw.Softmax(scores)
    if kind == "LOGISTIC":
        return raw.Sigmoid(scores)
    if kind == "SOFTMAX_ZERO":
        return _softmax_of_others(scores)
    if kind == "PROBIT":
        return raw.Ndtri(scores)
    raise InvalidArgumentError(f"post_transform '{kind}' is unknown.")


def _softmax_of_others(scores: Any) -> Any:
    """Softmax of the scores that are not zero."""
    greatest = t.reduced("Max", scores, [-1], keep_dims=True)
    counts = raw.Greater(raw.Abs(scores), t.like(_TINY, scores))
    shares = raw.Exp(raw.Sub(scores, greatest))
    total = t.reduced("Sum", raw.SelectV2(counts, shares, t.like(0, scores)), [-1], keep_dims=True)
    rest = raw.Mul(scores, raw.Exp(raw.Neg(greatest)))
    return raw.RealDiv(raw.SelectV2(counts, shares, rest), total)


def labels_of(n: Node) -> np.ndarray:
    """Returns the labels of a classifier's classes: integers or texts."""
    for side in ("classlabels_int64s", "classlabels_ints"):
        if n.has(side) and n.attr(side):
            return np.array(n.attr(side), np.int64)
    return table(n, "classlabels")


def classified(labels: np.ndarray, scores: Any, kind: str) -> tuple[Any, Any]:
    """Returns the labels of the greatest scores, and the transformed scores."""
    best = raw.ArgMax(scores, np.int32(-1), output_type=dtypes.int64)
    return t.batched_gather(constant_of(labels), best, 0), transformed(kind, scores)


def classified_in_two(
    labels: np.ndarray, score: Any, kind: str, rest: bool, threshold: float = 0.0
) -> tuple[Any, Any]:
    """Returns labels and scores of both classes from the score `[rows, 1]` of the second.

    Args:
      labels: of the first and the second class.
      score: of the second class.
      kind: the `post_transform`; PROBIT leaves one score.
      rest: the first class has the rest of 1; otherwise the negative score, or LOGISTIC of it.
      threshold: a greater score is the second class's.
    """
    is_second = raw.Greater(score, t.like(threshold, score))
    chosen = t.cast(t.reshape(is_second, [-1]), dtypes.int64)
    label = t.batched_gather(constant_of(labels), chosen, 0)
    if kind == "PROBIT":
        return label, transformed(kind, score)
    first = raw.Sub(t.like(1, score), score) if rest else raw.Neg(score)
    both = t.concat([first, score], 1)
    return label, raw.Sigmoid(both) if kind == "LOGISTIC" and not rest else both
