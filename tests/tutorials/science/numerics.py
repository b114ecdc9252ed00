"""Numbers by hand: decompositions, least squares, k-means, PCA, FFT solvers, an LBFGS search, power iteration, sparse systems."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(134)
a = tf.constant(rng.normal(size=(6, 6)))
spd = tf.matmul(a, a, transpose_b=True) + 6.0 * tf.eye(6, dtype=tf.float64)
b = tf.constant(rng.normal(size=(6, 2)))
print(
    "RESULT cholesky",
    float(tf.linalg.trace(tf.linalg.cholesky(spd))),
    tf.linalg.cholesky_solve(tf.linalg.cholesky(spd), b).numpy().ravel()[:4],
)
q, r = tf.linalg.qr(a)
print("RESULT qr", np.abs(np.diag(r.numpy())), float(tf.norm(q @ r - a)) < 1e-12)
values, vectors = tf.linalg.eigh(spd)
print("RESULT eigh", values.numpy(), float(tf.norm(spd @ vectors - vectors * values)) < 1e-10)
s = tf.linalg.svd(a, compute_uv=False)
print("RESULT svd", s.numpy(), float(tf.linalg.det(spd)), float(tf.linalg.slogdet(spd)[1]))
print("RESULT lstsq", tf.linalg.lstsq(a[:, :3], b, l2_regularizer=0.1).numpy().ravel())
print(
    "RESULT expm",
    float(tf.norm(tf.linalg.expm(0.3 * a))),
    float(tf.norm(tf.linalg.pinv(a[:, :4]))),
    float(tf.norm(tf.linalg.sqrtm(spd))),
)
band = tf.linalg.tridiagonal_solve(
    tf.constant([[1.0, 1, 1, 0], [4, 4, 4, 4], [0, 1, 1, 1]]), tf.constant([1.0, 2, 3, 4])
)
print(
    "RESULT tridiagonal",
    band.numpy(),
    tf.linalg.triangular_solve(tf.linalg.cholesky(spd), b).numpy()[0],
)
operator = tf.linalg.LinearOperatorLowRankUpdate(
    tf.linalg.LinearOperatorDiag(tf.ones([6], tf.float64)), a[:, :2]
)
print("RESULT operator", float(operator.log_abs_determinant()), operator.solve(b).numpy()[0])

points = tf.constant(
    np.concatenate([rng.normal(c, 0.3, (40, 2)) for c in ((0, 0), (2, 1), (0, 3))]), tf.float32
)


@tf.function
def kmeans(points, centres, rounds):
    for _ in tf.range(rounds):
        distances = tf.reduce_sum((points[:, None] - centres[None]) ** 2, -1)
        nearest = tf.argmin(distances, 1)
        sums = tf.math.unsorted_segment_mean(points, nearest, tf.shape(centres)[0])
        centres = tf.ensure_shape(sums, centres.shape)
    return centres, tf.reduce_sum(tf.reduce_min(distances, 1))


centres, inertia = kmeans(points, points[::50], tf.constant(6))
print("RESULT kmeans", centres.numpy().ravel(), float(inertia))
centred = points - tf.reduce_mean(points, 0)
_, _, v = tf.linalg.svd(centred, full_matrices=False)
print("RESULT pca", np.abs(v.numpy()).ravel(), tf.math.reduce_variance(centred @ v, 0).numpy())


@tf.function
def power(matrix, tolerance):
    vector = tf.ones([6, 1], tf.float64)
    value, change, rounds = tf.constant(0.0, tf.float64), tf.constant(1.0, tf.float64), 0
    while change > tolerance:
        vector = matrix @ vector
        vector /= tf.norm(vector)
        new = tf.squeeze(tf.matmul(vector, matrix @ vector, transpose_a=True))
        change = tf.abs(new - value)
        value = new
        rounds += 1
    return value, rounds


value, rounds = power(spd, tf.constant(1e-10, tf.float64))
print("RESULT power", float(value), int(rounds) > 3)


@tf.function
def conjugate(matrix, right, steps):
    x = tf.zeros_like(right)
    r = p = right
    for _ in tf.range(steps):
        ap = tf.linalg.matvec(matrix, p)
        rr = tf.tensordot(r, r, 1)
        alpha = rr / tf.tensordot(p, ap, 1)
        x += alpha * p
        r -= alpha * ap
        p = r + tf.tensordot(r, r, 1) / rr * p
    return x


x = conjugate(spd, b[:, 0], tf.constant(6))
print("RESULT conjugate", x.numpy(), float(tf.norm(tf.linalg.matvec(spd, x) - b[:, 0])) < 1e-8)


@tf.function
def rosenbrock(v):
    with tf.GradientTape() as tape:
        tape.watch(v)
        f = tf.reduce_sum(100.0 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2)
    return f, tape.gradient(f, v)


v, (f, g) = tf.constant([-1.0, 0.7, 1.5], tf.float64), (None, None)
inverse = tf.eye(3, dtype=tf.float64)
f, g = rosenbrock(v)
for k in range(30):
    direction, rate = -tf.linalg.matvec(inverse, g), 1.0
    while float(rosenbrock(v + rate * direction)[0]) > float(f) + 1e-4 * rate * float(
        tf.tensordot(g, direction, 1)
    ):
        rate *= 0.5
    step = rate * direction
    f, new = rosenbrock(v + step)
    change, v, g = new - g, v + step, new
    rho = 1 / tf.tensordot(change, step, 1)
    left = tf.eye(3, dtype=tf.float64) - rho * tf.tensordot(step, change, 0)
    inverse = left @ inverse @ tf.transpose(left) + rho * tf.tensordot(step, step, 0)
    if k % 10 == 9:
        print("RESULT search", k, float(f) < (10, 1, 1e-3)[k // 10], v.numpy().shape)

n = 32
frequencies = np.fft.fftfreq(n, 1 / n)
source = tf.constant(
    np.sin(2 * np.pi * np.arange(n) / n)[:, None] * np.cos(4 * np.pi * np.arange(n) / n)[None],
    tf.complex128,
)
square = tf.constant((2 * np.pi) ** 2 * (frequencies[:, None] ** 2 + frequencies[None] ** 2))
spectrum = tf.signal.fft2d(source) / tf.cast(tf.where(square == 0, 1.0, square), tf.complex128)
potential = tf.math.real(tf.signal.ifft2d(spectrum))
print("RESULT poisson", float(tf.reduce_max(potential)), potential[3, ::8].numpy())
real = tf.signal.rfft(tf.constant(rng.normal(size=(2, 30)), tf.float32))
print(
    "RESULT rfft",
    real.shape,
    tf.abs(real)[:, :3].numpy().ravel(),
    float(tf.norm(tf.signal.irfft(real, [30]))),
)
sparse = tf.sparse.from_dense(tf.where(tf.abs(a) > 1, a, tf.zeros_like(a)))
print(
    "RESULT sparse",
    int(tf.shape(sparse.values)[0]),
    tf.sparse.sparse_dense_matmul(sparse, b).numpy()[1],
    tf.sparse.reduce_sum(sparse, 0).numpy(),
)
histogram = tf.histogram_fixed_width(points[:, 0], [-1.0, 3.0], 8)
print(
    "RESULT histogram",
    histogram.numpy(),
    tf.math.bincount(tf.constant([1, 3, 1, 0]), weights=tf.constant([0.5, 1, 2, 3])).numpy(),
)
print(
    "RESULT special",
    tf.math.lgamma(points[:3, 0] ** 2 + 1).numpy(),
    tf.math.igamma(2.0, [0.5, 1.0, 3.0]).numpy(),
    tf.math.betainc(2.0, 3.0, [0.2, 0.7]).numpy(),
    tf.math.erfinv([0.1, -0.6]).numpy(),
    tf.math.bessel_i0e([0.5, 3.0]).numpy(),
)
