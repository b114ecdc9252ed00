"""Scatters on the emulated card are the interpreter's, in the order of the updates."""

import numpy as np
import pytest

from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.core import dtypes
from penstock._src.devices.cuda.emulator.device import DEVICE
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function

RANDOM = np.random.default_rng(3)


def scattered(x, indices, updates, **attrs):
    """(on the card, by the interpreter)"""
    p = Builder(rules=False, fold=False)
    given = [x, np.asarray(indices, np.int32), updates]
    nodes = [p.parameter(i, a.shape, dtypes.as_dtype(a.dtype)) for i, a in enumerate(given)]
    made = p.make("scatter", nodes, **{"mode": "drop", **attrs})
    function = Function("f", tuple(nodes), (made,))
    plan = plan_function(function, DEVICE.generator, DEVICE.threads)
    launch = next(r for r in plan.launches if isinstance(r, Launch) and "scatter" in r.label)
    assert launch.code.threads > 1
    return DEVICE.load(plan).run(given)[0], interpreter.run(function, given)[0][0]


@pytest.mark.parametrize("op", ["add", "set", "mul", "max", "min"])
@pytest.mark.parametrize("width", [1, 3, 64, 300])
def test_rows_that_several_updates_meet(op, width):
    x = RANDOM.standard_normal((7, width)).astype(np.float32)
    updates = RANDOM.standard_normal((500, width)).astype(np.float32)
    found, wanted = scattered(x, RANDOM.integers(-1, 8, (500, 1)), updates, op=op)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", [np.float16, np.int8, np.float64, np.int64])
def test_types(kind):
    x, updates = (RANDOM.integers(-9, 9, s).astype(kind) for s in ((20, 5), (90, 5)))
    found, wanted = scattered(x, RANDOM.integers(0, 20, (90, 1)), updates, op="add")
    np.testing.assert_allclose(found, wanted, rtol=2e-3)


def test_single_elements_by_vectors_of_two_indices():
    x, updates = RANDOM.standard_normal((30, 40)), RANDOM.standard_normal(2000)
    indices = RANDOM.integers(0, 30, (2000, 2))
    found, wanted = scattered(x, indices, updates, op="add")
    np.testing.assert_array_equal(found, wanted)


def test_unique_places():
    x, updates = np.zeros(1000, np.float32), RANDOM.standard_normal(600).astype(np.float32)
    found, wanted = scattered(
        x, RANDOM.permutation(1100)[:600, None], updates, op="set", unique=True
    )
    np.testing.assert_array_equal(found, wanted)


def test_no_updates():
    x = np.ones((3, 4), np.float32)
    p = Builder(rules=False, fold=False)
    parameters = (
        p.parameter(0, (3, 4), dtypes.float32),
        p.parameter(1, (0, 1), dtypes.int32),
        p.parameter(2, (0, 4), dtypes.float32),
    )
    function = Function("f", parameters, (p.make("scatter", parameters, op="add", mode="drop"),))
    program = DEVICE.load(plan_function(function, DEVICE.generator, DEVICE.threads))
    found = program.run([x, np.zeros((0, 1), np.int32), np.zeros((0, 4), np.float32)])
    np.testing.assert_array_equal(found[0], x)
