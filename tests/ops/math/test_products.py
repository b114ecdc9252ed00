"""Products of matrices and einsum against NumPy, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import HALF, OpCase, check, values, whole


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_matmul(ta, tb, dtype):
    a, b = (
        values(*((3, 2) if ta else (2, 3)), dtype=dtype),
        values(*((4, 3) if tb else (3, 4)), dtype=dtype, seed=1),
    )
    expected = (a.T if ta else a) @ (b.T if tb else b)
    check(
        OpCase(
            "MatMul",
            [a, b],
            {"transpose_a": ta, "transpose_b": tb},
            expect=expected,
            compiles=dtype == np.float64,
        )
    )


def test_matmul_types_and_empty():
    a, b = values(5, 7).astype(np.float32), values(7, 3).astype(np.float32)
    check(OpCase("MatMul", [a, b], expect=a.astype(np.float64) @ b, tolerance=(1e-5, 1e-5)))
    half = [v.astype(np.float16) for v in (a, b)]
    check(
        OpCase(
            "MatMul",
            half,
            expect=half[0].astype(np.float64) @ half[1],
            tolerance=HALF,
            gradient=False,
            compiles=False,
        )
    )
    check(OpCase("MatMul", [whole(2, 3), whole(3, 2)], expect=whole(2, 3) @ whole(3, 2)))
    check(OpCase("MatMul", [np.zeros((2, 0)), np.zeros((0, 3))], expect=np.zeros((2, 3))))


@pytest.mark.parametrize(
    "shapes",
    [((2, 3, 4), (2, 4, 2)), ((2, 1, 3, 4), (5, 4, 2)), ((3, 4), (2, 4, 2)), ((3, 4), (4, 2))],
    ids=str,
)
@pytest.mark.parametrize(
    "adjoints", [(False, False), (True, False), (False, True), (True, True)], ids=str
)
def test_batches(shapes, adjoints):
    x, y = values(*shapes[0]), values(*shapes[1], seed=1)
    expected = x @ y
    x = np.swapaxes(x, -1, -2) if adjoints[0] else x
    y = np.swapaxes(y, -1, -2) if adjoints[1] else y
    attrs = {"adj_x": adjoints[0], "adj_y": adjoints[1]}
    check(OpCase("BatchMatMulV2", [x, y], attrs, expect=expected))


def test_complex_batches_are_conjugated():
    x, y = values(2, 3, 2, dtype=np.complex128), values(2, 3, 2, dtype=np.complex128, seed=1)
    expected = np.conj(np.swapaxes(x, -1, -2)) @ y
    check(OpCase("BatchMatMulV2", [x, y], {"adj_x": True}, expect=expected, compiles=False))
    check(OpCase("BatchMatMul", [x, y], {"adj_x": True}, expect=expected, compiles=False))


def test_mixed_types():
    x, y = np.ones((2, 3), np.int8), np.ones((3, 2), np.int8)
    check(OpCase("BatchMatMulV3", [x, y], {"Tout": "int32"}, expect=np.full((2, 2), 3)))
    check(OpCase("SparseMatMul", [values(2, 3, dtype=np.float32), values(3, 2, dtype=np.float32)]))


@pytest.mark.parametrize(
    ("op", "a", "b", "message"),
    [
        ("MatMul", (2, 3), (2, 3), r"Matrix size-incompatible: In\[0\]: \[2,3\], In\[1\]: \[2,3\]"),
        ("MatMul", (3,), (3, 2), r"different ndims: \[3\] vs. \[3,2\]"),
        ("MatMul", (3,), (3,), "ndims must be == 2: 1"),
        ("BatchMatMulV2", (2, 2, 3), (3, 3, 2), "compatible batch dimensions"),
        ("BatchMatMulV2", (2, 2, 3), (2, 2), "size-incompatible"),
        ("BatchMatMul", (2, 2, 3), (3, 2), "different ndims"),
    ],
)
def test_bad_shapes(op, a, b, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(np.ones(a), np.ones(b))


# -- einsum ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 2)]),
        ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]),
        ("ij,ij->", [(2, 3), (2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("abc->ca", [(2, 3, 2)]),
        ("ii->i", [(3, 3)]),
        ("ii->", [(3, 3)]),
        ("ab,b->a", [(2, 3), (3,)]),
        ("abcd,cdb->ba", [(2, 3, 4, 2), (4, 2, 3)]),
        ("abc,acd->abd", [(2, 0, 3), (2, 3, 2)]),
        ("abc,cd->abd", [(2, 3, 4), (4, 5)]),
        ("BTNH,BSNH->BNTS", [(2, 3, 2, 4), (2, 5, 2, 4)]),
        ("...a->...", [(2, 3, 4)]),
        ("ijk,l->jl", [(2, 3, 2), (4,)]),
        ("a...,a...->...", [(2, 3), (2, 3)]),
    ],
)
def test_einsum(equation, shapes):
    arrays = [values(*s, seed=i) for i, s in enumerate(shapes)]
    check(
        OpCase(
            "Einsum",
            [arrays],
            {"equation": equation},
            expect=np.einsum(equation, *arrays),
            name=equation,
        )
    )


@pytest.mark.parametrize(
    "equation, shapes",
    [
        ("...ij,...jk->...ik", [(5, 1, 2, 3), (4, 3, 2)]),
        ("i...j,j...k->...ik", [(2, 1, 4, 3), (3, 5, 1, 2)]),
        ("...ijk,...kl->...l", [(2, 2, 3, 4), (4, 2)]),
        ("...iij,...j->...i", [(4, 2, 2, 3), (3,)]),
        ("...ij,jk->ik", [(2, 3), (3, 2)]),
        ("...ij->ij...", [(4, 5, 2, 3)]),
    ],
)
def test_einsum_has_gradients_where_ranks_are_unknown(equation, shapes):
    inputs = [tf.constant(values(*shape, seed=i)) for i, shape in enumerate(shapes)]

    def gradients(*xs):
        with tf.GradientTape() as tape:
            tape.watch(xs)
            y = tf.sin(raw.Einsum(list(xs), equation=equation))
        return tape.gradient(y, xs)

    unknown = [tf.TensorSpec(None, tf.float64)] * len(shapes)
    traced = tf.function(gradients, input_signature=unknown, autograph=False)
    for found, expected in zip(traced(*inputs), gradients(*inputs), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_einsum_onto_a_diagonal():
    x = values(3)
    check(OpCase("Einsum", [[x]], {"equation": "i->ii"}, expect=np.diag(x)))


def test_einsum_of_complex_numbers():
    arrays = [values(2, 3, dtype=np.complex128), values(3, 2, dtype=np.complex128, seed=1)]
    check(
        OpCase(
            "Einsum",
            [arrays],
            {"equation": "ij,jk->ik"},
            expect=arrays[0] @ arrays[1],
            compiles=False,
        )
    )


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3), (2, 3)], "Expected dimension 3 at axis 0"),
        ("ij,jk->ik", [(2, 3)], "Expected 2 inputs but got: 1"),
        ("ijk->ik", [(2, 3)], "Expected input 0 to have rank 3 but got: 2"),
    ],
)
def test_bad_equations(equation, shapes, message):
    with pytest.raises(InvalidArgumentError, match=message):
        raw.Einsum([np.ones(s) for s in shapes], equation=equation)


def test_broadcast_axes_of_einsum_need_an_ellipsis_in_the_result():
    with pytest.raises(InvalidArgumentError, match=r"no ellipsis \(...\) was found"):
        raw.Einsum([np.ones([2, 2, 3], np.float32)], equation="...ij->ij")
