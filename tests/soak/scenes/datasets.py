"""Datasets abandoned in the middle of an epoch, with threads at work."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator

import penstock as tf


def _plain() -> tf.data.Dataset:
    return tf.data.Dataset.range(1000)


def _mapped() -> tf.data.Dataset:
    dataset = _plain().map(lambda x: tf.cast(x, tf.float32) * 2.0, num_parallel_calls=4)
    return dataset.batch(2).prefetch(4)


def _interleaved() -> tf.data.Dataset:
    return _plain().interleave(
        lambda x: tf.data.Dataset.range(x, x + 10).map(lambda y: y * 2),
        cycle_length=4,
        num_parallel_calls=4,
    )


def _shuffled() -> tf.data.Dataset:
    return _plain().shuffle(100).repeat().batch(4).prefetch(tf.data.AUTOTUNE)


def _generated() -> tf.data.Dataset:
    def numbers() -> Iterator[int]:
        yield from range(100)

    signature = tf.TensorSpec([], tf.int32)
    return tf.data.Dataset.from_generator(numbers, output_signature=signature).prefetch(2)


def _computed_in_python() -> tf.data.Dataset:
    def slow(x: tf.Tensor) -> tf.Tensor:
        time.sleep(0.001)
        return x + 1

    return (
        _plain()
        .map(lambda x: tf.py_function(slow, [x], tf.int64), num_parallel_calls=2)
        .prefetch(2)
    )


def _cached() -> tf.data.Dataset:
    return _plain().map(lambda x: x + 1).cache().prefetch(2)


def _cached_in_a_file() -> tf.data.Dataset:
    return _plain().cache(os.path.join(tempfile.mkdtemp(), "cache"))


def _snapshot() -> tf.data.Dataset:
    return _plain().snapshot(tempfile.mkdtemp())


def _grouped() -> tf.data.Dataset:
    return (
        _plain().group_by_window(lambda x: x % 3, lambda _, window: window.batch(4), 4).prefetch(1)
    )


KINDS = [
    _mapped, _interleaved, _shuffled, _generated, _computed_in_python, _cached, _cached_in_a_file, _snapshot, _grouped,
]  # fmt: skip


def abandoned_datasets() -> Callable[[int], None]:
    """Three elements of a dataset that is then dropped; the kinds in turn. Its own files are its user's to remove."""
    own = tempfile.mkdtemp()

    def step(i: int) -> None:
        for make in KINDS:
            with tempfile.TemporaryDirectory(dir=own) as folder:
                tempfile.tempdir, before = folder, tempfile.tempdir
                try:
                    elements = iter(make())
                    for _ in range(3):
                        next(elements)
                    del elements
                finally:
                    tempfile.tempdir = before

    return step
