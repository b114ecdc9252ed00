"""Einsum: sums of products by named axes."""

import functools
import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape, unknown_shape
from penstock._src.core.typesets import ANY
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_repeated
from penstock._src.ops.math.matmul import multiply
from penstock._src.ops.rules import (
    conj,
    in_float32,
    quiet,
    reshape,
    shape_of,
    show,
    unbroadcast,
)
from penstock._src.ops.sums import add_up

FEW = 1 << 12  # products that are added up sooner than NumPy finds how to use BLAS
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Letters for the broadcast axes of "...", which no user's equation contains.
BATCH = "αβγδεζηθικλμνξοπ"
ELLIPSIS = "…"  # all of them, where ranks are unknown


@functools.lru_cache(1024)
def labels_of(equation: str, ranks: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Returns the axis letters of each operand and of the result, with BATCH in place of "...".

    Raises:
      RefusedValue: the equation does not match the number of operands or their ranks.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:
        raise RefusedValue(f"Expecting exactly one '->' in einsum equation: {equation}")
    if len(terms) != len(ranks):
        raise RefusedValue(f"Expected {len(terms)} inputs but got: {len(ranks)}")
    widest = 0
    for i, (term, rank) in enumerate(zip(terms, ranks)):
        named = len(term.replace("...", ""))
        if "..." in term and rank < named:
            raise RefusedValue(f"Expected input {i} to have rank at least {named} but got: {rank}")
        if "..." not in term and rank != named:
            raise RefusedValue(f"Expected input {i} to have rank {named} but got: {rank}")
        widest = max(widest, rank - named)
    if widest and "..." not in right:
        raise RefusedValue(
            f"Output contains {widest} broadcasting dimension(s) but no ellipsis (...) was found in the "
            "output subscripts."
        )
    batch = BATCH[:widest]
    full = [
        term.replace("...", batch[widest - (rank - len(term.replace("...", ""))) :])
        for term, rank in zip(terms, ranks)
    ]
    result = right.replace("...", batch)
    unknown = set(result) - set("".join(full))
    if unknown:
        raise RefusedValue(f"Labels of the output are missing in the inputs: {sorted(unknown)}")
    return tuple(full), result


def _alone_summed(terms, operands, result):
    """Returns terms and operands without the axes that only one operand has, which are summed."""
    counts = Counter("".join(terms) + result)
    axes_alone = [[i for i, label in enumerate(term) if counts[label] == 1] for term in terms]
    terms = ["".join(label for label in term if counts[label] > 1) for term in terms]
    return terms, [add_up(x, axes) if axes else x for x, axes in zip(operands, axes_alone)]


def in_ascii(equation: str) -> str:
    """Returns the equation with ASCII letters for batch axes, as NumPy requires."""
    free = [c for c in LETTERS if c not in equation]
    return "".join(free[BATCH.index(c)] if c in BATCH else c for c in equation)


class _Groups(NamedTuple):
    """Axes of two operands by what becomes of them in a product of matrices, and those of the product in a result's order."""

    batch: tuple[int, int]  # the number of batch axes, that of summed axes
    left: list[int]  # batch axes, rows, summed axes
    right: list[int]  # batch axes, summed axes, columns
    result: list[int]


@functools.lru_cache(1024)
def _groups(left: str, right: str, result: str) -> _Groups | None:
    """Returns the groups of axes; None if nothing is summed, or a letter stands twice in an operand."""
    inner = [label for label in left if label in right and label not in result]
    if not inner or len(set(left)) < len(left) or len(set(right)) < len(right):
        return None
    batch = [label for label in result if label in left and label in right]
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    made = [*batch, *rows, *columns]
    return _Groups(
        (len(batch), len(inner)),
        [left.index(label) for label in (*batch, *rows, *inner)],
        [right.index(label) for label in (*batch, *inner, *columns)],
        [made.index(label) for label in result],
    )


def _product(terms, operands, result):
    """The result as a product of matrices of floats; None if the einsum is not one."""
    if len(operands) != 2 or operands[0].dtype.kind not in "fc":
        return None
    groups = _groups(*terms, result)
    if groups is None:
        return None
    x, y = operands[0].transpose(groups.left), operands[1].transpose(groups.right)
    batch, inner = groups.batch
    before = x.ndim - inner
    if x.shape[:batch] != y.shape[:batch] or x.shape[before:] != y.shape[batch : batch + inner]:
        return None  # axes of "..." that broadcast
    extents, rows, columns = x.shape[:batch], x.shape[batch:before], y.shape[batch + inner :]
    summed = math.prod(x.shape[before:])
    a = x.reshape((*extents, math.prod(rows), summed))
    b = y.reshape((*extents, summed, math.prod(columns)))
    if batch:
        # BLAS takes longer for many small transposed matrices than it takes to copy them.
        a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return multiply(a, b).reshape((*extents, *rows, *columns)).transpose(groups.result)


class Einsum(Op):
    """The sum of products of one or two tensors by named axes: "bij,bjk->bik"."""

    signature = "inputs: N * T -> output: T"
    minimum = {"N": 1}
    T = ANY
    equation: str

    def shape(self, inputs):
        if any(x.rank is None for x in inputs):
            _, arrow, result = self.equation.replace(" ", "").partition("->")
            tells = arrow and "..." not in result
            return unknown_shape(len(result)) if tells else UNKNOWN
        terms, result = labels_of(self.equation, tuple(x.rank for x in inputs))
        sizes: dict[str, int | None] = {}
        for term, x in zip(terms, inputs):
            for label, size in zip(term, x.as_list()):
                known = sizes.get(label, size)
                sizes[label] = self.merged(label, known, size)
        return TensorShape([sizes[label] for label in result])

    def merged(self, label, first, second):
        """Returns the common size of two dimensions with one label; batch dimensions ("...") broadcast."""
        if label in BATCH and 1 in (first, second):
            return second if first == 1 else first
        if None not in (first, second) and first != second:
            raise ValueError(
                f"Einsum '{self.equation}': dimension '{label}' is {first} and {second}."
            )
        return second if first is None else first

    def gradient(self, inputs, _output, dy):
        named = self.equation.replace(" ", "").partition("->")[0].split(",")
        # Without "..." the equation determines an unknown rank.
        ranks = [
            len(term) if x.shape.rank is None and "..." not in term else x.shape.rank
            for term, x in zip(named, inputs)
        ]
        if None in ranks:
            left, _, right = self.equation.replace(" ", "").partition("->")
            terms = tuple(left.replace("...", ELLIPSIS).split(","))
            result, part = right.replace("...", ELLIPSIS), part_of_unknown_rank
        else:
            (terms, result), part = labels_of(self.equation, tuple(ranks)), self.part
        if len(inputs) == 1:
            return [part(inputs[0], terms[0], [(result, dy)])]
        (a, b), (left, right) = inputs, terms
        return [
            part(a, left, [(result, dy), (right, conj(b))]),
            part(b, right, [(left, conj(a)), (result, dy)]),
        ]

    @staticmethod
    def part(x, term, factors):
        """Returns the gradient of the operand `x` with axes `term`, given the other factors."""
        present = set("".join(labels for labels, _ in factors))
        own = "".join(dict.fromkeys(term))
        present_labels = "".join(label for label in own if label in present)
        left = ",".join(labels for labels, _ in factors)
        partial = raw.Einsum(
            [factor for _, factor in factors], equation=f"{left}->{present_labels}"
        )
        if present_labels != own:
            # Axes that only this operand has were summed: broadcast the gradient along them.
            shape, wide = shape_of(x), raw.Shape(partial)
            places = [term.index(label) for label in own]
            sizes = raw.GatherV2(shape, np.array(places, np.int32), np.int32(0))
            ones = np.array([1], np.int32)
            kept = [
                raw.Slice(wide, np.array([present_labels.index(label)], np.int32), ones)
                if label in present
                else ones
                for label in own
            ]
            narrow = raw.ConcatV2(kept, np.int32(0)) if len(kept) > 1 else kept[0]
            partial = raw.BroadcastTo(reshape(partial, narrow), sizes)
        if own != term:
            partial = raw.Einsum([partial], equation=f"{own}->{term}")
        return unbroadcast(partial, x)

    @quiet
    def eager(self, inputs):
        try:
            terms, result = labels_of(self.equation, tuple(x.ndim for x in inputs))
        except RefusedValue as error:
            raise self.invalid(str(error)) from None
        sizes = self.check(inputs, terms)
        terms, operands = _alone_summed(terms, [in_float32(x) for x in inputs], result)
        unique = "".join(dict.fromkeys(result))
        try:
            out = _product(terms, operands, unique)
            if out is None:
                spec = in_ascii(f"{','.join(terms)}->{unique}")
                out = np.einsum(spec, *operands, optimize=math.prod(sizes.values()) > FEW)
        except ValueError as error:
            raise self.invalid(f"{error} Equation: {self.equation}") from None
        out = on_diagonals(out, unique, result) if unique != result else out
        return np.asarray(out, order="C").astype(self.T.np, copy=False)

    def check(self, inputs, terms):
        """Returns the size of each label; raises InvalidArgumentError if one has two."""
        sizes: dict[str, int] = {}
        for term, x in zip(terms, inputs):
            for axis, (label, size) in enumerate(zip(term, x.shape)):
                known = sizes.setdefault(label, size)
                if known == 1 and label in BATCH:
                    sizes[label] = size
                elif known != size and not (size == 1 and label in BATCH):
                    raise self.invalid(
                        f"Expected dimension {known} at axis {axis} of the input shaped "
                        f"{show(x.shape)} but got dimension {size}"
                    )
        return sizes

    def lower(self, p, inputs):
        terms, result = labels_of(self.equation, tuple(len(x.shape) for x in inputs))
        if len(set(result)) != len(result) or any(len(set(t)) != len(t) for t in terms):
            raise NotLowerable("a label that stands twice in one operand")
        if len(inputs) > 2:
            raise NotLowerable("more than two operands")
        sizes = self.sizes_of(inputs, terms)
        parts = [
            narrowed(p, x, term, "".join(terms[:i] + terms[i + 1 :]) + result, sizes)
            for i, (x, term) in enumerate(zip(inputs, terms))
        ]
        if len(parts) == 1:
            x, term = parts[0]
            return p.transpose(x, [term.index(label) for label in result])
        (a, left), (b, right) = parts
        return p.contract(in_ascii(f"{left},{right}->{result}"), a, b)

    @staticmethod
    def sizes_of(inputs, terms):
        """Returns {label: size}; raises NotLowerable if a label has two sizes."""
        sizes: dict[str, int] = {}
        for term, x in zip(terms, inputs):
            for label, size in zip(term, x.shape):
                known = sizes.setdefault(label, size)
                if size == known:  # before unknown extents are compared to 1
                    continue
                if known == 1 and label in BATCH:
                    sizes[label] = size
                elif not (size == 1 and label in BATCH):
                    raise NotLowerable("sizes that differ under one label")
        return sizes


def part_of_unknown_rank(x, term, factors):
    """Returns the same as `Einsum.part`; ELLIPSIS stands for batch axes, whose number is unknown."""
    labels = "".join(label for label in dict.fromkeys(term) if label != ELLIPSIS)
    given = set("".join(names for names, _ in factors))
    present = "".join(label for label in ELLIPSIS + labels if label in given)
    partial = _einsum(factors, present)
    # Batch axes stand first, where `unbroadcast` sums those that `x` lacks or repeats.
    own = ELLIPSIS + labels if ELLIPSIS in term else labels
    ones = _einsum([(term, raw.OnesLike(x))], own)
    if not given.issuperset(own):
        # Axes that only this operand has were summed: broadcast the gradient along them.
        wide = ELLIPSIS + labels if ELLIPSIS in present else own
        partial = _einsum([(present, partial), (own, ones)], wide)
    partial = unbroadcast(partial, ones)
    return partial if own == term else _einsum([(own, partial)], term)


def _einsum(factors, result):
    left = ",".join(labels for labels, _ in factors)
    equation = f"{left}->{result}".replace(ELLIPSIS, "...")
    return raw.Einsum([factor for _, factor in factors], equation=equation)


def narrowed(p, x, term, others, sizes):
    """Sums out the axes that only this operand has or broadcasts; returns it and its labels."""
    gone = [i for i, label in enumerate(term) if label not in others]
    x = p.reduce_sum(x, gone) if gone else x
    term = "".join(label for i, label in enumerate(term) if i not in gone)
    repeated = [i for i, label in enumerate(term) if is_repeated(x.shape[i], sizes[label])]
    x = p.squeeze(x, repeated) if repeated else x
    return x, "".join(label for i, label in enumerate(term) if i not in repeated)


def on_diagonals(x, unique, result):
    """Returns the array with zeros except where axes of the same label have the same index."""
    sizes = dict(zip(unique, x.shape))
    out = np.zeros([sizes[label] for label in result], x.dtype)
    view = np.einsum(in_ascii(f"{result}->{unique}"), out)
    view.flags.writeable = True
    view[...] = x
    return out
