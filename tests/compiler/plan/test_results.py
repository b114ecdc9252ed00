"""Where results come from."""

import numpy as np

from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.util import flags


def test_one_constant_in_several_results():
    """It is computed for the first, and copied for the others when that is done."""
    p = LoweringContext()
    x = p.parameter(0, (2,), dtypes.float32)
    known = p.constant(np.array([3.0], np.float32))
    function = p.function("f", [x], [known, x + 1.0, known, p.reshape(known, ())])
    with flags.override(verify=1, check=1):
        first, _, second, third = build_program(function)(np.ones(2, np.float32))
    assert (first, second, third) == (3, 3, 3)


def launched(build):
    """The labels of what a function of an array launches, and its results."""
    p = LoweringContext()
    x = p.parameter(0, (30, 40), dtypes.float32)
    program = build_program(p.function("f", [x], build(p, x)))
    labels = [each.label for each in program.plan.launches if isinstance(each, Launch)]
    return labels, program(np.full((30, 40), 0.5, np.float32))


def test_results_are_computed_where_they_are_wanted():
    labels, (found,) = launched(lambda p, x: [p.exp(x)])
    assert len(labels) == 1 and found[0, 0] == np.exp(np.float32(0.5))


def test_a_result_that_is_wanted_twice_is_copied_once():
    labels, found = launched(lambda p, x: [y := p.exp(x), y])
    assert len(labels) == 2
    np.testing.assert_array_equal(*found)


def test_arguments_that_are_results_are_copied():
    labels, (found, _) = launched(lambda p, x: [x, p.exp(x)])
    assert len(labels) == 2
    assert (found == 0.5).all()
