"""CheckpointManager: which checkpoints it keeps, as TensorFlow 2.21 does, and what it never removes."""

import os
import time

import pytest

import penstock as tf
from penstock._src.saving import state


@pytest.fixture
def checkpoint():
    return tf.train.Checkpoint(v=tf.Variable(1.0))


@pytest.fixture
def clock(monkeypatch):
    """A list of the time, in seconds."""
    now = [1e9]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def _indices(folder):
    return sorted(name[:-6] for name in os.listdir(folder) if name.endswith(".index"))


def test_one_in_some_hours_is_kept(tmp_path, checkpoint, clock):
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, 2, keep_checkpoint_every_n_hours=1)
    for _ in range(8):
        clock[0] += 1500
        manager.save()
    assert _indices(tmp_path) == ["ckpt-3", "ckpt-6", "ckpt-7", "ckpt-8"]
    assert [path[-6:] for path in manager.checkpoints] == ["ckpt-7", "ckpt-8"]


def test_checkpoints_from_the_future_are_left_alone(tmp_path, checkpoint, clock):
    tf.train.CheckpointManager(checkpoint, tmp_path, 2).save()
    clock[0] -= 100_000
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, 1)
    assert manager.checkpoints == [] and manager.latest_checkpoint.endswith("ckpt-1")
    manager.save()
    assert _indices(tmp_path) == ["ckpt-1", "ckpt-2"]


def test_a_step_is_saved_once_and_after_the_interval(tmp_path, checkpoint):
    step = tf.Variable(0, dtype=tf.int64)
    manager = tf.train.CheckpointManager(
        checkpoint, tmp_path, 3, step_counter=step, checkpoint_interval=5
    )
    assert manager.save() and not manager.save()
    step.assign(4)
    assert not manager.save() and manager.save(check_interval=False)
    assert not manager.save(check_interval=False)
    step.assign(9)
    assert manager.save()


def test_nothing_outside_the_folder_is_removed(tmp_path, checkpoint):
    checkpoint.write(tmp_path / "precious" / "model")
    managed = tmp_path / "managed"
    managed.mkdir()
    (managed / "link").symlink_to(tmp_path / "precious")
    foreign = [str(tmp_path / "precious/model"), "../precious/model", "link/model"]
    paths = "".join(f'all_model_checkpoint_paths: "{path}"\n' for path in foreign)
    times = "all_model_checkpoint_timestamps: 1\n" * len(foreign)
    (managed / "checkpoint").write_text(f'model_checkpoint_path: "{foreign[0]}"\n{paths}{times}')
    manager = tf.train.CheckpointManager(checkpoint, managed, max_to_keep=1)
    assert len(manager.checkpoints) == 3
    manager.save()
    assert len(manager.checkpoints) == 1
    assert _indices(tmp_path / "precious") == ["model"]


def test_the_new_one_is_recorded_before_the_old_is_removed(tmp_path, checkpoint, monkeypatch):
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=1)
    manager.save()

    class Killed(BaseException):
        pass

    def remove(path, **options):
        os.remove(path + ".index")
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(state, "remove_checkpoint", remove)
        with pytest.raises(Killed):
            manager.save()
    assert tf.train.latest_checkpoint(tmp_path).endswith("ckpt-2")
    again = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=1)
    assert [path[-6:] for path in again.checkpoints] == ["ckpt-2"]
    assert not list(tmp_path.glob("ckpt-1*"))  # its data were left


def test_a_damaged_checkpoint_file_is_ignored(tmp_path, checkpoint):
    (tmp_path / "checkpoint").write_text("no message")
    assert tf.train.latest_checkpoint(tmp_path) is None
    assert tf.train.CheckpointManager(checkpoint, tmp_path, 1).checkpoints == []


def test_a_variable_of_a_session_numbers_checkpoints(tmp_path):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        step, v = tf.Variable(7, dtype=tf.int64), tf.Variable(1.0)
        saved = tf.train.Checkpoint(v=v, step=step)
        manager = tf.train.CheckpointManager(saved, str(tmp_path), 2)
        session.run(v1.global_variables_initializer())
        assert manager.save(step).endswith("ckpt-7")
        session.run(step.assign_add(2))
        assert manager.save(step).endswith("ckpt-9")
        assert session.run(saved.save_counter) == 2
