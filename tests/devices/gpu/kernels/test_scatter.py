"""Scatters on the emulated GPU are the interpreter's, in the order of the updates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.core import dtypes
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function

RANDOM = np.random.default_rng(3)


def scattered(x, indices, updates, **attrs):
    """(on the GPU, by the interpreter)"""
    p = Builder(rules=False, fold=False)
    arrays = [x, np.asarray(indices, np.int32), updates]
    nodes = [p.parameter(i, a.shape, dtypes.as_dtype(a.dtype)) for i, a in enumerate(arrays)]
    made = p.make("scatter", nodes, **{"mode": "drop", **attrs})
    function = Function("f", tuple(nodes), (made,))
    plan = plan_function(function, DEVICE.generator, DEVICE.threads)
    launch = next(r for r in plan.launches if isinstance(r, Launch) and "scatter" in r.label)
    assert launch.code.threads > 1
    return DEVICE.load(plan).run(arrays)[0], interpreter.run(function, arrays)[0][0]


@pytest.mark.parametrize("op", ["add", "set", "mul", "max", "min"])
@pytest.mark.parametrize("width", [1, 3, 64, 300])
def test_rows_that_several_updates_meet(op, width):
    x = RANDOM.standard_normal((7, width)).astype(np.float32)
    updates = RANDOM.standard_normal((500, width)).astype(np.float32)
    found, wanted = scattered(x, RANDOM.integers(-1, 8, (500, 1)), updates, op=op)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("op", ["add", "set", "mul", "max", "min"])
@pytest.mark.parametrize("slices", [1, 40, 5000])
def test_many_vectors_by_a_sort(op, slices):
    x = RANDOM.uniform(0.9, 1.1, (slices, 3))
    updates = RANDOM.uniform(0.99, 1.01, (9000, 3))
    found, wanted = scattered(x, RANDOM.integers(-1, slices + 1, (9000, 1)), updates, op=op)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("vectors", [2049, 2080, 4096, 32 * 1024 + 1])
def test_a_run_as_long_as_all_vectors_between_others(vectors):
    indices = np.full((vectors, 1), 1)
    indices[:3], indices[-40:] = 0, 2
    found, wanted = scattered(np.zeros((3, 1)), indices, np.ones((vectors, 1)), op="add")
    np.testing.assert_array_equal(found, wanted)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 2500)), min_size=1, max_size=6))
def test_runs_of_any_lengths_in_any_order(runs):
    """Whole numbers add up exactly, whichever way runs are cut."""
    indices = np.concatenate([np.full(length, at) for at, length in runs] + [np.full(2049, 9)])
    updates = RANDOM.integers(-99, 99, (indices.size, 2))
    found, wanted = scattered(
        np.zeros((7, 2), np.int64),
        indices[RANDOM.permutation(indices.size), None],
        updates,
        op="add",
    )
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", [np.bool_, np.complex64, np.float16, np.int8, np.uint32])
def test_types_by_a_sort(kind):
    x, updates = (RANDOM.integers(0, 9, s).astype(kind) for s in ((20, 5), (3000, 5)))
    op = "set" if kind is np.bool_ else "add"
    found, wanted = scattered(x, RANDOM.integers(0, 20, (3000, 1)), updates, op=op)
    # 16-bit numbers are rounded once here, but after each update by the interpreter.
    np.testing.assert_allclose(found, wanted, rtol=2e-2 if kind is np.float16 else 1e-5)


def test_narrow_sums_of_many_are_rounded_once():
    updates = np.ones((4096, 1), np.float16)
    found, _ = scattered(np.zeros((1, 1), np.float16), np.zeros((4096, 1)), updates, op="add")
    assert np.asarray(found) == 4096  # steps of float16 would stay at 2048


@pytest.mark.parametrize("kind", [np.float16, np.int8, np.float64, np.int64])
def test_scatters_add_numbers_of_every_type(kind):
    x, updates = (RANDOM.integers(-9, 9, s).astype(kind) for s in ((20, 5), (90, 5)))
    found, wanted = scattered(x, RANDOM.integers(0, 20, (90, 1)), updates, op="add")
    np.testing.assert_allclose(found, wanted, rtol=2e-3)


def test_single_elements_by_vectors_of_two_indices():
    x, updates = RANDOM.standard_normal((30, 40)), RANDOM.standard_normal(2000)
    indices = RANDOM.integers(0, 30, (2000, 2))
    for op in ("add", "set"):
        found, wanted = scattered(x, indices, updates, op=op)
        np.testing.assert_array_equal(found, wanted)
        found, wanted = scattered(x, np.tile(indices, (2, 1)), np.tile(updates, 2), op=op)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_unique_slices():
    x, updates = np.zeros((1000, 3)), RANDOM.standard_normal((600, 3))
    indices = RANDOM.permutation(1100)[:600, None]
    found, wanted = scattered(x, indices, updates, op="set", unique=True)
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
