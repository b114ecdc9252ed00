"""ROUGE-L: how much of two sequences is a subsequence of both."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY, INDEX

_SMALL = 1e-12


def longest_common(a: list, b: list) -> int:
    """The length of the longest common subsequence.

    Bit i of `row` is 0 where the length of that of a[: i + 1] is one more than that of a[:i]; an item of b changes all bits by an addition
    (Crochemore, Iliopoulos, Pinzon and Reid, 2001).
    """
    places: dict = {}
    for i, x in enumerate(a):
        places[x] = places.get(x, 0) | 1 << i
    every = (1 << len(a)) - 1
    row = every
    for y in b:
        if same := row & places.get(y, 0):
            row = (row + same | row - same) & every
    return len(a) - row.bit_count()


class RougeL(Op):
    """The F measure, precision and recall of hypotheses, by longest common subsequences with references.

    Reference: Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004.
    """

    signature = """hyp_values: Tvalues, hyp_splits: Tsplits, ref_values: Tvalues, ref_splits: Tsplits, alpha: float32
        -> f_measure: float32, p_measure: float32, r_measure: float32"""
    Tvalues = ANY
    Tsplits: INDEX = dtypes.int64
    differentiable = False

    def shape(self, hyp_values, hyp_splits, ref_values, ref_splits, alpha):
        rows = hyp_splits.with_rank(1)[0]
        shape = [None if rows is None else rows - 1]
        return shape, shape, shape

    def eager(self, hyp_values, hyp_splits, ref_values, ref_splits, alpha):
        if alpha.ndim:
            raise self.invalid("alpha must be a scalar")
        if len(hyp_splits) != len(ref_splits):
            raise self.invalid("ref splits should match hyp splits")
        alpha = float(alpha)
        if alpha > 1:
            raise self.invalid("alpha must be <1 and >=0")
        hypotheses, references = hyp_values.tolist(), ref_values.tolist()
        of_a, of_b = hyp_splits.tolist(), ref_splits.tolist()
        rows = range(len(of_a) - 1)
        common = np.array(
            [
                longest_common(
                    hypotheses[of_a[row] : of_a[row + 1]], references[of_b[row] : of_b[row + 1]]
                )
                for row in rows
            ],
            np.float64,
        )
        # Without a common item, all scores are 0.
        some = np.flatnonzero(common)
        scores = np.zeros((3, len(rows)), np.float32)
        precision = common[some] / np.diff(hyp_splits)[some]
        recall = common[some] / np.diff(ref_splits)[some]
        scores[:, some] = _f_measure(precision, recall, alpha), precision, recall
        return tuple(scores)


def _f_measure(precision: np.ndarray, recall: np.ndarray, alpha: float) -> np.ndarray:
    if alpha < 0:  # as tensor2tensor computes it
        beta = precision / (recall + _SMALL)
        return (1 + beta**2) * recall * precision / (recall + beta**2 * precision + _SMALL)
    return precision * recall / ((1 - alpha) * precision + alpha * recall)
