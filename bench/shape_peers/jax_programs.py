"""The programs in JAX. Every new shape is compiled, so users pad inputs to few shapes, and mask what is not theirs.

Batches, lengths, heights and widths are padded to powers of two. Losses and results are those of the inputs without padding.
"""

import jax
import jax.numpy as jnp
import numpy as np

from shape_peers import inputs, weights

HEADS, WIDTH = weights.HEADS, weights.WIDTH


def padded_to_buckets(x, axes):
    """Returns an array whose axes are powers of two long, with zeros at their ends."""
    sizes = [1 << (n - 1).bit_length() if i in axes else n for i, n in enumerate(x.shape)]
    return np.pad(x, [(0, size - n) for size, n in zip(sizes, x.shape)])


def trained(loss, arrays):
    """Returns a function that makes a step of gradient descent."""

    @jax.jit
    def step(arrays, *batch):
        value, slopes = jax.value_and_grad(loss)(arrays, *batch)
        return value, jax.tree.map(lambda w, slope: w - 1e-3 * slope, arrays, slopes)

    state = [jax.tree.map(jnp.asarray, arrays)]

    def call(*batch):
        value, state[0] = step(state[0], *batch)
        return np.asarray(value)

    return call


def computed(function, arrays):
    """Returns a function that computes what a function gives for arrays and inputs."""
    compiled, held = jax.jit(function), jax.tree.map(jnp.asarray, arrays)
    return lambda *batch: np.asarray(compiled(held, *batch))


def normalized(x, scale):
    centered = x - x.mean(-1, keepdims=True)
    return centered * jax.lax.rsqrt(jnp.square(centered).mean(-1, keepdims=True) + 1e-5) * scale


def transformer(arrays, tokens):
    words, places, blocks = arrays
    batch, length = tokens.shape
    x = words[tokens] + places[:length]
    past = jnp.tril(jnp.ones([length, length]))
    for first, project, back, second, widen, narrow in blocks:
        three = (normalized(x, first) @ project).reshape(batch, length, 3, HEADS, WIDTH // HEADS)
        q, k, v = (three[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        scores = q @ k.swapaxes(-1, -2) / (WIDTH // HEADS) ** 0.5
        mixed = jax.nn.softmax(scores - 1e9 * (1 - past)) @ v
        x += mixed.transpose(0, 2, 1, 3).reshape(batch, length, WIDTH) @ back
        x += jax.nn.gelu(normalized(x, second) @ widen, approximate=False) @ narrow
    return x @ words.T


def texts(random, trains, pads):
    arrays = weights.transformer(random, inputs.WORDS)

    def entropy(logits, wanted):
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), wanted[..., None], -1)[..., 0]

    def loss(arrays, tokens, wanted):
        return entropy(transformer(arrays, tokens), wanted).mean()

    def loss_of_padded(arrays, tokens, wanted, batch, length):
        counts = (jnp.arange(tokens.shape[0]) < batch)[:, None]
        counts = counts & (jnp.arange(tokens.shape[1]) < length)
        found = entropy(transformer(arrays, tokens), wanted)
        return jnp.where(counts, found, 0).sum() / (batch * length)

    if not trains and not pads:
        return computed(lambda a, t: transformer(a, t)[:, -1].argmax(-1), arrays)
    if not trains:
        last = computed(lambda a, t, n: transformer(a, t)[:, n - 1].argmax(-1), arrays)
        return lambda t: last(padded_to_buckets(t, (0, 1)), t.shape[1])[: t.shape[0]]
    if not pads:
        return trained(loss, arrays)
    step = trained(loss_of_padded, arrays)
    return lambda *batch: step(*[padded_to_buckets(x, (0, 1)) for x in batch], *batch[0].shape)


def images(random, trains, pads):
    arrays = weights.images(random)

    def net(arrays, x, height=None, width=None):
        kernels, last = arrays
        for kernel in kernels:
            numbers = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)
            x = jax.nn.relu(x)
            if pads:
                rows, columns = (jnp.arange(x.shape[i]) < n for i, n in ((1, height), (2, width)))
                x = jnp.where((rows[:, None] & columns)[None, :, :, None], x, 0)
                height, width = (height + 1) // 2, (width + 1) // 2
            window = (1, 2, 2, 1)
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "SAME")
        mean = x.sum((1, 2)) / (height * width) if pads else x.mean((1, 2))
        return mean @ last

    def loss(arrays, *batch):
        return jnp.square(net(arrays, *batch)).mean()

    call = trained(loss, arrays) if trains else computed(net, arrays)
    if not pads:
        return call
    return lambda x: call(padded_to_buckets(x, (1, 2)), *x.shape[1:3])


def recurrent(random, pads):
    arrays = weights.lstm(random)

    def loss(arrays, x, length=None):
        inward, onward, last = arrays
        state = jnp.zeros([x.shape[0], 32])

        def step(held, now):
            h, c = held
            i, row = now
            let, forget, show, new = jnp.split(row @ inward + h @ onward, 4, 1)
            next_c = jax.nn.sigmoid(forget) * c + jax.nn.sigmoid(let) * jnp.tanh(new)
            next_h = jax.nn.sigmoid(show) * jnp.tanh(next_c)
            if pads:
                next_h, next_c = jnp.where(i < length, next_h, h), jnp.where(i < length, next_c, c)
            return (next_h, next_c), None

        steps = jnp.arange(x.shape[1]), x.transpose(1, 0, 2)
        (state, _), _ = jax.lax.scan(step, (state, state), steps)
        return jnp.square(state @ last - 1).mean()

    step = trained(loss, arrays)
    return (lambda x: step(padded_to_buckets(x, (1,)), x.shape[1])) if pads else step


def dense(random, pads):
    arrays = weights.dense(random)

    def loss(arrays, x, y, count=None):
        logits = jax.nn.relu(x @ arrays[0]) @ arrays[1]
        found = -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)[:, 0]
        return (
            jnp.where(jnp.arange(len(y)) < count, found, 0).sum() / count if pads else found.mean()
        )

    step = trained(loss, arrays)
    if not pads:
        return step
    return lambda x, y: step(padded_to_buckets(x, (0,)), padded_to_buckets(y, (0,)), len(y))


# {case: a function of random numbers and whether inputs are padded, which returns the function to call}
PROGRAMS = {
    "text, training": lambda random, pads: texts(random, True, pads),
    "text, training, any batch": lambda random, pads: texts(random, True, pads),
    "text, any batch": lambda random, pads: texts(random, False, pads),
    "growing text": lambda random, pads: texts(random, False, pads),
    "images, training": lambda random, pads: images(random, True, pads),
    "images": lambda random, pads: images(random, False, pads),
    "lstm, training": recurrent,
    "dense, training": dense,
}


def program(case, random, pads):
    """Returns (the function to call, what makes its inputs of arrays before the clock starts).

    Args:
      case: a key of PROGRAMS.
      random: draws the weights.
      pads: whether inputs are padded to few shapes, which is part of a call.
    """
    return PROGRAMS[case](random, pads), (lambda x: x) if pads else jnp.asarray
