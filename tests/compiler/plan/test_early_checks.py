"""Checks that end a run before variables change."""

import numpy as np
import pytest

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.early_checks import EarlyChecks
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.cpu.device import build_program


def test_a_condition_does_not_wait_for_later_reductions():
    """Else variables would be computed aside and copied: the step of a classifier with its accuracy."""
    p = LoweringContext()
    labels = p.parameter(0, (512,), dtypes.int32)
    x = p.parameter(1, (512, 8), dtypes.float32)
    weights = p.parameter(2, (512, 8), dtypes.resource, variable=((512, 8), dtypes.float32))
    p.check(p.reduce_all(p.lt(labels, 8)), "a label is out of range")
    new = p.read_variable(weights) - p.exp(x)
    p.assign_variable(weights, new)
    best = p.arg_max(x, 1, dtypes.int32)
    right = p.reduce_sum(p.cast(p.eq(best, labels), dtypes.float32), (0,))
    function = p.function("step", [labels, x, weights], [right])
    schedule = schedule_function(function)
    assert not EarlyChecks.of(schedule).is_early(home(new))


def check_of(p, condition):
    p.check(condition, "no")
    return p.checks[-1]


def test_only_functions_that_change_variables_check_early():
    p = LoweringContext()
    x = p.parameter(0, (8,), dtypes.float32)
    p.check(p.reduce_all(p.gt(x, 0.0)), "x must be positive")
    early = EarlyChecks.of(schedule_function(p.function("f", [x], [p.exp(x)])))
    assert not early.before


def test_values_that_are_made_before_a_check_or_with_its_condition_are_early():
    p = LoweringContext()
    x = p.parameter(0, (8,), dtypes.float32)
    before = p.exp(x)
    check = check_of(p, p.reduce_all(p.gt(x, 0.0)))
    after = p.sin(x)
    makers = {before.id: [3], after.id: [3]}
    assert not EarlyChecks({3: [check]}, makers).is_early(before)  # a later kernel
    assert EarlyChecks({4: [check]}, makers).is_early(before)  # the condition's own
    assert not EarlyChecks({5: [check]}, makers).is_early(
        before
    )  # eagerly, too, it is assigned before the check
    assert EarlyChecks({5: [check]}, makers).is_early(after)
    assert EarlyChecks({9: [check]}, {}).is_early(after)  # in memory from the beginning
    assert not EarlyChecks({}, makers).is_early(after)


class Handle:
    """A variable's handle, as a program takes it."""

    def __init__(self, value):
        self.value, self.version = value, 0


def guarded_step(kind):
    """Assigns a variable after two checks; kernels follow the second one unless `kind` is "last"."""
    p = LoweringContext()
    x = p.parameter(0, (40, 30), dtypes.float32)
    handle = p.parameter(1, (), dtypes.resource, variable=((30,), dtypes.float32))
    p.check(p.reduce_all(p.gt(x, 0.0)), "x must be positive")
    total = p.reduce_sum(x, (0,))
    p.check(p.reduce_all(p.lt(total, 100.0)), "x must be small")
    p.assign_variable(handle, p.read_variable(handle) + total)
    results = [] if kind == "last" else [p.matmul(p.exp(x), p.transpose(x, (1, 0)))]
    return p.function("step", [x, handle], results)


@pytest.mark.parametrize("kind", ["last", "first"])
def test_variables_change_only_if_all_checks_hold(kind):
    program = build_program(guarded_step(kind))
    held = Handle(np.full(30, 7, np.float32))
    for wrong, message in ((-1.0, "x must be positive"), (3.0, "x must be small")):
        with pytest.raises(InvalidArgumentError, match=message):
            program(np.full((40, 30), wrong, np.float32), held)
        np.testing.assert_array_equal(held.value, np.full(30, 7, np.float32))
    program(np.full((40, 30), 0.5, np.float32), held)
    np.testing.assert_array_equal(held.value, np.full(30, 27, np.float32))


def test_kernels_after_a_check_that_fails_are_not_run():
    labels = [r.label for r in build_program(guarded_step("first")).plan.launches]
    assert labels.count("check") == 2
    assert labels.index("check") < len(labels) - labels[::-1].index("check") < len(labels)


@pytest.mark.parametrize("holds", [True, False])
def test_a_variable_that_is_a_condition_is_looked_at_before_it_is_assigned(holds):
    p = LoweringContext()
    flag = p.parameter(0, (), dtypes.resource, variable=((), dtypes.bool_))
    old = p.read_variable(flag)
    p.check(old, "the flag is not set")
    p.assign_variable(flag, p.not_(old))
    program = build_program(p.function("toggle", [flag], []))
    handle = VariableHandle((), dtypes.bool_, value=np.array(holds))
    if holds:
        program(handle)
        assert not handle.value
    else:
        with pytest.raises(InvalidArgumentError, match="the flag is not set"):
            program(handle)
        assert not handle.value
