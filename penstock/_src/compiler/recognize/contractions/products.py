"""Contractions as matrix products.

Before: contract("bmk,kn->bmn", transpose(x), w)
After:  Gemm: b times m rows by n columns over k, with the steps of both arrays in memory; the transpose is a step

Letters fall into four classes: batch (both operands and the result), rows (left and result), columns (right and
result), depth (summed).  Neighboring letters with the same strides in every array are merged into one letter; what rows
and columns then remain besides one of each become batch letters that the other operand does not move along.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.contraction.products.gathered import Gathered, GatheredAxis
from penstock._src.compiler.recognize.contractions.problem import Numbering, Problem
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import Extent
from penstock._src.native.language.types import I8

Group = tuple[str, ...]  # letters that are one, outermost first


def as_gemm(
    problem: Problem, numbering: Numbering, general: bool, sums_along_memory: bool = False
) -> Gemm | None:
    """The product that the problem is; `general` allows operands with borders, read element by element.

    `sums_along_memory` allows products of a vector by rows of a matrix, which are a loop nest's work else.
    """
    left, right, out = problem.letters
    summed = [c for c in dict.fromkeys(left + right) if c not in out]
    batch = [c for c in out if c in left and c in right]
    rows = [c for c in out if c in left and c not in right]
    columns = [c for c in out if c not in left]
    if not columns or out[-1] != columns[-1]:
        return None  # turned, or no columns to put into vectors
    # int8 products pair neighbors of the depth, and have a kernel for vectors too.
    is_vector = not rows and problem.types.left != I8
    if is_vector and not sums_along_memory and _walks_along_depth(problem, columns[-1], summed):
        return None
    plain = problem.left.plain, problem.right.plain
    if not all(plain) and (not general or problem.zeros[0]):
        return None
    steps = _Steps(problem)
    row_groups = _groups(steps, rows, ("left", "out") if plain[0] else ("out",))
    column_groups = _groups(steps, columns, ("right", "out") if plain[1] else ("out",))
    # The largest steps outside: the innermost loop of the depth walks along memory.
    depth_order = sorted(
        summed, key=lambda c: _magnitude(steps.left(c) or steps.right(c)), reverse=True
    )
    depth_groups: list[Group] = (
        _groups(steps, depth_order, ("left", "right"))
        if all(plain)
        else [(c,) for c in depth_order]
    )
    if not general and _images(problem, row_groups, depth_groups):
        return None
    batch_groups = (
        _groups(steps, batch, ("left", "right", "out")) if all(plain) else [(c,) for c in batch]
    )
    m, n = (row_groups or [()])[-1], (column_groups or [()])[-1]
    apart = [*batch_groups, *row_groups[:-1], *column_groups[:-1]]
    # In the order of the result's memory.
    apart.sort(key=lambda g: steps.out(g[-1]), reverse=True)
    return _gemm(problem, numbering, steps, m, n, depth_groups, apart)


def _magnitude(step: Extent) -> Extent:
    return step if step >= 0 else -step


def _walks_along_depth(problem: Problem, column: str, summed: list[str]) -> bool:
    right = problem.right
    return right.coefficient(column) != 1 and any(right.coefficient(c) == 1 for c in summed)


def _images(problem: Problem, row_groups: list[Group], depth_groups: list[Group]) -> bool:
    """True if an operand's rows and depth lie as windows of an image do: a convolution is then better than a product."""
    windows = any(
        len(axis.terms) > 1 or any(abs(c) != 1 for c in axis.terms.values())
        for axis in problem.left.axes
    )
    return windows and (len(row_groups) > 1 or len(depth_groups) > 1)


class _Steps:
    """The distance between elements of each array along a letter."""

    def __init__(self, problem: Problem):
        self.problem = problem
        self.extents = problem.extents

    def left(self, letter: str) -> int:
        return self.problem.left.coefficient(letter)

    def right(self, letter: str) -> int:
        return self.problem.right.coefficient(letter)

    def out(self, letter: str) -> int:
        return self.problem.output_strides.get(letter, 0)

    def joined(self, outer: str, inner: str, arrays) -> bool:
        """True if `outer, inner` are one long letter in all of the arrays."""
        for name in arrays:
            step = getattr(self, name)
            # Compared as expressions: unknown extents count as joined only if equal for every size.
            if dims.key(step(outer)) != dims.key(step(inner) * self.extents[inner]):
                return False
        return True


def _groups(steps: _Steps, letters, arrays) -> list[Group]:
    groups: list[list[str]] = []
    for letter in letters:
        if groups and steps.joined(groups[-1][-1], letter, arrays):
            groups[-1].append(letter)
        else:
            groups.append([letter])
    return [tuple(g) for g in groups]


def _extent(problem: Problem, group: Group) -> int:
    return dims.product(problem.extents[c] for c in group)


def _gemm(
    problem, numbering, steps, m: Group, n: Group, depth: list[Group], apart: list[Group]
) -> Gemm:
    def inner(group: Group, step: Callable[[str], int]) -> int:
        return step(group[-1]) if group else 0

    number = numbering

    def operand(view, step, element: str, cross: Group):
        if view.plain:
            return Matrix(
                element,
                number(inner(cross, step)),
                tuple(number(inner(g, step)) for g in depth) or (0,),
                tuple(number(inner(g, step)) for g in apart),
                number(view.base),
            )
        return _gathered(problem, number, view, element, cross, depth, apart)

    extents: Any = tuple(number(_extent(problem, g)) for g in depth) or (1,)
    width = _extent(problem, n)
    return Gemm(
        m=number(_extent(problem, m)),
        n=number(width),
        k=extents,
        left=operand(problem.left, steps.left, problem.types.left, m),
        right=operand(problem.right, steps.right, problem.types.right, n),
        types=problem.types,
        row=number(inner(m, steps.out)),
        batch=tuple(number(_extent(problem, g)) for g in apart),
        batch_out=tuple(number(inner(g, steps.out)) for g in apart),
        zero=problem.zeros[0],
    )


def _gathered(
    problem, number, view, element: str, cross: Group, depth: list[Group], apart: list[Group]
) -> Gathered:
    where: dict[str, tuple[str, int]] = {}
    extents: dict[str, list] = {"cross": [], "depth": [], "batch": []}
    for kind, groups in (("cross", [cross]), ("depth", depth), ("batch", apart)):
        for group in groups:
            for letter in group:
                where[letter] = kind, len(extents[kind])
                extents[kind].append(number(problem.extents[letter]))
    axes = []
    for axis, stride, extent in zip(view.axes, view.strides, view.source.shape, strict=True):
        terms = tuple((*where[c], number(step)) for c, step in axis.terms.items())
        bounds = axis.bounds
        # Between dilated pixels are zeros, so that every element is tested.
        if axis.divisor != 1 and bounds is None:
            bounds = (0, extent)
        axes.append(
            GatheredAxis(
                number(axis.const), terms, number(stride), axis.divisor,
                None if bounds is None else number(bounds[0]), None if bounds is None else number(bounds[1]),
            )
        )  # fmt: skip
    batch = tuple(tuple(number(problem.extents[c]) for c in group) for group in apart)
    return Gathered(element, tuple(axes), batch, tuple(extents["cross"]), tuple(extents["depth"]))


__all__ = ["as_gemm"]
