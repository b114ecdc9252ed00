"""Transformation of the table's columns into the network's inputs: one Keras model, for training and for serving.

`analyze` finds what it depends on: means, variances and vocabularies. They are in the layers, so that they are saved with the
model. `materialize` applies it once to each file, so that training reads numbers.
"""

import json
from pathlib import Path
from typing import Any

import describe
import keras
import numpy as np
import table
import tensorflow as tf

ROWS = 4096
IDS = table.WORDS + table.PLACES


def analyze(output: Path, statistics: list[Path]) -> None:
    """The step `analyze`.

    Args:
      output: the folder to write `statistics.json` to, of all files.
      statistics: those of each file to train on.
    """
    (output / "statistics.json").write_text(json.dumps(describe.load(statistics)))


def make(statistics: describe.Statistics) -> keras.Model:
    """Returns the model from the table's columns to the network's inputs: ids of words, and numbers around zero."""
    inputs, outputs = {}, {}
    for name in table.WORDS:
        inputs[name] = keras.Input([1], name=name, dtype="string")
        words = list(statistics[name]["values"])
        outputs[name] = keras.layers.StringLookup(vocabulary=words, name=f"{name}_ids")(
            inputs[name]
        )
    for name in table.PLACES:
        inputs[name] = keras.Input([1], name=name, dtype="int64")
        places = sorted(int(value) for value in statistics[name]["values"])
        lookup = keras.layers.IntegerLookup(vocabulary=places, name=f"{name}_ids")
        outputs[name] = lookup(inputs[name])
    for name in table.NUMBERS:
        inputs[name] = keras.Input([1], name=name, dtype="float32")
        mean, variance = describe.mean_and_variance(statistics[name])
        filled = keras.ops.where(keras.ops.isnan(inputs[name]), mean, inputs[name])
        outputs[name] = keras.layers.Normalization(mean=mean, variance=variance)(filled)
    return keras.Model(inputs, outputs, name="transform")


def materialize(output: Path, rows: Path, analysis: Path) -> None:
    """The step `materialize`, for one file.

    Args:
      output: the folder to write `examples.tfrecord` to: a tf.Example for each row.
      rows: a file of the table.
      analysis: what `analyze` has written.
    """
    model = make(describe.load([analysis]))
    frame = table.read(rows)
    with tf.io.TFRecordWriter(str(output / "examples.tfrecord")) as writer:
        for at in range(0, len(frame), ROWS):
            part = frame.iloc[at : at + ROWS]
            columns = {
                name: keras.ops.convert_to_numpy(t) for name, t in model(tensors(part)).items()
            }
            ids = np.hstack([columns[name] for name in IDS])
            numbers = np.hstack([columns[name] for name in table.NUMBERS])
            for row in zip(ids, numbers, table.labels(part), strict=True):
                writer.write(example(*row))


def tensors(frame: Any) -> dict[str, tf.Tensor]:
    """Returns rows as the inputs of the transformation, and of the served model."""
    return {name: tf.constant(values) for name, values in table.features(frame).items()}


def example(ids: np.ndarray, numbers: np.ndarray, label: float) -> bytes:
    """Returns the serialized tf.Example of a row."""
    feature = {
        "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=ids.tolist())),
        "numbers": tf.train.Feature(float_list=tf.train.FloatList(value=numbers.tolist())),
        "label": tf.train.Feature(float_list=tf.train.FloatList(value=[label])),
    }
    made = tf.train.Example(features=tf.train.Features(feature=feature))
    return made.SerializeToString(deterministic=True)


def parse(records: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Returns the network's inputs `[rows, 1]` and the labels `[rows]` of serialized examples."""
    row = tf.io.parse_example(
        records,
        {
            "ids": tf.io.FixedLenFeature([len(IDS)], tf.int64),
            "numbers": tf.io.FixedLenFeature([len(table.NUMBERS)], tf.float32),
            "label": tf.io.FixedLenFeature([], tf.float32),
        },
    )
    columns = dict(zip(IDS, tf.split(row["ids"], len(IDS), axis=1)))
    columns |= dict(zip(table.NUMBERS, tf.split(row["numbers"], len(table.NUMBERS), axis=1)))
    return columns, row["label"]


def dataset(folders: list[Path]) -> tf.data.Dataset:
    """Returns the serialized examples of all files, in order."""
    return tf.data.TFRecordDataset([str(folder / "examples.tfrecord") for folder in folders])
