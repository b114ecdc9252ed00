"""Checkpoints of both formats, their state files, and the objects restored from them."""

import random
from pathlib import Path
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.ops.io import sstable
from tests.fuzz.files.formats.format import Format, plain
from tests.fuzz.files.mutating import damaged

NAMES = ["a/b", "a/c", "s"]


def _values() -> list[Any]:
    return [
        tf.reshape(tf.range(40, dtype=tf.float32), [8, 5]),
        tf.constant([1, 2, 3], tf.int64),
        tf.constant(["one", "", "three" * 20]),
    ]


def make_bundle(folder: Path) -> None:
    values = _values()
    tf.raw_ops.SaveV2(
        prefix=str(folder / "ckpt"),
        tensor_names=NAMES,
        shape_and_slices=["", "", ""],
        tensors=values,
    )


def read_bundle(folder: Path) -> Any:
    reader = tf.train.load_checkpoint(str(folder / "ckpt"))
    return {name: plain(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()}


def _in_table(choice: random.Random, name: str, data: bytes) -> bytes:
    """Damages an entry of a table, whose checksums are right again."""
    if not name.endswith(("index", "v1")):
        return damaged(choice, data)
    entries = list(sstable.read_table(data, name).items())
    at = choice.randrange(len(entries))
    key, value = entries[at]
    if choice.random() < 0.8:
        entries[at] = key, damaged(choice, value or b"\0")
    else:
        entries[at] = damaged(choice, key or b"\0"), value
    return sstable.write_table(sorted(entries))


def make_v1(folder: Path) -> None:
    tf.raw_ops.SaveSlices(
        filename=str(folder / "v1"),
        tensor_names=NAMES,
        shapes_and_slices=["", "", ""],
        data=_values(),
    )


def read_v1(folder: Path) -> Any:
    types = [tf.float32, tf.int64, tf.string]
    restored = tf.raw_ops.RestoreV2(
        prefix=str(folder / "v1"), tensor_names=NAMES, shape_and_slices=["", "", ""], dtypes=types
    )
    return plain(restored)


def make_objects(folder: Path) -> None:
    tf.train.Checkpoint(v=tf.Variable([1.0, 2.0]), d={"n": tf.Variable(3)}).write(
        str(folder / "ckpt")
    )


def read_objects(folder: Path) -> Any:
    v, n = tf.Variable([0.0, 0.0]), tf.Variable(0)
    tf.train.Checkpoint(v=v, d={"n": n}).read(str(folder / "ckpt"))
    return plain([v, n])


def make_state(folder: Path) -> None:
    checkpoint = tf.train.Checkpoint(v=tf.Variable(np.float32(1)))
    manager = tf.train.CheckpointManager(checkpoint, str(folder), 2)
    for _ in range(3):
        manager.save()


def read_state(folder: Path) -> Any:
    tf.train.get_checkpoint_state(str(folder))
    latest = tf.train.latest_checkpoint(str(folder))
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(), str(folder), 2)
    return [latest is None, len(manager.checkpoints)]


def _in_state(choice: random.Random, name: str, data: bytes) -> bytes:
    return damaged(choice, data) if name == "checkpoint" else data


FORMATS = [
    Format("checkpoint", make_bundle, read_bundle, exact=True),
    Format("checkpoint_entries", make_bundle, read_bundle, mutate=_in_table),
    Format("checkpoint_v1", make_v1, read_v1, exact=True),
    Format("checkpoint_v1_entries", make_v1, read_v1, mutate=_in_table),
    Format("checkpoint_objects", make_objects, read_objects, mutate=_in_table),
    Format("checkpoint_state", make_state, read_state, errors=(ValueError,), mutate=_in_state),
]
