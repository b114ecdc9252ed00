"""Schedules are records: chosen without writing code, equal for equal problems, and never changed."""

import dataclasses

import pytest

from penstock._src.compiler.codegen.contraction.extents import Arg
from penstock._src.compiler.codegen.contraction.images import choice as convolutions
from penstock._src.compiler.codegen.contraction.images.choice import PartProblem
from penstock._src.compiler.codegen.contraction.images.convolution import (
    Convolution,
    Filter,
    FilterGradient,
)
from penstock._src.compiler.codegen.contraction.images.filter_gradients import plain_choice
from penstock._src.compiler.codegen.contraction.images.window import Axis, Image
from penstock._src.compiler.codegen.contraction.images.winograd import forward as winograd
from penstock._src.compiler.codegen.contraction.products import choice as products
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.contraction.products.schedule import Place
from penstock._src.compiler.codegen.contraction.tile import Types
from penstock._src.native import Target

AVX2 = Target("x86_64-unknown-linux-gnu", "x86-64-v3", "", 32, 16, 2, 32 << 10, 512 << 10)
AVX512 = Target("x86_64-unknown-linux-gnu", "x86-64-v4", "", 64, 32, 2, 48 << 10, 1 << 20)
FLOATS = Types("float", "float", "float", "float")
LARGE_L2 = Target("x86_64-unknown-linux-gnu", "x86-64-v4", "", 64, 32, 2, 48 << 10, 2 << 20)
SIDE = Axis(28, 28, 3, low=1)
X, Y = Image("float", 28 * 28 * 32, 28 * 32, 32), Image("float", 28 * 28 * 64, 28 * 64, 64)
WEIGHTS = Filter("float", 3 * 32 * 64, 32 * 64, 64, 1)


def gemm(m, k, n):
    left, right = Matrix("float", k, (1,)), Matrix("float", 1, (n,))
    return Gemm(m, n, (k,), left, right, FLOATS, row=n)


def product(threads=2):
    return products.choose(gemm(700, 300, 1100), AVX2, threads, threads)


def convolution():
    conv = Convolution(8, SIDE, SIDE, 1, 32, 64, X, WEIGHTS, Y, FLOATS)
    return convolutions.choose(conv, AVX2, 2, 2, PartProblem)


def fast_convolution():
    conv = Convolution(8, SIDE, SIDE, 1, 32, 64, X, WEIGHTS, Y, FLOATS, fast=True)
    return winograd.choose(conv, AVX2, 2, 2)


def filter_gradient():
    gradient = FilterGradient(8, SIDE, SIDE, 1, 32, 64, X, Y, WEIGHTS, FLOATS)
    return plain_choice.choose(gradient, AVX2, 2, 2, stores_sums=True)


@pytest.mark.parametrize("chosen", [product, convolution, fast_convolution, filter_gradient])
def test_a_schedule_is_a_record(chosen):
    schedule = chosen()
    assert schedule == chosen()
    assert "mr=" in repr(schedule)
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.threads = 3


def test_few_rows_are_cut_into_strips_of_columns():
    schedule = products.choose(gemm(128, 300, 512), AVX2, 2, 2)
    assert schedule.cut.form == "columns"
    assert schedule.right.place is Place.OF_A_TASK


def test_each_task_of_a_product_has_work_for_its_thread():
    assert product(threads=8).tasks(()) >= 8


@pytest.mark.parametrize("rows", [1, 4, 32])
@pytest.mark.parametrize("columns", [256, 384, 512, 1024])
@pytest.mark.parametrize("is_prepacked", [False, True])
def test_threads_get_the_same_number_of_columns(rows, columns, is_prepacked):
    few = dataclasses.replace(gemm(rows, 128, columns), is_prepacked=is_prepacked)
    schedule = products.choose(few, AVX2, 2, 2)
    assert columns % (2 * schedule.cut.columns) == 0


@pytest.mark.parametrize(("batches", "place"), [(80, Place.SHARED), (1, Place.IN_PLACE)])
def test_a_matrix_that_many_batches_share_is_packed_though_each_has_few_rows(batches, place):
    left, right = Matrix("float", 80 * 128, (1,), (128,)), Matrix("float", 1, (512,), (0,))
    steps = Gemm(
        32, 512, (128,), left, right, FLOATS, row=512, batch=(batches,), batch_out=(32 * 512,)
    )
    assert products.choose(steps, AVX2, 2, 2).right.place is place


@pytest.mark.parametrize(("rows", "depth"), [(32, 784), (32, 512), (64, 256)])
def test_few_rows_have_tasks_for_sixteen_threads(rows, depth):
    for columns in (512, 480, 1000):
        schedule = products.choose(gemm(rows, depth, columns), AVX2, 16, 16)
        assert 14 <= schedule.tasks(()) <= 64


@pytest.mark.parametrize("columns", [100, 200])
def test_rows_of_unknown_number_have_registers_for_their_addresses(columns):
    target = dataclasses.replace(AVX2, cpu="x86-64-v4", vector_bytes=64, registers=32)
    known = products.choose(gemm(128, 200, columns), target, 1, 1)
    unknown = products.choose(gemm(Arg(0), 200, columns), target, 1, 1)
    assert unknown.left.place is known.left.place is Place.IN_PLACE
    assert unknown.mr <= products.ROWS_AT_ADDRESSES < known.mr


@pytest.mark.parametrize(("heads", "place"), [(1, Place.IN_PLACE), (6, Place.OF_A_TASK)])
def test_rows_that_crowd_sets_are_packed(heads, place):
    """Values of one head among six are 1536 bytes apart: a quarter of the L1's sets would hold all of them."""
    width = 64 * heads
    left = Matrix("float", 196, (1,), (196 * 196,))
    right = Matrix("float", 1, (width,), (64,))
    of_heads = Gemm(
        196, 64, (196,), left, right, FLOATS, row=width, batch=(heads,), batch_out=(64,)
    )
    target = dataclasses.replace(AVX2, cpu="x86-64-v4", vector_bytes=64, registers=32)
    assert products.choose(of_heads, target, 1, 1).right.place is place


@pytest.mark.parametrize(("rows", "depth", "columns", "place"), [
    (32, 128, 512, Place.PREPACKED),
    (2, 64, 256, Place.PREPACKED),
    (32, 32, 128, Place.IN_PLACE),  # in the L1
    (1, 128, 512, Place.PREPACKED),
    (1, 1024, 1024, Place.IN_PLACE),  # from beyond the L2, in whole rows
])  # fmt: skip
def test_few_rows_read_weights_above_the_first_cache_from_cached_panels(
    rows, depth, columns, place
):
    cached = dataclasses.replace(gemm(rows, depth, columns), is_prepacked=True)
    assert products.choose(cached, AVX2, 2, 2).right.place is place


@pytest.mark.parametrize(
    ("depth", "columns", "place", "vectors"),
    [
        (128, 512, Place.PREPACKED, 8),
        (512, 512, Place.PREPACKED, 8),
        (64, 256, Place.IN_PLACE, 16),  # a row of one tile: rows follow each other as in a panel
        (8, 512, Place.IN_PLACE, 8),  # in the first cache
        (2048, 1024, Place.IN_PLACE, 16),  # no second copy of a large matrix, but long pieces of it
    ],
)
def test_one_row_reads_weights_as_they_follow_each_other(depth, columns, place, vectors):
    row = dataclasses.replace(gemm(1, depth, columns), is_prepacked=True)
    schedule = products.choose(row, AVX512, 2, 2)
    assert (schedule.right.place, schedule.nv) == (place, vectors)


@pytest.mark.parametrize(("depth", "tasks"), [(128, 1), (256, 2)])
def test_one_row_is_divided_among_threads_where_each_reads_enough(depth, tasks):
    row = dataclasses.replace(gemm(1, depth, 512), is_prepacked=True)
    assert products.choose(row, AVX512, 2, 2).tasks(()) == tasks


@pytest.mark.parametrize(
    ("m", "rest"), [(32, (4, True)), (34, (4, False)), (31, (1, False)), (8, (0, False))]
)
def test_the_last_two_tiles_are_even_where_a_few_rows_would_wait_for_their_sums(m, rest):
    schedule = products.choose(gemm(m, 128, 512), AVX2, 2, 2)
    assert (schedule.rest_rows, schedule.has_even_rest) == rest


def test_an_image_is_cut_into_blocks_of_rows_that_stay_in_the_cache():
    (part,) = convolution().parts
    assert 28 % part.window.rows == 0
    assert part.window_bytes <= 300 << 10


def test_a_small_filter_is_summed_by_ranges_of_pixels():
    schedule = filter_gradient()
    assert schedule.own
    assert [stage.function for stage in schedule.stages(())] == ["sum_ranges", "add_up"]


def test_a_large_l2_holds_all_columns_of_b():
    def block(n, l2, right=None):
        target, problem = dataclasses.replace(LARGE_L2, l2=l2), gemm(1024, 3072, n)
        problem = dataclasses.replace(problem, right=right or problem.right)
        schedule = products.choose(problem, target, 1, 1)
        return schedule.cut.columns, schedule.kc

    assert block(768, 2 << 20) == (768, 192)
    assert block(384, 2 << 20) == (384, 384)
    assert block(3072, 2 << 20) == (384, 384)  # the columns are too many
    assert block(768, 2 << 20, Matrix("float", 3072, (1,))) == (384, 384)  # rows go along k
    assert block(768, 1 << 20) == (768, 192)
    assert block(768, 512 << 10) == (240, 384)
    assert block(0, 512 << 10)[1] == block(0, 2 << 20)[1] == 384


def test_few_threads_pack_what_stays_in_a_large_l2():
    # Tasks of sums of columns divide rows, so that each reads all of B.
    few, many = (products.choose(gemm(1024, 3072, 768), LARGE_L2, t, 2) for t in (1, 8))
    assert few.right.place is many.right.place is Place.SHARED
    assert few.groups(()) == [(step, 1) for step in range(16)]
    assert many.groups(()) == [(0, 13), (13, 3)]


def test_tiles_fetch_rows_of_the_output_while_they_multiply():
    def by_rows(l2=2 << 20, **changes):
        target = dataclasses.replace(LARGE_L2, l2=l2)
        problem = dataclasses.replace(gemm(1024, 3072, 768), **changes)
        return products.choose(problem, target, 1, 1).fetches_by_rows

    assert by_rows()
    assert not by_rows(k=(24,))  # too few steps for each row
    assert not by_rows(m=Arg(0))  # addresses of rows take the registers
    assert not by_rows(l2=512 << 10)


def test_tiles_share_the_lines_of_rows_below_that_are_read_in_place():
    def lines(m=1024, k=768, n=3072, l2=2 << 20, **changes):
        target = dataclasses.replace(LARGE_L2, l2=l2)
        problem = dataclasses.replace(gemm(m, k, n), **changes)
        return products.choose(problem, target, 1, 1).lines_below

    assert lines() == 3  # 24 lines of 384 elements among 8 tiles
    assert lines(k=3072, n=768) == 1  # 12 lines of 192 elements among 16 tiles
    assert lines(left=Matrix("float", 1, (1024,))) == 0  # A is packed
    assert lines(n=192) == 0  # four tiles
    assert lines(l2=512 << 10) == 0
