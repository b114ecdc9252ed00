"""Loop and Scan that take no step: what they collect has no rows, and 0 for extents that only a step would tell, as in ONNX Runtime."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def loop(condition):
    """A Loop of `n` steps whose state is of unknown height, and collected; `condition` is a node of its body."""
    body = graph(
        [node("Tanh", "s", "t"), node("Add", "t x", "y"), condition],
        [value("i", [], dtypes.int64), value("c", [], dtypes.bool_), value("s", ["d", 3])],
        [value("again", [], dtypes.bool_), value("t", ["d", 3]), value("y", ["d", 3])],
    )
    return graph(
        [node("Loop", "n - x", "last rows", body=body)],
        [value("n", [], dtypes.int64), value("x", ["d", 3])],
        [value("last", ["d", 3]), value("rows", ["n", "d", 3])],
    )


@pytest.mark.parametrize(
    "condition",
    [node("Identity", "c", "again"), node("Less", "i i", "again")],
    ids=["counted", "conditional"],
)
def test_a_loop_without_steps_collects_no_rows(condition):
    f = read_proto(model(loop(condition))).signatures["serving_default"]
    results = f(n=tf.constant(0, tf.int64), x=tf.constant(ROWS))
    np.testing.assert_array_equal(results["last"], ROWS)
    assert results["rows"].shape == (0, 0, 3)
    results = f(n=tf.constant(1, tf.int64), x=tf.constant(ROWS))
    np.testing.assert_allclose(results["rows"], (np.tanh(ROWS) + ROWS)[None], rtol=1e-6)


def test_a_scan_without_steps_collects_no_rows():
    body = graph(
        [node("Tanh", "row", "y")],
        [value("row", ["width"])],
        [value("y", ["width"])],
    )
    main = graph(
        [node("Scan", "x", "rows", body=body, num_scan_inputs=1, scan_output_axes=[1])],
        [value("x", ["n", "width"])],
        [value("rows", ["width", "n"])],
    )
    f = read_proto(model(main)).signatures["serving_default"]
    assert f(x=tf.zeros([0, 3]))["rows"].shape[1] == 0
    np.testing.assert_allclose(f(x=tf.constant(ROWS))["rows"], np.tanh(ROWS).T, rtol=1e-6)
