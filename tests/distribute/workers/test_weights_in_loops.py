"""Weights of which each process holds a part, in loops: gathered once for each pass, unless the loop changes them."""

import json

import numpy as np

from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = needs_mpi

BEGIN = """
    import json
    import keras, numpy as np, tensorflow as tf

    def strategy_of(stage):
        return tf.distribute.MultiWorkerMirroredStrategy(
            communication_options=tf.distribute.experimental.CommunicationOptions(bytes_per_pack=1),
            sharding_options=tf.distribute.experimental.ShardingOptions(stage=stage, smallest=8),
        )"""

RECURRENT = """
    layers = keras.layers
    x = np.random.default_rng(0).normal(size=[8, 7, 6]).astype("float32")
    found = []
    for stage in (0, 3):
        keras.utils.set_random_seed(1)
        with (strategy := strategy_of(stage)).scope():
            model = keras.Sequential([keras.Input([7, 6]), layers.Masking(), layers.LSTM(5), layers.Dense(1)])
            model.compile(keras.optimizers.SGD(0.1), "mse")
        model.optimizer.build(model.trainable_variables)

        @tf.function
        def step(x, y):
            return strategy.run(model.train_step, ((x, y),))

        report = step.explain(x, x[:, 0, :1])
        for _ in range(3):
            step(x, x[:, 0, :1])
        gathers = [k.label for k in report.kernels if k.label.startswith("all_gather_start")]
        by_host = [line for line in str(report).splitlines() if line.startswith("host")]
        found.append([[float(np.abs(w).sum()) for w in model.get_weights()], gathers, by_host])
    print(json.dumps(found))
"""


def test_recurrent_layers_gather_their_weights_once_for_each_pass(tmp_path):
    for (line,) in of_ranks(launched(BEGIN + RECURRENT, tmp_path, 2)).values():
        (whole, *_), (divided, gathers, by_host) = json.loads(line)
        np.testing.assert_allclose(divided, whole, rtol=1e-6)
        # Kernel, recurrent kernel and bias, then both kernels for the backward pass; the other layer's is too small.
        parts = [60, 50, 10, 50, 60]
        assert gathers == [f"all_gather_start[{part}]" for part in parts] and by_host == []


LOOPS = """
    start = np.float32(np.random.default_rng(0).normal(size=[4, 4]) / 3)

    def nested(w, u):
        x = tf.ones([2, 4])
        for i in tf.range(3):
            for j in tf.range(i):
                x = tf.tanh(x @ w)
            x += x @ u
        return tf.reduce_sum(x)

    def never(w, u):
        return tf.while_loop(lambda i, x: i < 0, lambda i, x: (i + 1, x @ w), (0, tf.ones([2, 4])))[1][0, 0] + u[0, 0]

    def in_condition(w, u):
        return tf.while_loop(lambda x: tf.reduce_sum(x @ tf.abs(w)) < 50.0, lambda x: (x + tf.abs(u[0]),), (tf.ones([2, 4]),))[0][0, 0]

    def branching(w, u):
        x = tf.ones([2, 4])
        for i in tf.range(4):
            x = x @ w if i % 2 == 0 else x - tf.sin(x @ u)
        return tf.reduce_sum(x)

    def mapped(w, u):
        return tf.reduce_sum(tf.map_fn(lambda row: tf.linalg.matvec(w, row) ** 2, u))

    def curved(w, u):
        with tf.GradientTape() as tape:
            value = nested(w, u)
        return tf.reduce_sum(tf.convert_to_tensor(tape.gradient(value, w)) ** 2)

    def own_gradient(w, u):
        total = tf.constant(0.0)
        for i in tf.range(3):
            with tf.GradientTape() as tape:
                value = tf.reduce_sum(tf.sin(w * tf.cast(i, tf.float32)) @ u)
            total += tf.reduce_sum(tf.convert_to_tensor(tape.gradient(value, w)) ** 2)
        return total

    def changing(w, u):
        total = tf.constant(0.0)
        for i in tf.range(3):
            total += tf.reduce_sum(w @ u)
            w.assign_add(u * 0.1)
            for j in tf.range(2):
                total += tf.reduce_sum(w)
        return total + tf.reduce_sum(w)

    for case in (nested, never, in_condition, branching, mapped, curved, own_gradient, changing):
        found = []
        for stage in (0, 3):
            with (strategy := strategy_of(stage)).scope():
                w, u = (tf.Variable(start, aggregation=tf.VariableAggregation.MEAN) for _ in range(2))

            def step():
                with tf.GradientTape() as tape:
                    value = case(w, u)
                slopes = tape.gradient(value, [w, u], unconnected_gradients="zero")
                return [value, *map(tf.convert_to_tensor, slopes)]

            compiled = tf.function(lambda: strategy.run(step))
            values = [np.asarray(x).tolist() for x in compiled()]
            found.append([*values, w.numpy().tolist()])
        print(json.dumps([case.__name__, *found]))
"""


def test_loops_compute_and_differentiate_as_with_whole_weights(tmp_path):
    for lines in of_ranks(launched(BEGIN + LOOPS, tmp_path, 2)).values():
        for case, whole, divided in map(json.loads, lines):
            for a, b in zip(divided, whole, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=case)
            assert np.any(whole[1:3]), case
        assert len(lines) == 8
