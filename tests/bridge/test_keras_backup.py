"""Training that is interrupted goes on where it was, with the elements that were left."""

import os
import signal

import numpy as np
import pytest

import penstock as tf

tf.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)

EPOCHS = 3


class Interrupted(Exception):
    """Somewhere in an epoch."""


class Stop(keras.callbacks.Callback):
    """Notes what each batch gave, and stops at one."""

    def __init__(self, at=None, by=None):
        super().__init__()
        self.at, self.by, self.batches = at, by, []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)
        if len(self.batches) == self.at:
            if self.by is None:
                raise Interrupted
            os.kill(os.getpid(), self.by)


def dataset(repeats=False, known=True):
    x = np.arange(80, dtype=np.float32).reshape(40, 2) / 80
    made = tf.data.Dataset.from_tensor_slices((x, x.sum(1, keepdims=True)))
    made = made.shuffle(40, seed=4).batch(4)
    if not known:
        made = made.filter(lambda x, y: True)
    return made.repeat() if repeats else made


def trained(folder, kind, stop, save_freq=3, **options):
    """The weights after training that goes on where the last one stopped."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    backup = keras.callbacks.BackupAndRestore(str(folder), save_freq=save_freq)
    backup.saves_iterator = True
    data = dataset(**kind)  # after the seed is set
    model.fit(data, epochs=EPOCHS, verbose=0, callbacks=[stop, backup], **options)
    return model.get_weights()


CASES = [
    pytest.param({}, {}, 3, id="finite"),
    pytest.param({"known": False}, {}, 3, id="unknown-size"),
    pytest.param({"repeats": True}, {"steps_per_epoch": 7}, 3, id="endless"),
    pytest.param({}, {"steps_per_epoch": 4}, 3, id="several-epochs-of-one-iterator"),
    pytest.param({}, {}, "epoch", id="between-epochs"),
    pytest.param({"repeats": True}, {"steps_per_epoch": 7}, "epoch", id="endless-between-epochs"),
    pytest.param({}, {"validation_data": dataset()}, 3, id="with-validation"),
]


@pytest.mark.parametrize("data, options, save_freq", CASES)
def test_weights_are_those_of_training_that_was_not_interrupted(tmp_path, data, options, save_freq):
    expected = trained(tmp_path / "whole", data, Stop(), save_freq, **options)
    folder = tmp_path / "parts"
    for at in (5, 4):  # the second one in what the first one left
        with pytest.raises(Interrupted):
            trained(folder, data, Stop(at), save_freq, **options)
    got = trained(folder, data, Stop(), save_freq, **options)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not folder.exists()


def test_batches_that_were_saved_are_not_repeated(tmp_path):
    with pytest.raises(Interrupted):
        trained(tmp_path / "b", {}, Stop(5))
    stop = Stop(2)
    with pytest.raises(Interrupted):
        trained(tmp_path / "b", {}, stop)
    assert stop.batches == [3, 4]


def test_killed_processes_leave_weights_and_place_of_one_moment(tmp_path):
    expected = trained(tmp_path / "whole", {}, Stop(), 1)
    for at in (4, 10):
        child = os.fork()
        if not child:
            trained(tmp_path / "parts", {}, Stop(at, signal.SIGKILL), 1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
    for a, b in zip(trained(tmp_path / "parts", {}, Stop(), 1), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_epoch_begins_again_unless_the_place_is_saved(tmp_path):
    def run(stop):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "b"), save_freq=3)
        model.fit(dataset(), epochs=2, verbose=0, callbacks=[stop, backup])

    with pytest.raises(Interrupted):
        run(Stop(5))
    stop = Stop()
    run(stop)
    assert stop.batches == [*range(10)] * 2
