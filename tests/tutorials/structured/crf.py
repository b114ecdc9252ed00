"""A linear-chain CRF by the forward algorithm in tf.scan, decoded by Viterbi in a loop, and a Kalman filter beside it."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(281)
rng = np.random.default_rng(281)
TAGS, WORDS = 4, 25
lengths = rng.integers(1, 10, 48)
moves = rng.dirichlet(np.ones(TAGS) * 0.6, TAGS)


def sentence(length):
    tags = [rng.integers(TAGS)]
    for _ in range(length - 1):
        tags.append(rng.choice(TAGS, p=moves[tags[-1]]))
    words = [1 + (6 * tag + rng.integers(8)) % (WORDS - 1) for tag in tags]
    return words, tags


def padded(rows, width):
    return np.array([row + [0] * (width - len(row)) for row in rows], "int32")


class Tagger(tf.Module):
    def __init__(self):
        super().__init__()
        self.unary = tf.Variable(tf.random.normal([WORDS, TAGS], stddev=0.1))
        self.pair = tf.Variable(tf.zeros([TAGS, TAGS]))
        self.start = tf.Variable(tf.zeros([TAGS]))

    def log_likelihood(self, words, tags, lengths):
        """The score of the tags less the logarithm of the sum over all paths."""
        scores = tf.nn.embedding_lookup(self.unary, words)
        mask = tf.sequence_mask(lengths, tf.shape(words)[1], tf.float32)
        own = tf.reduce_sum(tf.gather(scores, tags, batch_dims=2) * mask, 1)
        steps = tf.gather_nd(self.pair, tf.stack([tags[:, :-1], tags[:, 1:]], -1))
        own += tf.reduce_sum(steps * mask[:, 1:], 1) + tf.gather(self.start, tags[:, 0])

        def forward(alpha, inputs):
            score, live = inputs
            further = tf.reduce_logsumexp(alpha[:, :, None] + self.pair, 1) + score
            return tf.where(live[:, None] > 0, further, alpha)

        first = self.start + scores[:, 0]
        rest = (tf.transpose(scores[:, 1:], [1, 0, 2]), tf.transpose(mask[:, 1:]))
        alphas = tf.scan(forward, rest, first)
        last = tf.cond(tf.shape(words)[1] > 1, lambda: alphas[-1], lambda: first)
        return own - tf.reduce_logsumexp(last, 1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def viterbi(self, words):
        best = self.start + tf.gather(self.unary, words[0])
        n = tf.size(words)
        back = tf.TensorArray(tf.int32, n, element_shape=[TAGS])
        for t in tf.range(1, n):
            options = best[:, None] + self.pair
            back = back.write(t, tf.argmax(options, 0, tf.int32))
            best = tf.reduce_max(options, 0) + tf.gather(self.unary, words[t])
        tag = tf.argmax(best, output_type=tf.int32)
        path = tf.TensorArray(tf.int32, n)
        for t in tf.range(n - 1, -1, -1):
            path = path.write(t, tag)
            if t > 0:
                tag = back.read(t)[tag]
        return path.stack(), tf.reduce_max(best)


tagger = Tagger()
optimizer = tf.keras.optimizers.Adagrad(0.3)


@tf.function(reduce_retracing=True)
def train(words, tags, lengths):
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(tagger.log_likelihood(words, tags, lengths))
    gradients = tape.gradient(loss, tagger.trainable_variables)
    optimizer.apply_gradients(zip(gradients, tagger.trainable_variables))
    return loss


data = [sentence(n) for n in lengths]
for epoch in range(2):
    for k in range(0, 48, 12):
        words, tags = zip(*data[k : k + 12])
        width = max(map(len, words))
        sizes = np.array([len(w) for w in words], "int32")
        print(
            "RESULT", epoch, width, float(train(padded(words, width), padded(tags, width), sizes))
        )
correct = total = 0
for words, tags in data[:16]:
    path, score = tagger.viterbi(np.array(words, "int32"))
    correct, total = correct + int((path.numpy() == tags).sum()), total + len(tags)
print("RESULT tagged", correct, total, float(score))


@tf.function(input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([])])
def kalman(observed, noise):
    """The filtered positions of a point that moves, and the log likelihood of what was observed."""
    f = tf.constant([[1.0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
    h = tf.eye(2, 4)
    q, r = 0.01 * tf.eye(4), noise * tf.eye(2)

    def step(state, y):
        x, p, _ = state
        x, p = tf.linalg.matvec(f, x), f @ p @ tf.transpose(f) + q
        s = h @ p @ tf.transpose(h) + r
        factor = tf.linalg.cholesky(s)
        gain = tf.transpose(tf.linalg.cholesky_solve(factor, h @ p))
        error = y - tf.linalg.matvec(h, x)
        white = tf.linalg.triangular_solve(factor, error[:, None])
        log = -0.5 * tf.reduce_sum(white**2) - tf.reduce_sum(
            tf.math.log(tf.linalg.diag_part(factor))
        )
        return x + tf.linalg.matvec(gain, error), p - gain @ h @ p, log

    return tf.scan(step, observed, (tf.zeros(4), 10 * tf.eye(4), 0.0))


for n in (5, 12, 7, 20):
    track = np.cumsum(rng.normal(0.3, 0.1, (n, 2)), 0) + rng.normal(0, 0.2, (n, 2))
    noise = tf.constant(0.1)
    with tf.GradientTape() as tape:
        tape.watch(noise)
        states, spreads, logs = kalman(track.astype("float32"), noise)
        likelihood = tf.reduce_sum(logs)
    slope = float(tape.gradient(likelihood, noise))
    print("RESULT kalman", n, *states[-1].numpy(), float(tf.linalg.trace(spreads[-1])))
    print("RESULT likelihood", float(likelihood), slope)
