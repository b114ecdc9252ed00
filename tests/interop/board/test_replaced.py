"""TensorFlow 1's summaries are written by TensorBoard's functions where a program has them, which it may replace."""

import subprocess
import sys

import pytest

EMIT = """
import sys, penstock as tf
if sys.argv[1] == "board":
    tf.install_as_tensorflow()
    from tensorboard.summary import v2
summary = tf.compat.v1.summary
with tf.summary.create_file_writer(sys.argv[2]).as_default(step=3):
    with tf.name_scope("outer"):
        summary.scalar("s", 1, family="f")
        summary.histogram("h", [1.0, 2.0, 7.0])
        summary.text("t", tf.constant(["a", "b"]))
    summary.image("i", tf.reshape(tf.range(48.0) / 48, [2, 2, 4, 3]), max_outputs=1)
    summary.audio("a", tf.reshape(tf.range(16.0) / 16, [2, 8]), 8000)
    tf.function(lambda x: summary.scalar("within", x))(tf.constant(2.0))
"""

REPLACED = """
import sys, penstock as tf
from unittest import mock
if sys.argv[1] == "late":  # TensorBoard keeps its own part of TensorFlow, if that was used first
    import tensorboard.compat
    tensorboard.compat.tf.io
tf.install_as_tensorflow()
from tensorboard.summary import v2
with mock.patch.object(v2, "scalar", autospec=True) as scalar:
    with tf.summary.create_file_writer("logs").as_default(step=1):
        tf.compat.v1.summary.scalar("loss", 2.5)
if sys.argv[1] == "late":
    scalar.assert_not_called()
else:
    scalar.assert_called_once_with(name="loss", data=2.5, step=1, description=None)
"""


def run(program, *arguments, folder):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    subprocess.run(command, check=True, cwd=folder, timeout=300)


def values(folder):
    import penstock as tf

    (path,) = folder.iterdir()
    events = tf.compat.v1.train.summary_iterator(str(path))
    return [(event.step, value) for event in events for value in event.summary.value]


def test_the_events_are_the_same(tmp_path):
    for kind in ("own", "board"):
        run(EMIT, kind, tmp_path / kind, folder=tmp_path)
    written = values(tmp_path / "own")
    assert len(written) == 6
    assert written == values(tmp_path / "board")


@pytest.mark.parametrize("stand_in", ["early", "late"])
def test_functions_are_looked_up(tmp_path, stand_in):
    run(REPLACED, stand_in, folder=tmp_path)
    assert len(values(tmp_path / "logs")) == (stand_in == "late")
