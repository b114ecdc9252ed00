"""Iterators of datasets in checkpoints."""

from typing import Any

from tests.interop.pairs import error_of


def _pipeline(tf: Any, name: str) -> Any:
    numbers = tf.data.Dataset.range(20)
    return {
        "range": lambda: numbers,
        "batch": lambda: numbers.map(lambda x: x * 2).batch(3),
        "shuffle": lambda: numbers.shuffle(7, seed=3),
        "repeat": lambda: numbers.take(4).repeat(3),
    }[name]()


class Iterators:
    """An iterator that is restored goes on where it was; the other objects are restored beside it."""

    names = ("range", "batch", "repeat")

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        found = {}
        for name in cls.names:
            iterator = iter(_pipeline(tf, name))
            found[name] = [next(iterator), next(iterator)]
            checkpoint = tf.train.Checkpoint(ds=iterator, step=tf.Variable(7))
            checkpoint.write(f"{folder}/{name}")
        return found

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        found = {}
        for name in cls.names:
            step, iterator = tf.Variable(0), iter(_pipeline(tf, name))
            tf.train.Checkpoint(ds=iterator, step=step).read(f"{folder}/{name}").assert_consumed()
            listed = [key for key in tf.train.list_variables(f"{folder}/{name}")]
            dtype = tf.train.load_checkpoint(f"{folder}/{name}").get_variable_to_dtype_map()
            found[name] = [step, list(iterator), listed, {k: v.name for k, v in dtype.items()}]
        return found


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
