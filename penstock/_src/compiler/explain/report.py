"""The Report that `explain` returns."""

import os
from pathlib import Path

from penstock._src.compiler.explain.page.build import frame, page
from penstock._src.compiler.explain.records import Explanation, KernelRecord
from penstock._src.compiler.explain.text import text_of


class Report(str):
    """The text of a report, with its records.

    >>> report = tf.function(lambda x: tf.nn.relu(x) + 1.0).explain(tf.ones([4]))
    >>> [kernel.computes for kernel in report.kernels]
    ['maximum, add']
    """

    known: Explanation

    def __new__(cls, known: Explanation) -> "Report":
        report = super().__new__(cls, text_of(known))
        report.known = known
        return report

    def __repr__(self) -> str:
        return str(self)  # printed line by line in shells and in notebooks without pages

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a page that shows source, operations, primitives, kernels and launches, linked both ways.

        It is one file that needs nothing from outside.
        """
        Path(path).write_text(page(self.known), encoding="utf-8")

    def _repr_html_(self) -> str:
        """The page, for notebooks."""
        return frame(self.known)

    @property
    def kernels(self) -> tuple[KernelRecord, ...]:
        """The kernels of all programs, in the order of their launches."""
        return self.known.kernels
