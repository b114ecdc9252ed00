"""Three workers train as one process with the same batches, but for rounding: in float64, where nothing else can hide."""

import json

from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = needs_mpi

ATTENTION = """
    import contextlib, json
    import keras, numpy as np, tensorflow as tf

    keras.config.set_floatx("float64")
    layers, random = keras.layers, np.random.default_rng(0)
    words, y = random.integers(0, 20, [24, 5]), random.normal(size=[24, 1])
    rows = tf.data.Dataset.from_tensor_slices((words, y)).batch(12)

    def made():
        given = keras.Input([5], dtype="int32")
        x = layers.Embedding(20, 8)(given)
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(3, 7, name="attention")(x, x))
        return keras.Model(given, layers.Dense(1)(layers.Flatten()(x)))

    def trained(optimizer, stage=None):
        keras.utils.set_random_seed(1)
        scope = contextlib.nullcontext()
        if stage is not None:
            sharding = tf.distribute.experimental.ShardingOptions(stage=stage, smallest=5)
            scope = tf.distribute.MultiWorkerMirroredStrategy(sharding_options=sharding).scope()
        with scope:
            model = made()
            model.compile(optimizer(), "mse")
        model.fit(rows, epochs=3, verbose=0, shuffle=False)
        return model.get_weights(), [v.path for v in model.weights]

    def apart(weights, others):
        return {path: float(np.abs(a - b).max()) for a, b, path in zip(weights[0], *others)}

    optimizers = {
        "momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
        "adam": lambda: keras.optimizers.Adam(0.01),
    }
    found = []
    for name, optimizer in optimizers.items():
        whole = trained(optimizer, 0)
        if name == "momentum":
            found.append(["alone", apart(trained(optimizer), whole)])
        for stage in (1, 2, 3) if name == "momentum" else (3,):
            found.append([name, apart(trained(optimizer, stage), whole)])
    print(json.dumps(found))
"""


def test_weights_differ_by_rounding_alone(tmp_path):
    for (line,) in of_ranks(launched(ATTENTION, tmp_path, 3)).values():
        cases = json.loads(line)
        assert [name for name, _ in cases] == ["alone", *["momentum"] * 3, "adam"]
        for case, differences in cases:
            for path, difference in differences.items():
                allowed = 1e-13
                if case == "alone":
                    allowed = 1e-6  # Keras multiplies losses of three workers by a third in float32
                elif case == "adam" and path == "attention/key/bias":
                    allowed = 1e-9  # softmax does not see it: its gradient is rounding, which Adam magnifies
                assert difference < allowed, (case, path)
