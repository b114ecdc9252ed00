"""Diagonals and linear algebra."""

from tests.fuzz.advisories.case import calls, f32, i32, none, raw

CASES = (
    raw("CVE-2021-29515", "MatrixDiagV2", diagonal=f32(1), k=i32([]), num_rows=i32(1), num_cols=i32(1), padding_value=f32()),
    raw("CVE-2021-37657", "MatrixDiagV3", diagonal=f32(1), k=i32([]), num_rows=i32(-1), num_cols=i32(-1), padding_value=f32()),
    raw("CVE-2021-37657", "MatrixDiagV3", diagonal=f32(2, 2), k=i32([2**31 - 1, -(2**31)]), num_rows=i32(-1), num_cols=i32(-1), padding_value=f32()),
    raw("CVE-2021-37658", "MatrixSetDiagV3", input=f32(2, 2), diagonal=f32(1), k=i32([])),
    raw("CVE-2021-37658", "MatrixSetDiagV2", input=none(0, 0), diagonal=f32(1), k=i32([5])),
    raw("CVE-2021-37643", "MatrixDiagPartV2", input=f32(2, 2), k=i32(0), padding_value=none(0)),
    raw("CVE-2021-37643", "MatrixDiagPartV3", input=f32(2, 2), k=i32([9, 1]), padding_value=f32()),
    raw("CVE-2021-29551", "MatrixTriangularSolve", matrix=none(0, 4), rhs=f32(4, 1)),
    raw("CVE-2021-29551", "MatrixTriangularSolve", matrix=f32(3, 3), rhs=f32(2, 1)),
    raw("CVE-2021-29612", "BandedTriangularSolve", matrix=f32(3, 4), rhs=f32(2, 4)),
    raw("CVE-2021-29612", "BandedTriangularSolve", matrix=none(0, 4), rhs=f32(4, 2)),
    raw("CVE-2022-36000", "Eig", input=f32(2, 3), compute_v=True, Tout="complex64"),
    raw("CVE-2022-36000", "Eig", input=f32(2, 2, value=float("nan")), compute_v=True, Tout="complex64"),
    calls("CVE-2022-35988", "linalg.matrix_rank", lambda tf: tf.linalg.matrix_rank(tf.ones([0, 3]))),
    calls("CVE-2022-35988", "linalg.matrix_rank", lambda tf: tf.linalg.matrix_rank(tf.ones([3]))),
    raw("CVE-2021-29513", "Svd", input=f32(0, 0)),
    raw("CVE-2021-41206", "Cholesky", input=f32(2, 3)),
    raw("CVE-2021-41206", "MatrixInverse", input=f32(3)),
    raw("CVE-2021-41206", "Lu", input=f32(2, 3)),
)  # fmt: skip
