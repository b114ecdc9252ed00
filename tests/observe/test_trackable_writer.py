"""Writers that SavedModels hold."""

import pytest

import penstock as tf


class Model(tf.Module):
    def __init__(self, folder, is_trackable):
        self.writer = tf.summary.create_file_writer(
            str(folder), experimental_trackable=is_trackable
        )

    @tf.function(input_signature=[tf.TensorSpec([], tf.int64)])
    def train(self, step):
        with self.writer.as_default():
            tf.summary.scalar("loss", 0.5, step=step)
        return step


def steps(path):
    events = tf.compat.v1.train.summary_iterator(str(path))
    return [event.step for event in events if event.summary.value]


def test_loaded_models_write_files_of_their_own(tmp_path):
    logs, saved = tmp_path / "logs", str(tmp_path / "model")
    model = Model(logs, is_trackable=True)
    model.train(0)
    tf.saved_model.save(model, saved)
    (own,) = logs.iterdir()
    loaded = tf.saved_model.load(saved, allow="write_files")
    for step in (1, 2):
        loaded.train(step)
    (new,) = set(logs.iterdir()) - {own}
    assert (steps(own), steps(new)) == ([0], [1, 2])


def test_loaded_models_write_nothing_without_leave(tmp_path):
    saved = str(tmp_path / "model")
    tf.saved_model.save(Model(tmp_path / "logs", is_trackable=True), saved)
    with pytest.raises(tf.errors.PermissionDeniedError, match="write_files"):
        tf.saved_model.load(saved)


def test_other_writers_are_not_saved(tmp_path):
    model = Model(tmp_path / "logs", is_trackable=False)
    with pytest.raises(AssertionError, match="untracked"):
        tf.saved_model.save(model, str(tmp_path / "model"), signatures=model.train)
