"""What is stored, and what each reader computes again; and which kernels become one."""

import numpy as np
import pytest

from penstock._src.compiler.fusion.merge import merge
from penstock._src.compiler.fusion.partition import partition
from penstock._src.compiler.fusion.storing import DEEP, HOISTED, LONG, MOST_PIECES
from penstock._src.compiler.kernels.stored_blocks import MOST_READS, SMALL
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.recognize.recognize import recognize
from penstock._src.core import dtypes

F32, I32 = dtypes.float32, dtypes.int32
LARGE = (SMALL // 40 + 1, 40)  # where memory's bandwidth counts
SHAPES = {"x": (30, 40), "y": (30, 40), "z": (30, 40), "row": (40,), "column": (30,), "wide": (40, 50), "large": LARGE, "other": LARGE}  # fmt: skip


def partitioned(build):
    p = LoweringContext()
    given = {name: p.parameter(i, shape, F32) for i, (name, shape) in enumerate(SHAPES.items())}
    results = build(p, **given)
    return partition(recognize(p.function("f", list(given.values()), results)))


def named(node):
    return node.attrs.get("op", node.kind)


def stored(build):
    """What the nodes are called that are stored, in order."""
    return [named(node) for group in partitioned(build).groups for node in group.nodes]


def kernels(build):
    """The nodes that each kernel stores."""
    return [[named(node) for node in group.nodes] for group in merge(partitioned(build)).groups]


def times(p, x, function, count):
    for _ in range(count):
        x = getattr(p, function)(x)
    return x


def joined(p, x, y, function):
    """Two arrays of [30, 40], their elements in the order of columns, one after the other."""
    parts = [p.reshape(p.transpose(function(each), (1, 0)), (1200,)) for each in (x, y)]
    return p.concat(parts, 0)


EXP = 8  # the cost of an exponential
STORED = {
    "a chain is not": (lambda p, x, **_: [p.sin(p.exp(x))], ["sin"]),
    "what two want, if it costs much": (
        lambda p, x, **_: [p.sin(y := times(p, x, "exp", LONG // EXP + 1)), p.cos(p.neg(y))],
        ["exp", "sin", "cos"],
    ),
    "no argument whose bits are read as others, behind a reshape": (
        lambda p, x, **_: [p.neg(p.bitcast(p.reshape(x, (1200,)), dtypes.uint8))],
        ["neg"],
    ),
    "what is computed before its bits are read as others": (
        lambda p, x, **_: [p.neg(p.bitcast(p.reshape(p.exp(x), (1200,)), dtypes.uint8))],
        ["exp", "neg"],
    ),
    "not what two want, if it costs little": (
        lambda p, x, **_: [p.sin(y := times(p, x, "exp", LONG // EXP)), p.cos(p.neg(y))],
        ["sin", "cos"],
    ),
    "not what one wants, if it costs much": (
        lambda p, x, **_: [p.sin(times(p, x, "exp", LONG // EXP + 1))],
        ["sin"],
    ),
    "what two want, of three arrays of its size": (
        lambda p, x, y, z, **_: [p.sin(s := x + y * z), p.cos(s)],
        ["add", "sin", "cos"],
    ),
    "not what two want, of two arrays of its size": (
        lambda p, x, y, row, **_: [p.sin(s := x + y * p.broadcast(row, (30, 40), (1,))), p.cos(s)],
        ["sin", "cos"],
    ),
    "what is deep": (
        lambda p, x, **_: [p.sin(p.neg(times(p, p.abs(x), "square", DEEP)))],
        ["square", "sin"],
    ),
    "not what is almost deep": (
        lambda p, x, **_: [p.sin(p.neg(times(p, p.abs(x), "square", DEEP - 3)))],
        ["sin"],
    ),
    "a concatenation of many pieces": (
        lambda p, x, **_: [p.sin(p.concat([times(p, x, "sin", i) for i in range(MOST_PIECES + 1)], 0))],
        ["concat", "sin"],
    ),
    "a concatenation that another one reads": (
        lambda p, x, y, **_: [p.sin(p.concat([p.reshape(p.concat([x, y], 1), (2400,)), p.reshape(x, (1200,))], 0))],
        ["concat", "sin"],
    ),
    "a concatenation of regrouped elements that two want": (
        lambda p, x, y, **_: [p.sin(z := joined(p, x, y, p.exp)), p.cos(z)],
        ["concat", "sin", "cos"],
    ),
    "not a concatenation of regrouped elements that one wants": (
        lambda p, x, y, **_: [p.sin(joined(p, x, y, p.exp))],
        ["sin"],
    ),
    "not a concatenation of rows that two want": (
        lambda p, x, y, **_: [p.sin(z := p.concat([p.neg(x), y], 0)), p.cos(z)],
        ["sin", "cos"],
    ),
    "not a concatenation of few pieces": (
        lambda p, x, **_: [p.sin(p.concat([times(p, x, "sin", i) for i in range(MOST_PIECES)], 0))],
        ["sin"],
    ),
    "what a product reads": (
        lambda p, x, wide, **_: [p.contract("mk,kn->mn", p.exp(x), wide)],
        ["exp", "contract"],
    ),
    "not the windows of a depthwise convolution with one position": (
        lambda p, x, y, **_: [p.contract("xcik,kci->xci", p.windows(p.reshape(x, (30, 40, 1)), [0], [30], [1], [1], [0], [0]), p.reshape(p.exp(y), (30, 40, 1)))],
        ["contract"],
    ),
    "what is taken again and again by windows": (
        lambda p, x, **_: [p.reduce_max(p.windows(p.exp(x), [1], [3], [1], [1], [1], [1]), [2])],
        ["exp", "max"],
    ),
    "not what is cheap, by windows": (
        lambda p, x, **_: [p.reduce_max(p.windows(p.neg(x), [1], [3], [1], [1], [1], [1]), [2])],
        ["max"],
    ),
    "what is repeated along rows, if it costs something": (
        lambda p, row, **_: [p.broadcast(p.exp(row), (30, 40), (1,)) * 2.0],
        ["exp", "mul"],
    ),
    "not what is repeated along rows, if it costs nothing": (
        lambda p, row, **_: [p.broadcast(p.neg(row), (30, 40), (1,)) * 2.0],
        ["mul"],
    ),
    "not what a row has one of": (
        lambda p, column, **_: [p.broadcast(p.exp(column), (30, 40), (0,)) * 2.0],
        ["mul"],
    ),
    "what a row has one of, if it costs much": (
        lambda p, column, **_: [
            p.broadcast(times(p, column, "exp", HOISTED // EXP + 1), (30, 40), (0,)) * 2.0
        ],
        ["exp", "mul"],
    ),
    "not what a reshape alone wants": (
        lambda p, x, **_: [p.sin(p.reshape(p.exp(x), [1200]))],
        ["sin"],
    ),
    "what a transpose passes on to repeat it": (
        lambda p, column, **_: [
            p.broadcast(p.transpose(p.reshape(p.exp(column), (5, 6)), (1, 0)), (7, 6, 5), (1, 2)) * 2.0
        ],
        ["exp", "mul"],
    ),
    "what is gathered": (
        lambda p, x, **_: [p.gather(p.exp(x), p.constant(np.zeros(90, np.int32)), 0, 0, "clamp")],
        ["exp", "gather"],
    ),
}  # fmt: skip

MERGED = {
    "what reads one array over one space": (
        lambda p, x, **_: [p.sin(x), p.cos(x)],
        [["sin", "cos"]],
    ),
    "not what reads different arrays": (
        lambda p, x, y, **_: [p.sin(x), p.cos(y)],
        [["sin"], ["cos"]],
    ),
    "not what stands over different spaces": (
        lambda p, x, row, **_: [p.sin(x), p.cos(p.slice(x, [0, 0], [30, 20]))],
        [["sin"], ["cos"]],
    ),
    "what reads at the same place what another makes": (
        lambda p, x, y, z, **_: [s := x + y * z, p.sin(s), p.cos(s)],
        [["add", "sin", "cos"]],
    ),
    "not what reads elsewhere what another makes": (
        lambda p, x, y, z, **_: [s := p.exp(x), p.reverse(s, [0]) + 1.0],
        [["exp"], ["add"]],
    ),
    "reductions of one space": (
        lambda p, x, **_: [p.reduce_sum(x, [0]), p.reduce_max(x, [0])],
        [["sum", "max"]],
    ),
    "not reductions over different axes": (
        lambda p, x, **_: [p.reduce_sum(x, [0]), p.reduce_max(x, [1])],
        [["sum"], ["max"]],
    ),
    "not rows of different lengths": (
        lambda p, x, **_: [
            p.reduce_max(r := p.reshape(x, [5, 6, 40]), [1, 2]),
            p.reduce_max(r, [2]),
        ],
        [["max"], ["max"]],
    ),
    "a softmax, whose maxima and sums nothing else reads": (
        lambda p, x, **_: [
            (e := p.exp(x - p.reduce_max(x, [1], keepdims=True)))
            / p.reduce_sum(e, [1], keepdims=True)
        ],
        [["div"]],
    ),
    "not what is repeated across rows": (
        lambda p, x, **_: [x - p.reduce_max(x, [0], keepdims=True)],
        [["max"], ["sub"]],
    ),
    "not what is made for all elements of a reduction that the other reads": (
        lambda p, x, **_: [
            s := p.sin(x),
            p.cos(x) + p.broadcast(p.reduce_sum(s, [0]), (30, 40), (1,)),
        ],
        [["sin"], ["sum"], ["add"]],
    ),
    "what can wait for what the other reads": (
        lambda p, x, y, **_: [
            p.sin(x),
            p.cos(x) + p.broadcast(p.reduce_sum(y, [0]), (30, 40), (1,)),
        ],
        [["sum"], ["sin", "add"]],
    ),
    "small arrays that read a row in common": (
        lambda p, x, y, row, **_: [(r := p.broadcast(row, (30, 40), (1,))) + x, r * y],
        [["add", "mul"]],
    ),
    "not large arrays that read a row in common": (
        lambda p, large, other, row, **_: [
            (r := p.broadcast(row, LARGE, (1,))) + large,
            r * other,
        ],
        [["add"], ["mul"]],
    ),
    "large arrays that read one in common": (
        lambda p, large, other, **_: [large + other, p.sin(large)],
        [["add", "sin"]],
    ),
    "rows of one space alone": (
        lambda p, x, y, **_: [x - p.reduce_max(x, [1], keepdims=True), y - p.reduce_max(y, [1], keepdims=True)],
        [["sub"], ["sub"]],
    ),
    "not rows and what has other rows": (
        lambda p, x, **_: [
            x - p.reduce_max(x, [1], keepdims=True),
            (r := p.reshape(x, [60, 20])) - p.reduce_max(r, [1], keepdims=True),
        ],
        [["sub"], ["sub"]],
    ),
    "not more than twelve": (
        lambda p, x, **_: [x * float(i) for i in range(2, 16)],
        [["mul"] * 12, ["mul"] * 2],
    ),
}  # fmt: skip


def unrelated(p, x, y):
    return [p.sin(x), p.cos(y)]


def test_small_kernels_of_a_loop_are_merged_though_they_read_nothing_in_common():
    p = LoweringContext()
    x, y = (p.parameter(i, (30,), F32) for i in range(2))
    zero = p.constant(np.int32(0))
    loop = p.while_(
        lambda i, *_: p.lt(i, 5), lambda i, x, y: [i + 1, *unrelated(p, x, y)], [zero, x, y]
    )
    merged = merge(partition(recognize(p.function("f", [x, y], loop))))
    bodies = [[[named(n) for n in g.nodes] for g in part.groups] for part in merged.nested.values()]
    assert any({"sin", "cos"} <= set(names) for groups in bodies for names in groups)


@pytest.mark.parametrize("times, merged", [(4, True), (5, False)])
def test_large_kernels_are_merged_if_a_quarter_of_their_elements_is_common(times, merged):
    p = LoweringContext()
    width = SMALL // 4 + 1
    common = p.parameter(0, (width,), F32)
    x, y = (p.parameter(i, (times, width), F32) for i in (1, 2))
    repeated = p.broadcast(common, (times, width), (1,))
    function = p.function("f", [common, x, y], [p.add(repeated, x), p.mul(repeated, y)])
    assert len(merge(partition(recognize(function))).groups) == (1 if merged else 2)


@pytest.mark.parametrize("more", [0, 1])
def test_kernels_read_a_limited_number_of_arrays(more):
    p = LoweringContext()
    given = [p.parameter(i, (30, 40), F32) for i in range(MOST_READS + more)]
    half = len(given) // 2
    results = [sum(given[:half], given[-1]), sum(given[half:-1], given[-1])]
    groups = merge(partition(recognize(p.function("f", given, results)))).groups
    assert len(groups) == 1 + more


@pytest.mark.parametrize("name", STORED)
def test_nodes_that_pay_are_stored(name):
    build, expected = STORED[name]
    assert stored(build) == expected


@pytest.mark.parametrize("name", MERGED)
def test_kernels_that_share_reads_are_merged(name):
    build, expected = MERGED[name]
    assert kernels(build) == expected


@pytest.mark.parametrize("rows, moved", [(30, False), (7000, True)])
def test_sums_over_many_rows_are_added_up_on_tiles(rows, moved):
    p = LoweringContext()
    x, w = p.parameter(0, (rows, 30), F32), p.parameter(1, (30, 72), F32)
    y = p.matmul(x, w)
    function = p.function("f", [x, w], [y, p.reduce_sum(y, (0,))])
    _, sums = merge(partition(recognize(function))).groups
    assert (sums.kernel is not None) is moved


@pytest.mark.parametrize("mode, count", [("clamp", 1), ("error", 2)])
def test_indices_are_checked_by_a_kernel_where_they_may_be_wrong(mode, count):
    p = LoweringContext()
    x, indices = p.parameter(0, (30, 40), F32), p.parameter(1, (90,), I32)
    found = p.make("gather", (x, indices), axis=0, batch_dims=0, mode=mode)
    groups = partition(recognize(p.function("f", [x, indices], [found]))).groups
    assert len(groups) == count


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda p, x: p.add(x, 1), ["add", "contract"]),
        (lambda p, x: p.pad(x, [1, 0], [1, 0], 0), ["pad", "contract"]),
        (lambda p, x: p.reverse(x, [0]), ["contract"]),
    ],
)
def test_operands_of_products_without_tiles_are_computed_once(make, expected):
    p = LoweringContext()
    x = p.parameter(0, (10, 12), dtypes.complex64)
    made = make(p, x)
    w = p.parameter(1, (made.shape[1], 20), made.dtype)
    found = recognize(p.function("f", [x, w], [p.contract("mk,kn->mn", made, w)]))
    assert not found.matches
    assert [named(node) for group in partition(found).groups for node in group.nodes] == expected


def test_expressions_that_grow_with_each_movement_are_stored_now_and_then():
    def sums(p, x, **_):
        x = p.slice(x, (0, 0), (30, 30))
        for _ in range(12):  # 3 ** 12 places
            below = p.concat([p.slice(x, (1, 0), (30, 30)), p.slice(x, (0, 0), (1, 30))], 0)
            x = p.add(p.transpose(x, (1, 0)), below)
        return [x]

    assert 4 <= len(stored(sums)) < 12


@pytest.mark.parametrize(("taps", "is_stored"), [(3, False), (11, True)])
def test_values_that_many_overlapping_slices_read_are_stored(taps, is_stored):
    def sums(p, x, **_):
        padded = p.pad(p.square(x), (0, taps // 2), (0, taps // 2))
        parts = [p.slice(padded, (0, i), (30, 40 + i)) for i in range(taps)]
        return [sum(parts[1:], parts[0])]

    assert stored(sums) == (["pad", "add"] if is_stored else ["add"])


def test_values_whose_slices_do_not_overlap_are_not_stored_for_them():
    def sums(p, x, **_):
        y = p.exp(x)
        parts = [p.slice(y, (0, 4 * i), (30, 4 * i + 4)) for i in range(10)]
        return [sum(parts[1:], parts[0])]

    assert stored(sums) == ["add"]


@pytest.mark.parametrize(
    ("size", "stride", "is_stored"), [(20, 1, True), (3, 1, False), (2, 2, False)]
)
def test_pads_that_overlapping_windows_reduce_are_stored(size, stride, is_stored):
    def pool(p, x, **_):
        padded = p.pad(x, (1, 0), (1, 0), value=0)
        windows = p.windows(
            padded, axes=(0,), size=(size,), strides=(stride,), dilations=(1,),
            low=(0,), high=(0,), base_dilations=(1,), value=0,
        )  # fmt: skip
        return [p.reduce_sum(windows, [2])]

    assert stored(pool) == (["pad", "sum"] if is_stored else ["sum"])
