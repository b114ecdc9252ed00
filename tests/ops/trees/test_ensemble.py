"""Sums of leaves: by hand, by NumPy's walk, and by both kernels."""

import numpy as np
import pytest

import penstock as tf
from tests.harness.op_case import EXACT, OpCase, check
from tests.ops.trees.ensembles import NAMES, draw, rows

raw = tf.raw_ops
# x[0] <= 1 leads to 10; else category x[1] in {1, 33} leads to 20, else 30.
BY_HAND = {
    "roots": [0],
    "targets": [1],
    "feature": [0, -1, 1, -1, -1],
    "threshold": np.float32([1, 0, 0, 0, 0]),
    "left": [1, 0, 3, 1, 2],
    "right": [2, -1, 4, -1, -1],
    "missing_left": [True, False, False, False, False],
    "set_of": [-1, -1, 0, -1, -1],
    "set_offsets": [0, 2],
    "set_words": np.uint32([2, 2]),
    "values": np.float32([[10], [20], [30]]),
}
ENSEMBLES = {
    "small trees": {"sizes": [4, 1, 8]},
    "trees of two words": {"sizes": [33, 64, 31, 65] * 3},
    "doubles": {"sizes": [20, 40], "dtype": np.float64, "values": np.float64},
    "sets": {"sizes": [31, 60, 2], "sets": 0.4},
    "several values of a leaf": {"sizes": [20, 9], "width": 3, "sums": 4, "values": np.float64},
    "large trees": {"sizes": [900, 3]},
    "large trees with sets": {"sizes": [700, 1], "sets": 0.3, "dtype": np.float64},
    "large trees with several values": {"sizes": [900], "width": 2, "sums": 2},
}


def compiled(tables, x, base, strict=False):
    function = tf.function(
        lambda x: raw.TreeEnsemble(x=x, base=base, **tables, strict=strict), autograph=False
    )
    report = str(function.explain(tf.constant(x)))
    assert "host" not in report
    return function(tf.constant(x)).numpy(), report


def test_by_hand():
    x = np.float32([[1, 0], [2, 1.5], [2, 33], [2, 2], [2, -7], [2, 1e9], [np.nan, 1], [9, np.nan]])
    base = np.float32([0, 5])
    expected = [10, 20, 20, 30, 30, 30, 10, 30]
    sums = raw.TreeEnsemble(x=x, base=base, **BY_HAND)
    np.testing.assert_array_equal(sums, np.stack([np.zeros(8), np.add(expected, 5)], 1))
    np.testing.assert_array_equal(compiled(BY_HAND, x, base)[0], sums)


def test_a_number_equal_to_the_threshold():
    for strict, expected in ((False, 10), (True, 30)):
        made = raw.TreeEnsemble(
            x=np.float32([[1, 9]]), base=np.float32([0, 0]), **BY_HAND, strict=strict
        )
        assert made.numpy()[0, 1] == expected


@pytest.mark.parametrize("strict", [False, True], ids=["at most", "below"])
@pytest.mark.parametrize("name", ENSEMBLES)
def test_kernels_agree_with_the_walk(name, strict):
    tables = draw(**ENSEMBLES[name])
    base = np.arange(ENSEMBLES[name].get("sums", 1)).astype(tables["values"].dtype)
    for count in (0, 1, 39, 700):
        x = rows(count, dtype=tables["threshold"].dtype)
        expected = raw.TreeEnsemble(x=x, base=base, **tables, strict=strict)
        made, report = compiled(tables, x, base, strict)
        np.testing.assert_array_equal(made, expected)
        assert not count or ("tree paths" if "large" in name else "leaf masks") in report


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_op_holds_to_its_class(name):
    tables = draw(**ENSEMBLES[name])
    base = np.zeros(ENSEMBLES[name].get("sums", 1), tables["values"].dtype)
    x = rows(9, dtype=tables["threshold"].dtype)
    inputs = [x, base, *(tables[key] for key in NAMES)]
    check(OpCase("TreeEnsemble", inputs, compiles=False, lowers=False, tolerance=EXACT))


def test_no_trees_are_the_base():
    tables = draw([])
    base, x = np.float32([3]), rows(4)
    np.testing.assert_array_equal(compiled(tables, x, base)[0], np.full((4, 1), 3, np.float32))


def test_rows_of_a_size_that_changes():
    tables = draw([31, 8])
    function = tf.function(
        lambda x: raw.TreeEnsemble(x=x, base=np.float32([0]), **tables),
        input_signature=[tf.TensorSpec([None, 5])],
    )
    for count in (1, 100, 5, 64):
        x = rows(count)
        expected = raw.TreeEnsemble(x=x, base=np.float32([0]), **tables)
        np.testing.assert_array_equal(function(x), expected)


FAULTS = {
    "feature": (0, 5, "tests a feature that does not exist"),
    "threshold": (0, np.nan, "threshold is NaN"),
    "left": (0, 99, "child that does not exist"),
    "right": (0, 0, "comes before its parent"),
    "roots": (0, 5, "begins at a node that does not exist"),
    "targets": (0, 2, "sum that does not exist"),
    "set_of": (2, 1, "set that does not exist"),
    "set_offsets": (1, 3, "one after the other"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_tables_that_are_no_trees(name):
    place, number, message = FAULTS[name]
    tables = {key: np.array(held) for key, held in BY_HAND.items()}
    tables[name][place] = number
    x, base = np.zeros((3, 2), np.float32), np.float32([0, 0])

    def call(x):
        return raw.TreeEnsemble(x=x, base=base, **tables)

    for run in (call, tf.function(call, autograph=False)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            run(tf.constant(x))


def test_a_node_with_two_parents():
    tables = {key: np.array(held) for key, held in BY_HAND.items()}
    tables["right"][0] = 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="two parents"):
        raw.TreeEnsemble(x=np.zeros((1, 2), np.float32), base=np.float32([0, 0]), **tables)


def test_tables_that_are_known_only_later_are_walked_by_the_host():
    tables = draw([9])
    x, base = rows(5), np.float32([0])
    function = tf.function(
        lambda x, values: raw.TreeEnsemble(x=x, base=base, **tables | {"values": values}),
        autograph=False,
    )
    made = function(tf.constant(x), tf.constant(tables["values"]))
    np.testing.assert_array_equal(made, raw.TreeEnsemble(x=x, base=base, **tables))
