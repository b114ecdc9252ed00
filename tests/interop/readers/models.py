"""The models: a line each, of layers or of functions, for either library.

Inputs are written `dtype:extents`, as in `int64:7? 3`; without a dtype they are floats. The batch is not among a layer's extents. Extents with a
question mark, and the batch, are open in the model `NAME`, and fixed in `NAME.fixed`.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH = 2
WORDS = np.array(["the", "cat", "sat", "on", "a", "mat", "", "größer"])

# {name: (function of keras.layers that returns a function of the inputs, inputs)}
LAYERS: dict[str, tuple[Callable[[Any], Callable[..., Any]], str]] = {
    "dense": (lambda k: k.Dense(4, "relu"), "3"),
    "dense_of_sequences": (lambda k: k.Dense(4, "gelu"), "5? 3"),
    "einsum_dense": (lambda k: k.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d"), "5? 3"),
    "activations": (
        lambda k: lambda x: k.Concatenate()(
            [
                k.Activation(name)(x)
                for name in "elu selu softplus softsign tanh sigmoid hard_sigmoid hard_silu silu "
                "mish exponential relu6 leaky_relu log_softmax celu glu".split()
            ]
        ),
        "5? 4",
    ),
    "prelu": (lambda k: k.PReLU(shared_axes=[1]), "5? 3"),
    "softmax_masked": (lambda k: lambda x, m: k.Softmax()(x, mask=m), "5?, bool:5?"),
    "conv1d_causal": (lambda k: k.Conv1D(4, 3, padding="causal", dilation_rate=2), "8? 3"),
    "conv2d": (lambda k: k.Conv2D(4, 3, strides=2, padding="same"), "7? 6? 3"),
    "conv2d_groups": (lambda k: k.Conv2D(4, 3, groups=2, activation="relu"), "7? 6? 4"),
    "conv3d": (lambda k: k.Conv3D(3, 2), "4? 5? 3? 2"),
    "depthwise": (lambda k: k.DepthwiseConv2D(3, depth_multiplier=2), "7? 6? 3"),
    "separable": (lambda k: k.SeparableConv2D(4, 3, padding="same"), "7? 6? 3"),
    "separable1d": (lambda k: k.SeparableConv1D(4, 3, padding="same"), "7? 3"),
    "conv1d_transpose": (lambda k: k.Conv1DTranspose(3, 4, strides=2), "5? 3"),
    "conv2d_transpose": (lambda k: k.Conv2DTranspose(3, 3, strides=2, padding="same"), "4? 5? 2"),
    "conv3d_transpose": (lambda k: k.Conv3DTranspose(2, 2, strides=2), "3 2 3 2"),
    "max_pooling": (lambda k: k.MaxPooling2D(3, 2, padding="same"), "7? 6? 3"),
    "average_pooling": (lambda k: k.AveragePooling2D(3, 2, padding="same"), "7? 6? 3"),
    "pooling1d": (lambda k: lambda x: k.AveragePooling1D(2)(k.MaxPooling1D(2)(x)), "9? 3"),
    "pooling3d": (lambda k: k.AveragePooling3D(2), "4? 5? 6? 2"),
    "global_pooling": (
        lambda k: lambda x: k.Add()([k.GlobalMaxPooling2D()(x), k.GlobalAveragePooling2D()(x)]),
        "5? 4? 3",
    ),
    "global_pooling_masked": (
        lambda k: lambda x: k.GlobalAveragePooling1D()(k.Embedding(7, 4, mask_zero=True)(x)),
        "int32:6?",
    ),
    "batch_norm": (lambda k: lambda x: k.BatchNormalization()(k.Conv2D(4, 3)(x)), "5? 6? 3"),
    "layer_norm": (lambda k: k.LayerNormalization(), "5? 4"),
    "group_norm": (lambda k: k.GroupNormalization(2), "5? 4? 4"),
    "rms_norm": (lambda k: k.RMSNormalization(), "5? 4"),
    "unit_norm": (lambda k: k.UnitNormalization(), "5? 4"),
    "spectral_norm": (lambda k: k.SpectralNormalization(k.Dense(4)), "5? 3"),
    "embedding": (lambda k: k.Embedding(7, 4), "int32:5?"),
    "category_encoding": (lambda k: k.CategoryEncoding(5, "multi_hot"), "int32:4"),
    "discretization": (lambda k: k.Discretization([-1.0, 0.0, 1.0]), "4?"),
    "normalization": (lambda k: k.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0]), "5? 3"),
    "rescaling": (lambda k: k.Rescaling(1 / 127.5, -1.0), "5? 4? 3"),
    "resizing": (lambda k: k.Resizing(6, 9), "4? 5? 3"),
    "center_crop": (lambda k: k.CenterCrop(3, 2), "6 5 3"),
    "up_sampling": (lambda k: k.UpSampling2D(2), "4? 5? 3"),
    "up_sampling_bilinear": (lambda k: k.UpSampling2D(2, interpolation="bilinear"), "4? 5? 3"),
    "padding_and_cropping": (
        lambda k: lambda x: k.Cropping2D(1)(k.ZeroPadding2D(((1, 2), (3, 0)))(x)),
        "4? 5? 3",
    ),
    "reshape": (lambda k: lambda x: k.Permute((2, 1))(k.Reshape((-1, 2))(x)), "4? 6"),
    "flatten_and_repeat": (lambda k: lambda x: k.RepeatVector(3)(k.Flatten()(x)), "4 3"),
    "merges": (
        lambda k: lambda x, y: k.Concatenate()(
            [k.Add()([x, y]), k.Multiply()([x, y]), k.Maximum()([x, y]), k.Average()([x, y])]
        ),
        "4? 3, 4? 3",
    ),
    "dot": (lambda k: k.Dot(axes=2, normalize=True) and (lambda x, y: k.Dot(axes=2)([x, y])), "4? 3, 5? 3"),
    "attention": (lambda k: lambda x, y: k.Attention(use_scale=True)([x, y]), "4? 3, 5? 3"),
    "additive_attention": (lambda k: lambda x, y: k.AdditiveAttention()([x, y]), "4? 3, 5? 3"),
    "multi_head_attention": (lambda k: lambda x: k.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True), "5? 4"),
    "grouped_attention": (lambda k: lambda x: k.GroupQueryAttention(3, 4, 2)(x, x), "5? 4"),
    "lstm": (lambda k: k.LSTM(4), "6? 3"),
    "lstm_sequences": (lambda k: k.LSTM(4, return_sequences=True), "6? 3"),
    "lstm_states": (lambda k: lambda x: k.LSTM(4, return_state=True)(x), "6? 3"),
    "lstm_backwards": (lambda k: k.LSTM(4, go_backwards=True, use_bias=False), "6? 3"),
    "lstm_initial_state": (lambda k: lambda x, h, c: k.LSTM(4)(x, initial_state=[h, c]), "6? 3, 4, 4"),
    "lstm_unrolled": (lambda k: k.LSTM(4, unroll=True), "3 3"),
    "gru": (lambda k: k.GRU(4), "6? 3"),
    "gru_sequences": (lambda k: k.GRU(4, return_sequences=True, reset_after=False), "6? 3"),
    "simple_rnn": (lambda k: k.SimpleRNN(4, return_sequences=True), "6? 3"),
    "bidirectional": (lambda k: k.Bidirectional(k.LSTM(4, return_sequences=True)), "6? 3"),
    "bidirectional_gru": (lambda k: k.Bidirectional(k.GRU(4)), "6? 3"),
    "stacked_cells": (lambda k: k.RNN([k.LSTMCell(4), k.GRUCell(3)]), "6? 3"),
    "conv_lstm": (lambda k: k.ConvLSTM2D(3, 2), "4? 5 5 2"),
    "time_distributed": (lambda k: k.TimeDistributed(k.Conv2D(3, 2)), "4? 5 5 2"),
    "masked_lstm": (lambda k: lambda x: k.LSTM(4)(k.Embedding(7, 3, mask_zero=True)(x)), "int32:6?"),
    "masked_gru_sequences": (
        lambda k: lambda x: k.GRU(4, return_sequences=True)(k.Masking(0.5)(x)),
        "6? 3",
    ),
    "masked_bidirectional": (
        lambda k: lambda x: k.Bidirectional(k.LSTM(4))(k.Embedding(7, 3, mask_zero=True)(x)),
        "int32:6?",
    ),
    "text_vectorization": (
        lambda k: k.TextVectorization(vocabulary=list(WORDS[:5]), output_sequence_length=4),
        "string:1",
    ),
    "string_lookup": (lambda k: k.StringLookup(vocabulary=list(WORDS[:5])), "string:5?"),
    "integer_lookup": (lambda k: k.IntegerLookup(vocabulary=[1, 2, 5]), "int64:5?"),
    "hashing": (lambda k: k.Hashing(7), "string:5?"),
    "random_in_inference": (lambda k: lambda x: k.Dropout(0.5)(k.GaussianNoise(1.0)(x)), "5?"),
}  # fmt: skip


def loop(tf: Any, x: Any, n: Any) -> Any:
    """A loop whose number of steps and whose condition are data."""
    return tf.while_loop(
        lambda i, y: tf.logical_and(i < n, tf.reduce_max(y) < 1e6),
        lambda i, y: (i + 1, y * 1.5 + x[0]),
        (0, x),
    )[1]


def loop_in_branch(tf: Any, x: Any) -> Any:
    """A loop in a branch, whose body has a branch."""

    def grown(y: Any) -> Any:
        return tf.cond(tf.reduce_sum(y) > 0.0, lambda: y * 2.0, lambda: y - 1.0)

    def steps() -> Any:
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, grown(y)), (0, x))[1]

    return tf.cond(tf.reduce_mean(x) > -9.0, steps, lambda: x)


def tensor_array(tf: Any, x: Any) -> Any:
    """Running sums of rows, by a TensorArray."""
    count = tf.shape(x)[0]
    rows = tf.TensorArray(tf.float32, size=count, element_shape=[3])
    _, _, rows = tf.while_loop(
        lambda i, *_: i < count,
        lambda i, total, rows: (i + 1, total + x[i], rows.write(i, total + x[i])),
        (0, tf.zeros([3]), rows),
    )
    return rows.stack()


def strings(tf: Any, s: Any) -> Any:
    """Operations on strings."""
    clean = tf.strings.regex_replace(tf.strings.lower(s), "[aeiou]", "_")
    return tf.strings.join([clean, tf.strings.as_string(tf.strings.length(s))], separator=":")


# {name: (function of tf and the inputs, inputs)}
FUNCTIONS: dict[str, tuple[Callable[..., Any], str]] = {
    "loop": (loop, "4? 3, int32:"),
    "loop_in_branch": (loop_in_branch, "4? 3"),
    "tensor_array": (tensor_array, "4? 3"),
    "map_fn": (lambda tf, x: tf.map_fn(lambda row: tf.cumsum(row) * 2.0, x), "4? 3"),
    "scan": (lambda tf, x: tf.scan(lambda a, row: a * 0.5 + row, x), "4? 3"),
    "switch_case": (
        lambda tf, x, i: tf.switch_case(i, [lambda: x + 1.0, lambda: x * 2.0, lambda: -x]),
        "4? 3, int32:",
    ),
    "strings": (strings, "string:4?"),
    "split_strings": (lambda tf, s: tf.strings.split(s, "a").to_tensor("-"), "string:4?"),
    "top_k": (lambda tf, x: tuple(tf.math.top_k(x, 2)), "4? 5"),
    "sort_and_search": (
        lambda tf, x: tf.searchsorted(tf.sort(x), x[:, :2]) + tf.argsort(x, stable=True)[:, :2],
        "4? 5",
    ),
    "slices": (lambda tf, x: x[::-1, 1:-1, tf.newaxis] + x[:1, -2:, tf.newaxis, ::2][:, :1], "4? 5? 3"),
    "gather_and_scatter": (
        lambda tf, x, i: tf.tensor_scatter_nd_add(x, i[:, tf.newaxis], tf.gather(x, i)),
        "4? 3, int32:2?",
    ),
    "segments": (lambda tf, x: tf.math.unsorted_segment_sum(x, [0, 2, 0, 1], 3), "4 3"),
    "products": (lambda tf, x: tf.einsum("bij,bkj->bik", x, tf.matmul(x, x, adjoint_a=True) @ tf.ones([3, 3]) + tf.zeros([1, 1, 3])), "4? 3 3"),
    "integers": (lambda tf, x: x // 3 + x % 5 - tf.bitwise.left_shift(tf.abs(x), 1), "int32:4? 3"),
    "doubles": (lambda tf, x: tf.math.lgamma(tf.abs(x) + 1.0) + tf.math.erf(x), "float64:4?"),
    "ragged": (lambda tf, x, n: tf.reduce_sum(tf.RaggedTensor.from_tensor(x, n), axis=1), "4? 5, int64:4?"),
    "where_and_unique": (lambda tf, x: tf.gather(x, tf.where(x[:, 0] > 0.0)[:, 0]), "6? 2"),
}  # fmt: skip


# {name: (function of keras that returns a model, inputs)}
APPLICATIONS = {
    "MobileNetV3Small": "64 64 3",
    "MobileNetV2": "64 64 3",
    "EfficientNetB0": "64 64 3",
    "DenseNet121": "64 64 3",
    "ConvNeXtTiny": "64 64 3",
    "ResNet50V2": "64 64 3",
    "NASNetMobile": "64 64 3",
}


def names() -> list[str]:
    """The names of all models."""
    both = [name + end for name in (*LAYERS, *FUNCTIONS) for end in ("", ".fixed")]
    return [*both, *APPLICATIONS]


def _description(name: str) -> tuple[str, bool, list[tuple[str, list[int | None], list[int]]]]:
    """A model's base name, whether it is a Keras model, and of each input its dtype, shape, and shape of the data."""
    base, _, fixed = name.partition(".")
    is_keras = base not in FUNCTIONS
    text = (APPLICATIONS.get(base) or (LAYERS if is_keras else FUNCTIONS)[base][1]).split(",")
    inputs = []
    for one in text:
        dtype, _, extents = one.strip().rpartition(":")
        parts = ([f"{BATCH}?"] if is_keras else []) + extents.split()
        sizes = [int(part.rstrip("?")) for part in parts]
        shape = [
            None if part.endswith("?") and not fixed else size
            for part, size in zip(parts, sizes, strict=True)
        ]
        inputs.append((dtype or "float32", shape, sizes))
    return base, is_keras, inputs


def inputs_of(name: str) -> list[np.ndarray]:
    """The inputs on which a model is run."""
    draw = np.random.default_rng(zlib.crc32(name.encode()))
    found = []
    for dtype, _, sizes in _description(name)[2]:
        if dtype == "string":
            found.append(draw.choice(WORDS, sizes).astype(object))
        elif dtype.startswith("float"):
            found.append(draw.normal(size=sizes).astype(dtype))
        else:
            found.append(draw.integers(0, 2 if dtype == "bool" else 4, sizes).astype(dtype))
    return found


@functools.lru_cache(1)
def made(tf: Any, name: str) -> Any:
    """A Keras model, or a `tf.Module` with the function `serve`; its inputs are named x0, x1 ..."""
    base, is_keras, inputs = _description(name)
    if not is_keras:
        function, module = FUNCTIONS[base][0], tf.Module()
        specs = [tf.TensorSpec(s, d, f"x{i}") for i, (d, s, _) in enumerate(inputs)]

        def serve(*arguments: Any) -> Any:
            results = function(tf, *arguments)
            results = results if isinstance(results, tuple) else (results,)
            return {f"output_{i}": each for i, each in enumerate(results)}

        # A function of named arguments, which become the names of the signature.
        scope: dict[str, Any] = {"serve": serve}
        named = ", ".join(f"x{i}" for i in range(len(specs)))
        module.serve = tf.function(
            eval(f"lambda {named}: serve({named})", scope), input_signature=specs, autograph=False
        )
        return module
    keras = tf.keras
    keras.utils.set_random_seed(1)
    given = [
        keras.Input(batch_shape=s, dtype=d, name=f"x{i}") for i, (d, s, _) in enumerate(inputs)
    ]
    if base in APPLICATIONS:
        return getattr(keras.applications, base)(weights=None, input_tensor=given[0], classes=10)
    model = keras.Model(given, LAYERS[base][0](keras.layers)(*given))
    draw = np.random.default_rng(3)
    for weight in model.weights:  # not zeros, as biases are at first
        if weight.dtype.startswith("float"):
            weight.assign(draw.uniform(0.1, 0.9, weight.shape))
    return model
