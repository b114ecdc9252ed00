"""`Dataset.save` with `checkpoint_args` goes on where it was interrupted."""

import pytest

import penstock as tf

Dataset = tf.data.Dataset


class Interrupted(Exception):
    pass


def numbers(calls, last):
    """0 to 19, until the last that is allowed."""

    def generate(number):
        if number > last:
            raise Interrupted
        calls.append(int(number))
        return number

    options = tf.data.Options()
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    dataset = Dataset.range(20).map(lambda x: tf.py_function(generate, [x], tf.int64))
    return dataset.map(lambda x: tf.ensure_shape(x, [])).with_options(options)


@pytest.mark.parametrize("shard_func", [None, lambda x: x % 3])
def test_an_interrupted_save_goes_on(tmp_path, shard_func):
    folder = str(tmp_path / "dataset")
    arguments = {"directory": str(tmp_path / "checkpoints"), "max_to_keep": 2}
    calls = []
    with pytest.raises(tf.errors.UnknownError, match="Interrupted"):
        numbers(calls, 12).save(folder, shard_func=shard_func, checkpoint_args=arguments)
    assert calls == list(range(13))
    numbers(calls, 19).save(folder, shard_func=shard_func, checkpoint_args=arguments)
    assert calls == list(range(20))
    assert sorted(Dataset.load(folder).as_numpy_iterator()) == list(range(20))


def test_what_was_written_after_the_last_checkpoint_is_written_again(tmp_path):
    folder = str(tmp_path / "dataset")
    arguments = {
        "directory": str(tmp_path / "checkpoints"),
        "max_to_keep": 2,
        "checkpoint_interval": 5,
        "step_counter": tf.Variable(0),
    }
    calls = []
    with pytest.raises(tf.errors.UnknownError, match="Interrupted"):
        numbers(calls, 12).save(folder, checkpoint_args=arguments)
    arguments["step_counter"].assign(11)
    numbers(calls, 19).save(folder, checkpoint_args=arguments)
    assert calls == [*range(13), *range(11, 20)]
    assert list(Dataset.load(folder).as_numpy_iterator()) == list(range(20))


def test_a_checkpoint_of_ones_own_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not allowed to include 'checkpoint'"):
        Dataset.range(2).save(str(tmp_path), checkpoint_args={"checkpoint": tf.train.Checkpoint()})
