"""Weights of which each process holds a part: what training, variables and files make of them."""

import json

import numpy as np

import penstock as tf
from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = needs_mpi

BEGIN = """
    import json, sys
    import keras, numpy as np, tensorflow as tf

    layers, random = keras.layers, np.random.default_rng(0)

    def strategy_of(stage, smallest=16, pack=1):
        return tf.distribute.MultiWorkerMirroredStrategy(
            communication_options=tf.distribute.experimental.CommunicationOptions(bytes_per_pack=pack),
            sharding_options=tf.distribute.experimental.ShardingOptions(stage=stage, smallest=smallest),
        )

    def compiled(strategy, parts, **options):
        keras.utils.set_random_seed(1)
        with strategy.scope():
            model = keras.Sequential(parts())
            model.compile(keras.optimizers.AdamW(0.01, weight_decay=0.1, **options), "mse")
        return model
"""

MEMORY = """
    width, found = 256, []
    x = random.normal(size=[8, width]).astype("float32")

    def parts():
        return [keras.Input([width])] + [layers.Dense(width, "tanh", use_bias=False) for _ in range(8)]

    for policy, stage in (("float32", 0), ("float32", 2), ("float32", 3), ("mixed_bfloat16", 2), ("mixed_bfloat16", 3)):
        keras.mixed_precision.set_global_policy(policy)
        strategy = strategy_of(stage)
        model = compiled(strategy, parts)
        model.optimizer.build(model.trainable_variables)

        @tf.function
        def step(x, y):
            return strategy.run(model.train_step, ((x, y),))

        report = step.explain(x, x)
        (memory,) = [line.split()[-2:] for line in report.splitlines() if line.startswith("memory")]
        names = [kernel.label.split("[")[0] for kernel in report.kernels]
        held = [v.value.values[0].shape.num_elements() for v in model.trainable_variables]
        shown = [n for n in names if n.startswith(("all_gather", "reduce_scatter", "product"))]
        found.append([float(memory[0]) * {"kB": 1e3, "MB": 1e6}[memory[1]], sum(held), shown])
        if policy != "float32":
            for _ in range(2):
                step(x, x)
            found[-1].append([float(np.square(w).sum()) for w in model.get_weights()])
    print(json.dumps(found))
"""


def test_weights_are_gathered_for_each_pass_one_ahead_of_their_use(tmp_path):
    weight = 4 * 256 * 256
    for (line,) in of_ranks(launched(BEGIN + MEMORY, tmp_path, 2)).values():
        first, second, third, narrow_second, narrow_third = json.loads(line)
        assert first[1] == second[1] == 8 * 256 * 256 == 2 * third[1]
        # Two whole weights, two whole gradients and half of the others, instead of all gradients or more.
        assert third[0] < second[0] - 2 * weight and second[0] < first[0]
        assert narrow_third[0] < narrow_second[0] - 2 * weight
        # Weights are cast before they travel, which gives the same bits.
        assert narrow_third[3] == narrow_second[3]
        start, wait, product = "all_gather_start", "all_gather_wait", "product"
        order = third[2]
        # The first weight is not needed in the backward pass, which begins with the one that has been used last.
        assert order[:25] == [start, *[wait, start, product] * 8]
        assert order.count(start) == order.count(wait) == 8 + 6
        sums = [one for one in order if one.startswith("reduce_scatter")]
        assert sums == ["reduce_scatter_start", "reduce_scatter_wait"] * 8


MODELS = """
    words, x = random.integers(0, 20, [24, 6]), random.normal(size=[24, 6]).astype("float32")

    def of_words():
        return [keras.Input([6], dtype="int32"), layers.Embedding(20, 8), layers.Flatten(), layers.Dense(1)]

    def constrained():
        dense = layers.Dense(9, "tanh", kernel_regularizer="l2", kernel_constraint=keras.constraints.UnitNorm())
        return [keras.Input([6]), dense, layers.BatchNormalization(), layers.Dense(1)]

    for parts, given in ((of_words, words), (constrained, x)):
        rows = tf.data.Dataset.from_tensor_slices((given, x[:, :1])).batch(8)
        found = []
        for stage in (0, 3):
            model = compiled(strategy_of(stage, pack=0), parts, global_clipnorm=1.0)
            losses = model.fit(rows, epochs=2, verbose=0, shuffle=False).history["loss"]
            losses += [model.evaluate(rows, verbose=0), float(np.abs(model.predict(rows, verbose=0)).sum())]
            arrays = model.get_weights() + [v.numpy() for v in model.optimizer.variables]
            found.append(losses + [float(np.abs(a).sum()) for a in arrays])
        print(json.dumps(found))
"""


def test_models_train_as_with_whole_weights(tmp_path):
    for lines in of_ranks(launched(BEGIN + MODELS, tmp_path, 2)).values():
        for whole, divided in map(json.loads, lines):
            np.testing.assert_allclose(divided, whole, rtol=1e-5)


VARIABLES = """
    strategy = strategy_of(3)
    rank = strategy.cluster_resolver.task_id
    with strategy.scope():
        weight = tf.Variable(np.float32(np.arange(51).reshape(17, 3)), name="weight")
        small = tf.Variable([1.0, 2.0], aggregation=tf.VariableAggregation.MEAN)
        mean = tf.Variable(tf.zeros([5, 4]), aggregation=tf.VariableAggregation.MEAN)

    def loss():
        return tf.reduce_sum(tf.gather(weight, [1, 1, 3]) ** 2) + tf.reduce_sum(weight)

    def gradient():
        with tf.GradientTape() as tape:
            value = loss()
        slope = tf.convert_to_tensor(tape.gradient(value, weight))
        return tf.reduce_sum(slope, 1)[:4]

    def step():
        slope = gradient()
        mean.assign(tf.fill([5, 4], float(rank)))
        weight.assign_add(tf.ones([17, 3]))
        return tf.concat([slope, weight[0], [tf.reduce_sum(mean)]], 0)

    print([weight.values[0].shape[0], small.shape[0], type(small).__name__, weight.shape.as_list()])
    print(gradient().numpy().tolist() == tf.function(gradient)().numpy().tolist() == [3, 51, 3, 63])
    print(tf.function(lambda: strategy.run(step))().numpy().tolist())
    print(weight.scatter_sub(tf.IndexedSlices(tf.ones([2, 3]), [0, 0])).numpy()[0].tolist())
    for call in (
        lambda: tf.raw_ops.ResourceGather(resource=weight.handle, indices=[0], dtype=tf.float32),
        lambda: tf.function(lambda: tf.raw_ops.ReadVariableOp(resource=weight.handle, dtype=tf.float32))(),
        lambda: weight[1:2].assign(tf.ones([1, 3])),
        lambda: weight.scatter_nd_add([[0, 0]], [1.0]),
        lambda: weight.assign(tf.ones([17])),
    ):
        try:
            print("no error", call())
        except Exception as error:
            print(type(error).__name__, str(error).replace("\\n", " "))

    class Module(tf.Module):
        def __init__(self):
            self.weight = weight

        @tf.function(input_signature=[tf.TensorSpec([None, 17])])
        def __call__(self, x):
            return x @ self.weight

    module = Module()
    module(tf.ones([1, 17]))
    tf.saved_model.save(module, f"{sys.argv[1]}/saved{rank}")
"""


def test_variables_act_as_whole_ones(tmp_path):
    done = launched(BEGIN + VARIABLES, tmp_path, 2, arguments=[str(tmp_path)])
    for lines in of_ranks(done).values():
        assert lines[:4] == [
            "[26, 2, 'MirroredVariable', [17, 3]]",
            "True",
            "[3.0, 51.0, 3.0, 63.0, 1.0, 2.0, 3.0, 10.0]",
            "[-1.0, 0.0, 1.0]",
        ]
        handle = "the handle of the weight 'weight', which ShardingOptions divides"
        for line, op in zip(
            lines[4:7], ("ResourceGather", "ReadVariableOp", "Assign"), strict=True
        ):
            assert line.startswith("InvalidArgumentError") and op in line and handle in line
        assert lines[7].startswith("UnimplementedError scatter_nd_add on variable weight:0")
        assert lines[8].startswith("ValueError Cannot assign value to variable 'weight:0'")
    loaded = tf.saved_model.load(str(tmp_path / "saved1"))
    expected = np.arange(51).reshape(17, 3).sum(0) + 17 - 2
    np.testing.assert_array_equal(loaded(tf.ones([1, 17]))[0], expected)
