"""What holds of programs as such: memory between programs and threads, switches, profiles."""

import gc
import threading

import numpy as np
import pytest

from penstock._src.compiler.kernels.kernel import Kernel
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir import interpreter
from penstock._src.runtime.arena import HOST_ARENAS
from penstock._src.util import flags

pytestmark = pytest.mark.usefixtures("new_objects_only")


def function(n):
    p = LoweringContext()
    x, w = p.parameter(0, (n, 40), dtypes.float32), p.parameter(1, (40, 30), dtypes.float32)
    h = p.maximum(p.matmul(x, w) + 0.5, 0.0)
    e = p.exp(h - p.reduce_max(h, (1,), keepdims=True))
    return p.function(
        "f", [x, w], [e / p.reduce_sum(e, (1,), keepdims=True), p.reduce_sum(h * h, (0,))]
    )


def arrays(n):
    r = np.random.default_rng(n)
    return r.uniform(-1, 1, (n, 40)).astype(np.float32), r.uniform(-1, 1, (40, 30)).astype(
        np.float32
    )


@pytest.mark.parametrize("off", [*flags.OPTIONAL, ",".join(flags.OPTIONAL)])
def test_every_choice_may_be_left_out(off):
    with flags.override(disable=off, guard=1):
        program = build_program(function(9))
        got = program(*arrays(9))
    for g, w in zip(got, interpreter.run(function(9), arrays(9))[0], strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-5, atol=1e-6)


def test_small_pieces_of_a_whole_are_written_several_at_once():
    p = LoweringContext()
    x = p.parameter(0, (20, 3, 5), dtypes.float32)
    pieces = [p.slice(x, (i, 0, 0), (i + 1, 3, 5)) * float(i) for i in range(20)]
    for axis in range(3):
        joined = p.concat([*pieces, pieces[0]], axis)
        function = p.function("f", [x], [joined])
        program = build_program(function)
        assert len(program.plan.launches) == 3
        array = np.random.default_rng(axis).normal(size=(20, 3, 5)).astype(np.float32)
        np.testing.assert_array_equal(program(array)[0], interpreter.run(function, [array])[0][0])


@pytest.mark.plain_kernels
def test_programs_share_their_memory():
    first, second = build_program(function(64)), build_program(function(32))
    first(*arrays(64))
    there = {id(block.array) for block in HOST_ARENAS.blocks()}
    assert id(first._free[0].arena) in there
    second(*arrays(32))  # takes the smallest block that is large enough: no new one
    assert id(second._free[0].arena) in there


@pytest.mark.plain_kernels
def test_programs_for_growing_lengths_share_their_memory():
    programs = [build_program(function(n)) for n in range(400, 500, 5)]
    for n, program in zip(range(400, 500, 5), programs, strict=True):
        program(*arrays(n))
    # Almost all differ: by how much depends on the processor's vectors.
    assert len({program.plan.arena_bytes for program in programs}) > 10
    assert len({id(program._free[0].arena) for program in programs}) <= 2


def test_a_program_keeps_nothing_of_its_making_but_what_runs():
    before = makings()
    with flags.override(verify=0):
        program = build_program(function(30))
        program(*arrays(30))
    assert makings() <= before


def makings():
    """The kernels and builders that are alive: those of programs that other extents may share are."""
    gc.collect()
    return {id(x) for x in gc.get_objects() if issubclass(type(x), Kernel | PlanBuilder)}


def test_calls_from_several_threads_do_not_meet():
    program = build_program(function(200))
    want = interpreter.run(function(200), arrays(200))[0]
    wrong = []

    def work():
        for _ in range(50):
            got = program(*arrays(200))
            if not all(
                np.allclose(g, w, rtol=1e-4, atol=1e-5) for g, w in zip(got, want, strict=True)
            ):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_profile_names_every_launch():
    program = build_program(function(16))
    rows = program.profile(*arrays(16))
    assert len(rows) == len(program.plan.launches)
    assert all(label and tasks > 0 and time >= 0 for label, tasks, time in rows)


def test_results_do_not_depend_on_the_run():
    program = build_program(function(500))
    first = [g.copy() for g in program(*arrays(500))]
    for _ in range(10):
        for a, b in zip(first, program(*arrays(500)), strict=True):
            np.testing.assert_array_equal(a, b)


def test_results_are_fresh_and_large_ones_aligned():
    program = build_program(function(500))
    a, b = program(*arrays(500)), program(*arrays(500))
    assert all(x.flags.c_contiguous for x in a)
    large = [x for x in a if x.nbytes >= 4096]
    assert large and all(x.ctypes.data % 64 == 0 for x in large)
    assert not any(np.shares_memory(x, y) for x in a for y in b)
