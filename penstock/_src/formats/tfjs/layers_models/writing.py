"""Writes layers models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.formats.model import Model
from penstock._src.formats.tfjs.folder import write_folder
from penstock._src.formats.tfjs.layers_models.configurations import to_keras_2

# The version whose configuration format is used.
_VERSION = "2.15.0"
# Weights that have another name in Keras 3: {(layer, its name): name}.
_NAMES = {
    ("DepthwiseConv2D", "kernel"): "depthwise_kernel",
    ("DepthwiseConv1D", "kernel"): "depthwise_kernel",
}

# The layers of TensorFlow.js 4.22 that compute as Keras's.
_LAYERS = frozenset(
    """
Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional Concatenate Conv1D Conv2D
Conv2DTranspose Conv3D Conv3DTranspose Cropping2D Dense DepthwiseConv2D Dot Dropout Embedding Flatten Functional GRU GRUCell GaussianDropout
GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D InputLayer LSTM LSTMCell LayerNormalization
LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply PReLU Permute ReLU RepeatVector Rescaling Reshape
SeparableConv2D Sequential SimpleRNN SimpleRNNCell Softmax SpatialDropout1D TimeDistributed UpSampling2D ZeroPadding2D
""".split()
)
# For attributes that it ignores, the values with which it computes.
# (Its hard_sigmoid has another slope than that of Keras 3.)
_FIXED = {
    "interpolation": ("nearest",),
    "reset_after": (False,),
    "groups": (1,),
    "rms_scaling": (False,),
    "threshold": (0.0,),
    "padding": ("valid", "same"),
    "data_format": ("channels_last",),
    "keepdims": (False,),
}
# The same of single layers.
_FIXED_IN: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "Conv2DTranspose": {"dilation_rate": ((1, 1),), "output_padding": (None,)},
    "Conv3DTranspose": {"dilation_rate": ((1, 1, 1),), "output_padding": (None,)},
    "DepthwiseConv2D": {"dilation_rate": ((1, 1),)},
    "ReLU": {"negative_slope": (0.0,)},
}
# Layers that always compute along the last axis in TensorFlow.js.
_LAST_AXIS = ("BatchNormalization", "Softmax")
_MOST_RANK_OF_DOT = 3
_ACTIVATIONS = frozenset(
    "elu gelu linear log_softmax mish relu relu6 selu sigmoid silu softmax softplus softsign swish tanh".split()
)


def write(model: Model, path: str, quantize: str = "") -> None:
    """Writes a Keras model as a layers model: browsers can go on training it.

    Args:
      model: what was read from a Keras file, or made of a Keras model.
      path: the folder to make.
      quantize: how floats are stored: "float16", "uint8" or "uint16"; by default as they are.

    Raises:
      InvalidArgumentError: it is not a Keras model of layers.
      UnimplementedError: TensorFlow.js has no counterpart of a layer.
    """
    keras_model = model.root
    if not hasattr(keras_model, "get_config") or not hasattr(keras_model, "layers"):
        raise InvalidArgumentError(
            f"{model.path or 'The model'} does not consist of Keras layers. Write a graph model (--to tfjs)."
        )
    kind = type(keras_model).__name__
    if kind not in ("Functional", "Sequential"):
        raise UnimplementedError(
            f"{kind} is a class of a program's own: TensorFlow.js's layers models hold functional and sequential models. "
            "Write a graph model (--to tfjs)."
        )
    _check(keras_model)
    described = {
        "class_name": "Model" if kind == "Functional" else kind,
        "config": to_keras_2(keras_model.get_config()),
    }
    _state_extents(keras_model, described["config"])
    topology = {"keras_version": _VERSION, "backend": "tensorflow", "model_config": described}
    head = {"format": "layers-model", "modelTopology": topology}
    values = {name: np.asarray(variable) for name, variable in named_weights(keras_model)}
    write_folder(path, head, values, quantize)


def named_weights(model: Any) -> Iterator[tuple[str, Any]]:
    """Yields the weights of a Keras model with their names: those of their layers and the rest of their paths.

    Args:
      model: the model. Seeds of random layers are left out.
    """
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from named_weights(layer)
            continue
        cells = getattr(getattr(layer, "cell", None), "cells", None)
        if cells is not None:
            for i, cell in enumerate(cells):
                yield from ((f"{layer.name}/RNNCell_{i}/{v.name}", v) for v in cell.weights)
            continue
        for variable in layer.weights:
            _, _, after = f"/{variable.path}".partition(f"/{layer.name}/")
            name = _NAMES.get((type(layer).__name__, variable.name), after or variable.name)
            if variable.name != "seed_generator_state":
                yield f"{layer.name}/{name}", variable


def _check(model: Any) -> None:
    """Refuses layers that TensorFlow.js lacks or computes otherwise."""
    for layer in model._flatten_layers(include_self=False):
        kind = type(layer).__name__
        if kind not in _LAYERS:
            raise _without_counterpart(layer, f"no layer {kind}")
        own = _FIXED_IN.get(kind, {})
        for attribute, known in {**_FIXED, **own}.items():
            value = getattr(layer, attribute, known[0])
            is_plain = isinstance(value, str | int | float) or attribute in own
            if is_plain and value not in known:
                raise _without_counterpart(layer, f"no {kind} with {attribute}={value}")
        if kind in _LAST_AXIS and layer.axis not in (-1, len(layer.output.shape) - 1):
            raise _without_counterpart(layer, f"no {kind} of another axis than the last")
        if kind == "Dot" and any(len(x.shape) > _MOST_RANK_OF_DOT for x in _arguments(layer)):
            raise _without_counterpart(layer, f"no Dot of more than {_MOST_RANK_OF_DOT} axes")
        for key in ("activation", "recurrent_activation"):
            name = getattr(getattr(layer, key, None), "__name__", "linear")
            if name not in _ACTIVATIONS:
                raise _without_counterpart(layer, f"no activation {name}")


def _state_extents(model: Any, config: dict[str, Any]) -> None:
    """Replaces -1 in shapes of `Reshape` layers: TensorFlow.js hands it on to later layers, whose weights have that extent."""
    layers = {layer.name: layer for layer in model.layers}
    for described in config["layers"]:
        part = described["config"]
        layer: Any = layers.get(part.get("name"))
        if hasattr(layer, "layers"):
            _state_extents(layer, part)
        elif type(layer).__name__ == "Reshape" and -1 in part["target_shape"]:
            shapes = {
                tuple(x.shape[1:]) for node in layer._inbound_nodes for x in node.output_tensors
            }
            if len(shapes) == 1 and None not in (shape := shapes.pop()):
                part["target_shape"] = list(shape)


def _arguments(layer: Any) -> list[Any]:
    """The tensors of all calls of a layer."""
    return [tensor for node in layer._inbound_nodes for tensor in node.input_tensors]


def _without_counterpart(layer: Any, what: str) -> Exception:
    return UnimplementedError(
        f"Layer {layer.name!r}: TensorFlow.js has {what}. Write a graph model (--to tfjs)."
    )
