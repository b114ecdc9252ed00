"""Domains: the points of loops, and the numbers of indices at them."""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from penstock._src.compiler.fusion.column_sums import TASKS
from penstock._src.compiler.kernels.index import Atom, Division, Dynamic, Index, Var, same_extent
from penstock._src.compiler.kernels.kernel import NestKernel
from penstock._src.compiler.kernels.loop_nest import FLAT
from penstock._src.core.errors import InternalError
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import Values, current

MOST = 1 << 16  # points of a domain that is evaluated completely
SAMPLED = 1 << 12  # points that are evaluated of a larger domain

Extents = Callable[[Any], int]  # the current number of an extent


def fail(kernel: Any, what: str) -> NoReturn:
    """Raises the error of a rule that a kernel breaks."""
    raise InternalError(None, None, f"{kernel.label}: {what}.")


class Domain:
    """The points of some variables: all of them, or corners and a sample if there are too many."""

    def __init__(self, variables: Iterable[Var | Dynamic], extent: Extents):
        self.variables = list(dict.fromkeys(variables))
        extents = [extent(v.extent) for v in self.variables]
        # As Python's ints: a product of extents may exceed 64 bits.
        self.size = int(np.prod([max(e, 0) for e in extents], dtype=object))
        self.whole = self.size <= MOST
        self.extent = extent
        numbers = np.arange(self.size) if self.whole else _sample(self.size)
        self.at: dict[Any, np.ndarray] = {}
        for v, e in zip(reversed(self.variables), reversed(extents)):
            # The innermost variable changes fastest, as in generated loops.
            self.at[v] = numbers % max(e, 1)
            numbers = numbers // max(e, 1)

    def keep(self, mask: np.ndarray) -> None:
        """Drops the points at which a mask is false."""
        mask = np.broadcast_to(mask, (self.count,))
        self.at = {v: x[mask] for v, x in self.at.items()}
        if not self.at and not mask.all():
            self.size = 0

    @property
    def count(self) -> int:
        """The number of evaluated points."""
        return len(next(iter(self.at.values()))) if self.at else self.size

    def index(self, index: Index) -> np.ndarray:
        """An index at every point."""
        total: Any = np.full(self.count, self.extent(index.const), np.int64)
        for atom, factor in index.terms:
            total = total + self._atom(atom) * self.extent(factor)
        return total

    def _atom(self, atom: Atom) -> Any:
        if not isinstance(atom, Division):
            return self.at[atom]
        divisor = max(self.extent(atom.divisor), 1)
        index = self.index(atom.index)
        return index // divisor if atom.quotient else index % divisor

    def describe(self, point: int) -> str:
        """The variables' values at a point."""
        return ", ".join(f"{v!r} = {x[point]}" for v, x in self.at.items()) or "no loop"


def _sample(size: int) -> np.ndarray:
    corners = np.array([0, 1, size - 2, size - 1])
    # Multiples of 2**64 / golden ratio: spread evenly, and the same in every run.
    steps = np.arange(SAMPLED, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.unique(np.concatenate([corners, (steps % np.uint64(size)).astype(np.int64)]))


def atoms_of(index: Index) -> list[Var | Dynamic]:
    """The variables and dynamic numbers of an index, including those within quotients."""
    atoms: list[Var | Dynamic] = []
    for atom, _ in index.terms:
        if isinstance(atom, Division):
            atoms += atoms_of(atom.index)
        elif isinstance(atom, Var | Dynamic):
            atoms.append(atom)
    return atoms


def row_major(index: Index, variables: Iterable[Var]) -> Any:
    """The number of elements of an index that is row-major over these variables, for every size; None if it is not known to be.

    A row-major index visits consecutive elements from its constant, each once. Its terms are variables, and the coefficient of each
    is the product of the extents of the variables inside it.
    """
    left = {v: 0 for v in variables}
    for atom, factor in index.terms:
        if not isinstance(atom, Var) or atom not in left:
            return None
        left[atom] = factor
    stride: Any = 1
    while left:
        # Built up from the inside: each coefficient has to be what the variables within take up.
        inner = [v for v, factor in left.items() if same_extent(factor, stride)]
        if not inner:
            return None
        # Variables of extent 1 leave the stride unchanged: they come first.
        inner.sort(key=lambda v: not same_extent(v.extent, 1))
        stride = stride * inner[0].extent
        del left[inner[0]]
    return stride


def extents_of(kernel: NestKernel, tasks: int) -> Extents:
    """Extents of a nest as numbers; `tasks` is that of the kernel whose partial sums the nest adds up, if any."""
    symbols = {} if kernel.length is None else {FLAT: int(kernel.length)}
    if kernel.adds_up is not None:
        symbols[TASKS] = tasks
    return evaluated(symbols) if symbols else int


def evaluated(symbols: dict[str, int]) -> Extents:
    """Extents as numbers, with further symbols that are known only during planning."""

    values = Values({**current().symbols, **symbols})
    return lambda x: values.number(dims.expression(x))
