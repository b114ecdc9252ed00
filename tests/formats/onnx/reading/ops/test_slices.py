"""Slices of which a part is known when the model is read: beside ONNX Runtime."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats import table
from tests.formats.onnx.reading.ops.microsoft.beside import floats, node_model, same

LIMITS = np.iinfo(np.int64)
X = floats(5, 7)


@pytest.mark.parametrize(
    ("known", "starts", "ends"),
    [
        ("ends", [1, 2], [LIMITS.max, 1 << 31]),
        ("ends", [1, 2], [LIMITS.min, 4]),
        ("starts", [LIMITS.min, -3], [3, 6]),
        ("starts", [LIMITS.max, 2], [3, 6]),
    ],
)
def test_ends_beyond_all_rows(known, starts, ends):
    given = {"x": X, "starts": np.int64(starts), "ends": np.int64(ends)}
    same("Slice", given, weights=(known,), domain="")


def test_open_ends_fit_formats_of_32_bits(tmp_path):
    given = {"x": X, "starts": np.int64([1]), "ends": np.int64([LIMITS.max])}
    proto = node_model("Slice", given, {"y": np.float32}, ("ends",), domain="")
    source = tmp_path / "model.onnx"
    source.write_bytes(proto.SerializeToString())
    table.convert(str(source), str(tmp_path / "model"), "tfjs")
    function = table.read(str(tmp_path / "model")).signatures["serving_default"]
    (y,) = function(x=tf.constant(X), starts=tf.constant(np.int64([1]))).values()
    np.testing.assert_array_equal(y, X[1:])
