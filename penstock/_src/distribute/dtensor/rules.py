"""Derives the layouts of results from the layouts of inputs.

Every tensor holds its whole value, so a rule only determines what `fetch_layout` returns; without a rule, the
result is replicated. A mesh dimension shards at most one axis.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.distribute.dtensor.layout import UNSHARDED, Layout
from penstock._src.distribute.dtensor.mesh import Mesh

Specs = list[str]
REDUCTIONS = frozenset("Sum Mean Prod Max Min All Any EuclideanNorm".split())
RESHAPES = frozenset("Reshape ExpandDims Squeeze".split())
PRODUCTS = frozenset("MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3".split())


def result_layout(
    op_type: str,
    mesh: Mesh,
    inputs: Sequence[tuple[tuple[int, ...], Specs]],
    values: Sequence[Any],
    attrs: dict[str, Any],
    shape: tuple[int, ...],
) -> Layout:
    """Returns the layout of a result.

    Args:
      inputs: shape and specs of each tensor that the op reads.
      values: the arguments of the call.
      attrs: the attributes of the call.
      shape: of the result.
    """
    specs = [UNSHARDED] * len(shape)
    if op_type in REDUCTIONS:
        specs = _reduced(inputs[0], np.asarray(values[1]), len(shape))
    elif op_type == "Transpose":
        specs = [inputs[0][1][int(axis)] for axis in np.asarray(values[1])]
    elif op_type in PRODUCTS:
        specs = _product(inputs, attrs, len(shape))
    elif op_type in RESHAPES:
        specs = _carried(inputs[0], shape, mesh)
    elif _is_elementwise([held for held, _ in inputs], shape):
        specs = _merged(inputs, shape)
    return Layout(_once(specs, shape, mesh), mesh)


def _is_elementwise(shapes: list[tuple[int, ...]], shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(*shapes) == shape
    except ValueError:
        return False


def _merged(inputs: Sequence[tuple[tuple[int, ...], Specs]], shape: tuple[int, ...]) -> Specs:
    """Shards each axis as the first input that has the axis in full size and shards it."""
    specs = [UNSHARDED] * len(shape)
    for held, cuts in inputs:
        for back in range(1, len(held) + 1):
            if held[-back] == shape[-back] and specs[-back] == UNSHARDED:
                specs[-back] = cuts[-back]
    return specs


def _reduced(source: tuple[tuple[int, ...], Specs], axes: np.ndarray, rank: int) -> Specs:
    held, cuts = source
    gone = {int(axis) % max(len(held), 1) for axis in axes.reshape(-1)}
    if rank == len(held):
        return [UNSHARDED if axis in gone else cut for axis, cut in enumerate(cuts)]
    return [cut for axis, cut in enumerate(cuts) if axis not in gone]


def _product(
    inputs: Sequence[tuple[tuple[int, ...], Specs]], attrs: dict[str, Any], rank: int
) -> Specs:
    """Takes rows from the first input and columns from the second; mesh dimensions that both use are dropped."""
    turned = [
        bool(attrs.get(f"transpose_{which}") or attrs.get(f"adj_{name}"))
        for which, name in (("a", "x"), ("b", "y"))
    ]
    (first, second), (a, b) = turned, (cuts for _, cuts in inputs[:2])
    rows, columns = a[-1 if first else -2], b[-2 if second else -1]
    if rows == columns:
        rows = columns = UNSHARDED
    batch = [cut for cut in (*a[:-2], *b[:-2])][: rank - 2]
    return [*batch, *[UNSHARDED] * (rank - 2 - len(batch)), rows, columns]


def _carried(source: tuple[tuple[int, ...], Specs], shape: tuple[int, ...], mesh: Mesh) -> Specs:
    """Keeps an axis sharded if an axis of the result starts at the same offset and can be sharded too."""
    held, cuts = source
    starts = {int(np.prod(shape[:axis])): axis for axis in reversed(range(len(shape)))}
    specs = [UNSHARDED] * len(shape)
    for axis, cut in enumerate(cuts):
        at = starts.get(int(np.prod(held[:axis])))
        if cut != UNSHARDED and at is not None and shape[at] % mesh[cut].size == 0:
            specs[at] = cut
    return specs


def _once(specs: Specs, shape: tuple[int, ...], mesh: Mesh) -> Specs:
    """Drops repeated mesh dimensions, and those whose size does not divide the axis."""
    seen: set[str] = set()
    kept = []
    for spec, size in zip(specs, shape, strict=True):
        usable = spec != UNSHARDED and spec not in seen and size % mesh[spec].size == 0
        kept.append(spec if usable else UNSHARDED)
        seen.add(spec)
    return kept
