"""Dataset.cache."""

import socket
import subprocess
import sys

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("file", ["", "cache"])
def test_a_cache_is_complete_with_its_last_element(file, tmp_path):
    """Keras reads as many elements as there are, and never asks for the end."""
    dataset = tf.data.Dataset.range(6).shuffle(6, seed=1)
    dataset = dataset.cache(str(tmp_path / file) if file else "")
    iterator = iter(dataset)
    found = [int(next(iterator)) for _ in range(6)]
    assert [int(x) for x in dataset] == found
    assert [int(x) for x in dataset] == found


def test_a_cache_read_in_part_is_not_complete():
    dataset = tf.data.Dataset.range(6).shuffle(6, seed=1).cache()
    first = [int(x) for _, x in zip(range(5), dataset, strict=False)]
    assert sorted(int(x) for x in dataset) == list(range(6)) and len(first) == 5


def test_cached_batches_are_those_of_the_first_epoch():
    inputs = np.arange(20, dtype=np.float32)[:, None]
    seen = []

    class Model(tf.keras.Sequential):
        def train_step(self, data):
            seen.append(data[0].numpy().ravel().tolist())
            return {}

    model = Model([tf.keras.layers.Input((1,)), tf.keras.layers.Dense(1)])
    model.compile(run_eagerly=True)
    dataset = tf.data.Dataset.from_tensor_slices((inputs, inputs)).shuffle(20, seed=2)
    model.fit(dataset.batch(6).cache(), epochs=2, verbose=0)
    assert seen[:4] == seen[4:]


def test_a_file_cache_is_written_by_one_iterator_at_a_time(tmp_path):
    dataset = tf.data.Dataset.range(3).cache(str(tmp_path / "cache"))
    writing, other = iter(dataset), iter(dataset)
    assert int(next(writing)) == 0
    with pytest.raises(tf.errors.AlreadyExistsError, match="concurrent caching iterator"):
        next(other)
    assert [int(x) for x in writing] == [1, 2]
    assert [int(x) for x in dataset] == [0, 1, 2]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".data-0", ".index"]


def test_a_lock_of_a_process_that_was_killed_is_no_lock(tmp_path):
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    lock = tmp_path / "cache_0.lockfile"
    lock.write_text(f"process {int(child.stdout)} of {socket.gethostname()}\n")
    dataset = tf.data.Dataset.range(3).cache(str(tmp_path / "cache"))
    assert [int(x) for x in dataset] == [0, 1, 2]
    assert not lock.exists()


def test_an_iterator_that_is_given_up_frees_the_cache_file(tmp_path):
    dataset = tf.data.Dataset.range(3).cache(str(tmp_path / "cache"))
    for _ in range(2):
        assert int(next(iter(dataset))) == 0
        assert list(tmp_path.iterdir()) == []
    parts = dataset.take(2).repeat(2)
    assert [int(x) for x in parts] == [0, 1, 0, 1]
    checkpoint = tf.train.Checkpoint(iterator=iter(dataset))
    next(checkpoint.iterator)
    path = checkpoint.save(str(tmp_path / "c"))
    next(checkpoint.iterator)
    checkpoint.restore(path)
    assert [int(x) for x in checkpoint.iterator] == [1, 2]


def test_a_file_cache_goes_on_after_an_error(tmp_path):
    dataset = tf.data.Dataset.range(3).map(lambda x: 3 // x).cache(str(tmp_path / "cache"))
    iterator = iter(dataset)
    with pytest.raises(tf.errors.InvalidArgumentError, match="division by zero"):
        next(iterator)
    assert [int(x) for x in iterator] == [3, 1]
    assert [int(x) for x in dataset] == [3, 1]


def test_a_cache_gives_the_last_element_before_the_error_after_it():
    """The cache reads one more element than there should be, to know whether it is complete."""
    dataset = tf.data.Dataset.range(4).apply(tf.data.experimental.assert_cardinality(2))
    iterator = iter(dataset.cache())
    assert [int(next(iterator)), int(next(iterator))] == [0, 1]
    with pytest.raises(tf.errors.FailedPreconditionError, match="at least 3"):
        next(iterator)
