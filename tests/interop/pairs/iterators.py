"""Iterators of datasets in checkpoints."""

import json
from pathlib import Path
from typing import Any

from tests.interop import values
from tests.interop.pairs import error_of


def _library(tf: Any) -> str:
    return tf.Module.__module__.partition(".")[0]


def _pipeline(tf: Any, name: str) -> Any:
    numbers = tf.data.Dataset.range(20)
    return {
        "range": lambda: numbers,
        "batch": lambda: numbers.map(lambda x: x * 2).batch(3),
        "shuffle": lambda: numbers.shuffle(7, seed=3),
        "repeat": lambda: numbers.take(4).repeat(3),
    }[name]()


class Iterators:
    """An iterator that is restored goes on where it was.

    The state is that of the library's own threads and buffers: the other library says that it is of another dataset.
    """

    names = ("range", "batch", "repeat", "shuffle")

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        Path(folder, "library").write_text(_library(tf))
        rests = {}
        for name in cls.names:
            iterator = iter(_pipeline(tf, name))
            next(iterator)
            checkpoint = tf.train.Checkpoint(ds=iterator, step=tf.Variable(7))
            checkpoint.write(f"{folder}/{name}")
            rests[name] = [values.plain(element) for element in iterator]
        Path(folder, "rests").write_text(json.dumps(rests))
        return rests

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        rests = json.loads(Path(folder, "rests").read_text())
        return {name: cls._restored(tf, folder, name, rests[name]) for name in cls.names}

    @staticmethod
    def _restored(tf: Any, folder: str, name: str, rest: Any) -> Any:
        path = f"{folder}/{name}"
        iterator, step = iter(_pipeline(tf, name)), tf.Variable(0)
        checkpoint = tf.train.Checkpoint(ds=iterator, step=step)
        if Path(folder, "library").read_text() == _library(tf):
            checkpoint.read(path).assert_consumed()
            goes_on = [values.plain(element) for element in iterator] == rest and int(step) == 7
        else:
            goes_on = error_of(lambda: checkpoint.read(path)) == "NotFoundError"
        reader = tf.train.load_checkpoint(path)
        ranks = {key: len(shape) for key, shape in reader.get_variable_to_shape_map().items()}
        dtypes = {key: dtype.name for key, dtype in reader.get_variable_to_dtype_map().items()}
        return goes_on, ranks, dtypes


class BesideOthers:
    """Who does not ask for the iterator reads the rest of the checkpoint."""

    write = Iterators.write

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        step = tf.Variable(0)
        tf.train.Checkpoint(step=step).read(folder + "/range").expect_partial()
        return step


class States:
    """Functions with state are refused, whoever saves."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        def counting() -> Any:
            counter = tf.Variable(0, dtype=tf.int64)
            return tf.data.Dataset.range(4).map(lambda x: x + counter.assign_add(1))

        datasets = {
            "variable": counting,
            "random": lambda: tf.data.Dataset.range(4).map(lambda x: tf.random.uniform([])),
            "py_function": lambda: tf.data.Dataset.range(4).map(
                lambda x: tf.py_function(lambda y: y, [x], tf.int64)
            ),
            "generator": lambda: tf.data.Dataset.from_generator(lambda: iter([1, 2]), tf.int32),
            "stateless": lambda: tf.data.Dataset.range(4).map(lambda x: x + 1),
        }

        def save(make: Any) -> str:
            tf.train.Checkpoint(ds=iter(make())).write(folder + "/c")
            return "saved"

        return {name: error_of(lambda make=make: save(make)) for name, make in datasets.items()}

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        return None


class SavedDatasets:
    """Datasets saved in every compression."""

    COMPRESSIONS = (None, "GZIP", "SNAPPY")

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        numbers = tf.data.Dataset.range(4000)
        dataset = numbers.map(lambda n: {"n": n, "text": tf.strings.as_string(n % 7)})
        for compression in cls.COMPRESSIONS:
            dataset.save(f"{folder}/{compression}", compression=compression)
        return None

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        found = {}
        for compression in cls.COMPRESSIONS:
            loaded = tf.data.Dataset.load(f"{folder}/{compression}", compression=compression)
            found[str(compression)] = list(loaded.batch(999).as_numpy_iterator())
        return found
