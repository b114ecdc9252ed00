"""Files: SavedModels loaded and dropped, checkpoints saved."""

import tempfile
from collections.abc import Callable

import penstock as tf


class _Model(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.ones([4, 4]))
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1
        )

    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def predict(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x @ self.weights)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def number(self, keys: tf.Tensor) -> tf.Tensor:
        return self.table.lookup(keys)


def saved_models() -> Callable[[int], None]:
    """A SavedModel with a variable and a table, loaded, called and dropped."""
    path = tempfile.mkdtemp()
    model = _Model()
    tf.saved_model.save(model, path, signatures=model.predict)
    x = tf.ones([2, 4])

    def step(i: int) -> None:
        model = tf.saved_model.load(path)
        model.predict(x)
        model.number(tf.constant(["b"]))
        model.signatures["serving_default"](x)

    return step


def checkpoints() -> Callable[[int], None]:
    """Checkpoints of a manager that keeps two, and restores the last."""
    weights, number = tf.Variable(tf.ones([16, 16])), tf.Variable(0)
    checkpoint = tf.train.Checkpoint(weights=weights, number=number)
    manager = tf.train.CheckpointManager(checkpoint, tempfile.mkdtemp(), max_to_keep=2)

    def step(i: int) -> None:
        number.assign(i)
        manager.save()
        number.assign(-1)
        checkpoint.restore(manager.latest_checkpoint).assert_consumed()
        assert number.numpy() == i

    return step
