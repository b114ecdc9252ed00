"""Static shapes of what linear operators compute from tensors whose batch is unknown."""

import pytest

import penstock as tf

L = tf.linalg
ONE = {
    "identity": lambda: L.LinearOperatorIdentity(2),
    "scaled": lambda: L.LinearOperatorScaledIdentity(2, 3.0),
    "diagonal": lambda: L.LinearOperatorDiag([1.0, 2.0]),
    "matrix": lambda: L.LinearOperatorFullMatrix([[1.0, 2.0], [3.0, 5.0]]),
    "block": lambda: L.LinearOperatorBlockDiag([L.LinearOperatorIdentity(2)]),
    "blocks": lambda: L.LinearOperatorBlockDiag(
        [L.LinearOperatorFullMatrix([[2.0]]), L.LinearOperatorIdentity(1)]
    ),
    "triangle": lambda: L.LinearOperatorBlockLowerTriangular(
        [[L.LinearOperatorIdentity(1)], [L.LinearOperatorIdentity(1)] * 2]
    ),
}


def shapes_of(make, *extents):
    found = []

    @tf.function(input_signature=[tf.TensorSpec(extents)], autograph=False)
    def run(x):
        operator = make()
        found.extend(y.shape.as_list() for y in (operator.matmul(x), operator.solve(x)))
        found.append(operator.add_to_tensor(operator.matmul(x, adjoint_arg=True)).shape.as_list())
        return x

    run.get_concrete_function()
    return found


@pytest.mark.parametrize("name", ONE)
def test_rows_and_columns_stay_known(name):
    assert shapes_of(ONE[name], None, 2, 2) == [[None, 2, 2]] * 3


@pytest.mark.parametrize("name", ["block", "blocks", "triangle"])
def test_blocks_have_the_rows_of_their_operators(name):
    products = shapes_of(ONE[name], None, None, 2)[:2]
    assert products == [[None, 2, 2]] * 2


def test_loops_keep_shapes_of_products_of_blocks():
    @tf.function(input_signature=[tf.TensorSpec([None, 2, 1])], autograph=False)
    def run(x):
        step = ONE["blocks"]().matmul
        return tf.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, step(x)), (0, x))[1]

    assert run(tf.ones([3, 2, 1])).numpy()[0].tolist() == [[4.0], [1.0]]
