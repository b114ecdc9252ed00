"""Reductions of matrices with unknown extents: shorter vectors at the ends of rows, and one vector for a short row."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.codegen.nests import emit, nest

RANDOM = np.random.default_rng(5)
LENGTHS = (1, 2, 3, 7, 8, 15, 16, 17, 33, 64, 65, 100, 255, 256, 300, 520, 0)
REDUCTIONS = {
    "sum": np.sum,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "any": np.any,
    "all": np.all,
    "mean": np.mean,
}


def open_reduction(name, axis, dtype):
    signature = [tf.TensorSpec([None, None], dtype)]
    return tf.function(lambda x: getattr(tf, f"reduce_{name}")(x, axis), input_signature=signature)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_rows_of_any_length(name, axis):
    is_logical = name in ("any", "all")
    reduced = open_reduction(name, axis, tf.bool if is_logical else tf.float32)
    for length in LENGTHS:
        x = RANDOM.uniform(0.9, 1.1, (40, length)).astype("float32")
        x = x > 0.91 if is_logical else x
        if not x.size and (name, axis) in {("max", 1), ("min", 1), ("mean", 1)}:
            continue
        expected = REDUCTIONS[name](x if is_logical else x.astype("float64"), axis)
        np.testing.assert_allclose(reduced(x), expected, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", ["float64", "int32", "int8", "bfloat16", "complex64", "int64"])
def test_rows_of_any_type(dtype, axis):
    reduced = open_reduction("sum", axis, dtype)
    for length in (1, 5, 16, 40, 200):
        x = tf.cast(RANDOM.integers(-3, 4, (30, length)), dtype)
        exact = x.numpy().astype("complex128" if dtype == "complex64" else "float64").sum(axis)
        np.testing.assert_array_equal(reduced(x).numpy().astype(exact.dtype), exact)


def test_nan_and_infinity_are_kept_in_short_rows():
    x = np.array([[1, np.nan, 2], [np.inf, 1, -np.inf], [-np.inf] * 3], "float32")
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(open_reduction("max", 1, tf.float32)(x), x.max(1))
        np.testing.assert_array_equal(open_reduction("sum", 1, tf.float32)(x), x.sum(1))


@pytest.fixture
def schedules(monkeypatch):
    """Lists the nests that are scheduled, with their loops and targets."""
    seen = []
    choose = emit.choose_loops

    def noted(loop_nest, target):
        loops = choose(loop_nest, target)
        seen.append((loop_nest, loops, target))
        return loops

    monkeypatch.setattr(emit, "choose_loops", noted)
    return seen


def test_several_reductions_of_a_row_share_its_vector(schedules, monkeypatch):
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def both(x):
        return tf.reduce_sum(x * 1.375, 1) + tf.reduce_max(x * 1.375, 1)

    for length in (3, 16, 90):
        x = RANDOM.standard_normal((21, length)).astype("float32")
        wide = x.astype("float64") * 1.375
        np.testing.assert_allclose(both(x), wide.sum(1) + wide.max(1), rtol=1e-4, atol=1e-5)
    rows = []
    write = nest.NestWriter._short_row
    monkeypatch.setattr(
        nest.NestWriter,
        "_short_row",
        lambda self, group, lanes: rows.append(len(group.values)) or write(self, group, lanes),
    )
    for loop_nest, loops, target in schedules:
        pointers = 1 + max(store.slot for store in loop_nest.stores)
        nest.write_nest(loop_nest, loops, pointers, target)
    assert rows == [2]


def test_vectors_at_the_end_of_a_row_get_ever_shorter(schedules):
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def columns(x):
        return tf.reduce_sum(x * 1.4375, 0)

    np.testing.assert_allclose(columns(np.ones((17, 13), "float32")), 17 * 1.4375)
    lengths = [(loops.lanes, *loops.rest) for _, loops, _ in schedules if loops.rest]
    assert lengths and all(list(x) == sorted(set(x), reverse=True) for x in lengths)
    assert all(x[-1] <= 16 for x in lengths)
