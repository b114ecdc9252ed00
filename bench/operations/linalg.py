"""Linear algebra."""

import numpy as np


def cases(tf, random):
    """Returns {name: (function, arrays)}."""

    def normal(*shape):
        return random.normal(size=shape).astype("float32")

    a, b, many = normal(256, 256), normal(256, 16), normal(1000, 3, 3)
    spd, spd_many = (
        a @ a.T + 256 * np.eye(256, dtype="float32"),
        many @ many.transpose(0, 2, 1) + np.eye(3, dtype="float32"),
    )
    small, lower = normal(64, 64), np.tril(a) + 16 * np.eye(256, dtype="float32")
    la = tf.linalg
    return {
        "matmul 256": (tf.matmul, (a, a)), "matmul 32": (tf.matmul, (a[:32, :32].copy(), a[:32, :32].copy())), "matmul batch 3": (tf.matmul, (many, many)), "matvec": (la.matvec, (a, a[0])),
        "einsum": (lambda x, y: tf.einsum("abc,acd->abd", x, y), (many, many)), "tensordot": (lambda x, y: tf.tensordot(x, y, [[0], [0]]), (a, b)), "outer": (lambda x: tf.einsum("i,j->ij", x[0], x[1]), (a,)),
        "inv 256": (la.inv, (a,)), "inv of 1000 3x3": (la.inv, (many,)), "det 256": (la.det, (small,)), "det of 1000 3x3": (la.det, (many,)), "slogdet": (la.slogdet, (a,)),
        "solve 256": (la.solve, (a, b)), "solve of 1000 3x3": (la.solve, (many, many)), "cholesky 256": (la.cholesky, (spd,)), "cholesky of 1000 3x3": (la.cholesky, (spd_many,)),
        "cholesky_solve": (lambda x, y: la.cholesky_solve(la.cholesky(x), y), (spd, b)), "triangular_solve": (la.triangular_solve, (lower, b)), "qr 256": (la.qr, (a,)), "qr of 1000 3x3": (la.qr, (many,)),
        "svd 64": (la.svd, (small,)), "svd of 1000 3x3": (la.svd, (many,)), "eigh 64": (la.eigh, (spd[:64, :64].copy(),)), "eigh of 1000 3x3": (la.eigh, (spd_many,)), "eig 32": (la.eig, (a[:32, :32].copy(),)),
        "lu": (la.lu, (a,)), "lstsq": (lambda x, y: la.lstsq(x[:, :64], y), (a, b)), "expm": (la.expm, (small / 16,)), "pinv": (la.pinv, (small,)), "matrix_rank": (la.matrix_rank, (small,)), "trace": (la.trace, (many,)),
        "tridiagonal_solve": (lambda x, y: la.tridiagonal_solve(x[:3] + tf.constant([[0.0], [9.0], [0.0]]), y, diagonals_format="compact"), (a, b)), "logm": (lambda x: la.logm(tf.cast(x, tf.complex64)), (spd[:16, :16].copy() / 256,)),
        "sqrtm": (la.sqrtm, (spd[:16, :16].copy(),)), "cross": (la.cross, (many, many[::-1].copy())), "global_norm": (lambda x, y: tf.linalg.global_norm([x, y]), (a, b)),
        "tridiagonal_matmul": (lambda x, y: la.tridiagonal_matmul(x[:3], y, diagonals_format="compact"), (a, b)), "banded_triangular_solve": (lambda x, y: la.banded_triangular_solve(x[:3] + 9, y), (a, b)),
    }  # fmt: skip
