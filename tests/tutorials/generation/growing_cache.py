"""A small decoder that learns a grammar of brackets, then writes with keys and values that grow by a row in each step of a loop."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(401)
VOCABULARY, WIDTH, HEADS, LENGTH = 8, 16, 2, 14
SIZE = WIDTH // HEADS


def sentence():
    """Opened brackets (2, 3) are closed by 4, 5; between a start 0 and an end 1."""
    opened, words = [], [0]
    while len(words) < LENGTH:
        if opened and rng.random() < 0.5:
            words.append(opened.pop() + 2)
        elif len(words) + len(opened) < LENGTH - 1:
            opened.append(int(rng.integers(2, 4)))
            words.append(opened[-1])
        else:
            words.append(opened.pop() + 2 if opened else 1)
    return words


texts = tf.constant([sentence() for _ in range(96)])


class Decoder(tf.Module):
    def __init__(self):
        super().__init__()
        draw = lambda *s: tf.Variable(rng.normal(0, 0.3, s).astype("float32"))  # noqa: E731
        self.words, self.places = draw(VOCABULARY, WIDTH), draw(2 * LENGTH, WIDTH)
        self.layers = [
            {"qkv": draw(WIDTH, 3 * WIDTH), "out": draw(WIDTH, WIDTH), "in": draw(WIDTH, 24), "up": draw(24, WIDTH)}
            for _ in range(2)
        ]  # fmt: skip

    def __call__(self, tokens, caches):
        """Logits of the next tokens, and the caches with this call's keys and values."""
        past = tf.shape(caches[0])[3]
        steps = tf.shape(tokens)[1]
        x = tf.gather(self.words, tokens) + self.places[past : past + steps]
        grown = []
        for layer, cache in zip(self.layers, caches):
            mixed = tf.einsum("btw,wd->btd", normalized(x), layer["qkv"])
            mixed = tf.reshape(mixed, [tf.shape(x)[0], steps, 3, HEADS, SIZE])
            query, *rest = tf.unstack(tf.transpose(mixed, [2, 0, 3, 1, 4]))
            cache = tf.concat([cache, tf.stack(rest)], 3)
            grown.append(cache)
            scores = tf.matmul(query, cache[0], transpose_b=True) / SIZE**0.5
            seen = tf.linalg.band_part(tf.ones([steps, past + steps]), -1, past)
            weights = tf.nn.softmax(tf.where(seen > 0, scores, -1e9))
            heads = tf.transpose(weights @ cache[1], [0, 2, 1, 3])
            x += tf.reshape(heads, tf.shape(x)) @ layer["out"]
            x += tf.nn.gelu(normalized(x) @ layer["in"]) @ layer["up"]
        return normalized(x) @ tf.transpose(self.words), tuple(grown)


def normalized(x):
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-5)


def empty(batch):
    return tuple(tf.zeros([2, batch, HEADS, 0, SIZE]) for _ in range(2))


model = Decoder()
optimizer = tf.keras.optimizers.Adam(0.02)


@tf.function
def step(batch):
    with tf.GradientTape() as tape:
        logits, _ = model(batch[:, :-1], empty(tf.shape(batch)[0]))
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=batch[:, 1:], logits=logits)
        )
    variables = model.trainable_variables
    gradients, norm = tf.clip_by_global_norm(tape.gradient(loss, variables), 1.0)
    optimizer.apply_gradients(zip(gradients, variables))
    return loss, norm


for epoch in range(4):
    for k in range(0, 96, 32):
        loss, norm = step(texts[k : k + 32])
    print("RESULT loss", epoch, float(loss), float(norm))


@tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int32)])
def write(prompt, count):
    """Greedy continuations; the caches' number of rows is not known while this is traced."""
    logits, caches = model(prompt, empty(tf.shape(prompt)[0]))
    token = tf.argmax(logits[:, -1], -1, tf.int32)[:, tf.newaxis]
    written = tf.concat([prompt, token], 1)
    unknown = tf.TensorShape([2, None, HEADS, None, SIZE])

    def more(token, written, caches):
        logits, caches = model(token, caches)
        token = tf.argmax(logits[:, -1], -1, tf.int32)[:, tf.newaxis]
        return token, tf.concat([written, token], 1), caches

    _, written, caches = tf.while_loop(
        lambda token, written, caches: tf.shape(written)[1] < tf.shape(prompt)[1] + count,
        more,
        (token, written, caches),
        (tf.TensorShape([None, 1]), tf.TensorShape([None, None]), (unknown, unknown)),
    )
    return written, tf.shape(caches[0])


for rows, start, count in ((2, 3, 6), (1, 5, 9), (3, 2, 4)):
    written, shape = write(texts[:rows, :start], count)
    print("RESULT written", *written.numpy().ravel(), "cache", *shape.numpy())
whole, _ = model(written, empty(3))
first, caches = model(written[:, :2], empty(3))
rest, _ = model(written[:, 2:], caches)
pieces = tf.concat([first, rest], 1)
print("RESULT same", np.allclose(whole, pieces, atol=1e-4), float(tf.norm(whole)))
