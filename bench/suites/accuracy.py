"""Rounding errors against float64, compared with the peers'."""

import math

import numpy as np

TITLE = "Rounding errors"
NOTE = (
    "float32 against float64: for elementwise functions the largest error in units in the last place, for the others the "
    "largest error relative to the largest result, in units of 2^-24. Lower is better."
)
BACKENDS = ["penstock", "tensorflow", "jax", "torch"]
FUNCTIONS = {
    "exp": (-80, 80), "log": (1e-6, 1e6), "tanh": (-9, 9), "sigmoid": (-30, 30), "sin": (-100, 100),
    "sqrt": (0, 1e6), "erf": (-4, 4),
}  # fmt: skip
CASES = [
    *FUNCTIONS, "gemm 512", "gemm 2048", "conv 14x14x64-64", "filter gradient 14x14x64-64",
    "softmax", "layer_norm", "sum of 10 million", "mean of 10 million",
]  # fmt: skip
LOWER = {"error"}
SIZE, CHANNELS, IMAGES = 14, 64, 8


def reference(name, x):
    """Returns a function of x in float64 (extended where the function itself needs it)."""
    if name == "sigmoid":
        return 1 / (1 + np.exp(-x))
    if name == "erf":
        return np.vectorize(math.erf)(x)
    return getattr(np, name)(x)


def api_of(backend):
    """Returns the operations of a backend, and a lookup for its elementwise functions."""
    from suites import kernels

    api = {"jax": kernels.Jax, "torch": kernels.Torch}.get(backend, kernels.TensorFlow)()
    if backend == "jax":
        import jax

        places = [jax.numpy, jax.nn, jax.scipy.special]
    else:
        places = [api.torch] if backend == "torch" else [api.tf.math]
    return api, lambda name: next(getattr(p, name) for p in places if hasattr(p, name))


def relative(got, want):
    """Returns the largest error over the largest result, in units of 2^-24."""
    return float(np.abs(got - want).max() / np.abs(want).max() * 2**24)


def windows(x):
    """Returns the 3 x 3 windows of padded images, [images, y, x, channels, 3, 3]."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))


def numbers(result):
    """Returns a result as float64."""
    return np.asarray(result, np.float64)


def of_function(name, api, find, random):
    """Returns the error of an elementwise function."""
    x = random.uniform(*FUNCTIONS[name], 200_000).astype(np.float32)
    got = numbers(api.call(find(name), api.array(x))())
    want = reference(name, x.astype(np.float64))
    normal = np.abs(want) > np.finfo(np.float32).tiny
    spacing = np.spacing(np.abs(want[normal]).astype(np.float32)).astype(np.float64)
    return float((np.abs(got - want)[normal] / spacing).max())


def of_convolution(part, api, random):
    """Returns the error of a convolution, or of its filter's gradient."""
    x = random.standard_normal((IMAGES, SIZE, SIZE, CHANNELS), np.float32)
    dy = random.standard_normal((IMAGES, SIZE, SIZE, CHANNELS), np.float32)
    w = random.standard_normal((3, 3, CHANNELS, CHANNELS), np.float32)
    view = windows(x.astype(np.float64))
    if part == "conv":
        got = api.call(lambda x, w: api.conv(x, w, 1), api.array(x), api.array(w))()
        want = np.einsum("nyxcij,ijco->nyxo", view, w.astype(np.float64), optimize=True)
        got = numbers(got)
        return relative(got if got.shape == want.shape else got.transpose(0, 2, 3, 1), want)
    arrays = map(api.array, (x, w, dy))
    got = numbers(api.call(lambda *a: api.conv_gradients(*a, 1)[1], *arrays)())
    want = np.einsum("nyxcij,nyxo->ijco", view, dy.astype(np.float64), optimize=True)
    return relative(got if got.shape == want.shape else got.transpose(2, 3, 1, 0), want)


def measure(case, backend):
    """Returns the error of one case."""
    api, find = api_of(backend)
    random = np.random.default_rng(0)
    if case in FUNCTIONS:
        return {"error": of_function(case, api, find, random)}
    if "conv" in case or "filter" in case:
        return {"error": of_convolution(case.split()[0], api, random)}
    if case.startswith("gemm"):
        n = int(case.split()[1])
        a, b = (random.standard_normal((n, n), np.float32) for _ in range(2))
        got = numbers(api.call(api.matmul, api.array(a), api.array(b))())
        return {"error": relative(got, a.astype(np.float64) @ b)}
    if case in ("softmax", "layer_norm"):
        x = random.standard_normal((256, 1024), np.float32)
        wide = x.astype(np.float64)
        centered = wide - wide.mean(-1, keepdims=True)
        layer = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
        shares = np.exp(wide) / np.exp(wide).sum(-1, keepdims=True)
        got = numbers(api.call(getattr(api, case), api.array(x))())
        return {"error": relative(got, shares if case == "softmax" else layer)}
    x = random.random(10_000_000, np.float32)
    name = case.split()[0]
    spelled = f"reduce_{name}" if backend in ("penstock", "tensorflow") else name
    got = numbers(api.call(find(spelled), api.array(x))())
    return {"error": relative(got, getattr(np, name)(x.astype(np.float64)))}
