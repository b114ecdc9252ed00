"""Single kernels compared with the peers' libraries (oneDNN in TensorFlow and PyTorch, MKL in PyTorch, XLA in JAX).

Compute-bound cases (products, convolutions and their gradients) are in GFLOP/s, memory-bound ones in GB/s; each is a compiled
function on fixed inputs.
"""

import numpy as np

TITLE = "Kernels"
NOTE = "GFLOP/s of products, attention and convolutions, GB/s (bytes read and written once) of the rest."
BACKENDS = ["penstock", "tensorflow", "jax", "torch"]
PRODUCTS = {
    "gemm 512": (512, 512, 512), "gemm 1024": (1024, 1024, 1024), "gemm 2048": (2048, 2048, 2048),
    "gemm 4096": (4096, 4096, 4096), "skinny 1x4096x4096": (1, 4096, 4096),
    "skinny 16x1024x4096": (16, 1024, 4096), "tall 4096x256x64": (4096, 256, 64),
}  # fmt: skip
BATCHED = {"batched 64x128x64x128": (64, 128, 64, 128), "batched 512x32x64x32": (512, 32, 64, 32)}
# images, height, channels, outputs, taps, stride
CONVOLUTIONS = {
    "conv 32x32x16-16": (64, 32, 16, 16, 3, 1), "conv 16x16x32-32": (64, 16, 32, 32, 3, 1),
    "conv 8x8x64-64": (64, 8, 64, 64, 3, 1), "conv 56x56x64-64": (8, 56, 64, 64, 3, 1),
    "conv 28x28x128-128": (8, 28, 128, 128, 3, 1), "conv 14x14x256-256": (8, 14, 256, 256, 3, 1),
    "conv 7x7x512-512": (8, 7, 512, 512, 3, 1), "conv 224x224x3-64 7x7/2": (8, 224, 3, 64, 7, 2),
    "conv 56x56x256-64 1x1": (8, 56, 256, 64, 1, 1),
    "conv 56x56x64-64 one image": (1, 56, 64, 64, 3, 1),
}  # fmt: skip
STREAMS = ["elementwise", "softmax", "layer_norm", "adam", "column_sum", "transpose"]
CASES = [
    *PRODUCTS, *BATCHED, "attention 16x4x128x64", "attention 1x8x2048x64",
    *[f"{name} {part}" for name in CONVOLUTIONS for part in ("forward", "gradients")],
    *STREAMS,
]  # fmt: skip
LOWER: set[str] = set()
ROWS, WIDTH = 8192, 1024  # of the arrays of STREAMS: 32 MB, beyond the caches


class TensorFlow:
    """The operations in TensorFlow's API."""

    def __init__(self):
        import tensorflow as tf

        self.tf, self.array = tf, tf.constant

    def call(self, function, *values):
        """Returns a call of the compiled function that waits for its result."""
        compiled = self.tf.function(function)
        return lambda: compiled(*values)

    def matmul(self, a, b):
        return self.tf.matmul(a, b)

    def attention(self, q, k, v):
        weights = self.tf.nn.softmax(self.tf.matmul(q, k, transpose_b=True) * 0.125)
        return self.tf.matmul(weights, v)

    def conv(self, x, w, stride):
        return self.tf.nn.conv2d(x, w, stride, "SAME")

    def conv_gradients(self, x, w, dy, stride):
        with self.tf.GradientTape() as tape:
            tape.watch((x, w))
            y = self.conv(x, w, stride)
        return tape.gradient(y, (x, w), dy)

    def elementwise(self, x):
        return self.tf.tanh(x * 1.5 + 0.5)

    def softmax(self, x):
        return self.tf.nn.softmax(x)

    def layer_norm(self, x):
        mean, variance = self.tf.nn.moments(x, [-1], keepdims=True)
        return (x - mean) * self.tf.math.rsqrt(variance + 1e-5)

    def column_sum(self, x):
        return self.tf.reduce_sum(x, 0)

    def transpose(self, x):
        return self.tf.transpose(x)

    def sqrt(self, x):
        return self.tf.sqrt(x)


class Jax(TensorFlow):
    """The operations in JAX."""

    def __init__(self):
        import jax
        import jax.numpy as jnp

        self.jax, self.np, self.array = jax, jnp, jnp.asarray

    def call(self, function, *values):
        compiled = self.jax.jit(function)
        return lambda: self.jax.block_until_ready(compiled(*values))

    def matmul(self, a, b):
        return self.np.matmul(a, b)

    def attention(self, q, k, v):
        weights = self.jax.nn.softmax(self.np.matmul(q, k.swapaxes(-1, -2)) * 0.125)
        return self.np.matmul(weights, v)

    def conv(self, x, w, stride):
        numbers = ("NHWC", "HWIO", "NHWC")
        return self.jax.lax.conv_general_dilated(
            x, w, (stride, stride), "SAME", dimension_numbers=numbers
        )

    def conv_gradients(self, x, w, dy, stride):
        return self.jax.vjp(lambda x, w: self.conv(x, w, stride), x, w)[1](dy)

    def elementwise(self, x):
        return self.np.tanh(x * 1.5 + 0.5)

    def softmax(self, x):
        return self.jax.nn.softmax(x)

    def layer_norm(self, x):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) * self.jax.lax.rsqrt(variance + 1e-5)

    def column_sum(self, x):
        return x.sum(0)

    def transpose(self, x):
        return x.T + 0

    def sqrt(self, x):
        return self.np.sqrt(x)


class Torch(TensorFlow):
    """The operations in PyTorch, eager (its libraries' kernels); images lie channels last."""

    def __init__(self):
        import torch

        self.torch, self.array = torch, torch.from_numpy

    def call(self, function, *values):
        return lambda: function(*values)

    def matmul(self, a, b):
        return self.torch.matmul(a, b)

    def attention(self, q, k, v):
        return self.torch.nn.functional.scaled_dot_product_attention(q, k, v)

    def conv(self, x, w, stride):
        x, filters, padding = self.conv_operands(x, w, stride)
        return self.torch.nn.functional.conv2d(x, filters, stride=stride, padding=padding)

    def conv_gradients(self, x, w, dy, stride):
        x, filters, padding = self.conv_operands(x, w, stride)
        size, once = [stride] * 2, [1, 1]
        mask = [True, True, False]
        return self.torch.ops.aten.convolution_backward(
            dy.permute(0, 3, 1, 2),
            x,
            filters,
            None,
            size,
            [padding] * 2,
            once,
            False,
            [0, 0],
            1,
            mask,
        )

    def conv_operands(self, x, w, stride):
        """Returns images and filters as PyTorch takes them, padded as SAME pads, and the padding left to it."""
        x, padding = x.permute(0, 3, 1, 2), w.shape[0] // 2
        if stride > 1 and w.shape[0] > 1:
            total = w.shape[0] - stride
            x = self.torch.nn.functional.pad(x, [total // 2, total - total // 2] * 2)
            padding = 0
        return x, w.permute(3, 2, 0, 1).contiguous(memory_format=self.torch.channels_last), padding

    def elementwise(self, x):
        return self.torch.tanh(x * 1.5 + 0.5)

    def softmax(self, x):
        return self.torch.softmax(x, -1)

    def layer_norm(self, x):
        return self.torch.nn.functional.layer_norm(x, x.shape[-1:])

    def column_sum(self, x):
        return x.sum(0)

    def transpose(self, x):
        return x.T.contiguous()

    def sqrt(self, x):
        return self.torch.sqrt(x)


def adam(api):
    """Returns Adam's rule: value, gradient and two moments in, value and moments out."""

    def step(value, gradient, first, second):
        first = first + (gradient - first) * 0.1
        second = second + (gradient * gradient - second) * 0.001
        return value - 0.001 * first / (api.sqrt(second) + 1e-7), first, second

    return step


def prepared(case, api):
    """Returns (call, work in flops or bytes)."""
    random = np.random.default_rng(0)

    def array(*shape):
        return api.array(random.standard_normal(shape, np.float32))

    if case in PRODUCTS or case in BATCHED:
        *batch, m, k, n = (PRODUCTS | BATCHED)[case]
        values = array(*batch, m, k), array(*batch, k, n)
        return api.call(api.matmul, *values), 2 * m * k * n * np.prod([1.0, *batch])
    if case.startswith("attention"):
        shape = tuple(map(int, case.split()[1].split("x")))
        work = 4.0 * shape[0] * shape[1] * shape[2] ** 2 * shape[3]
        return api.call(api.attention, array(*shape), array(*shape), array(*shape)), work
    if case in STREAMS:
        size = 4.0 * ROWS * WIDTH
        if case == "adam":
            values = [array(ROWS, WIDTH) for _ in range(3)]
            return api.call(adam(api), *values, values[0] * values[0]), 7 * size
        passes = 1 if case == "column_sum" else 2
        return api.call(getattr(api, case), array(ROWS, WIDTH)), passes * size
    name, part = case.rsplit(" ", 1)
    images, size, channels, outputs, taps, stride = CONVOLUTIONS[name]
    x, w = array(images, size, size, channels), array(taps, taps, channels, outputs)
    work = 2.0 * images * (size // stride) ** 2 * taps**2 * channels * outputs
    if part == "forward":
        return api.call(lambda x, w: api.conv(x, w, stride), x, w), work
    dy = array(images, size // stride, size // stride, outputs)
    return api.call(lambda x, w, dy: api.conv_gradients(x, w, dy, stride), x, w, dy), 2 * work


def measure(case, backend):
    """Times one kernel."""
    from clock import best_seconds

    api = {"jax": Jax, "torch": Torch}.get(backend, TensorFlow)()
    call, work = prepared(case, api)
    return {"rate": work / best_seconds(call, 0.8) / 1e9}
