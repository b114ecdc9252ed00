"""Training, and the model as it is served: one SavedModel that takes the table's own columns."""

import json
from pathlib import Path

import describe
import keras
import numpy as np
import table
import tensorflow as tf
import transform as transforms

BATCH = 512


def train(
    output: Path, examples: list[Path], analysis: Path, epochs: int, rate: float, units: int
) -> None:
    """The step `train`. Killed, it goes on after the last whole epoch, to the same weights.

    Args:
      output: the folder to write to: `model`, a SavedModel, and `history.json`.
      examples: the transformed files.
      analysis: what `analyze` has written.
      epochs: how often to see all examples.
      rate: the learning rate.
      units: the width of the network.
    """
    keras.utils.set_random_seed(1)
    transformation = transforms.make(describe.load([analysis]))
    network = make(transformation, units)
    optimizer = keras.optimizers.Adam(rate)
    network.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    optimizer.build(network.trainable_variables)
    step = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(network=network, optimizer=optimizer, epoch=step)
    manager = tf.train.CheckpointManager(checkpoint, str(output / "checkpoints"), max_to_keep=1)
    if manager.latest_checkpoint:
        checkpoint.restore(manager.latest_checkpoint).assert_consumed()
        print(f"  train goes on after epoch {int(step.numpy())}")
    count = transforms.dataset(examples).reduce(np.int64(0), lambda n, _: n + 1)
    known = tf.data.experimental.assert_cardinality(-(-int(count.numpy()) // BATCH))
    log = output / "history.json"
    for epoch in range(int(step.numpy()), epochs):
        data = transforms.dataset(examples).shuffle(100_000, seed=epoch)  # an order for each epoch
        batches = data.batch(BATCH).map(transforms.parse).apply(known).prefetch(2)
        history = network.fit(batches, shuffle=False, verbose=0)
        losses = json.loads(log.read_text()) if epoch else []
        log.write_text(json.dumps([*losses[:epoch], history.history["loss"][0]]))
        step.assign_add(1)
        manager.save()
    export(network, transformation, output / "model")
    for path in (output / "checkpoints").glob("*"):
        path.unlink()
    (output / "checkpoints").rmdir()


def make(transformation: keras.Model, units: int) -> keras.Model:
    """Returns the network from transformed columns to a logit."""
    inputs, parts = {}, []
    for name in table.WORDS + table.PLACES:
        inputs[name] = keras.Input([1], name=name, dtype="int64")
        words = transformation.get_layer(f"{name}_ids").vocabulary_size()
        parts.append(keras.layers.Flatten()(keras.layers.Embedding(words, 8)(inputs[name])))
    for name in table.NUMBERS:
        inputs[name] = keras.Input([1], name=name)
        parts.append(inputs[name])
    hidden = keras.layers.Dense(units, activation="relu")(keras.layers.Concatenate()(parts))
    hidden = keras.layers.Dense(units // 2, activation="relu")(hidden)
    return keras.Model(inputs, keras.layers.Dense(1)(hidden)[:, 0], name="network")


def export(network: keras.Model, transformation: keras.Model, folder: Path) -> None:
    """Writes the SavedModel: the probability that a flight is late, from the table's columns.

    A second signature, `transformed`, gives the network's inputs, so that what was trained on can be compared with what is served.
    """
    columns = {i.name: tf.TensorSpec([None, 1], i.dtype, i.name) for i in transformation.inputs}

    def late(columns: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"late": tf.sigmoid(network(transformation(columns)))}

    archive = keras.export.ExportArchive()
    archive.track(transformation)
    archive.track(network)
    archive.add_endpoint("serving_default", late, [columns])
    archive.add_endpoint("transformed", lambda columns: transformation(columns), [columns])
    archive.write_out(str(folder), verbose=False)
