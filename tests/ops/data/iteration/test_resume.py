"""Iterators that are restored continue with the elements that an uninterrupted iteration has, without computing earlier ones."""

import gzip

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data_iterators.handle import IteratorHandle
from tests.ops.data.iteration.kinds import KINDS

Dataset = tf.data.Dataset
experimental = tf.data.experimental


def values(elements):
    return [
        [np.asarray(part.numpy() if hasattr(part, "numpy") else part).tolist() for part in flat]
        for flat in (tf.nest.flatten(element, expand_composites=True) for element in elements)
    ]


def repeated(handle, dataset, state):
    raise AssertionError("The iteration is repeated from its start.")


def any_state(dataset):
    options = tf.data.Options()
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return dataset.with_options(options)


def continued(make, taken):
    """The rest of an iteration that is saved and restored, in a new iterator over a new dataset."""
    first = iter(any_state(make()))
    for _ in range(taken):
        next(first)
    state = first._save()
    second = iter(any_state(make()))
    second._restore(state)
    return second


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_is_that_of_the_whole(kind, monkeypatch):
    monkeypatch.setattr(IteratorHandle, "_repeat", repeated)
    make = KINDS[kind]
    whole = values(make())
    assert whole
    for taken in {0, 1, 2, len(whole) // 2, len(whole) - 1, len(whole)}:
        assert values(continued(make, taken)) == whole[taken:], taken


def test_elements_in_any_order_come_once():
    def make():
        return Dataset.range(6).interleave(
            lambda x: Dataset.range(10 * x, 10 * x + 6),
            cycle_length=3,
            num_parallel_calls=3,
            deterministic=False,
        )

    whole = sorted(values(make()))
    for taken in (0, 1, 7, 20):
        first = iter(make())
        before = values(next(first) for _ in range(taken))
        second = iter(make())
        second._restore(first._save())
        assert sorted(before + values(second)) == whole


def write_files(folder, compression=""):
    """Two files of lines, of records and of comma-separated values."""
    kind = {"": "", "GZIP": "GZIP"}[compression]
    for number in range(2):
        lines = [b"%d,%03d" % (number, at) for at in range(150)]
        with tf.io.TFRecordWriter(str(folder / f"{number}.records"), kind) as file:
            for line in lines:
                file.write(line)
        opened = gzip.open if compression else open
        with opened(folder / f"{number}.lines", "wb") as file:
            file.write(b"\n".join(lines))
    return [
        [str(folder / f"{number}.{name}") for number in range(2)] for name in ("lines", "records")
    ]


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_readers_go_on_within_their_files(tmp_path, monkeypatch, compression):
    monkeypatch.setattr(IteratorHandle, "_repeat", repeated)
    lines, records = write_files(tmp_path, compression)
    kinds = [
        lambda: tf.data.TextLineDataset(lines, compression),
        lambda: tf.data.TextLineDataset(lines, compression).batch(32),
        lambda: tf.data.TFRecordDataset(records, compression),
        lambda: tf.data.TFRecordDataset(records, compression).batch(32).prefetch(2),
        lambda: experimental.CsvDataset(lines, [tf.int64, tf.float32], compression),
        lambda: tf.data.FixedLengthRecordDataset(lines[0], 2, 1, compression_type=compression),
    ]
    for make in kinds:
        whole = values(make())
        for taken in {0, 1, 2, len(whole) // 2, len(whole) - 1, len(whole)}:
            assert values(continued(make, taken)) == whole[taken:], taken


def test_lines_before_a_position_are_not_read_again(tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"\n".join(b"%07d" % at for at in range(200_000)))

    def make():
        return tf.data.TextLineDataset(str(path))

    second = continued(make, 150_000)
    path.write_bytes(b"\0" * 8 * 100_000 + path.read_bytes()[8 * 100_000 :])
    assert next(second) == b"0150000"
    assert len(list(second)) == 49_999


def test_functions_are_not_called_for_what_was_taken():
    calls = []

    def count(x):
        calls.append(int(x))
        return x

    def make():
        counted = Dataset.range(1000).map(lambda x: tf.py_function(count, [x], tf.int64))
        return counted.shuffle(10, seed=1).batch(4)

    second = continued(make, 100)
    before = len(calls)
    next(second)
    assert len(calls) - before == 4
