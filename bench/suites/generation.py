"""Token generation by GPT-2-small with a key-value cache, written in keras.ops."""

import numpy as np

TITLE = "Token generation"
NOTE = "GPT-2-small (124 million random weights), batch 1, 64 tokens after 64; tokens/s; `memory_mb` is the peak memory of the process."
BACKENDS = ["penstock", "tensorflow", "jax", "torch"]
CASES = ["gpt2_small"]
LOWER = {"memory_mb"}
LAYERS, HEADS, SIZE, MOST, VOCABULARY = 12, 12, 64, 256, 50257
WIDTH = HEADS * SIZE
START, COUNT = 64, 64


def weights(random):
    """Returns the weights by name, all layers stacked in a list."""

    def matrix(*shape):
        return random.standard_normal(shape, np.float32) * 0.02

    layer = {
        "qkv": (WIDTH, 3 * WIDTH), "out": (WIDTH, WIDTH),
        "up": (WIDTH, 4 * WIDTH), "down": (4 * WIDTH, WIDTH),
    }  # fmt: skip
    layers = [{name: matrix(*shape) for name, shape in layer.items()} for _ in range(LAYERS)]
    return {
        "tokens": matrix(VOCABULARY, WIDTH), "places": matrix(MOST, WIDTH), "layers": layers,
    }  # fmt: skip


def step(ops, model, token, place, cache):
    """Returns (next token, cache) after one token at `place`; the cache is [2, LAYERS, HEADS, MOST, SIZE]."""

    def norm(x):
        mean = ops.mean(x, -1, keepdims=True)
        return (x - mean) * ops.rsqrt(ops.mean(ops.square(x - mean), -1, keepdims=True) + 1e-5)

    x = ops.take(model["tokens"], token, 0) + ops.take(model["places"], place, 0)
    unseen = ops.cast(ops.arange(MOST) > place, "float32") * -1e9
    for i, layer in enumerate(model["layers"]):
        q, k, v = ops.split(ops.matmul(norm(x), layer["qkv"]), 3, -1)
        both = ops.reshape(ops.stack([k, v]), (2, 1, HEADS, 1, SIZE))
        cache = ops.slice_update(cache, (0, i, 0, place, 0), both)
        scores = ops.matmul(cache[0, i], ops.reshape(q, (HEADS, SIZE, 1)))[..., 0]
        shares = ops.softmax(scores * SIZE**-0.5 + unseen)
        mixed = ops.matmul(shares[:, None, :], cache[1, i])
        x = x + ops.matmul(ops.reshape(mixed, (1, WIDTH)), layer["out"])
        x = x + ops.matmul(ops.gelu(ops.matmul(norm(x), layer["up"])), layer["down"])
    return ops.argmax(ops.matmul(norm(x), ops.transpose(model["tokens"])), -1), cache


def compiled(function, backend):
    """Returns the function compiled as the backend's users do."""
    if backend == "jax":
        import jax

        return jax.jit(function)
    if backend == "torch":
        import torch

        return torch.no_grad()(function)
    import tensorflow as tf

    return tf.function(function)


def measure(case, backend):
    """Times COUNT tokens after START."""
    import keras
    from clock import best_seconds

    ops = keras.ops
    model = keras.tree.map_structure(ops.convert_to_tensor, weights(np.random.default_rng(0)))
    following = compiled(lambda *values: step(ops, model, *values), backend)

    def generate():
        cache = ops.zeros((2, LAYERS, HEADS, MOST, SIZE))
        token = ops.convert_to_tensor(np.array([11], "int32"))
        for i in range(START, START + COUNT):
            token, cache = following(token, ops.convert_to_tensor(np.array(i, "int32")), cache)
            token = ops.cast(token, "int32")
        return ops.convert_to_numpy(token)

    return {"tokens_per_s": COUNT / best_seconds(generate, 6.0)}
