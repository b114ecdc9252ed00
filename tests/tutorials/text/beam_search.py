"""A small decoder trained with teacher forcing and scheduled sampling, then beam search in tf.while_loop and greedy in AutoGraph."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(5)
rng = np.random.default_rng(5)
V, T, B = (12, 7, 3)
src = rng.integers(3, V, (160, T))
tgt = np.concatenate([np.ones((160, 1), int), src[:, ::-1], np.full((160, 1), 2)], 1)


class Seq(keras.Model):
    def __init__(self):
        super().__init__()
        self.emb = keras.layers.Embedding(V, 16, mask_zero=True)
        self.enc = keras.layers.Bidirectional(
            keras.layers.GRU(12, return_sequences=True, return_state=True)
        )
        self.join = keras.layers.Dense(24, activation="tanh")
        self.cell = keras.layers.GRUCell(24)
        self.att = keras.layers.AdditiveAttention()
        self.out = keras.layers.Dense(V)

    def encode(self, s):
        h, f, b = self.enc(self.emb(s))
        return (h, self.join(tf.concat([f, b], -1)))

    def step(self, tok, state, mem):
        ctx = self.att([state[:, None], mem])[:, 0]
        x = tf.concat([self.emb(tok), ctx], -1)
        y, [state] = self.cell(x, [state])
        return (self.out(y), state)


m = Seq()
opt = keras.optimizers.Adam(0.005, clipnorm=1.0)
ce = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


@tf.function
def train(s, t, p):
    with tf.GradientTape() as tape:
        mem, state = m.encode(s)
        n = tf.shape(t)[1]
        tok = t[:, 0]
        total = tf.zeros([])
        for i in tf.range(1, n):
            logits, state = m.step(tok, state, mem)
            total += tf.reduce_mean(ce(t[:, i], logits))
            use = tf.random.stateless_uniform([tf.shape(t)[0]], tf.stack([i, n])) < p
            tok = tf.where(use, tf.argmax(logits, -1), t[:, i])
        loss = total / tf.cast(n - 1, tf.float32)
    g = tape.gradient(loss, m.trainable_variables)
    opt.apply_gradients(zip(g, m.trainable_variables))
    return loss


m.step(tf.constant([1]), m.encode(tf.constant(src[:1]))[1], m.encode(tf.constant(src[:1]))[0])
ds = tf.data.Dataset.from_tensor_slices((src, tgt)).batch(48)
for e in range(6):
    print("RESULT epoch", e, *[float(train(a, b, tf.constant(0.02 * e))) for a, b in ds])


@tf.function
def beam(s, k, steps):
    mem, state = m.encode(s)
    b = tf.shape(s)[0]
    mem = tf.repeat(mem, k, 0)
    state = tf.repeat(state, k, 0)
    seqs = tf.ones([b, k, 1], tf.int64)
    score = tf.tile(tf.constant([[0.0] + [-1000000000.0] * (B - 1)]), [b, 1])
    done = tf.zeros([b, k], tf.bool)

    def cond(i, *_):
        return i < steps

    def body(i, seqs, score, state, done):
        logits, new = m.step(tf.reshape(seqs[:, :, -1], [-1]), state, mem)
        lp = tf.reshape(tf.nn.log_softmax(logits), [b, k, V])
        stay = tf.one_hot(0, V, 0.0, -1000000000.0)
        lp = tf.where(done[..., None], stay, lp)
        flat = tf.reshape(score[..., None] + lp, [b, -1])
        score, idx = tf.math.top_k(flat, k)
        parent, tok = (idx // V, tf.cast(idx % V, tf.int64))
        seqs = tf.concat([tf.gather(seqs, parent, batch_dims=1), tok[..., None]], -1)
        new = tf.reshape(tf.gather(tf.reshape(new, [b, k, 24]), parent, batch_dims=1), [b * k, 24])
        done = tf.logical_or(tf.gather(done, parent, batch_dims=1), tok == 2)
        return (i + 1, seqs, score, new, done)

    _, seqs, score, _, done = tf.while_loop(
        cond,
        body,
        (0, seqs, score, state, done),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, None, None]),
            tf.TensorShape([None, None]),
            tf.TensorShape([None, 24]),
            tf.TensorShape([None, None]),
        ),
    )
    length = tf.reduce_sum(tf.cast(seqs != 0, tf.float32), -1)
    return (seqs, score / tf.pow(length, 0.6), done)


q, sc, dn = beam(tf.constant(src[:4]), 3, 9)
print("RESULT beam", q.shape, sc.numpy().ravel(), dn.numpy().sum())
print("RESULT best", q[0, 0].numpy())


@tf.function
def greedy(s):
    mem, state = m.encode(s)
    tok = tf.ones([tf.shape(s)[0]], tf.int64)
    out = tf.TensorArray(tf.int64, 0, dynamic_size=True)
    i = tf.constant(0)
    while i < 12:
        logits, state = m.step(tok, state, mem)
        tok = tf.argmax(logits, -1)
        out = out.write(i, tok)
        i += 1
        if tf.reduce_all(tok == 2):
            break
    return (tf.transpose(out.stack()), i)


g, n = greedy(tf.constant(src[:5]))
print("RESULT greedy", g.shape, int(n), g.numpy().ravel())
