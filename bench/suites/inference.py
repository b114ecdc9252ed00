"""Compiled calls of models, without Keras's loop, for one sample and a batch; compared with ONNX Runtime too."""

import os
import subprocess
import tempfile

TITLE = "Compiled calls"
NOTE = (
    "A compiled function of each model on one sample and on a batch, µs a call, results read; `memory_mb` is the peak memory of the "
    "process."
)
BACKENDS = ["penstock", "tensorflow", "jax", "onnxruntime"]
CASES = ["mlp", "convolutional", "residual", "recurrent", "transformer", "resnet50", "mobilenet"]
LOWER = {"one_us", "batch_us", "memory_mb"}


def sample(case):
    """Returns (model, a batch of inputs)."""
    import keras
    import numpy as np
    from zoo import MODELS

    keras.utils.set_random_seed(1)
    model, x, _, batch = MODELS[case](keras, np.random.default_rng(1))
    return model, x[:batch]


def tensorflow_call(model, x):
    """Returns a call of the model's tf.function."""
    import tensorflow as tf

    function, value = tf.function(lambda z: model(z, training=False)), tf.constant(x)
    return lambda: function(value).numpy()


def jax_call(model, x):
    """Returns a call of the model's jitted stateless function."""
    import jax
    import numpy as np

    state = (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
    )
    function = jax.jit(lambda t, n, z: model.stateless_call(t, n, z, training=False)[0])
    value = jax.numpy.asarray(x)
    return lambda: np.asarray(function(*state, value))


def onnx_call(path, x):
    """Returns a call of ONNX Runtime with all cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    key = session.get_inputs()[0].name
    return lambda: session.run(None, {key: x})


def exported(case, folder, last_row=False):
    """Exports the model, or one that gives the last row of sequences, to ONNX in the environment that has the converter; returns its inputs."""
    import numpy as np
    import peers

    code = (
        f"import sys; sys.path.insert(0, {str(peers.BUILD.parent / 'bench')!r}); "
        f"from suites.inference import write_onnx; write_onnx({case!r}, {folder!r}, {last_row})"
    )
    environment = dict(os.environ, KERAS_BACKEND="tensorflow")
    command = [peers.python_of("onnx"), "-c", code]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return np.load(f"{folder}/x.npy")


def write_onnx(case, folder, last_row=False):
    """Writes model.onnx and x.npy. ONNX has no Erfc, so it is replaced by 1 - erf(x)."""
    import numpy as np
    import onnx

    model, x = sample(case)
    if last_row:
        from suites import serving

        model = serving.last_row(model)
    path = f"{folder}/model.onnx"
    model(x[:1])  # Keras exports what was called
    model.export(path, format="onnx", verbose=False, opset_version=17)
    proto, nodes = onnx.load(path), []
    for node in proto.graph.node:
        if node.op_type == "Erfc":
            inner = node.output[0] + "_erf"
            nodes.append(onnx.helper.make_node("Erf", node.input, [inner]))
            node = onnx.helper.make_node("Sub", ["erfc_one", inner], node.output)
        nodes.append(node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    one = onnx.helper.make_tensor("erfc_one", onnx.TensorProto.FLOAT, [], [1.0])
    proto.graph.initializer.append(one)
    onnx.save(proto, path)
    np.save(f"{folder}/x.npy", x)


def measure(case, backend):
    """Times calls of the model `case`."""
    from clock import best_seconds

    with tempfile.TemporaryDirectory() as folder:
        if backend == "onnxruntime":
            x = exported(case, folder)
            calls = [onnx_call(f"{folder}/model.onnx", part) for part in (x[:1], x)]
        else:
            model, x = sample(case)
            make = jax_call if backend == "jax" else tensorflow_call
            calls = [make(model, part) for part in (x[:1], x)]
        one, batch = (best_seconds(call, 2.0, at_once=5) * 1e6 for call in calls)
    return {"one_us": one, "batch_us": batch}
