"""Models built ahead of time, one sample a call, beside the runtimes that models are shipped with."""

import os
import pathlib
import subprocess
import tempfile

TITLE = "Built libraries"
NOTE = (
    "µs of a call with one sample: a library of `penstock build` (bound arrays) beside ONNX Runtime (I/O binding) and ai-edge-litert (XNNPACK), with one thread and two. "
    "`int8` cases are files that TensorFlow's converter quantised, which Penstock reads and builds."
)
BACKENDS = ["penstock", "onnxruntime", "litert"]
CASES = [
    "mlp",
    "convolutional",
    "residual",
    "recurrent",
    "transformer",
    "mobilenet",
    "convolutional int8",
    "residual int8",
    "mobilenet int8",
]
LOWER = {"one_thread_us", "two_threads_us"}
THREADS = {"one_thread_us": 1, "two_threads_us": 2}
# Inputs that the quantiser sees.
SAMPLES = 8


def measure(case, backend):
    """Times calls of a model with one thread and with two."""
    name, _, kind = case.partition(" ")
    if kind and backend == "onnxruntime":
        return {"error": "not run: the files are TFLite's"}
    from clock import best_seconds

    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        make = {"penstock": built_call, "onnxruntime": onnx_call, "litert": litert_call}[backend]
        call_of = make(name, kind, folder)
        for figure, threads in THREADS.items():
            figures[figure] = best_seconds(call_of(threads), 2.0, at_once=5) * 1e6
    return figures


def built_call(name, kind, folder):
    """Returns what gives a call of a built library for a number of threads."""
    from penstock._src.aot.build import BuildOptions, build, write
    from penstock._src.aot.sources.python_library import Model
    from penstock._src.formats.keras.reading import traced
    from penstock._src.formats.table import read

    if kind:
        x = converted(name, kind, folder)
        signatures = read(f"{folder}/model.tflite").signatures
    else:
        from suites.inference import sample

        model, x = sample(name)
        signatures = {"serving_default": traced(model)}
    x = x[:1]

    def call(threads):
        out = pathlib.Path(folder, f"threads{threads}")
        options = BuildOptions(threads=threads)
        write(build(signatures, "model", options), out, options)
        (function,) = Model(out / "libmodel.so").functions.values()
        return function.bind(x)

    return call


def onnx_call(name, kind, folder):
    """Returns what gives a call of ONNX Runtime for a number of threads."""
    import onnxruntime

    from suites.inference import exported

    x = exported(name, folder)[:1]

    def call(threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"]
        )
        binding = session.io_binding()
        binding.bind_cpu_input(session.get_inputs()[0].name, x)
        binding.bind_output(session.get_outputs()[0].name)
        return lambda: session.run_with_iobinding(binding)

    return call


def litert_call(name, kind, folder):
    """Returns what gives a call of ai-edge-litert for a number of threads."""
    from ai_edge_litert.interpreter import Interpreter

    x = converted(name, kind, folder)[:1]

    def call(threads):
        interpreter = Interpreter(f"{folder}/model.tflite", num_threads=threads)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        return interpreter.invoke

    return call


def converted(name, kind, folder):
    """Has TensorFlow's converter write model.tflite in its own environment; returns the inputs."""
    import numpy as np
    import peers

    code = (
        f"import sys; sys.path.insert(0, {str(peers.BUILD.parent / 'bench')!r}); "
        f"from suites.built import write_tflite; write_tflite({name!r}, {kind!r}, {folder!r})"
    )
    environment = dict(os.environ, KERAS_BACKEND="tensorflow")
    subprocess.run(
        [peers.python_of("onnx"), "-c", code], check=True, capture_output=True, env=environment
    )
    return np.load(f"{folder}/x.npy")


def write_tflite(name, kind, folder):
    """Writes model.tflite for one sample, and x.npy; with the kind "int8" weights and activations have 8 bits, inputs and results as well."""
    import numpy as np
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from suites.inference import sample

    model, x = sample(name)
    function = tf.function(lambda z: model(z, training=False))
    spec = tf.TensorSpec((1, *x.shape[1:]), x.dtype)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(spec))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if kind == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        seen = x[:SAMPLES]
        converter.representative_dataset = lambda: ([part[None]] for part in seen)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        x = np.random.default_rng(1).integers(-128, 128, x.shape).astype(np.int8)
    pathlib.Path(folder, "model.tflite").write_bytes(converter.convert())
    np.save(f"{folder}/x.npy", x)
