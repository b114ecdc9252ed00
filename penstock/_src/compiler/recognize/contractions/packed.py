"""Products with packed weights: weights that are unpacked only for a product are read in packed form by its kernel.

Before: contract("mk,nk->mn", x, unpack(w))                     also of a vector x, of round_groups(x), and of both rounded to bfloat16
After:  PackedProduct, whose kernel reads x and w
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from penstock._src.compiler.codegen.contraction.extents import is_static
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.contraction.packed.description import PackedProduct
from penstock._src.compiler.codegen.contraction.products.description import (
    Gemm,
    Matrix,
    PackedMatrix,
)
from penstock._src.compiler.recognize.contractions.problem import Numbering, Problem
from penstock._src.compiler.recognize.contractions.products import as_gemm
from penstock._src.compiler.recognize.contractions.widening import narrow
from penstock._src.core import dtypes
from penstock._src.ir.meaning.packed import GROUP
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import MOVEMENT
from penstock._src.native.language.types import BF16


def packed_product(problem: Problem) -> tuple[Problem, PackedProduct, Numbering] | None:
    """(the problem over x and the bytes of w, its description, run-time extents), if the problem is one."""
    for candidate in (problem, problem.turned()):
        weights, numbering = candidate.right.source, Numbering()
        x, rounded = (narrow(n, dtypes.bfloat16)[0] for n in (candidate.left.source, weights))
        if x is not None and rounded is not None and rounded.kind == "cast":
            weights = rounded.args[0]
            types = replace(candidate.types, left=BF16, right=BF16)
            candidate = replace(candidate, types=types)
        else:
            x = candidate.left.source
        if weights.kind != "unpack" or not candidate.left.plain:
            continue
        gemm = as_gemm(candidate, numbering, general=False, sums_along_memory=True)
        if gemm is None or not _reads_rows(gemm, weights):
            continue
        product = _described(gemm, weights.attrs["format"])
        # With few rows the kernel rounds groups itself, as often as it reads them.
        if x.kind == "round_groups" and _keeps_groups(gemm, x):
            if product.few_rows:
                product, x = replace(product, group=x.attrs["size"]), x.args[0]
            else:
                product = replace(product, rounded=x.attrs["size"])
        read = replace(
            candidate,
            left=replace(candidate.left, source=x),
            right=replace(candidate.right, source=weights.args[0]),
        )
        return read, product, numbering
    return None


def read_as_they_are(
    matches: Iterable[Match], users: Mapping[int, list[Node]], wanted: Callable[[Node], bool]
) -> set[int]:
    """Ids of the nodes that only products with packed weights need, which read the packed arrays instead; `wanted` are ids of other needed nodes."""
    takers: dict[int, Node] = {}  # contract nodes of such products
    sources: list[Node] = []
    for match in matches:
        if isinstance(match.description, PackedProduct):
            takers[match.node.id] = match.node
            kinds = {"unpack", "round_groups"} if match.description.group else {"unpack"}
            sources += [n for n in map(_source, match.node.args) if n.kind in kinds]
    narrow_ids: set[int] = set()

    def is_only_read(node: Node) -> bool:
        if wanted(node):
            return False
        passes_on = MOVEMENT | {"cast"}  # a cast of packed weights is a step of rounding them
        return all(
            u.id in takers or (u.kind in passes_on and is_only_read(u)) for u in users[node.id]
        )

    for source in sources:
        if source.id not in narrow_ids and is_only_read(source):
            narrow_ids.add(source.id)
    return narrow_ids


def _source(node: Node) -> Node:
    while node.kind in MOVEMENT or node.kind == "cast":
        node = node.args[0]
    return node


def _reads_rows(gemm: Gemm, weights: Node) -> bool:
    """True if the depth is all of each row, in order, for every batch."""
    right, row = gemm.right, weights.shape[-1]
    if not isinstance(gemm.left, Matrix) or not isinstance(right, Matrix):
        return False
    # A part of a row would begin within a packed group, which has one scale.
    whole = gemm.k == (row,) and right.depth == (1,) and right.cross in (row, 0)
    from_start = right.base == 0 and all(is_static(b) and b == 0 for b in right.batch)
    return whole and from_start and is_static(gemm.n) and gemm.n * row == weights.size


def _keeps_groups(gemm: Gemm, x: Node) -> bool:
    """True if the product reads whole rows of x: the groups that are rounded together are groups of the depth."""
    left = gemm.left
    assert isinstance(left, Matrix)
    steps = (left.cross, left.base, *left.batch)
    size = x.attrs["size"]
    if size != GROUP:
        return False
    # Otherwise a group along the depth would mix numbers that were rounded with different scales.
    return left.depth == (1,) and all(is_static(s) and s % size == 0 for s in steps)


def _described(gemm: Gemm, name: str) -> PackedProduct:
    left, right = gemm.left, gemm.right
    assert isinstance(left, Matrix) and isinstance(right, Matrix) and is_static(gemm.n)
    (k,) = gemm.k
    assert is_static(k)
    packed = PackedMatrix(right.element, k, right.depth, right.batch, 0, format=name)
    return PackedProduct(
        m=gemm.m,
        n=gemm.n,
        k=k,
        left=left,
        right=packed,
        types=gemm.types,
        row=gemm.row,
        batch=gemm.batch,
        batch_out=gemm.batch_out,
    )
