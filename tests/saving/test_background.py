"""Checkpoints whose files are written while the program goes on."""

import threading

import pytest

import penstock as tf
from penstock._src.bridge.python.checkpoint.async_checkpoint_helper import AsyncCheckpointHelper
from penstock._src.saving import checkpoint as internals
from penstock._src.saving.background import BackgroundWriter

BACKGROUND = tf.train.CheckpointOptions(enable_async=True)


@pytest.fixture
def gate(monkeypatch):
    """Files are written once the event is set."""
    event, write = threading.Event(), internals.write_shards

    def wait_and_write(*args):
        assert event.wait(20)
        write(*args)

    monkeypatch.setattr(internals, "write_shards", wait_and_write)
    yield event
    event.set()


def test_values_are_those_at_the_call(tmp_path, gate):
    variable = tf.Variable([1.0, 2.0])
    checkpoint = tf.train.Checkpoint(v=variable)
    path = checkpoint.save(str(tmp_path / "c"), options=BACKGROUND)
    tf.function(lambda: variable.assign_add([5.0, 5.0]))()
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    gate.set()
    checkpoint.sync()
    assert tf.train.latest_checkpoint(str(tmp_path)) == path
    checkpoint.restore(path)
    assert variable.numpy().tolist() == [1.0, 2.0]


def test_restoring_waits(tmp_path, gate):
    variable = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(v=variable)
    path = checkpoint.write(str(tmp_path / "c"), options=BACKGROUND)
    variable.assign(2.0)
    threading.Timer(0.1, gate.set).start()
    checkpoint.read(path)
    assert variable == 1.0


def test_failures_are_told_later(tmp_path):
    (tmp_path / "file").write_text("")
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    checkpoint.write(str(tmp_path / "file" / "c"), options=BACKGROUND)
    with pytest.raises(tf.errors.FailedPreconditionError):
        checkpoint.sync()
    checkpoint.sync()


def test_managers_count_what_is_written(tmp_path, gate):
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(1.0)), tmp_path, 2)
    gate.set()
    paths = [manager.save(options=BACKGROUND) for _ in range(3)]
    manager.sync()
    assert manager.checkpoints == paths[1:] and manager.latest_checkpoint == paths[2]
    assert not tf.io.gfile.glob(f"{paths[0]}*")


def test_callbacks_take_the_path_if_they_want_it(tmp_path):
    told = []

    class Listener:
        def hear(self):
            told.append("hear")

    callbacks = [told.append, Listener().hear, lambda: told.append("nothing")]
    options = tf.train.CheckpointOptions(experimental_write_callbacks=callbacks)
    path = tf.train.Checkpoint(v=tf.Variable(1.0)).save(str(tmp_path / "c"), options=options)
    assert told == [path, "hear", "nothing"] and len(callbacks) == 3
    with pytest.raises(AssertionError, match="takes 2 arguments"):
        tf.train.CheckpointOptions(experimental_write_callbacks=[lambda a, b: None])


def test_the_private_helper(tmp_path):
    variable = tf.Variable(1.0)
    helper = AsyncCheckpointHelper(tf.train.Checkpoint, v=variable)
    path = helper.save(str(tmp_path / "c"))
    variable.assign(2.0)
    helper.restore(path).assert_consumed()
    assert variable == 1.0 and helper.save_counter == 1
    with pytest.raises(AttributeError, match="cannot be None"):
        AsyncCheckpointHelper(None)


def test_ctrl_c_before_the_thread_starts_leaves_nothing_to_wait_for(monkeypatch):
    def interrupted(thread):
        raise KeyboardInterrupt

    writer, written = BackgroundWriter(), []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.start(lambda: written.append(1))
    writer.wait()
    writer.start(lambda: written.append(2))
    writer.wait()
    assert written == [2]
