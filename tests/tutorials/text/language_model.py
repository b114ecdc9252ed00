"""A decoder-only language model: causal attention with rotary positions, weight tying, label smoothing, warmup schedule, perplexity, generation with top-k and nucleus sampling, KV cache."""

import numpy as np
import tensorflow as tf

keras = tf.keras
L = keras.layers
keras.utils.set_random_seed(17)
rng = np.random.default_rng(17)
text = " ".join(
    rng.choice("the a cat dog sat ran on in mat box and then saw red blue big".split(), 1500)
)
tv = L.TextVectorization(standardize=None, split="character")
tv.adapt([text])
V = tv.vocabulary_size()
print("RESULT vocab", tv.get_vocabulary()[:8], V)
ids = tv([text])[0]
T = 20
ds = (
    tf.data.Dataset.from_tensor_slices(ids)
    .batch(T + 1, drop_remainder=True)
    .map(lambda c: (c[:-1], c[1:]))
    .shuffle(200, seed=2)
    .batch(40)
)


def rope(x, at):
    d = x.shape[-1] // 2
    f = tf.pow(10000.0, -tf.range(d, dtype=tf.float32) / d)
    a = tf.cast(at, tf.float32)[:, None] * f
    c, s = (tf.cos(a)[:, None], tf.sin(a)[:, None])
    p, q = tf.split(x, 2, -1)
    return tf.concat([p * c - q * s, p * s + q * c], -1)


class RMS(L.Layer):
    def build(self, s):
        self.g = self.add_weight(shape=(s[-1],), initializer="ones", name="g")

    def call(self, x):
        return x * tf.math.rsqrt(tf.reduce_mean(x * x, -1, keepdims=True) + 1e-06) * self.g


class Block(L.Layer):
    def __init__(self, d, h):
        super().__init__()
        self.h, self.d = (h, d)
        self.n1, self.n2 = (RMS(), RMS())
        self.qkv = L.Dense(3 * d, use_bias=False)
        self.o = L.Dense(d, use_bias=False)
        self.up = L.Dense(4 * d, use_bias=False)
        self.down = L.Dense(d, use_bias=False)
        self.drop = L.Dropout(0.1)

    def call(self, x, cache=None, training=False):
        b, n = (tf.shape(x)[0], tf.shape(x)[1])
        q, k, v = tf.unstack(
            tf.reshape(self.qkv(self.n1(x)), [b, n, 3, self.h, self.d // self.h]), axis=2
        )
        past = 0 if cache is None else tf.shape(cache[0])[1]
        at = tf.range(past, past + n)
        q, k = (rope(q, at), rope(k, at))
        if cache is not None:
            k, v = (tf.concat([cache[0], k], 1), tf.concat([cache[1], v], 1))
        s = tf.einsum("bqhd,bkhd->bhqk", q, k) / np.float32(np.sqrt(self.d // self.h))
        m = tf.range(past + n)[None] <= at[:, None]
        s = tf.where(m, s, -1000000000.0)
        a = self.drop(tf.nn.softmax(s), training=training)
        x = x + self.o(tf.reshape(tf.einsum("bhqk,bkhd->bqhd", a, v), [b, n, self.d]))
        g, u = tf.split(self.up(self.n2(x)), 2, -1)
        return (x + self.down(tf.nn.silu(g) * u), (k, v))


class LM(keras.Model):
    def __init__(self):
        super().__init__()
        self.e = L.Embedding(V, 32)
        self.blocks = [Block(32, 4) for _ in range(2)]
        self.n = RMS()

    def call(self, x, training=False):
        h = self.e(x)
        for b in self.blocks:
            h, _ = b(h, training=training)
        return tf.matmul(self.n(h), self.e.embeddings, transpose_b=True)

    def step(self, x, caches):
        h = self.e(x)
        new = []
        for b, c in zip(self.blocks, caches):
            h, c = b(h, c)
            new.append(c)
        return (tf.matmul(self.n(h), self.e.embeddings, transpose_b=True)[:, -1], new)


class Sched(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, s):
        s = tf.cast(s, tf.float32) + 1
        return 0.003 * tf.minimum(s / 5, tf.math.rsqrt(s / 5))


class PPL(keras.metrics.Mean):
    def update_state(self, t, p, sample_weight=None):
        return super().update_state(
            keras.losses.sparse_categorical_crossentropy(t, p, from_logits=True)
        )

    def result(self):
        return tf.exp(super().result())


def smooth(t, p):
    return keras.losses.categorical_crossentropy(
        tf.one_hot(tf.cast(t, tf.int32), V), p, from_logits=True, label_smoothing=0.1
    )


m = LM()
m.compile(
    keras.optimizers.Adam(Sched(), beta_2=0.98, epsilon=1e-09, global_clipnorm=1.0),
    smooth,
    metrics=[PPL(name="ppl")],
)
h = m.fit(ds, epochs=3, verbose=0).history
for k in h:
    print("RESULT", k, *h[k])


@tf.function(reduce_retracing=True)
def gen(p, n, temp, k, top):
    lg = m(p)
    out = p
    caches = [(tf.zeros([tf.shape(p)[0], 0, 4, 8]),) * 2 for _ in m.blocks]
    lg, caches = m.step(p, caches)
    i = tf.constant(0)
    while i < n:
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[
                (out, tf.TensorShape([None, None])),
                (caches, [(tf.TensorShape([None, None, 4, 8]),) * 2] * 2),
            ]
        )
        l = lg / temp
        kth = tf.math.top_k(l, k)[0][:, -1:]
        l = tf.where(l < kth, -1000000000.0, l)
        srt = tf.sort(l, direction="DESCENDING")
        cum = tf.cumsum(tf.nn.softmax(srt), axis=-1, exclusive=True)
        cut = tf.reduce_min(tf.where(cum < top, srt, 1000000000.0), -1, keepdims=True)
        l = tf.where(l < cut, -1000000000.0, l)
        t = tf.random.stateless_categorical(l, 1, tf.stack([i, 11]), dtype=tf.int64)
        out = tf.concat([out, t], 1)
        lg, caches = m.step(t, caches)
        i += 1
    return (out, lg)


o, lg = gen(ids[None, :5], 12, 1.0, 8, 0.9)
print("RESULT gen", o.numpy().ravel(), float(tf.reduce_max(tf.abs(lg - m(o)[:, -1]))) < 0.0001)
o, lg = gen(tf.reshape(ids[:12], [2, 6]), 5, 0.5, 3, 0.99)
print("RESULT gen", o.numpy().ravel(), lg.numpy()[1, :4])
