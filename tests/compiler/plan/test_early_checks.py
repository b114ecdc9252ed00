"""Checks that end a run before variables change."""

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.early_checks import EarlyChecks
from penstock._src.core import dtypes


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
