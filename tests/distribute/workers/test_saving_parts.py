"""Files of models whose variables are in parts: each process writes whole values, for any program."""

import numpy as np

import penstock as tf
from tests.harness.processes import launched, needs_mpi

pytestmark = needs_mpi

WRITTEN = """
    import sys
    from pathlib import Path
    import keras, numpy as np, tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    layers, x = keras.layers, np.random.default_rng(0).normal(size=[8, 6]).astype("float32")
    sharding = tf.distribute.experimental.ShardingOptions(stage=3, smallest=8)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(sharding_options=sharding)
    folder = Path(sys.argv[1]) / str(strategy.cluster_resolver.task_id)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        parts = [layers.Dense(9, "relu"), layers.BatchNormalization(), layers.Reshape([3, 3]), layers.LSTM(5), layers.Dense(4)]
        model = keras.Sequential([keras.Input([6]), *parts])
        model.compile("adam", "mse")
    model.fit(x, x[:, :4], batch_size=4, verbose=0)

    @tf.function(input_signature=[tf.TensorSpec([8, 6])])
    def called(v):
        y = model(v, training=False)
        return tf.cond(tf.reduce_sum(y) > 1e9, lambda: y @ model.layers[-1].kernel[:4], lambda: y)

    tf.saved_model.save(model, folder / "saved")
    np.savez(folder / "arrays.npz", x, called(x), *[v.numpy() for v in model.weights])
    frozen = convert_variables_to_constants_v2(called.get_concrete_function())
    (folder / "frozen.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())
    np.testing.assert_allclose(frozen(tf.constant(x))[0], called(x), rtol=1e-6)
    assert len(frozen.inputs) == 1
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (folder / "model.tflite").write_bytes(converter.convert())
"""


def test_files_have_whole_values(tmp_path):
    launched(WRITTEN, tmp_path, 2, arguments=[str(tmp_path)])
    for rank in (0, 1):
        folder = tmp_path / str(rank)
        x, expected, *weights = np.load(folder / "arrays.npz").values()
        loaded = tf.saved_model.load(folder / "saved")
        (result,) = loaded.signatures["serving_default"](tf.constant(x)).values()
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
        stored = folder / "saved" / "variables" / "variables"
        names = [name for name, shape in tf.train.list_variables(stored) if shape == [6, 9]]
        arrays = [tf.train.load_variable(stored, name) for name in names]
        assert sum(np.array_equal(array, weights[0]) for array in arrays) > 0
        # The kernel and both of its slots, each with both halves.
        assert len(arrays) >= 3 and all(np.any(a.reshape(2, -1), 1).all() for a in arrays)

        graph = tf.compat.v1.GraphDef.FromString((folder / "frozen.pb").read_bytes())
        assert not {n.op for n in graph.node} & {"ReadVariableOp", "VarHandleOp"}
        sizes = {
            int(np.prod([d.size for d in n.attr["value"].tensor.tensor_shape.dim]))
            for n in graph.node
        }
        assert 6 * 9 in sizes and 6 * 9 // 2 not in sizes
        interpreter = tf.lite.Interpreter(model_path=str(folder / "model.tflite"))
        given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        interpreter.resize_tensor_input(given["index"], [8, 6])
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], x)
        interpreter.invoke()
        np.testing.assert_allclose(
            interpreter.get_tensor(made["index"]), expected, rtol=1e-5, atol=1e-6
        )
