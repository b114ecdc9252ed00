"""The Report: what `explain` returns."""

from __future__ import annotations

from penstock._src.compiler.explain.records import Explanation, KernelRecord
from penstock._src.compiler.explain.text import text_of


class Report(str):
    """The text of a report, and what it was written from.

    >>> report = tf.function(lambda x: tf.nn.relu(x) + 1.0).explain(tf.ones([4]))
    >>> [kernel.computes for kernel in report.kernels]
    ['maximum, add']
    """

    known: Explanation

    def __new__(cls, known: Explanation) -> Report:
        report = super().__new__(cls, text_of(known))
        report.known = known
        return report

    @property
    def kernels(self) -> tuple[KernelRecord, ...]:
        """The kernels of all programs, in the order of their launches."""
        return self.known.kernels
