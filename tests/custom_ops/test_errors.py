"""What `penstock.op` and its ops refuse: messages name the op and the argument."""

import numpy as np
import pytest

import penstock as tf
from tests.custom_ops import my_ops

ERRORS = (TypeError, ValueError, tf.errors.InvalidArgumentError)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: my_ops.swish(), "Swish: missing a required argument: 'x'"),
        (lambda: my_ops.swish(1.0, 2.0), "Swish: too many positional"),
        (
            lambda: my_ops.power(1.0, exponent=2),
            "Power: got an unexpected keyword argument 'exponent'",
        ),
        (
            lambda: my_ops.power(1.0, power=2.5),
            "Power: attribute 'power': expected int. Received 2.5",
        ),
        (lambda: my_ops.growth(1.0, rate="a"), "Growth: attribute 'rate': expected float"),
        (lambda: my_ops.power(None), "Power: argument 'x'"),
        (lambda: my_ops.hypotenuse(1.0, object()), "Hypotenuse: argument 'y'"),
        (
            lambda: my_ops.growth(tf.ragged.constant([[1.0]])),
            "Growth: argument 'x': expected a tensor",
        ),
    ],
)
def test_arguments(call, said):
    with pytest.raises(ERRORS, match=said):
        call()


def made(function, **options):
    return tf.op(function, name="Refused", **options)


@pytest.mark.parametrize(
    ("options", "function", "said"),
    [
        ({"dtype": "int32"}, lambda x: x * 1.5, "Refused: its result must be int32. .* float32"),
        (
            {"shape": lambda x: [x[0] + 1]},
            lambda x: x,
            r"must have the shape \(3,\).* returned \(2,\)",
        ),
        ({"dtype": ["x", "x"]}, lambda x: x, "Refused: expected 2 results. .* one value"),
        ({"dtype": ["x", "x"], "shape": lambda x: [x]}, lambda x: (x, x), "expected 2 shapes"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_results_of_numpy_functions(options, function, said, wrap):
    op = made(function, kind="numpy", **options)
    with pytest.raises(ERRORS, match=said):
        wrap(lambda x: op(x))(tf.constant([1.0, 2.0]))


def test_errors_of_the_function_say_of_which_op():
    def change(x):
        x += 1
        return x

    with pytest.raises(ValueError, match="read-only") as caught:
        made(change, kind="numpy")([1.0, 2.0])
    assert caught.value.__notes__ == ["Raised by the function of Refused for x: float32[2]."]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_primitives_that_do_not_fit(wrap):
    op = made(lambda p, x: p.reshape(x, [7]), kind="primitives")
    with pytest.raises(ERRORS, match="Refused: .*reshape"):
        wrap(lambda x: op(x))(tf.ones([3, 2]))


@pytest.mark.parametrize("kind", ["tensors", "numpy"])
@pytest.mark.parametrize(
    ("gradient", "said"),
    [
        (lambda x, y, z, dz: dz, "must return 2 gradients, one for each of x, y. It returned 1"),
        (
            lambda x, y, z, dz: (dz, dz[0]),
            r"gradient of 'y' must have its shape \(2,\). It has \(\)",
        ),
        (lambda x, y, z, dz: (dz, tf.cast(dz, tf.float64)), "'y' must be float32. It is float64"),
        (lambda x, dz: (dz, dz), r"must take 4 tensors: the inputs \(x, y\), 1 results"),
    ],
)
def test_gradients(kind, gradient, said):
    x = tf.constant([1.0, 2.0])
    with pytest.raises(ERRORS, match=f"Refused: .*{said}"), tf.GradientTape() as tape:
        tape.watch(x)
        op = made(lambda x, y: x * y, kind=kind, gradient=gradient)
        tape.gradient(op(x, x), x)


def test_an_op_without_gradient():
    x = tf.constant([1.0, 2.0])
    for options, expected in (({}, LookupError), ({"differentiable": False}, None)):
        op = made(lambda x: np.sign(x), kind="numpy", **options)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = op(x)
        if expected is None:
            assert tape.gradient(y, x) is None
        else:
            with pytest.raises(expected, match="Refused"):
                tape.gradient(y, x)


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (3, {}, "expected a function"),
        (lambda x: x, {}, "`name` is required"),
        (lambda *xs: xs, {"name": "Refused"}, "fixed number of tensors"),
        (
            lambda x, *, k: x,
            {"name": "Refused", "kind": "numpy"},
            "attribute 'k' must be annotated",
        ),
        (lambda x: x, {"name": "Refused", "kind": "cuda"}, "'tensors', 'numpy' or 'primitives'"),
        (lambda x: x, {"name": "any"}, "a name such as"),
        (lambda x: x, {"name": "MatMul"}, "MatMul is already an operation"),
        (lambda x: x, {"name": "MyOps>Power"}, "already an operation of tests.custom_ops"),
        (lambda x: x, {"name": "Refused", "shape": "x"}, "shape is for functions of arrays"),
        (lambda x: x, {"name": "Refused", "kind": "numpy", "shape": "y"}, "there is no tensor 'y'"),
        (lambda: 1, {"name": "Refused", "kind": "numpy"}, "needs `dtype`"),
    ],
)
def test_definitions(function, options, said):
    if options.get("name") == "MyOps>Power":
        options = {**options, "name": my_ops.power.__penstock_op__.name, "kind": "numpy"}
    with pytest.raises(ERRORS, match=said):
        tf.op(**options)(function)
