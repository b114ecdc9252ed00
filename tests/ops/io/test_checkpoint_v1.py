"""Checkpoints of the first format. The bytes are those that TensorFlow wrote."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.io.slices import Piece, write_slices

raw = tf.raw_ops
# The slice of rows 1 and 2 of "b" [4, 2], the scalar "s".
WRITTEN = bytes.fromhex(
    "00002e0a2c0a1b0a0162120812020804120208021801220a0a04080110020a0210020a090a01731200180122"
    "0012020801000a250062000101028182808212230a0162120a0a04080110020a0210021a122a100000803f00"
    "000040000040400000804001040f73000100120d0a017312001a062a040000e0400000000001000000009b33"
    "f547000000000100000000c0f2a1b00001030100810100000000010000000074bfcf2c86010893010f000000"
    "0000000000000000000000000000000000000000000000000000000000000057fb808b247547db"
)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "c"
    path.write_bytes(WRITTEN)
    return str(path)


def part(path, name, spec):
    return raw.RestoreSlice(
        file_pattern=path, tensor_name=name, shape_and_slice=spec, dt=tf.float32
    ).numpy()


def test_tensorflows_files(written):
    assert part(written, "b", "4 2 1,2:0,2").tolist() == [[1, 2], [3, 4]]
    assert part(written, "b", "4 2 2,1:-").tolist() == [[3, 4]]
    assert raw.Restore(file_pattern=written, tensor_name="s", dt=tf.float32) == 7
    with pytest.raises(tf.errors.InvalidArgumentError, match="Error copying slice data"):
        part(written, "b", "")
    with pytest.raises(tf.errors.NotFoundError, match="not found in checkpoint"):
        part(written, "q", "")


def test_there_and_back(tmp_path):
    path = str(tmp_path / "c")
    values = {
        "f": tf.constant([[1.0, 2.0], [3.0, 4.0]]),
        "h": tf.constant([1.5], tf.float16),
        "i": tf.constant([-5, 6], tf.int64),
        "c": tf.constant([1 + 2j], tf.complex64),
        "t": tf.constant(["x", ""]),
        "none": tf.zeros([0, 3], tf.int32),
    }
    raw.Save(filename=path, tensor_names=list(values), data=list(values.values()))
    for name, value in values.items():
        made = raw.Restore(file_pattern=path, tensor_name=name, dt=value.dtype)
        np.testing.assert_array_equal(made, value)
    with pytest.raises(tf.errors.InvalidArgumentError, match="of type int32.*in .*/c"):
        raw.Restore(file_pattern=path, tensor_name="f", dt=tf.int32)


def test_slices_in_several_files(tmp_path):
    for number, rows in enumerate(([[1.0, 2.0]], [[3.0, 4.0]])):
        raw.SaveSlices(
            filename=str(tmp_path / f"c-{number}"),
            tensor_names=["b"],
            shapes_and_slices=[f"2 2 {number},1:-"],
            data=[tf.constant(rows)],
        )
    assert part(str(tmp_path / "c-*"), "b", "").tolist() == [[1, 2], [3, 4]]


def test_newer_ops_and_savers_read_them(written):
    found = raw.RestoreV2(
        prefix=written,
        tensor_names=["s", "b"],
        shape_and_slices=["", "4 2 1,2:-"],
        dtypes=[tf.float32, tf.float32],
    )
    assert found[0] == 7 and found[1].numpy().tolist() == [[1, 2], [3, 4]]
    v1 = tf.compat.v1
    assert v1.train.checkpoint_exists(written)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("s", initializer=0.0)
        v1.train.Saver().restore(session, written)
        assert session.run(v1.global_variables()) == [7.0]


def test_slices_that_no_message_holds(tmp_path):
    values = np.broadcast_to(np.bool_(True), (2, 1 << 30))
    piece = Piece.of("", values.shape)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large to serialize"):
        write_slices(str(tmp_path / "file"), [(b"x", piece, values, tf.bool)])
    assert not list(tmp_path.iterdir())
