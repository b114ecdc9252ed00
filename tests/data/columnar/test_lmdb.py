"""LMDB databases as datasets."""

import numpy as np
import pytest

import penstock as tf

lmdb = pytest.importorskip("lmdb")
LMDBDataset = tf.data.experimental.LMDBDataset
COUNT = 700  # more than two blocks


def database(path, count=COUNT, subdir=True):
    with lmdb.open(str(path), map_size=1 << 24, subdir=subdir) as environment:
        with environment.begin(write=True) as transaction:
            for number in reversed(range(count)):
                transaction.put(b"%05d" % number, b"value %d" % number)
    return str(path)


def expected(first, last=COUNT):
    return [(b"%05d" % n, b"value %d" % n) for n in range(first, last)]


@pytest.mark.parametrize("subdir", [True, False])
def test_pairs_come_in_the_order_of_keys(tmp_path, subdir):
    name = database(tmp_path / "db", subdir=subdir)
    dataset = LMDBDataset([name, name])
    assert dataset.element_spec == (tf.TensorSpec([], tf.string),) * 2
    assert list(dataset.as_numpy_iterator()) == expected(0) * 2
    keys, values = next(dataset.batch(1000).as_numpy_iterator())
    assert list(zip(keys.tolist(), values.tolist(), strict=True)) == (expected(0) * 2)[:1000]


def test_several_iterations_at_once_and_files_of_a_dataset(tmp_path):
    dataset = LMDBDataset(database(tmp_path / "db", 10))
    pairs = list(tf.data.Dataset.zip(dataset, dataset).as_numpy_iterator())
    assert pairs == [(pair, pair) for pair in expected(0, 10)]
    names = tf.data.Dataset.from_tensors(str(tmp_path / "db")).repeat(2)
    found = list(names.interleave(LMDBDataset, cycle_length=2).as_numpy_iterator())
    assert found == [pair for pair in expected(0, 10) for _ in range(2)]


def test_later_iterations_see_what_was_written_between(tmp_path):
    dataset = LMDBDataset(database(tmp_path / "db", 3))
    assert len(list(dataset)) == 3
    database(tmp_path / "db", 5)
    assert len(list(dataset)) == 5


@pytest.mark.parametrize("taken", [0, 1, 256, 300, COUNT, COUNT + 5])
def test_an_iterator_goes_on_where_it_was_saved(tmp_path, taken):
    dataset = LMDBDataset([database(tmp_path / "db")] * 2)
    iterator = iter(dataset)
    for _ in range(taken):
        next(iterator)
    path = tf.train.Checkpoint(it=iterator).save(str(tmp_path / "saved"))
    other = iter(dataset)
    tf.train.Checkpoint(it=other).restore(path)
    found = [(key.numpy(), value.numpy()) for key, value in other]
    assert found == (expected(0) * 2)[taken:]


def test_what_is_no_database_is_named(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="nothing"):
        list(LMDBDataset(str(tmp_path / "nothing")))
    (tmp_path / "text").write_bytes(np.arange(4096, dtype=np.int64).tobytes())
    with pytest.raises(tf.errors.DataLossError, match="text"):
        list(LMDBDataset(str(tmp_path / "text")))


def test_a_database_that_the_program_has_open_is_named(tmp_path):
    name = database(tmp_path / "db", 3)
    with lmdb.open(name):
        with pytest.raises(tf.errors.FailedPreconditionError, match="already open"):
            list(LMDBDataset(name))
    assert len(list(LMDBDataset(name))) == 3
