"""Configurations of Keras models, between the forms of Keras 3 and Keras 2.

Keras 3 writes objects with the modules of their classes, types as policies, the arguments of calls as nested structures with tensors, and `batch_shape`;
Keras 2 class names alone, names of types, lists of calls, and `batch_input_shape`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.util.slots import above

_TENSOR = "__keras_tensor__"
# Facts of Keras 3 that Keras 2 does not write.
_NEW = ("build_config", "registered_name", "module", "compile_config", "quantization_config")
# How Keras 2 computes recurrent layers; cells of Keras 3 refuse it.
_OLD = ("implementation",)
# Layers, cells and lists of cells in configurations.
_PARTS = ("layer", "backward_layer", "cell", "cells")
# Names of Keras 3 and those of Keras 2.
_ACTIVATIONS = {"silu": "swish"}
_MODELS = ("Functional", "Model", "Sequential")


def to_keras_2(value: Any) -> Any:
    """Returns a configuration of Keras 3 in the form of Keras 2.

    Raises:
      UnimplementedError: a layer is called with something that Keras 2's form has no place for.
    """
    if isinstance(value, list | tuple):
        return [to_keras_2(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    if value.get("class_name") in ("L1", "L2"):
        return {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.0, **value["config"]}}
    converted = {key: to_keras_2(each) for key, each in value.items() if key not in _NEW}
    if isinstance(converted.get("activation"), str):
        converted["activation"] = _ACTIVATIONS.get(converted["activation"], converted["activation"])
    if value.get("class_name") == "Bidirectional":
        _take_direction(converted["config"])
    if value.get("class_name") == "LeakyReLU":
        converted["config"]["alpha"] = converted["config"].pop("negative_slope")
    if value.get("class_name") == "Dot":
        _count_axes(converted["config"], value.get("inbound_nodes", []))
    if "batch_shape" in converted:
        converted["batch_input_shape"] = converted.pop("batch_shape")
    if isinstance(value.get("inbound_nodes"), list):
        converted["inbound_nodes"] = [
            _call(node, value.get("name", "")) for node in value["inbound_nodes"]
        ]
    for key in ("input_layers", "output_layers"):
        if key in converted:
            converted[key] = _listed(value[key])
    return converted


def _take_direction(config: dict[str, Any]) -> None:
    """Removes from a bidirectional layer the parts that Keras 2 derives: the name's prefix, and the backward layer."""
    backward, layer = config.pop("backward_layer", None), config["layer"]["config"]
    layer["name"] = layer["name"].removeprefix("forward_")
    if backward is not None:
        derived = {**layer, "name": f"backward_{layer['name']}"}
        derived["go_backwards"] = not layer["go_backwards"]
        if backward["config"] != derived:
            raise UnimplementedError(
                f"Layer {config['name']!r}: TensorFlow.js has no bidirectional layers of two different layers."
            )


def _count_axes(config: dict[str, Any], calls: Any) -> None:
    """Counts the two axes of a `Dot` layer from the front: TensorFlow.js does not compare the extents of one that is counted from the back."""
    axes, name = config["axes"], config["name"]
    if isinstance(axes, int):
        return
    ranks = {
        tuple(
            [
                len(tensor["config"]["shape"])
                for each in node["args"]
                for tensor in _tensors(each, name)
            ]
        )
        for node in calls
    }
    found = {tuple([axis % rank for axis, rank in zip(axes, pair)]) for pair in ranks}
    if len(found) > 1:
        raise UnimplementedError(
            f"Layer {name!r} is called with tensors of ranks {sorted(ranks)}: TensorFlow.js has no Dot with axes={axes} for all of them. "
            "Write a graph model (--to tfjs)."
        )
    config["axes"] = [axis for pair in found for axis in pair] or axes


def _call(node: Any, layer: str) -> list[Any]:
    """A call of a layer: the tensors that it takes, each with the keywords of the call."""
    keywords = {key: each for key, each in node["kwargs"].items() if each is not None}
    tensors = [each for argument in node["args"] for each in _tensors(argument, layer)]
    if len(node["args"]) != 1 or any(_holds_tensor(each) for each in keywords.values()):
        raise UnimplementedError(
            f"Layer {layer!r} takes tensors by several arguments: TensorFlow.js's layers models have no such calls. "
            "Write a graph model (--to tfjs)."
        )
    return [[*tensor["config"]["keras_history"], keywords] for tensor in tensors]


def _tensors(argument: Any, layer: str) -> list[Any]:
    if isinstance(argument, list | tuple):
        return [each for part in argument for each in _tensors(part, layer)]
    if isinstance(argument, Mapping) and argument.get("class_name") == _TENSOR:
        return [argument]
    raise UnimplementedError(
        f"Layer {layer!r} is called with {argument!r}, which is not a tensor: TensorFlow.js's layers models have no such calls."
    )


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_tensor, value))
    return isinstance(value, Mapping) and value.get("class_name") == _TENSOR


def _listed(ends: Any) -> list[Any]:
    """Inputs or outputs as a list of [layer, call, tensor], also of a single one."""
    return [ends] if ends and isinstance(ends[0], str) else list(ends)


def to_keras_3(layer: Any) -> Any:
    """Returns the configuration of a layer or model in the form of Keras 2, as Keras 3 reads it.

    Raises:
      InvalidArgumentError: it is damaged.
    """
    if not isinstance(layer, Mapping) or "class_name" not in layer:
        raise InvalidArgumentError(
            f"A layer's configuration is expected. Received: {layer!r:.200}."
        )
    config: Any = layer.get("config") or {}
    if isinstance(config, list):  # configurations of Sequential models in the first versions
        config = {"layers": config}
    config = {key: each for key, each in config.items() if key not in _NEW + _OLD}
    converted = {**layer, "config": config}
    if layer["class_name"] == "ThresholdedReLU":
        converted["class_name"] = "ReLU"
        config["threshold"] = config.pop("theta", 1.0)
    if layer["class_name"] == "RNN":
        _take_cell(config)
    if layer["class_name"] == "Bidirectional":
        _give_direction(config)
    if "batch_input_shape" in config:
        shape = config.pop("batch_input_shape")
        if layer["class_name"] == "InputLayer":
            config["batch_shape"] = shape
            config.pop("ragged", None)
    if layer["class_name"] in _MODELS:
        _take_layers(converted, config)
    for key in ("activation", "recurrent_activation"):
        if config.get(key) in ("hard_sigmoid", "gelu_new"):
            config[key] = _activation(config[key])
    for key in _PARTS:
        if isinstance(config.get(key), list):
            config[key] = [to_keras_3(each) for each in config[key]]
        elif isinstance(config.get(key), Mapping):
            config[key] = to_keras_3(config[key])
    if layer["class_name"] == "UpSampling2D" and config.get("interpolation") == "bilinear":
        converted["registered_name"] = _between_corners()
    converted["module"] = "keras" if converted["class_name"] in _MODELS else "keras.layers"
    return converted


def _take_layers(model: dict[str, Any], config: dict[str, Any]) -> None:
    layers = config.get("layers") or []
    first = layers[0].get("config", {}) if layers and isinstance(layers[0], Mapping) else {}
    converted = [to_keras_3(each) for each in layers]
    is_sequential = model["class_name"] == "Sequential"
    if is_sequential and "batch_input_shape" in first and layers[0]["class_name"] != "InputLayer":
        shape, dtype = first["batch_input_shape"], first.get("dtype") or "float32"
        begin = {
            "batch_input_shape": shape,
            "dtype": dtype,
            "name": f"{first.get('name', 'model')}_input",
        }
        converted.insert(0, to_keras_3({"class_name": "InputLayer", "config": begin}))
    config["layers"] = converted
    if not is_sequential:
        model["class_name"] = "Functional"


def _take_cell(config: dict[str, Any]) -> None:
    """Removes from a recurrent layer what TensorFlow.js repeats of its cell."""
    cell = config.get("cell")
    repeated = (cell.get("config") or {}) if isinstance(cell, Mapping) else {}
    for key in repeated:
        if key not in ("name", "trainable", "dtype"):
            config.pop(key, None)


def _give_direction(config: dict[str, Any]) -> None:
    """Adds the backward layer where the forward one goes backwards: Keras 3 would derive another such one."""
    layer = config.get("layer")
    if isinstance(layer, Mapping) and config.get("backward_layer") is None:
        forward = layer.get("config") or {}
        if forward.get("go_backwards"):
            name = f"backward_{forward.get('name', '').removeprefix('forward_')}"
            backward = {**forward, "go_backwards": False, "name": name}
            config["backward_layer"] = {**layer, "config": backward}


def _activation(name: str) -> Any:
    """The function that an activation's name means in TensorFlow.js, where Keras 3 has another one or none."""
    above("load_keras")()
    keras = importlib.import_module("keras")

    @keras.saving.register_keras_serializable("keras_2")
    def hard_sigmoid(x: Any) -> Any:
        return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)  # that of Keras 3 has the slope 1/6

    @keras.saving.register_keras_serializable("keras_2")
    def gelu_new(x: Any) -> Any:
        return keras.ops.gelu(x, approximate=True)

    return {"hard_sigmoid": hard_sigmoid, "gelu_new": gelu_new}[name]


def _between_corners() -> str:
    """The registered name of a layer that enlarges images as TensorFlow.js: row i is at i / size, in Keras at (i + 0.5) / size - 0.5."""
    above("load_keras")()
    keras = importlib.import_module("keras")

    @keras.saving.register_keras_serializable("keras_2")
    class UpSampling2D(keras.layers.UpSampling2D):  # type: ignore[name-defined]
        def call(self, inputs: Any) -> Any:
            is_first = self.data_format == "channels_first"
            images = raw.Transpose(inputs, np.array([0, 2, 3, 1], np.int32)) if is_first else inputs
            extents = raw.Shape(images)[1:3] * np.array(self.size, np.int32)
            resized = raw.ResizeBilinear(images, extents)
            if is_first:
                resized = raw.Transpose(resized, np.array([0, 3, 1, 2], np.int32))
            return raw.EnsureShape(resized, shape=self.compute_output_shape(inputs.shape))

    return keras.saving.get_registered_name(UpSampling2D)
