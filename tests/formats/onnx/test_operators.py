"""The table of operators that are read and written by rows."""

import numpy as np
import pytest

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
