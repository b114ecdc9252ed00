"""Classifies a `contract` node: a product, a convolution, one of its gradients, or another einsum.

    match(node) -> Match    `.left`, `.right`: the nodes whose memory is read; `.sizes`: the run-time extents;
                            `.description`: equal for nodes that one kernel serves (codegen/contraction/emit.py)

Every contraction of two real operands matches. None is returned for complex ones, and if no result axis belongs to one
operand alone and could be vectorized (sums of elementwise products): a loop nest serves those as well.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from penstock._src.compiler.codegen.contraction.description import Description
from penstock._src.compiler.codegen.contraction.images.any_size.description import (
    AnySizeConvolution,
    AnySizeDepthwise,
    AnySizeFilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.convolution import (
    Convolution,
    Depthwise,
    FilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.filter_gradients.plain_choice import (
    OWN_BYTES,
)
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.contraction.packed.description import PackedProduct
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.recognize.contractions.convolutions import (
    as_convolution,
    as_filter_gradient,
)
from penstock._src.compiler.recognize.contractions.packed import packed_product
from penstock._src.compiler.recognize.contractions.problem import (
    Numbering,
    Problem,
    problem_of,
    types_of,
)
from penstock._src.compiler.recognize.contractions.products import as_gemm
from penstock._src.compiler.recognize.contractions.starts import without_starts
from penstock._src.compiler.recognize.contractions.widening import unwidened
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native.language.types import SIZE
from penstock._src.util.flags import flags

# Pixels of an image for which a product over images is divided among threads by its depth.
DEEP = 64
# Elements and columns of a result that is work for all threads undivided.
WIDE, WIDE_OUTPUTS = (
    1 << 16,
    256,
)


_DEPTHWISE = Depthwise, AnySizeDepthwise


def match(node: Node, is_source: Callable[[Node], bool] = lambda node: False) -> Match | None:
    """Recognizes a `contract` node.  Views are followed to nodes for which `is_source` holds, or that are not views."""
    types = types_of(node, node.args)
    if types is None:
        return None
    problem = problem_of(node, node.args, is_source, types)
    if not _has_letter_of_one_operand(problem):
        return None
    if "packed" not in flags.disable and (packed := packed_product(problem)) is not None:
        return _match(node, *packed)
    # Narrow operands first: the wide ones would be stored for nothing.
    narrow = unwidened(problem)
    recognized = _recognized(node, narrow) if narrow is not None else None
    recognized = recognized or _recognized(node, problem)
    if recognized is None or not _has_filter_per_channel(recognized.description):
        return recognized
    # The kernel of depthwise convolutions reads its filter densely: a slice of one is small, and stored first.
    for stored in node.args:
        ends = partial(_is_or_ends, stored, is_source)
        dense = _recognized(node, problem_of(node, node.args, ends, types))
        if dense is not None and isinstance(dense.description, _DEPTHWISE):
            return dense
    return recognized


def _is_or_ends(stored: Node, is_source: Callable[[Node], bool], node: Node) -> bool:
    return node is stored or is_source(node)


def _has_filter_per_channel(description: Description) -> bool:
    """True for a depthwise convolution by the kernel of others."""
    if not isinstance(description, (Convolution, AnySizeConvolution)):
        return False
    c = description
    is_depthwise = c.groups > 1 and c.channels == c.outputs == 1 and c.filter.group != 1
    return is_depthwise and not isinstance(description, _DEPTHWISE)


def match_as_product(match: Match) -> Match | None:
    """A convolution or its gradient as a product with an operand that is read element by element; None if it has no such form.

    The result's columns are those of the given match. Packed weights are not stored as numbers, so they cannot be read this way.
    """
    if isinstance(match.description, PackedProduct):
        return None
    types = types_of(match.node, match.node.args)
    if types is None:
        return None
    problem = problem_of(match.node, match.node.args, lambda _: False, types)
    for candidate in (problem, problem.turned()):
        numbering = Numbering()
        description = None if candidate.zeros[1] else _any_product(candidate, numbering)
        if description is not None:
            product = _match(match.node, candidate, description, numbering)
            # The epilogue was laid out for the columns of the given match.
            if product.columns == match.columns:
                return product
    return None


def _recognized(node: Node, problem: Problem) -> Match | None:
    """The match by the first recognizer that finds one."""
    both = [p for p in (problem, problem.turned()) if not p.zeros[1]]
    for recognizers in (
        # The first group that finds any wins: what comes later would serve it less well.
        [_deep_product],
        [_plain_product],
        [as_convolution, as_filter_gradient],
        [_any_product],
    ):
        candidates: list[tuple] = []
        for recognize in recognizers:
            for candidate in both:
                numbering = Numbering()
                description = recognize(candidate, numbering)
                if description is not None:
                    candidates.append(
                        (_oddness(description), len(candidates), candidate, description, numbering)
                    )
        if candidates:
            # The first candidate wins among equals, so that the choice does not depend on anything but the node.
            return _match(node, *min(candidates, key=lambda entry: entry[:2])[2:])
    return None


def _has_letter_of_one_operand(problem: Problem) -> bool:
    """True if the result has an axis of one operand alone. A contraction without one is a sum of elementwise products."""
    left, right, out = problem.letters
    return any((c in left) != (c in right) for c in out)


def _plain_product(problem: Problem, numbering: Numbering) -> Gemm | None:
    return as_gemm(problem, numbering, general=False)


def _deep_product(problem: Problem, numbering: Numbering) -> FilterGradient | None:
    """A small result summed over many pixels: split along the depth, as filter gradients are (of 1x1 filters)."""
    gradient = as_filter_gradient(problem, numbering)
    if not isinstance(gradient, FilterGradient):
        return None
    if gradient.h.taps * gradient.w.taps != 1 or gradient.x.channel != 1:
        return None
    size = gradient.channels * gradient.outputs
    # There are tiles enough for all threads, without partial sums to add up.
    if size >= WIDE and gradient.outputs >= WIDE_OUTPUTS:
        return None
    small = size * SIZE[gradient.types.total] <= OWN_BYTES
    return gradient if small and gradient.h.out * gradient.w.out >= DEEP else None


def _any_product(problem: Problem, numbering: Numbering) -> Gemm | None:
    return as_gemm(problem, numbering, general=True)


def _oddness(description: Description) -> tuple[bool, bool]:
    """Forward convolutions and filter gradients have one form: windows of images in NHWC, smaller than the image for forward ones; the sizes
    decide between them (either reading is correct)."""
    if isinstance(description, (Gemm, PackedProduct)):
        return False, False
    if isinstance(description, (AnySizeConvolution, AnySizeFilterGradient)):
        return description.x.channel != 1, False
    h, w = description.h, description.w
    return description.x.channel != 1, h.taps * w.taps > h.out * w.out


def _match(node: Node, problem: Problem, description: Description, numbering: Numbering) -> Match:
    sizes = tuple(numbering.values)
    description, starts = without_starts(replace(description, sizes=len(sizes)))
    columns = _columns(node, description, sizes)
    left, right = problem.left.source, problem.right.source
    return Match(
        node=node,
        left=left,
        right=right,
        description=description,
        sizes=sizes,
        columns=columns,
        starts=starts,
    )


def _columns(node: Node, description: Description, sizes: tuple[int, ...]) -> int:
    """The number of the node's last axes that form the columns of a tile; 0 if its width is 1."""
    width = description.width(sizes)
    # First by the expressions: an unknown width need not be more than 1 then.
    for is_enough in (dims.same, lambda covered, width: covered >= width):
        covered, count = 1, 0
        while not is_enough(covered, width) and count < len(node.shape):
            count += 1
            covered = covered * node.shape[-count]
        if is_enough(covered, width):
            break
    return count
