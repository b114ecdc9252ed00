"""The names that packages give their symbols, by API. As in TensorFlow 2.21."""

import subprocess
import sys

import pytest

import penstock as tf
from penstock._src.bridge.python.util import tf_export


def test_names_of_components_are_kept_apart():
    @tf_export.keras_export("keras.example.Layer", v1=["keras.example.OldLayer"])
    class Layer:
        pass

    name = tf_export.get_canonical_name_for_symbol
    assert (name(Layer, api_name="keras"), name(Layer)) == ("keras.example.Layer", None)
    assert tf_export.get_v2_names(Layer) == ["keras.example.Layer"]
    assert tf_export.get_symbol_from_name("compat.v1.keras.example.OldLayer") is Layer
    assert (name(tf.nn.leaky_relu), name(tf.nn.leaky_relu, "keras")) == ("nn.leaky_relu", None)
    assert name(tf.add) == "math.add"


@pytest.mark.parametrize(
    "canonical",
    "nn.softmax nn.softsign math.sigmoid io.decode_png dtypes.saturate_cast cast".split(),
)
def test_the_first_of_several_names(canonical):
    held = tf
    for part in canonical.split("."):
        held = getattr(held, part)
    assert tf_export.get_canonical_name_for_symbol(held) == canonical


def test_components_export_below_their_own_name():
    with pytest.raises(tf_export.InvalidSymbolNameError, match="component"):
        tf_export.keras_export("layers.Layer")


INSTALLED = """
import penstock
penstock.install_as_tensorflow()
import tensorflow as tf
from tensorflow.python.util.tf_export import get_canonical_name_for_symbol as name
symbols = tf.RaggedTensor, tf.SparseTensor, tf.data.Dataset, tf.random.Generator, tf.Module, tf.nn.relu
print(*map(name, symbols))
"""


def test_classes_have_their_names_where_they_are_of_tensorflow_s_modules():
    done = subprocess.run([sys.executable, "-c", INSTALLED], capture_output=True, text=True)
    names = "RaggedTensor sparse.SparseTensor data.Dataset random.Generator Module nn.relu"
    assert done.stdout.strip() == names, done.stderr
