"""Comparisons of strings with constants as those of numbers: the same results, and which operations remain strings."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.graph.passes.string_numbers import with_numbers
from penstock._src.graph.passes.unused_results import operations_to_run

WORDS = np.array([b"a", b"bc", b"", b"d", b"bc", b"zz"], object)
TABLE = np.array([[b"a", b"x", b"q"], [b"c", b"", b"a"]], object)
LINE, ROWS = tf.TensorSpec([None], tf.string), tf.TensorSpec([None, 3], tf.string)


def traced(function, spec):
    return tf.function(function, autograph=False).get_concrete_function(spec)


def kinds(concrete):
    """The types of the operations on strings that run."""
    graph = concrete.graph
    needed = operations_to_run(graph, concrete.inputs, concrete.outputs, graph.control_outputs)
    ops = with_numbers(needed, concrete.outputs)
    return sorted(
        op.type
        for op in ops
        if any(t.dtype == tf.string for t in op._inputs) and op.type != "Const"
    )


def check(function, spec, values, expected):
    concrete = traced(function, spec)
    for result, value in zip(tf.nest.flatten(concrete(tf.constant(values))), tf.nest.flatten(function(tf.constant(values))), strict=True):  # fmt: skip
        np.testing.assert_array_equal(result, value)
    assert kinds(concrete) == expected


def columns(x):
    return [
        tf.equal(tf.gather(x, [0], axis=1), [b"a", b"c"]),
        tf.not_equal(b"x", x[:, 1]),
        tf.transpose(tf.reshape(x, [-1]))[:, None] == np.array([b"q", b"a"], object),
    ]


def test_columns_are_searched_together():
    check(columns, ROWS, TABLE, ["KeyPositions"])


def test_positions_of_keys_are_those_in_their_own_constant():
    def net(x):
        return (
            raw.KeyPositions(x, np.array([b"bc", b"d"], object)),
            raw.KeyPositions(tf.identity(x), np.array([b"", b"a", b"bc"], object)),
            x == b"zz",
        )

    check(net, LINE, WORDS, ["KeyPositions"])


def test_strings_that_are_read_otherwise_stay():
    def net(x):
        first = x[:, :1]
        return x[:, 1] == b"x", x[:, 1] == b"", x[:, 1] == b"y", first == b"a", tf.strings.length(first)  # fmt: skip

    assert kinds(traced(net, ROWS)).count("StridedSlice") == 1
    check(net, ROWS, TABLE, ["Equal", "KeyPositions", "StridedSlice", "StringLength"])


def test_moved_strings_that_are_returned_stay():
    def net(x):
        moved = tf.reshape(x, [3, -1])
        return moved, moved == b"a", moved == b"d", moved != b""

    check(net, LINE, WORDS, ["Identity", "KeyPositions", "Reshape"])


def test_two_strings_that_are_no_constant_are_not_equal():
    def net(x):
        return x == b"a", x == b"d", x[::-1] == x, x != b"bc"

    check(net, LINE, WORDS, ["Equal", "KeyPositions", "StridedSlice"])


def test_a_part_of_unknown_size_is_not_searched_for_as_a_whole():
    def net(x):
        return x[:2] == b"a", x[:2] == b"d", x[:2] == b"bc", x[3:] == b"zz"

    assert "KeyPositions" not in kinds(traced(lambda x: net(x)[3], LINE))
    concrete = traced(net, LINE)
    for result, value in zip(concrete(tf.constant(WORDS)), net(WORDS), strict=True):
        np.testing.assert_array_equal(result, value)
    few = traced(lambda x: [x[:, 0] == b"a", x[:, 0] == b"b"], tf.TensorSpec([None, 9], tf.string))
    assert "KeyPositions" not in kinds(few)


@pytest.mark.parametrize("index", [3, -4])
def test_a_column_that_is_not_there_is_refused_as_before(index):
    def net(x, at):
        picked = tf.gather(x, at, axis=1)
        return picked == b"a", picked == b"q", picked == b"x"

    concrete = tf.function(net).get_concrete_function(ROWS, tf.TensorSpec([1], tf.int32))
    assert kinds(concrete) == ["KeyPositions"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{index} is not in \[0, 3\)"):
        concrete(tf.constant(TABLE), tf.constant([index]))


def test_branches_and_loops_compare_numbers():
    @tf.function(autograph=False)
    def net(x, chosen):
        return tf.cond(
            chosen,
            lambda: (x == b"a") | (x == b"d") | (x == b"bc"),
            lambda: tf.map_fn(lambda w: (w == b"zz") | (w == b"") | (w == b"a"), x, tf.bool),
        )

    assert net(tf.constant(WORDS), tf.constant(True)).numpy().tolist() == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    assert net(tf.constant(WORDS), tf.constant(False)).numpy().tolist() == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]
