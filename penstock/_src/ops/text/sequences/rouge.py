"""ROUGE-L: how much of two sequences is a subsequence of both."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY, INDEX

_SMALL = 1e-12


def longest_common(a: list, b: list) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for k, y in enumerate(b, 1):
            above = row[k]
            row[k] = diagonal + 1 if x == y else max(above, row[k - 1])
            diagonal = above
    return row[-1]


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
        scores = np.zeros((3, len(hyp_splits) - 1), np.float32)
        for row in range(len(hyp_splits) - 1):
            a = hypotheses[hyp_splits[row] : hyp_splits[row + 1]]
            b = references[ref_splits[row] : ref_splits[row + 1]]
            common = longest_common(a, b)
            if not common:
                continue
            precision, recall = common / len(a), common / len(b)
            scores[:, row] = _f_measure(precision, recall, alpha), precision, recall
        return tuple(scores)


def _f_measure(precision: float, recall: float, alpha: float) -> float:
    if alpha < 0:  # as tensor2tensor computes it
        beta = precision / (recall + _SMALL)
        return (1 + beta**2) * recall * precision / (recall + beta**2 * precision + _SMALL)
    return precision * recall / ((1 - alpha) * precision + alpha * recall)
