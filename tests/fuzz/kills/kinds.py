"""What is saved: of each kind, a function that returns how to save a version over the one before, and one that loads what is there.

All values of a version are its number, so that one mixed of two is seen. Loading returns the version, or fails.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

import penstock as tf

# Elements of the largest variable: it is written in two blocks, by two threads.
LARGE = 1_300_000

Save = Callable[[int], None]


def one(values: Any) -> int:
    """The version that all values are.

    Raises:
      AssertionError: they differ.
    """
    distinct = np.unique(np.concatenate([np.ravel(np.asarray(value)) for value in values]))
    assert distinct.size == 1, f"mixed of {distinct[:5]}"
    return int(distinct[0])


def _variables() -> list[Any]:
    return [tf.Variable(tf.zeros([size], tf.int32)) for size in (3, LARGE, 1000)]


def _assign(variables: list[Any], version: int) -> None:
    for variable in variables:
        variable.assign(tf.fill(variable.shape, np.array(version, variable.dtype.as_numpy_dtype)))


def save_checkpoint(folder: str) -> Save:
    """Checkpoints of a manager, of which two are kept."""
    variables = _variables()
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=variables), folder, max_to_keep=2)
    manager.restore_or_initialize()

    def save(version: int) -> None:
        _assign(variables, version)
        manager.save()

    return save


def load_checkpoint(folder: str) -> int:
    """The latest of a folder; the one before must load as well."""
    variables = _variables()
    checkpoint = tf.train.Checkpoint(v=variables)
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
    versions = []
    for path in manager.checkpoints:
        checkpoint.restore(path).assert_existing_objects_matched()
        versions.append(one(variables))
    assert manager.latest_checkpoint == manager.checkpoints[-1] and versions == sorted(versions)
    return versions[-1]


def save_shards(folder: str) -> Save:
    """Checkpoints of several files under one name; their number changes."""
    variables = _variables()
    checkpoint = tf.train.Checkpoint(v=variables)
    policy = tf.train.experimental.MaxShardSizePolicy

    def save(version: int) -> None:
        _assign(variables, version)
        options = tf.train.CheckpointOptions(
            experimental_sharding_callback=policy((2 + version // 2 % 2) << 20)
        )
        checkpoint.write(f"{folder}/same", options)

    return save


def load_shards(folder: str) -> int:
    """The checkpoint."""
    variables = _variables()
    tf.train.Checkpoint(v=variables).read(f"{folder}/same").assert_existing_objects_matched()
    return one(variables)


class _Module(tf.Module):
    def __init__(self, folder: str) -> None:
        super().__init__()
        self.values = _variables()
        self.version = 0
        self.asset = None
        self.folder = folder

    def of(self, version: int) -> None:
        """Makes it a version: its variables, its vocabulary and its function."""
        _assign(self.values, version)
        path = f"{self.folder}/words-of-{os.getpid()}"
        with open(path, "w") as file:
            file.write(f"{version}\nrest\n")
        kind = tf.lookup.TextFileIndex
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                path, tf.int64, kind.LINE_NUMBER, tf.string, kind.WHOLE_LINE
            ),
            "",
        )
        constant = tf.constant(version)

        @tf.function(input_signature=[])
        def told() -> Any:
            return constant, self.table.lookup(tf.constant(0, tf.int64))

        self.told = told


def save_model(folder: str) -> Save:
    """A SavedModel with a vocabulary."""
    module = _Module(folder)

    def save(version: int) -> None:
        module.of(version)
        tf.saved_model.save(module, f"{folder}/model")

    return save


def load_model(folder: str) -> int:
    """The variables, the function and the vocabulary."""
    loaded = tf.saved_model.load(f"{folder}/model")
    constant, word = loaded.told()
    return one([*loaded.values, constant, int(word.numpy())])


def _keras_model() -> Any:
    layers = [tf.keras.layers.Dense(1100), tf.keras.layers.Dense(600), tf.keras.layers.Dense(3)]
    return tf.keras.Sequential([tf.keras.Input((600,)), *layers])


def _save_keras(name: str, **options: Any) -> Callable[[str], Save]:
    def saver(folder: str) -> Save:
        model = _keras_model()

        def save(version: int) -> None:
            _assign([weight.value for weight in model.weights], version)
            if "weights" in name:
                model.save_weights(f"{folder}/{name}", **options)
            else:
                model.save(f"{folder}/{name}")

        return save

    return saver


def _load_keras(name: str) -> Callable[[str], int]:
    def load(folder: str) -> int:
        model = _keras_model()
        if "weights" in name:
            model.load_weights(f"{folder}/{name}")
        else:
            model = tf.keras.models.load_model(f"{folder}/{name}")
        return one(model.get_weights())

    return load


def save_dataset(folder: str) -> Save:
    """Elements saved into a folder, over those of another type in every second version."""

    def save(version: int) -> None:
        kind = (tf.int64, tf.int32)[version // 2 % 2]
        same = tf.data.Dataset.range(50).map(
            lambda x: tf.fill([5000], tf.cast(version + 0 * x, kind))
        )
        same.save(f"{folder}/elements")

    return save


def load_dataset(folder: str) -> int:
    """All the elements."""
    elements = list(tf.data.Dataset.load(f"{folder}/elements"))
    assert len(elements) == 50
    return one(elements)


def _counted(folder: str, kept: str) -> Any:
    """A dataset kept in files, whose source says that it was asked."""
    source = tf.data.Dataset.range(50).map(lambda x: tf.fill([5000], x))
    return source.cache(f"{folder}/kept") if kept == "cache" else source.snapshot(f"{folder}/kept")


def _save_kept(kept: str) -> Callable[[str], Save]:
    """Elements kept on the way: whether a file is there or not, those of the source must come."""

    def saver(folder: str) -> Save:
        def save(version: int) -> None:
            for _ in _counted(f"{folder}/{version}", kept):
                pass

        return save

    return saver


def _load_kept(kept: str) -> Callable[[str], int]:
    def load(folder: str) -> int:
        versions = sorted(int(name) for name in os.listdir(folder))
        for version in versions[-2:]:
            elements = [one([x]) for x in _counted(f"{folder}/{version}", kept)]
            assert elements == list(range(50)), elements
        return versions[-1]

    return load


def save_events(folder: str) -> Save:
    """Scalars, each flushed."""
    writer = tf.summary.create_file_writer(folder)

    def save(version: int) -> None:
        with writer.as_default():
            for _ in range(200):
                tf.summary.scalar("version", version, step=version)
        writer.flush()

    return save


def load_events(folder: str) -> int:
    """The last step; all files must be readable up to their ends, which may be within a record that was never said to be flushed."""
    last = -1
    for name in sorted(os.listdir(folder)):
        try:
            for record in tf.compat.v1.io.tf_record_iterator(f"{folder}/{name}"):
                last = max(last, tf.compat.v1.Event.FromString(record).step)
        except tf.errors.DataLossError as error:
            if "truncated record" not in str(error):
                raise
    return last


KINDS: dict[str, tuple[Callable[[str], Save], Callable[[str], int]]] = {
    "checkpoint": (save_checkpoint, load_checkpoint),
    "shards": (save_shards, load_shards),
    "saved_model": (save_model, load_model),
    "keras": (_save_keras("m.keras"), _load_keras("m.keras")),
    "h5": (_save_keras("m.h5"), _load_keras("m.h5")),
    "weights": (_save_keras("m.weights.h5"), _load_keras("m.weights.h5")),
    "sharded_weights": (
        _save_keras("m.weights.json", max_shard_size=0.003),
        _load_keras("m.weights.json"),
    ),
    "dataset": (save_dataset, load_dataset),
    "snapshot": (_save_kept("snapshot"), _load_kept("snapshot")),
    "cache": (_save_kept("cache"), _load_kept("cache")),
    "events": (save_events, load_events),
}
