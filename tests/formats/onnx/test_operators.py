"""The table of operators that are read and written by rows."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.registry import find
from penstock._src.formats.onnx.operators import BY_NAME, BY_RAW, ROWS
from penstock._src.formats.onnx.reading.model import read_proto
from penstock._src.formats.onnx.reading.registry import READERS, load_readers
from penstock._src.formats.onnx.writing.writer import WRITERS, load_writers
from tests.formats.onnx.models import graph, model, node, value


def test_operators_and_raw_ops_have_one_row():
    assert len(BY_NAME) == len(ROWS)
    assert len(BY_RAW) == sum(1 + len(row.also) for row in ROWS)


def test_raw_ops_that_are_written_exist():
    load_writers()
    for name in WRITERS:
        assert find(name).op_type == name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rows_that_say_too_little_to_read_a_node_have_a_reader(row):
    load_readers()
    if row.fixed or row.reduces or row.integers:
        assert ("", row.name) in READERS


def test_attributes_have_the_defaults_of_the_standard():
    leaky = graph([node("LeakyRelu", "x", "y")], [value("x", [2])], [value("y", [2])])
    function = read_proto(model(leaky)).signatures["serving_default"]
    found = function(x=np.float32([-3, 3]))["y"].numpy()
    np.testing.assert_allclose(found, [-0.03, 3], rtol=1e-6)


def _found(nodes, x, shape, **weights):
    """The value of y for x, which the graph takes as a tensor of this shape."""
    main = graph(nodes, [value("x", shape)], [value("y", [None] * len(shape))], **weights)
    return read_proto(model(main)).signatures["serving_default"](x=x)["y"].numpy()


@pytest.mark.parametrize("size", [4, "n"])
def test_a_backward_slice_that_starts_before_row_0_starts_there(size):
    """The standard clamps the start to 0 where the step is negative; NumPy would give no row."""
    slices = [node("Slice", "x starts ends axes steps", "y")]
    settings = {"ends": np.array([-99]), "axes": np.array([0]), "steps": np.array([-2])}
    x = np.arange(4, dtype=np.float32)
    for start, expected in ((-6, [0]), (-2, [2, 0]), (-4, [0])):
        found = _found(slices, x, [size], starts=np.array([start]), **settings)
        np.testing.assert_array_equal(found, expected)


def test_a_slice_of_dynamic_bounds_may_be_empty():
    inputs = [value("x", [3]), value("b", [1], dtypes.int64), value("e", [1], dtypes.int64)]
    inputs += [value(name, [1], dtypes.int64) for name in ("a", "s")]
    main = graph([node("Slice", "x b e a s", "y")], inputs, [value("y", ["m"])])
    function = read_proto(model(main)).signatures["serving_default"]
    for first, last, step in ((2, 1, 1), (0, 2, -1), (9, 0, 2), (-9, -9, -1)):
        b, e, s = (np.array([v]) for v in (first, last, step))
        found = function(x=np.arange(3.0, dtype=np.float32), b=b, e=e, a=np.array([0]), s=s)["y"]
        # Backward from before row 0 is row 0 alone.
        expected = [0.0] if first == -9 else np.arange(3.0)[first:last:step]
        np.testing.assert_array_equal(found.numpy(), expected)


def test_wrapping_takes_no_rows_that_negative_padding_removes():
    x = np.arange(5, dtype=np.float32)
    pads = [node("Pad", "x pads", "y", mode="wrap")]
    found = _found(pads, x, [5], pads=np.array([-1, 1]))
    np.testing.assert_array_equal(found, [1, 2, 3, 4, 1])  # as ONNX Runtime
    found = _found(pads, x, [5], pads=np.array([2, -1]))
    np.testing.assert_array_equal(found, [2, 3, 0, 1, 2, 3])


def test_corners_of_max_roi_pool_round_halves_away_from_zero():
    x = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6)
    pool = [node("MaxRoiPool", "x boxes", "y", pooled_shape=[1, 1], spatial_scale=0.5)]
    found = _found(pool, x, [1, 1, 6, 6], boxes=np.float32([[0, 1, 1, 5, 5], [0, 0, 0, 3, 1]]))
    np.testing.assert_array_equal(found.reshape(-1), [21, 8])  # to rows and columns 3; 2 and 1


FIRST, LAST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    "bounds, rows",
    [
        ((0, LAST, LAST), [0]),
        ((FIRST, LAST, 2), [0, 2, 4]),
        ((LAST, FIRST, FIRST), [4]),
        ((LAST, FIRST + 1, -2), [4, 2, 0]),
        # The greatest integers are no end, in either direction.
        ((3, LAST, -1), [3, 2, 1, 0]),
        ((3, 2**31 - 1, -2), [3, 1]),
        ((3, 2**31, -2), []),
        ((FIRST, LAST, FIRST), [0]),
    ],
)
def test_slices_to_the_ends_of_integers(bounds, rows):
    x = np.arange(5, dtype=np.float32)
    names = dict(zip("bes", np.array(bounds)[:, None], strict=True))
    sliced = [node("Slice", "x b e a s", "y")]
    for given in (), ("b",), ("e",), ("s",), ("b", "e", "s"):
        inputs = [value("x", ["n"]), *(value(name, [1], dtypes.int64) for name in given)]
        held = {name: v for name, v in names.items() if name not in given}
        made = graph(sliced, inputs, [value("y", ["m"])], a=np.array([0]), **held)
        function = read_proto(model(made)).signatures["serving_default"]
        fed = {name: names[name] for name in given}
        np.testing.assert_array_equal(function(x=x, **fed)["y"], np.float32(rows))
