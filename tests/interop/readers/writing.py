"""A function for each kind of file, which writes a model with one of the libraries: `write(tf, name, path)`."""

import json
from typing import Any

from tests.interop.readers.models import inputs_of, made


def _concrete(tf: Any, name: str) -> Any:
    """The function of a model, and its inputs."""
    model = made(tf, name)
    if not isinstance(model, tf.keras.Model):
        return model.serve.get_concrete_function()
    specs = [tf.TensorSpec(each.shape, each.dtype, each.name) for each in model.inputs]

    def serve(*given: Any) -> Any:
        return model(list(given) if len(given) > 1 else given[0], training=False)

    return tf.function(serve, input_signature=specs).get_concrete_function()


def values(tf: Any, name: str) -> list[Any]:
    """What a model computes of its inputs: its graph, as layers of Keras compute something else where extents are known."""
    results = _concrete(tf, name)(*[tf.constant(each) for each in inputs_of(name)])
    return [each.numpy() for each in tf.nest.flatten(results)]


def saved_model(tf: Any, name: str, path: str) -> None:
    model = made(tf, name)
    if isinstance(model, tf.keras.Model):
        model.export(path, verbose=False)
    else:
        tf.saved_model.save(model, path, signatures={"serving_default": model.serve})


def frozen(tf: Any, name: str, path: str) -> None:
    """A frozen graph, and beside it the names of its inputs and outputs."""
    if tf.__name__ == "penstock":
        tf.install_as_tensorflow()
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    graph = convert_variables_to_constants_v2(_concrete(tf, name))
    tf.io.write_graph(graph.graph.as_graph_def(), path, "frozen.pb", as_text=False)
    names = [
        [each.name for each in of if each.dtype != tf.resource]
        for of in (graph.inputs, graph.outputs)
    ]
    with open(f"{path}/names.json", "w") as file:
        json.dump(names, file)


def onnx(tf: Any, name: str, path: str) -> None:
    """Our own ONNX."""
    from penstock._src.formats.model import of_function
    from penstock._src.formats.table import FORMATS

    FORMATS["onnx"].write(of_function(_concrete(tf, name)), path)


def onnx_by_keras(tf: Any, name: str, path: str) -> None:
    """ONNX by tf2onnx, which runs on the library; Keras uses it as well."""
    model = made(tf, name)
    if isinstance(model, tf.keras.Model):
        values(tf, name)  # Keras does not export a model that was never called
        model.export(path, format="onnx", verbose=False)
        return
    import numpy as np

    np.object, np.cast = object, {}
    import tf2onnx

    tf2onnx.convert.from_function(model.serve, model.serve.input_signature, output_path=path)


def openvino(tf: Any, name: str, path: str) -> None:
    made(tf, name).export(path, format="openvino", verbose=False)


def litert(tf: Any, name: str, path: str) -> None:
    made(tf, name).export(path, format="litert", verbose=False)


def tflite(tf: Any, name: str, path: str) -> None:
    function = _concrete(tf, name)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], made(tf, name))
    with open(path, "wb") as file:
        file.write(converter.convert())


def keras(tf: Any, name: str, path: str) -> None:
    made(tf, name).save(path)
