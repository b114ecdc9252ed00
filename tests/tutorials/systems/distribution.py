"""MirroredStrategy over two logical devices: Keras's fit, a custom loop with reductions, and a partial last batch."""

import numpy as np
import tensorflow as tf

cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
tf.keras.utils.set_random_seed(101)
rng = np.random.default_rng(101)
x = rng.normal(size=(132, 6)).astype("float32")
y = (x @ rng.normal(size=(6, 3))).argmax(1)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
print("RESULT replicas", strategy.num_replicas_in_sync)
GLOBAL = 32
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(GLOBAL)


def build():
    return tf.keras.Sequential(
        [
            tf.keras.Input((6,)),
            tf.keras.layers.Dense(16, activation="relu"),
            tf.keras.layers.Dense(3),
        ]
    )


with strategy.scope():
    model = build()
    model.compile(
        tf.keras.optimizers.Adam(1e-2),
        tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
history = model.fit(data, epochs=3, verbose=0).history
print("RESULT fit", *history["loss"], *history["accuracy"])
print("RESULT evaluate", *model.evaluate(data, verbose=0))
print("RESULT predictions", model.predict(x[:5], verbose=0).ravel())

with strategy.scope():
    other = build()
    optimizer = tf.keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(other.trainable_variables)
    loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    test_loss = tf.keras.metrics.Mean(name="test_loss")
    accuracy = tf.keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    counter = tf.Variable(
        0.0,
        aggregation=tf.VariableAggregation.SUM,
        synchronization=tf.VariableSynchronization.ON_READ,
    )


def train_step(inputs):
    images, labels = inputs
    with tf.GradientTape() as tape:
        predictions = other(images, training=True)
        loss = tf.nn.compute_average_loss(
            loss_object(labels, predictions), global_batch_size=GLOBAL
        )
    gradients = tape.gradient(loss, other.trainable_variables)
    optimizer.apply_gradients(zip(gradients, other.trainable_variables))
    accuracy.update_state(labels, predictions)
    counter.assign_add(tf.cast(tf.shape(images)[0], tf.float32))
    return loss


def test_step(inputs):
    images, labels = inputs
    test_loss.update_state(loss_object(labels, other(images, training=False)))


@tf.function
def distributed_train_step(inputs):
    losses = strategy.run(train_step, args=(inputs,))
    return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)


@tf.function
def distributed_test_step(inputs):
    return strategy.run(test_step, args=(inputs,))


train = strategy.experimental_distribute_dataset(data)
for epoch in range(3):
    losses = [float(distributed_train_step(batch)) for batch in train]
    for batch in train:
        distributed_test_step(batch)
    print("RESULT epoch", epoch, *losses, float(accuracy.result()), float(test_loss.result()))
    accuracy.reset_state()
    test_loss.reset_state()
print("RESULT counted", float(counter.read_value()))


@tf.function
def replica_sums():
    def replica():
        context = tf.distribute.get_replica_context()
        mine = tf.cast(context.replica_id_in_sync_group, tf.float32) + 1.0
        return context.all_reduce(tf.distribute.ReduceOp.SUM, mine), context.all_gather(
            mine[None], axis=0
        )

    return strategy.run(replica)


total, gathered = replica_sums()
print("RESULT reduced", *(float(v) for v in strategy.experimental_local_results(total)))
print("RESULT gathered", *(v.numpy() for v in strategy.experimental_local_results(gathered)))
values = strategy.experimental_distribute_values_from_function(
    lambda c: tf.constant(c.replica_id_in_sync_group * 10.0)
)
print("RESULT mean", float(strategy.reduce("MEAN", values, axis=None)))
