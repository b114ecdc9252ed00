"""Linear operators in place of matrices: kriging by Kronecker products, low rank updates, circulants, blocks, and conjugate gradients."""

import numpy as np
import tensorflow as tf

linalg = tf.linalg
rng = np.random.default_rng(461)


def draw(*shape):
    return tf.constant(rng.normal(size=shape).astype("float64"))


def positive(n, *batch):
    a = draw(*batch, n, n)
    return tf.matmul(a, a, transpose_b=True) / n + tf.eye(n, dtype=tf.float64)


full = linalg.LinearOperatorFullMatrix(positive(4), is_self_adjoint=True, is_positive_definite=True)
lower = linalg.LinearOperatorLowerTriangular(linalg.cholesky(positive(4)))
diagonal = linalg.LinearOperatorDiag(tf.abs(draw(4)) + 0.5, is_positive_definite=True)
operators = {
    "identity": linalg.LinearOperatorScaledIdentity(4, tf.constant(2.5, tf.float64)),
    "diagonal": diagonal,
    "lower": lower,
    "full": full,
    "low_rank": linalg.LinearOperatorLowRankUpdate(
        diagonal, draw(4, 2), tf.abs(draw(2)), is_self_adjoint=True, is_positive_definite=True
    ),
    "kronecker": linalg.LinearOperatorKronecker(
        [
            linalg.LinearOperatorFullMatrix(
                positive(2), is_self_adjoint=True, is_positive_definite=True
            ),
            linalg.LinearOperatorDiag(tf.abs(draw(2)) + 1),
        ]
    ),
    "blocks": linalg.LinearOperatorBlockDiag(
        [
            linalg.LinearOperatorFullMatrix(positive(3)),
            linalg.LinearOperatorIdentity(1, dtype=tf.float64),
        ]
    ),
    "block_lower": linalg.LinearOperatorBlockLowerTriangular(
        [
            [linalg.LinearOperatorFullMatrix(positive(2))],
            [
                linalg.LinearOperatorFullMatrix(draw(2, 2)),
                linalg.LinearOperatorDiag(tf.abs(draw(2)) + 1),
            ],
        ]
    ),
    "composition": linalg.LinearOperatorComposition([full, lower]),
    "householder": linalg.LinearOperatorHouseholder(draw(4)),
    "permutation": linalg.LinearOperatorPermutation([2, 0, 3, 1], dtype=tf.float64),
    "toeplitz": linalg.LinearOperatorToeplitz([4.0, 1.0, 0.5, 0.2], [4.0, -1.0, 0.3, 0.1]),
    "circulant": linalg.LinearOperatorCirculant(
        tf.constant([4.0, 2.0, 1.5, 2.0], tf.complex128), input_output_dtype=tf.float64
    ),
    "tridiagonal": linalg.LinearOperatorTridiag(
        [draw(4), tf.abs(draw(4)) + 3, draw(4)], diagonals_format="sequence"
    ),
    "adjoint": lower.H,
    "inverse": full.inverse(),
    "product": full.matmul(lower),
}
x = draw(4, 3)
for name, operator in operators.items():
    operator = (
        operator
        if isinstance(operator, linalg.LinearOperator)
        else linalg.LinearOperatorFullMatrix(operator)
    )
    same = (
        np.abs(
            tf.matmul(tf.cast(operator.to_dense(), x.dtype), tf.cast(x, x.dtype))
            - tf.cast(operator.matmul(tf.cast(x, operator.dtype)), x.dtype)
        ).max()
        < 1e-5
    )
    rhs = tf.cast(x, operator.dtype)
    print(
        "RESULT",
        name,
        type(operator).__name__,
        operator.shape,
        same,
        operator.is_self_adjoint,
        operator.is_positive_definite,
        operator.is_square,
    )
    print(
        "RESULT",
        name,
        *operator.matvec(rhs[:, 0]).numpy(),
        *operator.solvevec(rhs[:, 1]).numpy(),
        float(operator.log_abs_determinant()),
        float(operator.trace()),
        *operator.diag_part().numpy(),
    )
print(
    "RESULT squares",
    *full.eigvals().numpy(),
    float(full.cond()),
    *full.cholesky().diag_part().numpy(),
)

# Kriging on a grid: the covariance is a Kronecker product, and never written out.
sizes, noise = (5, 7, 4), 0.1
grids = [tf.linspace(tf.constant(0.0, tf.float64), 1.0, n) for n in sizes]
scales = [tf.Variable(0.3, dtype=tf.float64) for _ in sizes]
field = (
    tf.sin(4 * grids[0])[:, None, None]
    + tf.cos(3 * grids[1])[None, :, None] * grids[2][None, None]
    + 0.1 * draw(*sizes)
)
y = tf.reshape(field, [-1])


def covariance():
    kernels = [
        tf.exp(-0.5 * ((g[:, None] - g[None]) / s) ** 2)
        + 1e-6 * tf.eye(g.shape[0], dtype=tf.float64)
        for g, s in zip(grids, scales)
    ]
    return [tf.linalg.eigh(k) for k in kernels]


@tf.function
def evidence():
    parts = covariance()
    vectors = linalg.LinearOperatorKronecker([linalg.LinearOperatorFullMatrix(v) for _, v in parts])
    values = (
        linalg.LinearOperatorKronecker([linalg.LinearOperatorDiag(e) for e, _ in parts]).diag_part()
        + noise
    )
    projected = vectors.matvec(y, adjoint=True)
    return 0.5 * tf.reduce_sum(projected**2 / values) + 0.5 * tf.reduce_sum(tf.math.log(values))


for _ in range(4):
    with tf.GradientTape() as tape:
        loss = evidence()
    gradients = tape.gradient(loss, scales)
    for s, g in zip(scales, gradients):
        s.assign(s * tf.exp(-0.02 * tf.clip_by_value(g, -20, 20)))
    print(
        "RESULT evidence", float(loss), *[float(g) for g in gradients], *[float(s) for s in scales]
    )

solved = tf.linalg.experimental.conjugate_gradient(
    linalg.LinearOperatorFullMatrix(positive(12), is_self_adjoint=True, is_positive_definite=True),
    draw(12),
    max_iter=30,
)
print("RESULT conjugate", int(solved.i), *solved.x.numpy()[:4], float(tf.norm(solved.r)) < 1e-6)
batch = linalg.LinearOperatorLowRankUpdate(
    linalg.LinearOperatorDiag(tf.abs(draw(3, 5)) + 1, is_positive_definite=True),
    draw(3, 5, 2),
    is_diag_update_positive=True,
)
print(
    "RESULT batch",
    batch.shape,
    batch.batch_shape,
    *batch.determinant().numpy(),
    batch.tensor_rank,
    *batch.solve(draw(3, 5, 2)).numpy()[1, 2],
)


@tf.function
def through(operator, x):
    return operator.solve(operator.matmul(x)) + operator.H.matvec(x[:, 0])[
        :, None
    ], operator.log_abs_determinant()


for operator in (diagonal, full, operators["low_rank"]):
    a, b = through(operator, x)
    print("RESULT through", *a.numpy()[0], float(b))
with tf.GradientTape() as tape:
    d, u = tf.Variable([1.0, 2.0, 3.0]), tf.Variable([[1.0], [0.5], [-0.3]])
    operator = linalg.LinearOperatorLowRankUpdate(linalg.LinearOperatorDiag(d), u)
    loss = operator.log_abs_determinant() + tf.reduce_sum(operator.solvevec(tf.ones(3)))
print("RESULT gradient", *[v for g in tape.gradient(loss, [d, u]) for v in g.numpy().ravel()])
spectrum = tf.signal.fft2d(
    tf.cast(
        tf.exp(-0.5 * (tf.range(6.0)[:, None] - 3) ** 2 - 0.5 * (tf.range(8.0)[None] - 4) ** 2),
        tf.complex64,
    )
)
blur = linalg.LinearOperatorCirculant2D(spectrum + 2, input_output_dtype=tf.complex64)
image = tf.cast(draw(48), tf.complex64)
print(
    "RESULT blurred",
    blur.shape,
    *blur.matvec(image).numpy()[:3].view("float32"),
    *blur.solvevec(blur.matvec(image)).numpy()[:2].view("float32"),
)
try:
    linalg.LinearOperatorDiag([1.0, 0.0]).assert_non_singular()
except tf.errors.InvalidArgumentError as error:
    print("RESULT singular", type(error).__name__)
try:
    lower.matmul(draw(3, 3))
except (ValueError, tf.errors.InvalidArgumentError) as error:
    print("RESULT shapes", type(error).__name__)
