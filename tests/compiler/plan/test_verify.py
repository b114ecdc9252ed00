"""The verifier of plans finds faults that are planted in the compiler."""

from dataclasses import replace

import pytest

from penstock._src.compiler import pipeline
from penstock._src.compiler.codegen.contraction.images import convolution
from penstock._src.compiler.fusion import column_sums
from penstock._src.compiler.kernels import contraction, inline, kernel, loop_nest, reductions
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan import in_place, planner
from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.devices.cpu.device import build_program
from penstock._src.util import flags
from tests.extents import symbol

F32 = dtypes.float32


def build(body, *shapes):
    """Plans a function of arrays, verified."""
    p = LoweringContext()
    parameters = [p.parameter(i, shape, F32) for i, shape in enumerate(shapes)]
    function = p.function(body.__name__, parameters, body(p, *parameters))
    with flags.override(verify=1):
        return build_program(function)


def images_of_columns(p, x, w):
    return [p.reduce_sum(p.exp(p.reshape(p.matmul(x, w), (x.shape[0], 6, 12))), (0, 1))]


def mirrored(p, x, w):
    y = p.matmul(x, w)
    return [y, p.reduce_sum(y * p.reverse(y, (0,)), (0,))]


def shifted(p, x):
    return [p.slice(x, (1, 2), (x.shape[0], x.shape[1])) * 2.0]


def turned(p, x):
    return [p.exp(p.transpose(x, (1, 0)))]


def reversed_between(p, x, w):
    """Two temporaries, of which the second reads the first elsewhere."""
    y = p.matmul(p.exp(x), w)
    z = p.exp(p.reverse(y, (0,)))
    return [p.matmul(z, p.sin(x))]


def rows_by_matrices(p, x, w, bias):
    """A row by as many matrices; only the outermost axis belongs to both operands."""
    return [p.contract("bk,bhnk->bhn", x, w) + bias]


def scaled(p, x, w, scale):
    return [p.matmul(x, w) * scale]


def total_of_rows_cut_otherwise(p, x):
    """Without rows the index of the sum's terms asks for no loop: read before the loop, they lie outside."""
    return [p.tanh(p.reduce_sum(p.reshape(p.reverse(x, (0, 1)), (x.shape[1], 6)), (0, 1)))]


def rows(p, x):
    total = p.reduce_max(x, (1,))
    return [total, x * 2.0]


def test_what_is_right_is_accepted():
    n = symbol("n", 70)
    build(images_of_columns, (n, 30), (30, 72))
    build(shifted, (n, 30))
    build(turned, (n, 30))
    build(reversed_between, (64, 64), (64, 64))
    build(rows, (n, 30))
    build(scaled, (7, 30), (30, 0), (0,))
    build(total_of_rows_cut_otherwise, (6, 0))


def planted(monkeypatch, change):
    """Changes the stores of all nests."""
    whole = loop_nest.coalesce

    def coalesce(nest):
        stores = [Store(s.slot, change(nest, s.offset), s.value, s.dtype) for s in nest.stores]
        return whole(LoopNest(nest.scope, nest.space, stores, nest.leaves, nest.outputs))

    monkeypatch.setattr(kernel, "coalesce", coalesce)


def test_sums_that_reach_other_columns(monkeypatch):
    def columns_of_what_is_stored(root, contraction):
        return root.op == "sum"

    monkeypatch.setattr(column_sums, "_sums_columns", columns_of_what_is_stored)
    with pytest.raises(InternalError, match="sums .* into"):
        build(images_of_columns, (700, 30), (30, 72))


def test_epilogues_that_read_the_product_elsewhere(monkeypatch):
    monkeypatch.setattr(contraction, "closure", lambda values: [])
    with pytest.raises(InternalError, match="not at its own cell"):
        build(mirrored, (700, 30), (30, 72))


def test_groups_whose_columns_lie_apart(monkeypatch):
    monkeypatch.setattr(convolution.Convolution, "has_dense_columns", True)
    with pytest.raises(InternalError, match="groups of 1 columns lie 16 elements apart"):
        build(rows_by_matrices, (4, 8), (4, 4, 4, 8), (4,))


def test_stores_off_by_one(monkeypatch):
    planted(monkeypatch, lambda nest, offset: offset + 1)
    with pytest.raises(InternalError, match="is stored at"):
        build(turned, (7, 30))


def test_stores_with_a_wrong_stride(monkeypatch):
    def wider(nest, offset):
        outer = nest.space[0]
        return offset.replace(lambda a: loop_nest.of_atom(a) * (2 if a is outer else 1))

    planted(monkeypatch, wider)
    with pytest.raises(InternalError, match="is stored at"):
        build(turned, (7, 30))


def test_stores_that_meet(monkeypatch):
    def narrower(nest, offset):
        inner = nest.space[-1]
        return offset.replace(
            lambda a: loop_nest.constant(0) if a is inner else loop_nest.of_atom(a)
        )

    planted(monkeypatch, narrower)
    with pytest.raises(InternalError, match="are stored|stored twice"):
        build(turned, (7, 30))


def test_reads_beyond_the_end(monkeypatch):
    def slice_rule(k, node, position, guard):
        (x,) = node.args
        coordinates = [
            c + s + 1 for c, s in zip(position.coordinates, node.attrs["starts"], strict=True)
        ]
        return k.at(x, coordinates, guard)

    monkeypatch.setitem(inline.RULES, "slice", slice_rule)
    with pytest.raises(InternalError, match="is read at"):
        build(shifted, (7, 30))


def test_kernels_in_another_order(monkeypatch):
    whole = pipeline.schedule

    def schedule(part):
        made = whole(part)
        return replace(made, kernels=made.kernels[::-1])

    monkeypatch.setattr(pipeline, "schedule", schedule)
    with pytest.raises(InternalError, match="never written"):
        build(reversed_between, (64, 64), (64, 64))


def test_buffers_that_overlap_in_the_arena(monkeypatch):
    whole = planner.arrange

    def arrange(buffers, guard):
        size = whole(buffers, guard)
        for buffer in buffers:
            buffer.offset = 0
        return size

    monkeypatch.setattr(planner, "arrange", arrange)
    with pytest.raises(InternalError, match="holds|common memory|is read|over"):
        build(reversed_between, (64, 64), (64, 64))


def test_results_over_what_is_read_elsewhere(monkeypatch):
    monkeypatch.setattr(in_place, "same_element", lambda *_: True)
    with pytest.raises(InternalError, match="over"):
        build(reversed_between, (64, 64), (64, 64))


def test_stores_in_loops_that_may_be_empty(monkeypatch):
    whole = reductions.coalesce

    def within_another(nest):
        space = (nest.scope.var(symbol("m", 3)), *nest.space)
        return whole(LoopNest(nest.scope, space, nest.stores, nest.leaves, nest.outputs))

    monkeypatch.setattr(reductions, "coalesce", within_another)
    with pytest.raises(InternalError, match="stands in loops"):
        build(rows, (70, 30))


def test_stores_whose_loop_is_missing(monkeypatch):
    whole = kernel.coalesce

    def without_rows(nest):
        made = whole(nest)
        return replace(made, space=made.space[1:])

    monkeypatch.setattr(kernel, "coalesce", without_rows)
    with pytest.raises(InternalError, match="which no loop has"):
        build(turned, (7, 30))


def test_results_that_no_kernel_makes(monkeypatch):
    whole = pipeline.schedule

    def schedule(part):
        made = whole(part)
        return replace(made, kernels=made.kernels[:-1])

    monkeypatch.setattr(pipeline, "schedule", schedule)
    with pytest.raises(InternalError, match="the end: result 0 is read, but .* never written"):
        build(reversed_between, (64, 64), (64, 64))
