"""Loss scaling: replicas of which one has gradients that are not finite skip the step together."""

import json

import pytest

from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = needs_mpi
TRAINING = """
    import json, sys
    import keras, numpy as np, tensorflow as tf

    keras.mixed_precision.set_global_policy("mixed_float16")
    if sys.argv[1:] == ["mirrored"]:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = keras.Sequential([keras.Input([8]), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
    x = np.random.default_rng(0).normal(size=[6, 4, 8]).astype("float32")
    y = 0.01 * x.sum(-1, keepdims=True)
    y[1, 2:] = 6e4  # of the second replica's rows in the second step: its scaled gradients overflow
    x, y = x.reshape([24, 8]), y.reshape([24, 1])
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    found = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            optimizer = self.model.optimizer
            weights = [float(np.abs(w).sum()) for w in self.model.get_weights()]
            found.append([float(optimizer.dynamic_scale.numpy()), int(optimizer.iterations.numpy()), weights])

    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4).with_options(options)
    model.fit(data, epochs=1, verbose=0, callbacks=[Watch()])
    print(json.dumps(found))
"""


@pytest.mark.parametrize("kind", ["mirrored", "workers"])
def test_an_overflow_of_one_replica_skips_the_step_on_all(kind, tmp_path):
    done = launched(TRAINING, tmp_path, 2 if kind == "workers" else 1, arguments=[kind])
    ranks = [json.loads(lines[-1]) for lines in of_ranks(done).values()]
    assert ranks == ranks[:1] * len(ranks)
    scales, steps, weights = zip(*ranks[0], strict=True)
    assert scales == (2.0**15,) + (2.0**14,) * 5
    assert steps == (1, 1, 2, 3, 4, 5)
    assert weights[1] == weights[0] and weights[2] != weights[1]
