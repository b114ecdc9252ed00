"""Latency of single calls: eager operations, tapes, variables, compiled calls, a Keras step at batch size 1."""

TITLE = "Latencies"
NOTE = "µs a call."
BACKENDS = ["penstock", "tensorflow", "jax", "torch"]
CASES = ["eager", "compiled", "keras"]
LOWER = {
    "add", "add_1000", "matmul_32", "slice", "assign_add", "gradient",
    "call_scalar", "call_100_ops", "train_on_batch",
}  # fmt: skip


def chain(sin):
    """Returns a function of a hundred small operations."""

    def body(x):
        for _ in range(50):
            x = sin(x) + 1.0
        return x

    return body


def eager_tensorflow():
    """The eager calls in TensorFlow's API."""
    import tensorflow as tf

    a, b, x, m = tf.constant(1.5), tf.constant(2.5), tf.ones([1000]), tf.ones([32, 32])
    v = tf.Variable(2.0)

    def gradient():
        with tf.GradientTape() as tape:
            y = v * v + tf.sin(v)
        return tape.gradient(y, v)

    return {
        "add": lambda: a + b, "add_1000": lambda: x + x, "matmul_32": lambda: tf.matmul(m, m),
        "slice": lambda: x[1:3], "assign_add": lambda: v.assign_add(0.0), "gradient": gradient,
    }  # fmt: skip


def eager_jax():
    """The eager calls in JAX."""
    import jax
    import jax.numpy as jnp

    a, b, x, m = jnp.float32(1.5), jnp.float32(2.5), jnp.ones(1000), jnp.ones((32, 32))
    gradient = jax.grad(lambda v: v * v + jnp.sin(v))
    return {
        "add": lambda: a + b, "add_1000": lambda: x + x,
        "matmul_32": lambda: jnp.matmul(m, m).block_until_ready(), "slice": lambda: x[1:3],
        "gradient": lambda: gradient(a),
    }  # fmt: skip


def eager_torch():
    """The eager calls in PyTorch."""
    import torch

    a, b, x, m = torch.tensor(1.5), torch.tensor(2.5), torch.ones(1000), torch.ones(32, 32)
    v, w = torch.tensor(2.0, requires_grad=True), torch.tensor(2.0)
    return {
        "add": lambda: a + b, "add_1000": lambda: x + x, "matmul_32": lambda: torch.matmul(m, m),
        "slice": lambda: x[1:3], "assign_add": lambda: w.add_(0.0),
        "gradient": lambda: torch.autograd.grad(v * v + torch.sin(v), v),
    }  # fmt: skip


def compiled_tensorflow():
    """Calls of tf.function."""
    import tensorflow as tf

    a, x = tf.constant(1.5), tf.ones([7])
    scalar, hundred = tf.function(lambda q: q + 1.0), tf.function(chain(tf.sin))
    return {"call_scalar": lambda: scalar(a), "call_100_ops": lambda: hundred(x)}


def compiled_jax():
    """Calls of jax.jit."""
    import jax
    import jax.numpy as jnp

    a, x = jnp.float32(1.5), jnp.ones(7)
    scalar, hundred = jax.jit(lambda q: q + 1.0), jax.jit(chain(jnp.sin))
    return {
        "call_scalar": lambda: scalar(a),
        "call_100_ops": lambda: hundred(x).block_until_ready(),
    }


def compiled_torch():
    """Calls of torch.jit.trace."""
    import torch

    a, x = torch.tensor(1.5), torch.ones(7)
    scalar = torch.jit.trace(lambda q: q + 1.0, (a,))
    hundred = torch.jit.trace(chain(torch.sin), (x,))
    return {"call_scalar": lambda: scalar(a), "call_100_ops": lambda: hundred(x)}


def keras_step():
    """A step of a small network on one sample."""
    import keras
    import numpy as np

    model = keras.Sequential(
        [keras.Input((16,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x, y = np.ones((1, 16), np.float32), np.ones((1, 1), np.float32)
    return {"train_on_batch": lambda: model.train_on_batch(x, y)}


def measure(case, backend):
    """Times the calls of a group."""
    from clock import best_of_short

    if case == "keras":
        calls = keras_step()
    else:
        api = "tensorflow" if backend == "penstock" else backend
        calls = globals()[f"{case}_{api}"]()
    return {name: best_of_short(call) * 1e6 for name, call in calls.items()}
