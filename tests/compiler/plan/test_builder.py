"""What the planner notes of memory, launches and errors while it builds a plan."""

import numpy as np
import pytest

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.plan.buffers import NEVER, Buffer
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.in_place import Lifetimes
from penstock._src.compiler.plan.launch_table import Label, Launch
from penstock._src.compiler.plan.launchers.nests import copy
from penstock._src.compiler.plan.memory_need import bytes_needed, exhausted_by
from penstock._src.compiler.plan.plan import OutOfBounds, Plan
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.devices.cpu.device import DEVICE, build_program
from penstock._src.ir.interpreter import run

F32 = dtypes.float32


class Handle:
    """A variable's handle, as a program takes it."""

    def __init__(self, value):
        self.value, self.version = value, 0


def product_of_two(p):
    x, y = p.parameter(0, (3, 4), F32), p.parameter(1, (4, 5), F32)
    return [x, y], p.matmul(x, y)


def builder_of(p, parameters, results):
    """A builder at the beginning of a function."""
    function = p.function("f", parameters, results)
    numbers = {node.id: i for i, node in enumerate(parameters)}
    return PlanBuilder(
        function, DEVICE.generator, 1, {}, schedule_function(function), Lifetimes(), numbers, frozenset(), frozenset(), None,
    )  # fmt: skip


def planned(p, parameters, results, threads=1):
    return plan_function(p.function("f", parameters, results), DEVICE.generator, threads)


def test_variables_have_the_bytes_of_their_elements():
    p = LoweringContext()
    handle = p.parameter(0, (), dtypes.resource, variable=((3, 5), dtypes.float64))
    buffer = builder_of(p, [handle], []).variable(handle)
    assert (buffer.place, buffer.number, buffer.size) == ("variable", 0, 3 * 5 * 8)


def test_a_launch_that_updates_variables_holds_the_run_once_until_a_jump():
    p = LoweringContext()
    handle = p.parameter(0, (), dtypes.resource, variable=((3,), F32))
    builder = builder_of(p, [handle], [])
    variable, other = builder.variable(handle), Buffer("other", 12)
    part = Buffer("part", 4, "inside", inside=variable)
    for writes in ([other], [variable], [variable]):
        builder.note("kernel", [], writes)
        builder.add(None, "f", 1, [], "", [])
    builder.control(Label())
    builder.note("kernel", [], [part])
    builder.add(None, "f", 0, [], "", [])  # no tasks, no launch
    builder.add(None, "f", 1, [], "", [])
    launches = [r for r in builder.launches if isinstance(r, Launch)]
    assert [launch.holds for launch in launches] == [False, True, False, True]


def test_a_copy_keeps_both_of_its_buffers_alive():
    p = LoweringContext()
    x = p.parameter(0, (3, 4), F32)
    builder = builder_of(p, [x], [])
    builder.time, source, target = 5, Buffer("from", 48), Buffer("to", 48)
    copy(builder, x, target, None, source)
    assert [(b.first, b.last) for b in (source, target)] == [(5, 5), (5, 5)]
    assert builder.time == 6
    (launch,) = builder.launches
    assert [word for word in launch.args if isinstance(word, Buffer)] == [source, target]


def test_what_was_made_before_a_loop_lives_until_its_end():
    p = LoweringContext()
    builder = builder_of(p, [], [])
    names = "before across at_start within given".split()
    before, across, at_start, within, given = (builder.temporary(name, 4) for name in names)
    before.touch(1)
    across.touch(2)
    at_start.first = at_start.last = 2
    within.first = within.last = 3
    builder.time = 9
    builder.keep_through(2, [given])
    ends = [b.last for b in (before, across, at_start, within, given)]
    assert ends == [1, 9, 2, 3, 9]
    assert Buffer("never", 4).first == NEVER


@pytest.mark.parametrize(
    ("shape", "number", "place"), [((), 0, ""), ((4,), 3, "3"), ((2, 3), 5, "1, 2"), ((2, 3, 4), 14, "1, 0, 2")]
)  # fmt: skip
def test_an_index_out_of_bounds_is_named_by_its_place(shape, number, place):
    p = LoweringContext()
    indices, x = p.parameter(0, shape, dtypes.int32), p.parameter(1, (7, 2), F32)
    error = OutOfBounds(indices, p.gather(x, indices, 0), None, shape).error([1, number, 7, 7])
    assert isinstance(error, InvalidArgumentError)
    assert error.message == f"indices[{place}] = 7 is not in [0, 7)"


def test_a_program_needs_its_temporaries_and_its_results():
    p = LoweringContext()
    parameters, product = product_of_two(p)
    plan = planned(p, parameters, [p.exp(product), p.reduce_max(product, (0, 1))])
    assert plan.arena_bytes >= 3 * 5 * 4
    assert bytes_needed(plan) == plan.arena_bytes + 3 * 5 * 4 + 4


def test_memory_that_there_is_not_is_told_by_the_largest_buffers():
    p = LoweringContext()
    x = p.parameter(0, (3, 4), F32)
    plan = Plan(
        p.function("f", [x], [x + 1.0]),
        buffers=(
            Buffer("small", 8, last=1), Buffer("large", 4000, last=1), Buffer("middle", 400, last=1),
            Buffer("unused", 9000), Buffer("elsewhere", 9000, "input", last=1),
        ),
        arena_bytes=4408,
    )  # fmt: skip
    message = exhausted_by(plan).message
    assert "allocating 4456 bytes" in message
    assert message.index("large (4000 bytes)") < message.index("middle (400 bytes)")
    assert message.index("middle") < message.index(
        "tensor with shape[3,4] and type float32 (48 bytes)"
    )
    assert not any(word in message for word in ("small", "unused", "elsewhere"))


def test_the_result_that_is_also_a_variables_new_value_is_copied():
    p = LoweringContext()
    x = p.parameter(0, (3, 4), F32)
    handle = p.parameter(1, (), dtypes.resource, variable=((3, 4), F32))
    new = p.read_variable(handle) + p.exp(x)
    p.assign_variable(handle, new)
    function = p.function("f", [x, handle], [new])
    array, old = np.full((3, 4), 0.5, np.float32), np.arange(12, dtype=np.float32).reshape(3, 4)
    held = Handle(old.copy())
    (found,) = build_program(function)(array, held)
    np.testing.assert_array_equal(found, old + np.exp(array))
    np.testing.assert_array_equal(held.value, found)
    (launch, copied) = build_program(function).plan.launches
    assert launch.tasks == copied.tasks == 1


def test_the_number_of_a_branch_is_an_int32():
    p = LoweringContext()
    index, x = p.parameter(0, (), dtypes.int64), p.parameter(1, (3,), F32)
    (chosen,) = p.case(index, [lambda x: [x * 2.0], lambda x: [p.exp(x)]], [x])
    function = p.function("f", [index, x], [chosen])
    plan = plan_function(function, DEVICE.generator, 1)
    (number,) = [buffer for buffer in plan.buffers if buffer.name == "branch"]
    assert number.size == 4
    array = np.array([1, 2, 3], np.float32)
    for which in (0, 1, 7):
        (want,) = run(function, [np.int64(which), array])[0]
        np.testing.assert_allclose(
            build_program(function)(np.array(which), array)[0], want, rtol=1e-6
        )


def test_temporaries_of_inputs_and_results_are_not_written_over():
    p = LoweringContext()
    parameters, product = product_of_two(p)
    other = p.exp(product)
    function = p.function("f", parameters, [p.matmul(other, p.transpose(product, (1, 0)))])
    schedule = schedule_function(function)
    stored = set(schedule.makers)
    free = Lifetimes.of(schedule, set()).last
    assert set(free) <= stored and product.id in free
    assert product.id not in Lifetimes.of(schedule, {product.id}).last
    assert not {node.id for node in parameters} & set(free)
