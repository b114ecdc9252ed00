"""Rules of products and linear algebra: matrices of all rows at once."""

import string

from penstock._src.api.vectorized.rules import NotVectorizable, rule
from penstock._src.api.vectorized.step import Step


@rule("MatMul")
def matmul(step: Step) -> list:
    """One product if only the first factor differs, else one for each row."""
    op = step.op
    if step.is_stacked(0) and not step.is_stacked(1) and not op.transpose_a:
        return [step.parted(step.run(step.merged(step.values[0].tensor), step.common(1))[0])]
    if (op.transpose_a or op.transpose_b) and step.node.outputs[0].dtype.is_complex:
        raise NotVectorizable("the products of rows take conjugates with the transposes")
    a, b = (value.tensor for value in step.values)
    return step.other("BatchMatMulV2", a, b, adj_x=op.transpose_a, adj_y=op.transpose_b)


@rule("BatchMatMul BatchMatMulV2 BatchMatMulV3 MatrixTriangularSolve")
def batched(step: Step) -> list:
    """Matrices broadcast over the axes before them."""
    rank = max(step.rank(0), step.rank(1))
    attrs = {n: step.op.attrs[n] for n in type(step.op).attributes if n in _FLAGS}
    kind = "MatrixTriangularSolve" if "lower" in attrs else "BatchMatMulV2"
    return step.other(kind, step.aligned(0, rank), step.aligned(1, rank), **attrs)


_FLAGS = ("adj_x", "adj_y", "lower", "adjoint")


@rule("Einsum")
def einsum(step: Step) -> list:
    """A letter for the rows, in front of what differs and of the result."""
    equation = step.op.equation.replace(" ", "")
    letter = next(c for c in string.ascii_letters if c not in equation)
    operands, _, result = equation.partition("->")
    named = [
        letter + term if value.stacked else term
        for term, value in zip(operands.split(","), step.values, strict=True)
    ]
    text = f"{','.join(named)}->{letter}{result}"
    return step.run([value.tensor for value in step.values], equation=text)


@rule("""
    Cholesky CholeskyGrad MatrixInverse MatrixDeterminant LogMatrixDeterminant Qr Svd SelfAdjointEigV2
    Eig Lu MatrixSquareRoot MatrixExponential MatrixLogarithm MatrixSolve MatrixDiag MatrixDiagPart
    MatrixSetDiag TridiagonalSolve TridiagonalMatMul
""")
def of_matrices(step: Step) -> list:
    """Works on the last axes, whatever stands before them."""
    return step.run_flat([step.whole(i) for i in range(len(step.values))])


@rule("MatrixDiagV2 MatrixDiagV3 MatrixDiagPartV2 MatrixDiagPartV3 MatrixBandPart BatchFunction")
def with_numbers(step: Step) -> list:
    """The same, with numbers that all rows share."""
    rest = [step.common(i) for i in range(1, len(step.values))]
    return step.run(step.whole(0), *rest)


@rule("MatrixSetDiagV2 MatrixSetDiagV3")
def set_diagonal(step: Step) -> list:
    """Puts diagonals into the matrices of rows."""
    return step.run(step.whole(0), step.whole(1), step.common(2))


@rule("MatrixSolveLs")
def least_squares(step: Step) -> list:
    """Solves for each row."""
    return step.run(step.whole(0), step.whole(1), step.common(2))


@rule("Cross")
def cross(step: Step) -> list:
    """Products of vectors of three."""
    return step.run(step.whole(0), step.whole(1))


@rule("FFT FFT2D FFT3D IFFT IFFT2D IFFT3D")
def transform(step: Step) -> list:
    """Transforms the last axes."""
    return step.run(step.whole(0))


@rule("RFFT RFFT2D RFFT3D IRFFT IRFFT2D IRFFT3D")
def real_transform(step: Step) -> list:
    """Transforms the last axes, of a length that all rows share."""
    return step.run(step.whole(0), step.common(1))
