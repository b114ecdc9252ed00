"""A function for each reader: `read(library, path, name)` returns what the model of a file computes of the inputs of the model of that name.

The reader of a file that only checks it returns None.
"""

import json
import sys
import tempfile
from typing import Any

from tests.interop.readers.models import inputs_of


def _by_name(results: dict[str, Any]) -> list[Any]:
    return [results[name] for name in sorted(results)]


def _given(names: list[str], name: str) -> dict[str, Any]:
    """The inputs of a model, by the names that a reader has for them, in which x0, x1 ... are."""
    values = inputs_of(name)
    if len(names) == 1:
        return {names[0]: values[0]}
    return {
        next(each for each in names if f"x{i}" in each): value for i, value in enumerate(values)
    }


def tensorflow(tf: Any, path: str, name: str) -> list[Any]:
    """A SavedModel."""
    function = tf.saved_model.load(path).signatures["serving_default"]
    given = {
        key: tf.constant(each)
        for key, each in _given(list(function.structured_input_signature[1]), name).items()
    }
    return _by_name(function(**given))


def _frozen(tf: Any, path: str) -> tuple[Any, list[str], list[str]]:
    graph_def = tf.compat.v1.GraphDef()
    with open(f"{path}/frozen.pb", "rb") as file:
        graph_def.ParseFromString(file.read())
    with open(f"{path}/names.json") as file:
        return graph_def, *json.load(file)


def tensorflow_session(tf: Any, path: str, name: str) -> list[Any]:
    """A frozen graph, in a session of TensorFlow 1."""
    graph_def, inputs, outputs = _frozen(tf, path)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(graph_def, name="")
        return session.run(outputs, dict(zip(inputs, inputs_of(name), strict=True)))


def _tf2onnx(convert: Any, path: str, name: str) -> list[Any]:
    import numpy as np

    np.object, np.cast = object, {}  # which tf2onnx 1.17 takes from NumPy 1
    with tempfile.TemporaryDirectory() as folder:
        convert(f"{folder}/model.onnx")
        return onnx_runtime(None, f"{folder}/model.onnx", name)


def tf2onnx_of_saved_model(tf: Any, path: str, name: str) -> list[Any]:
    """A SavedModel by tf2onnx's command, then ONNX Runtime."""

    def convert(target: str) -> None:
        import tf2onnx.convert

        before, sys.argv = sys.argv, ["tf2onnx", "--saved-model", path, "--output", target]
        try:
            tf2onnx.convert.main()
        finally:
            sys.argv = before

    return _tf2onnx(convert, path, name)


def tf2onnx_of_frozen(tf: Any, path: str, name: str) -> list[Any]:
    """A frozen graph by tf2onnx, then ONNX Runtime."""
    graph_def, inputs, outputs = _frozen(tf, path)

    def convert(target: str) -> None:
        import tf2onnx

        tf2onnx.convert.from_graph_def(
            graph_def, input_names=inputs, output_names=outputs, output_path=target
        )

    return _tf2onnx(convert, path, name)


def tensorflow_lite(tf: Any, path: str, name: str) -> list[Any]:
    """A SavedModel by TensorFlow's converter, then its interpreter."""
    converter = tf.lite.TFLiteConverter.from_saved_model(path)
    sets = tf.lite.OpsSet
    converter.target_spec.supported_ops = [sets.TFLITE_BUILTINS, sets.SELECT_TF_OPS]
    converter.experimental_enable_resource_variables = True
    return _interpreted(tf.lite.Interpreter(model_content=converter.convert()), name)


def _interpreted(interpreter: Any, name: str) -> list[Any]:
    if signatures := interpreter.get_signature_list():
        (key,) = signatures
        runner = interpreter.get_signature_runner(key)
        return _by_name(runner(**_given(list(runner.get_input_details()), name)))
    details = {each["name"]: each["index"] for each in interpreter.get_input_details()}
    given = _given(list(details), name)
    for each, value in given.items():
        interpreter.resize_tensor_input(details[each], value.shape)
    interpreter.allocate_tensors()
    for each, value in given.items():
        interpreter.set_tensor(details[each], value)
    interpreter.invoke()
    return [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]


def lite(package: Any, path: str, name: str) -> list[Any]:
    """A TFLite file by ai-edge-litert."""
    return _interpreted(package.Interpreter(path), name)


def tensorflow_interpreter(tf: Any, path: str, name: str) -> list[Any]:
    """A TFLite file by TensorFlow, which has its own ops in it."""
    return _interpreted(tf.lite.Interpreter(path), name)


def openvino(package: Any, path: str, name: str, start: str = "") -> list[Any]:
    """Whatever OpenVINO reads; `start` is how the names of outputs begin."""
    core = package.Core()
    model = core.read_model(path)
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(model, "CPU", settings)
    ports = {" ".join(sorted(port.names)): port for port in compiled.inputs}
    given = {
        ports[each]: value.astype(str) if value.dtype == object else value
        for each, value in _given(list(ports), name).items()
    }
    results = compiled(given)
    outputs = [port for port in compiled.outputs if min(port.names, default="").startswith(start)]
    named = {min(port.names, default=""): results[port] for port in outputs}
    if len(named) < len(outputs):
        return [results[port] for port in outputs]
    return _by_name(named)


def openvino_of_keras(package: Any, path: str, name: str) -> list[Any]:
    """What Keras exports by OpenVINO's converter, which takes all that nothing reads for outputs."""
    return openvino(package, path, name, "Identity")


def openvino_of_frozen(package: Any, path: str, name: str) -> list[Any]:
    return openvino(package, f"{path}/frozen.pb", name)


def onnx_checker(_: Any, path: str, name: str) -> None:
    """onnx's checker, with all it checks."""
    import onnx

    onnx.checker.check_model(path, full_check=True)


def onnx_reference(_: Any, path: str, name: str) -> list[Any]:
    """The reference implementation of the standard."""
    import onnx.reference

    session = onnx.reference.ReferenceEvaluator(path)
    return session.run(None, _given(list(session.input_names), name))


def onnx_runtime(_: Any, path: str, name: str) -> list[Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, _given([each.name for each in session.get_inputs()], name))


def keras(package: Any, path: str, name: str) -> list[Any]:
    """A Keras file, on the backend of the process."""
    model = package.models.load_model(path)
    given = inputs_of(name)
    results = model(given if len(given) > 1 else given[0], training=False)
    return [package.ops.convert_to_numpy(each) for each in package.tree.flatten(results)]


def core_ml(tf: Any, path: str, name: str) -> None:
    """A SavedModel by Core ML's converter; the result runs on Apple's machines alone."""
    import coremltools

    loaded = tf.saved_model.load(path)
    function = loaded.signatures["serving_default"]
    coremltools.convert([function], source="tensorflow", skip_model_load=True)
