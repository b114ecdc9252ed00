"""Solvers by hand on TensorFlow's decompositions: Levenberg-Marquardt, Gauss-Newton, implicit splines, ADMM, matrix functions, Riccati, and their gradients."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(471)


def draw(*shape, dtype="float64"):
    return tf.constant(rng.normal(size=shape).astype(dtype))


# Curves fitted by Levenberg-Marquardt, which turns its damping up and down.
t = tf.linspace(tf.constant(0.0, tf.float64), 4.0, 40)
data = 2.5 * tf.exp(-0.7 * t) * tf.cos(3.0 * t + 0.4) + 0.05 * draw(40)


def residuals(p):
    return p[0] * tf.exp(-p[1] * t) * tf.cos(p[2] * t + p[3]) - data


@tf.function
def marquardt(start, steps):
    p, damping, tried = start, tf.constant(1e-2, tf.float64), tf.constant(0)
    cost = tf.reduce_sum(residuals(p) ** 2)
    while tried < steps and cost > 1e-3:
        with tf.GradientTape() as tape:
            tape.watch(p)
            r = residuals(p)
        jacobian = tape.jacobian(r, p)
        normal = tf.matmul(jacobian, jacobian, transpose_a=True)
        right = tf.linalg.matvec(jacobian, r, transpose_a=True)
        step = tf.linalg.solve(
            normal + damping * tf.linalg.diag(tf.linalg.diag_part(normal)), right[:, None]
        )[:, 0]
        new = tf.reduce_sum(residuals(p - step) ** 2)
        if new < cost:
            p, cost, damping = p - step, new, damping * 0.3
        else:
            damping *= 5.0
        tried += 1
    return p, cost, tried


for steps in (5, 40):
    p, cost, tried = marquardt(tf.constant([1.0, 0.3, 2.5, 0.0], tf.float64), tf.constant(steps))
    print("RESULT marquardt", *p.numpy(), float(cost), int(tried))

# Least squares in several ways.
a, b = draw(8, 3), draw(8, 2)
q, r = tf.linalg.qr(a)
lu, permutation = tf.linalg.lu(tf.matmul(a, a, transpose_a=True))
u, s, v = (lambda s, u, v: (u, s, v))(*tf.linalg.svd(a))
ways = {
    "lstsq": tf.linalg.lstsq(a, b),
    "slow": tf.linalg.lstsq(a, b, fast=False),
    "ridge": tf.linalg.lstsq(a, b, l2_regularizer=0.3),
    "qr": tf.linalg.triangular_solve(r, tf.matmul(q, b, transpose_a=True), lower=False),
    "lu": tf.linalg.lu_solve(lu, permutation, tf.matmul(a, b, transpose_a=True)),
    "svd": v @ (tf.matmul(u, b, transpose_a=True) / s[:, None]),
    "pinv": tf.linalg.pinv(a) @ b,
    "cholesky": tf.linalg.cholesky_solve(
        tf.linalg.cholesky(tf.matmul(a, a, transpose_a=True)), tf.matmul(a, b, transpose_a=True)
    ),
}
for name, solution in ways.items():
    print("RESULT", name, *solution.numpy().ravel())
print(
    "RESULT lu",
    *tf.linalg.lu_matrix_inverse(lu, permutation).numpy()[0],
    *tf.linalg.lu_reconstruct(lu, permutation).numpy()[1],
    *permutation.numpy(),
)
print(
    "RESULT rank",
    int(tf.linalg.matrix_rank(tf.matmul(a, b, transpose_a=True))),
    int(tf.linalg.matrix_rank(tf.ones([3, 3]))),
    *[float(tf.norm(a, o)) for o in ("euclidean", 1, 2, np.inf)],
)
print(
    "RESULT determinants",
    *tf.linalg.slogdet(tf.matmul(a, a, transpose_a=True)).log_abs_determinant.numpy()[None],
    float(tf.linalg.det(draw(3, 3))),
)

# Matrix functions and their gradients.
m = draw(4, 4) * 0.4
positive = tf.matmul(m, m, transpose_b=True) + tf.eye(4, dtype=tf.float64)
for name, function, matrix in (
    ("expm", tf.linalg.expm, m),
    ("sqrtm", tf.linalg.sqrtm, positive),
    ("inv", tf.linalg.inv, positive),
    ("cholesky", tf.linalg.cholesky, positive),
    ("eigh", lambda x: tf.linalg.eigh(x)[0], positive),
    ("svd", lambda x: tf.linalg.svd(x, compute_uv=False), m),
    ("logdet", tf.linalg.logdet, positive),
    ("det", tf.linalg.det, m),
    ("adjoint", tf.linalg.adjoint, m),
    ("pinv", tf.linalg.pinv, m),
    ("qr", lambda x: tf.linalg.qr(x)[1], m),
    ("powers", lambda x: tf.linalg.matmul(x, x) @ x, m),
):
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        y = function(matrix)
        weights = tf.reshape(tf.range(1, y.shape.num_elements() + 1), y.shape)
        loss = tf.reduce_sum(y * tf.cast(weights, tf.float64))
    try:
        gradient = tape.gradient(loss, matrix)
        print("RESULT", name, float(loss), *gradient.numpy()[0], float(tf.linalg.trace(gradient)))
    except LookupError as error:
        print("RESULT", name, float(loss), type(error).__name__)
logarithm = tf.linalg.logm(tf.cast(positive, tf.complex128))
print(
    "RESULT logm",
    *tf.math.real(logarithm).numpy()[0],
    float(tf.reduce_max(tf.abs(tf.linalg.expm(logarithm) - tf.cast(positive, tf.complex128))))
    < 1e-10,
)
values, vectors = tf.linalg.eig(m)
order = tf.argsort(tf.math.real(values) + 0.1 * tf.math.imag(values))
print(
    "RESULT eig",
    *tf.gather(values, order).numpy().view("float64"),
    float(tf.reduce_max(tf.abs(tf.cast(m, tf.complex128) @ vectors - vectors * values))) < 1e-10,
)
w, z = tf.linalg.eigh_tridiagonal(draw(6), draw(5), eigvals_only=False)
print(
    "RESULT tridiagonal",
    *w.numpy(),
    float(tf.reduce_max(tf.abs(tf.matmul(z, z, transpose_a=True) - tf.eye(6, dtype=z.dtype))))
    < 1e-8,
)

# Heat that spreads, by Crank-Nicolson, and its gradient back to the start.
n = 12
conductivity = tf.Variable(np.full(n, 0.8))


@tf.function
def spread(start, steps):
    k = conductivity * 0.5
    upper, lower = tf.concat([-k[:-1], [0.0]], 0), tf.concat([[0.0], -k[1:]], 0)
    diagonals = tf.stack([upper, 1 + 2 * k, lower])
    explicit = tf.stack([-upper, 1 - 2 * k, -lower])
    return tf.while_loop(
        lambda i, u: i < steps,
        lambda i, u: (
            i + 1,
            tf.linalg.tridiagonal_solve(
                diagonals,
                tf.linalg.tridiagonal_matmul(explicit, u[:, None], diagonals_format="compact")[
                    :, 0
                ],
            ),
        ),
        (0, start),
        maximum_iterations=20,
    )[1]


start = tf.constant(np.exp(-((np.arange(n) - 4.0) ** 2)))
with tf.GradientTape() as tape:
    tape.watch(start)
    end = spread(start, tf.constant(6))
    loss = tf.reduce_sum(end**2)
print("RESULT heat", *end.numpy()[:6], float(loss))
print(
    "RESULT backwards",
    *[x for g in tape.gradient(loss, [start, conductivity]) for x in g.numpy()[3:7]],
)
for pivoting in (True, False):
    x = tf.linalg.tridiagonal_solve(
        [tf.constant(d) for d in ([1.0, 2.0, 0.0], [4.0, 5.0, 6.0], [0.0, 1.0, 2.0])],
        tf.constant([1.0, 2.0, 3.0]),
        diagonals_format="sequence",
        partial_pivoting=pivoting,
    )
    print("RESULT thomas", *x.numpy())
banded = tf.linalg.diag(
    [[1.0, 2.0, 0.0], [4.0, 5.0, 6.0], [0.0, 1.0, 2.0]], k=(-1, 1), align="LEFT_RIGHT"
)
print(
    "RESULT banded",
    *banded.numpy().ravel(),
    *tf.linalg.diag_part(banded, k=(-1, 1), padding_value=9).numpy().ravel(),
)
print(
    "RESULT set",
    *tf.linalg.set_diag(tf.zeros([3, 4]), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], k=(0, 1))
    .numpy()
    .ravel(),
    *tf.linalg.band_part(tf.ones([3, 4]), 1, 0).numpy().ravel(),
    *tf.linalg.tensor_diag([1, 2]).numpy().ravel(),
)

# Lasso by ADMM, sparse PCA by power iterations with deflation, and a Riccati equation by iteration.
design, truth = draw(30, 8), np.array([2.0, 0, 0, -1.0, 0, 0, 0.5, 0])
response = tf.linalg.matvec(design, truth) + 0.1 * draw(30)


@tf.function
def admm(penalty, rho=5.0, steps=60):
    factor = tf.linalg.cholesky(
        tf.matmul(design, design, transpose_a=True) + rho * tf.eye(8, dtype=tf.float64)
    )
    target = tf.linalg.matvec(design, response, transpose_a=True)

    def body(x, z, u):
        x = tf.linalg.cholesky_solve(factor, (target + rho * (z - u))[:, None])[:, 0]
        z = tf.sign(x + u) * tf.nn.relu(tf.abs(x + u) - penalty / rho)
        return x, z, u + x - z

    zero = tf.zeros([8], tf.float64)
    return tf.while_loop(lambda *_: True, body, (zero, zero, zero), maximum_iterations=steps)[1]


for penalty in (0.5, 5.0, 20.0):
    print("RESULT lasso", penalty, *admm(tf.constant(penalty, tf.float64)).numpy())
A, B, Q, R = draw(3, 3) * 0.5, draw(3, 1), tf.eye(3, dtype=tf.float64), tf.eye(1, dtype=tf.float64)
P = Q
for _ in tf.range(60):
    gain = tf.linalg.solve(
        R + tf.matmul(B, P @ B, transpose_a=True), tf.matmul(B, P @ A, transpose_a=True)
    )
    P = Q + tf.matmul(A, P @ (A - B @ gain), transpose_a=True)
print(
    "RESULT riccati",
    *P.numpy().ravel(),
    *gain.numpy().ravel(),
    *np.sort(np.abs(np.linalg.eigvals(A - B @ gain))),
)
print(
    "RESULT global",
    float(tf.linalg.global_norm([A, B])),
    *tf.linalg.normalize(A, axis=0)[0].numpy()[0],
    *tf.linalg.cross([1.0, 2.0, 3.0], [0.5, -1.0, 2.0]).numpy(),
    *tf.linalg.einsum("ij,jk,k->i", A, Q, B[:, 0]).numpy(),
)
