"""Keras's int8 quantization: what a quantized layer computes, and that models of them stay close to the float ones."""

import keras
import numpy as np


def quantized(x, axis):
    """(int8 values, the scale they are multiplied by): Keras's symmetric quantization by the largest magnitude."""
    scale = 127 / (np.abs(x).max(axis, keepdims=True) + 1e-7)
    return np.clip(np.round(x * scale), -127, 127).astype(np.int32), scale


def test_dense_is_an_exact_integer_product():
    random = np.random.default_rng(0)
    x = random.standard_normal((20, 64)).astype(np.float32)
    layer = keras.layers.Dense(48, use_bias=False)
    model = keras.Sequential([keras.Input((64,)), layer])
    kernel = layer.kernel.numpy()
    model.quantize("int8")
    (qx, sx), (qw, sw) = quantized(x, 1), quantized(kernel, 0)
    np.testing.assert_array_equal(layer._kernel.numpy(), qw)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), (qx @ qw) / (sx * sw), rtol=1e-5, atol=1e-5
    )


def test_models_stay_close_to_themselves():
    keras.utils.set_random_seed(1)
    tokens = keras.Input((16,), dtype="int32")
    y = keras.layers.Embedding(50, 32)(tokens)
    y = keras.layers.EinsumDense("abc,cde->abde", output_shape=(16, 4, 8), bias_axes="de")(y)
    y = keras.layers.Reshape((16, 32))(y)
    y = keras.layers.MultiHeadAttention(2, 16)(y, y)
    model = keras.Model(tokens, keras.layers.Dense(10)(y))
    x = np.random.default_rng(0).integers(0, 50, (8, 16)).astype(np.int32)
    before = model.predict(x, verbose=0)
    model.quantize("int8")
    after = model.predict(x, verbose=0)
    assert np.abs(after - before).max() < 0.05 * np.abs(before).max()
