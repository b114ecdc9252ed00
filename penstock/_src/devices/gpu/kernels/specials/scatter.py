"""Scatters on a GPU, with updates of the same slice in their order.

Index vectors known to be unique have a thread for each element. Otherwise, if there are few vectors, every element of the result has a
thread that goes through all of them: a block has one thread per element of a slice, up to its limit; the other elements, and other blocks,
have other slices. A thread skips vectors of other slices. Many vectors are sorted first (sorted_scatter.py).
"""

import math

from penstock._src.compiler.codegen.specials.scatter import row_of_vector, update
from penstock._src.compiler.codegen.specials.special import Bounds, SpecialLaunch
from penstock._src.core.dtypes import DType
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaModule
from penstock._src.devices.gpu.kernels.specials.sort import TILE
from penstock._src.devices.gpu.kernels.specials.sorted_scatter import sorted_scatter_launch
from penstock._src.devices.gpu.target import THREADS
from penstock._src.ir.node import Node
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val

MOST_BLOCKS = 64  # that go through the same columns' vectors
WORTH = 8  # vectors that a share of the slices has on average, at least


def scatter_launch(node: Node) -> SpecialLaunch:
    """The launch of a scatter into the initial value of its result."""
    x, indices, updates = node.args
    depth = int(indices.shape[-1])
    extents = tuple([int(d) for d in x.shape[:depth]])
    vectors = math.prod(int(d) for d in indices.shape[:-1])
    size, slices = math.prod(int(d) for d in x.shape[depth:]), math.prod(extents)
    is_spread = bool(node.attrs.get("unique"))
    if not is_spread and TILE < vectors < 2**31 and size and slices:
        return sorted_scatter_launch(node, vectors, size, extents, slices)
    width = 1
    # A power of two, so that whole shares of slices fill a block.
    while width < min(size, THREADS) and not is_spread:
        width *= 2
    columns = -(-size // width)  # blocks beside one another
    beside = THREADS // width
    blocks = max(1, min(MOST_BLOCKS, vectors // (WORTH * beside), -(-slices // beside)))
    tasks = -(-vectors * size // THREADS) if is_spread else columns * blocks
    form = node.op, node.dtype, indices.dtype, depth, width, is_spread
    return SpecialLaunch(
        ("scatter of threads", *form), lambda target: emit_cuda_scatter(*form, target),
        tasks if vectors and size and slices else 0,
        (node, indices, updates, vectors, size, columns, blocks * beside, *extents), f"scatter[{vectors}, {size}]",
        Bounds(indices, extents) if node.attrs["mode"] == "error" else None,
    )  # fmt: skip


def emit_cuda_scatter(
    op: str,
    dtype: DType,
    index_dtype: DType,
    depth: int,
    width: int,
    is_spread: bool,
    target: Target,
) -> CudaCode:
    """Context: output, indices, updates, index vectors, elements of a slice, blocks beside one another, shares of the slices, then `depth` extents.

    `width`: threads of a block beside one another. `is_spread`: each thread has one element of one vector's slice.
    """
    m = CudaModule(target, THREADS)
    with m.kernel() as f:
        output, indices, updates = (f.load(f.ctx, i, PTR) for i in range(3))
        vectors, size, columns, shares = (f.load(f.ctx, i, I64) for i in range(3, 7))
        extents = [f.load(f.ctx, 7 + i, I64) for i in range(depth)]

        def vector(number: Val, column: Val, share: Val | None) -> None:
            row, inside = row_of_vector(f, indices, number, extents, index_dtype)
            # One thread per slice and column applies all updates, in the order of the vectors.
            mine = inside if share is None else inside & (row % shares).eq(share)

            def apply() -> None:
                places = row * size + column, number * size + column
                update(f, op, dtype, output, updates, *places, 1, 0)

            f.when(mine, apply)

        if is_spread:
            own = f.number * THREADS + f.thread
            f.when(own < vectors * size, lambda: vector(own // size, own % size, None))
        else:
            column = f.number % columns * width + f.thread % width
            share = f.number // columns * (THREADS // width) + f.thread // width

            def each(number: Val) -> None:
                vector(number, column, share)

            f.when(column < size, lambda: f.loop(f.i64(0), vectors, 1, each))
    return m.finished()
