"""tf.summary: what is written is what TensorBoard reads."""

import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util

import penstock._src.api.load  # noqa: F401  (operators)
from penstock._src.core.convert import convert_to_tensor
from penstock._src.eager.variable import Variable
from penstock._src.function.function import function
from penstock._src.observe import summaries, writer


def read(folder):
    found = event_accumulator.EventAccumulator(
        str(folder), size_guidance={event_accumulator.TENSORS: 0}
    )
    found.Reload()
    return found


def tensors(folder, tag):
    return [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in read(folder).Tensors(tag)]


def test_scalars(tmp_path):
    made = writer.create_file_writer(tmp_path)
    with made.as_default():
        for step in range(3):
            assert summaries.scalar("loss", step / 2, step=step)
        summaries.scalar("loss", convert_to_tensor(7), step=Variable(9, dtype="int64"))
    assert tensors(tmp_path, "loss") == [(0, 0.0), (1, 0.5), (2, 1.0), (9, 7.0)]
    metadata = read(tmp_path).SummaryMetadata("loss")
    assert metadata.plugin_data.plugin_name == "scalars"


def test_in_functions(tmp_path):
    made = writer.create_file_writer(str(tmp_path))

    @function
    def step(x, number):
        with made.as_default():
            summaries.scalar("inside", x * 2, step=number)
            summaries.histogram("h", convert_to_tensor([0.0, 1.0, 4.0]) * x, number, buckets=2)

    for number in range(2):
        step(convert_to_tensor(1.5), convert_to_tensor(np.int64(number)))
    made.flush()
    assert tensors(tmp_path, "inside") == [(0, 3.0), (1, 3.0)]
    np.testing.assert_allclose(tensors(tmp_path, "h")[0][1], [[0, 3, 2], [3, 6, 1]])


@pytest.mark.parametrize(
    "data, table",
    [
        ([], [[0, 0, 0], [0, 0, 0]]),
        ([3, 3], [[3, 3, 0], [3, 3, 2]]),
        ([0, 1, 2, 4], [[0, 2, 2], [2, 4, 2]]),
    ],
)
def test_histogram_buckets(data, table):
    np.testing.assert_array_equal(summaries.histogram_buckets(np.array(data), 2), table)


def test_text_and_conditions(tmp_path):
    made = writer.create_file_writer(str(tmp_path))
    with made.as_default(step=4):
        summaries.text("words", ["a", "b"])
        with writer.record_if(False):
            assert not summaries.text("hidden", "x")
        with writer.record_if(lambda: True):
            summaries.scalar("shown", 1)
    assert tensors(tmp_path, "words")[0][1].tolist() == [b"a", b"b"]
    assert read(tmp_path).Tags()["tensors"] == ["words", "shown"]
    assert not summaries.scalar("nowhere", 1, step=0)


def test_a_step_is_needed(tmp_path):
    with writer.create_file_writer(str(tmp_path)).as_default():
        with pytest.raises(ValueError, match="No step set"):
            summaries.scalar("x", 1)


def test_closed_writers(tmp_path):
    made = writer.create_file_writer(str(tmp_path))
    made.close()
    with pytest.raises(RuntimeError, match="already closed"):
        made.set_as_default()
