"""A hidden Markov model by Baum-Welch, a Gaussian mixture by EM with full covariances, and a lattice by log-sum-exp."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(282)
STATES, SYMBOLS = 3, 6
A = rng.dirichlet(np.ones(STATES), STATES)
B = rng.dirichlet(np.ones(SYMBOLS) * 0.5, STATES)
chain = [0]
for _ in range(119):
    chain.append(rng.choice(STATES, p=A[chain[-1]]))
symbols = np.array([rng.choice(SYMBOLS, p=B[s]) for s in chain], "int32").reshape(6, 20)


@tf.function(jit_compile=False)
def baum_welch(start, moves, emits, seen):
    """One step of expectation maximization over all rows, in logarithms."""
    logs = tf.gather(tf.transpose(emits), seen)  # rows, time, states
    over_time = tf.transpose(logs, [1, 0, 2])

    def forward(alpha, log):
        return tf.reduce_logsumexp(alpha[:, :, None] + moves, 1) + log

    def backward(beta, log):
        return tf.reduce_logsumexp(moves + (log + beta)[:, None, :], 2)

    alphas = tf.scan(forward, over_time[1:], start + over_time[0])
    alphas = tf.concat([(start + over_time[0])[None], alphas], 0)
    betas = tf.scan(backward, over_time[1:], tf.zeros_like(over_time[0]), reverse=True)
    betas = tf.concat([betas, tf.zeros_like(over_time[:1])], 0)
    total = tf.reduce_logsumexp(alphas[-1], 1)
    gamma = alphas + betas - total[:, None]
    pairs = alphas[:-1, :, :, None] + moves + (over_time[1:] + betas[1:])[:, :, None, :]
    pairs = tf.reduce_logsumexp(pairs - total[:, None, None], [0, 1])
    flat = tf.transpose(tf.exp(gamma), [1, 0, 2])
    counts = tf.math.unsorted_segment_sum(
        tf.reshape(flat, [-1, STATES]), tf.reshape(seen, [-1]), SYMBOLS
    )
    new_emits = tf.transpose(tf.math.log(counts / tf.reduce_sum(counts, 0)))
    new_moves = pairs - tf.reduce_logsumexp(pairs, 1, keepdims=True)
    new_start = tf.reduce_logsumexp(gamma[0], 0)
    return tf.nn.log_softmax(new_start), new_moves, new_emits, tf.reduce_sum(total)


start = tf.nn.log_softmax(tf.constant(rng.normal(size=STATES)))
moves = tf.nn.log_softmax(tf.constant(rng.normal(size=(STATES, STATES))))
emits = tf.nn.log_softmax(tf.constant(rng.normal(size=(STATES, SYMBOLS))))
for step in range(6):
    start, moves, emits, total = baum_welch(start, moves, emits, tf.constant(symbols))
    print("RESULT hmm", step, float(total), *tf.exp(tf.linalg.diag_part(moves)).numpy())
start, moves, emits, total = baum_welch(start, moves, emits, tf.constant(symbols[:4, :9]))
print("RESULT shorter", float(total), *tf.exp(start).numpy())

points = np.concatenate(
    [rng.normal(size=(n, 2)) @ rng.normal(size=(2, 2)) + rng.normal(0, 4, 2) for n in (40, 25, 35)]
)


class Mixture:
    def __init__(self, points, count):
        self.points = tf.constant(points)
        self.weights = tf.fill([count], tf.constant(1 / count, tf.float64))
        self.means = tf.constant(points[:: len(points) // count][:count])
        self.covariances = tf.tile(
            tf.linalg.diag(tf.math.reduce_variance(self.points, 0))[None], [count, 1, 1]
        )

    @tf.function
    def expect(self, weights, means, covariances):
        factors = tf.linalg.cholesky(covariances)
        apart = tf.transpose(self.points[None] - means[:, None], [0, 2, 1])
        white = tf.linalg.triangular_solve(factors, apart)
        logs = -0.5 * tf.reduce_sum(white**2, 1) - np.log(2 * np.pi)
        logs += (
            tf.math.log(weights)[:, None]
            - tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factors)), 1)[:, None]
        )
        joint = tf.reduce_logsumexp(logs, 0)
        return tf.exp(logs - joint), tf.reduce_mean(joint)

    def step(self):
        shares, value = self.expect(self.weights, self.means, self.covariances)
        sums = tf.reduce_sum(shares, 1)
        self.weights = sums / tf.cast(tf.shape(shares)[1], tf.float64)
        self.means = tf.einsum("kn,nd->kd", shares, self.points) / sums[:, None]
        apart = self.points[None] - self.means[:, None]
        spread = tf.einsum("kn,kni,knj->kij", shares, apart, apart) / sums[:, None, None]
        self.covariances = tf.linalg.set_diag(spread, tf.linalg.diag_part(spread) + 1e-6)
        return float(value)


mixture = Mixture(points, 3)
print("RESULT mixture", *[mixture.step() for _ in range(8)])
print("RESULT weights", *mixture.weights.numpy(), *tf.linalg.det(mixture.covariances).numpy())
print("RESULT means", *mixture.means.numpy().ravel())
owners, _ = mixture.expect(mixture.weights, mixture.means, mixture.covariances)
print("RESULT owners", *np.bincount(tf.argmax(owners, 0), minlength=3))


@tf.function(input_signature=[tf.TensorSpec([None, None])])
def soft_dtw(costs):
    """Soft dynamic time warping: each cell adds the soft least of its three predecessors."""
    rows, columns = tf.shape(costs)[0], tf.shape(costs)[1]
    above = tf.concat([[0.0], tf.fill([columns], 1e6)], 0)
    for i in tf.range(rows):
        line = tf.TensorArray(tf.float32, columns + 1, clear_after_read=False)
        line = line.write(0, 1e6)
        for j in tf.range(columns):
            before = tf.stack([above[j], above[j + 1], line.read(j)])
            line = line.write(j + 1, costs[i, j] - tf.reduce_logsumexp(-before))
        above = line.stack()
    return above[-1]


for n, m in ((3, 4), (6, 5), (2, 9)):
    costs = tf.constant(np.abs(rng.normal(size=(n, m))).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(costs)
        value = soft_dtw(costs)
    print("RESULT dtw", n, m, float(value), *tape.gradient(value, costs).numpy()[-1])
