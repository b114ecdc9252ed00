"""A program that TensorFlow and Penstock run: trains over the processes of a cluster, prints what came out as JSON from each.

`python training.py` runs it alone, or as a worker of TF_CONFIG's cluster, `penstock launch` in several processes. What TensorFlow 2.21 printed for
two workers is in `tensorflow.json`, of the parts "custom loop" and "collected": Keras 3.15's `fit` does not run there.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()
rank = strategy.cluster_resolver.task_id or 0
GLOBAL_BATCH = 8
MEAN = tf.VariableAggregation.MEAN
random = np.random.default_rng(1)
features = random.normal(size=[36, 5]).astype("float32")  # the last of five batches has four rows
labels = (features[:, :1] * 2 - features[:, 1:2] > 0).astype("float32")


def batches():
    """A dataset of global batches."""
    return tf.data.Dataset.from_tensor_slices((features, labels)).batch(GLOBAL_BATCH)


def custom_loop():
    """Trains two matrices by hand; what ranks other than 0 begin with does not count."""
    with strategy.scope():
        first = tf.Variable(
            np.float32(np.arange(20).reshape(5, 4) / 20 - 0.4 + rank), aggregation=MEAN
        )
        second = tf.Variable(
            lambda: np.float32([[0.3], [-0.2], [0.5], [0.1]]) * (1 - rank), aggregation=MEAN
        )
        seen = tf.Variable(
            0.0,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )
        mean = tf.Variable(0.0, trainable=False, aggregation=MEAN)

    def step(x, y):
        with tf.GradientTape() as tape:
            predicted = tf.tanh(x @ first) @ second
            loss = tf.reduce_sum((predicted - y) ** 2) / GLOBAL_BATCH
        gradients = tape.gradient(loss, [first, second])
        replica = tf.distribute.get_replica_context()
        gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        for variable, gradient in zip((first, second), gradients, strict=True):
            variable.assign_sub(0.1 * gradient)
        seen.assign_add(tf.cast(tf.shape(x)[0], tf.float32))
        mean.assign(tf.cast(replica.replica_id_in_sync_group, tf.float32))
        return loss

    @tf.function
    def train_step(x, y):
        return strategy.reduce("SUM", strategy.run(step, (x, y)), axis=None)

    distributed = strategy.experimental_distribute_dataset(batches())
    losses = [float(train_step(x, y)) for _ in range(2) for x, y in distributed]
    return {
        "losses": losses,
        "first": first.numpy().tolist(),
        "second": second.numpy().tolist(),
        "seen": float(tf.convert_to_tensor(seen)),
        "mean of ranks": float(tf.convert_to_tensor(mean)),
    }


def keras_fit():
    """Trains a model of Keras."""
    keras.utils.set_random_seed(7)
    with strategy.scope():
        model = keras.Sequential(
            [keras.layers.Dense(6, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
        )
        model.compile(
            optimizer=keras.optimizers.SGD(0.2, momentum=0.9),
            loss="binary_crossentropy",
            metrics=["accuracy"],
        )
        model.build([None, 5])
    rows = tf.data.Dataset.from_tensor_slices((features[:32], labels[:32])).batch(GLOBAL_BATCH)
    history = model.fit(rows, epochs=3, verbose=0, shuffle=False).history
    return {
        "history": history,
        "weights": [weight.tolist() for weight in model.get_weights()],
    }


def collected():
    """What replicas gather and reduce."""

    def replica():
        context = tf.distribute.get_replica_context()
        own = tf.fill([rank + 1, 2], float(rank))
        return context.all_gather(own, axis=0), context.all_reduce("MEAN", own[:1])

    everything, mean = strategy.run(replica)
    own = strategy.run(lambda: tf.fill([2, rank + 1], float(rank)))
    return {
        "all_gather": np.asarray(everything).tolist(),
        "mean": np.asarray(mean).tolist(),
        "gather": strategy.gather(own, axis=1).numpy().tolist(),
        "reduce": float(strategy.reduce("MEAN", tf.constant(float(rank)), axis=None)),
        "chief": strategy.extended.should_checkpoint,
    }


PARTS = {"custom loop": custom_loop, "collected": collected, "keras": keras_fit}


def main():
    """Prints a line of JSON of the parts that are asked for; by default of all."""
    names = sys.argv[1:] or PARTS
    print(json.dumps({name: PARTS[name]() for name in names}), flush=True)


if __name__ == "__main__":
    main()
