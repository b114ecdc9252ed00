"""Classes that borrow the operators of tensors, as Keras 2's symbolic tensors do, are asked through dispatchers."""

import re

import numpy as np
import pytest

import penstock as tf


class Symbol:
    def __init__(self, text, dtype=None):
        self.text = text
        if dtype is not None:
            self.dtype = dtype


for name in tf.Tensor.OVERLOADABLE_OPERATORS:
    setattr(Symbol, name, getattr(tf.Tensor, name))


def text(value):
    return value.text if isinstance(value, Symbol) else str(value)


class Dispatcher(tf.__internal__.dispatch.GlobalOpDispatcher):
    def handle(self, op, args, kwargs):
        if not any(isinstance(a, Symbol) for a in tf.nest.flatten([args, kwargs])):
            return self.NOT_SUPPORTED
        return Symbol(f"{op.__name__}({', '.join(map(text, args))})")


Dispatcher().register()
a, b = Symbol("a"), Symbol("b")


@pytest.mark.parametrize(
    "operate, shown",
    [
        (lambda: a + b, "add_operands(a, b)"),
        (lambda: 2 - a, "subtract(2, a)"),
        (lambda: a @ b, "matmul(a, b)"),
        (lambda: a / 2, "truediv(a, 2)"),
        (lambda: a < b, "less(a, b)"),
        (lambda: -a, "negative(a)"),
        (lambda: ~a, "logical_not(a)"),
        (lambda: a == b, "equal(a, b)"),
        (lambda: tf.nn.relu(a), "relu(a)"),
    ],
)
def test_operators_of_another_class(operate, shown):
    assert operate().text == shown


@pytest.mark.parametrize(
    ("operate", "shown"),
    [
        (lambda x, _: 1 + x, "add_operands(1.0, x)"),
        (lambda x, _: 2 - x, "subtract(2.0, x)"),
        (lambda x, _: 2**x, "pow(2.0, x)"),
        (lambda x, _: [3] * x, "multiply([3.], x)"),
        (lambda x, _: np.float64(2) / x, "truediv(2.0, x)"),
        (lambda _, n: 5 % n, "floormod(5, n)"),
        (lambda _, n: n & 3, "bitwise_and(n, 3)"),
        (lambda _, n: 1 | n, "bitwise_or(1, n)"),
        (lambda _, n: n ^ 3, "bitwise_xor(n, 3)"),
        (lambda _, n: ~n, "invert(n)"),
    ],
)
def test_operators_regard_the_dtype_of_another_class(operate, shown):
    dispatched = operate(Symbol("x", tf.float32), Symbol("n", tf.int32)).text
    numbers = re.sub(r"tf.Tensor\(([^,]*), shape[^)]*\), dtype=\w+\)", r"\1", dispatched)
    assert numbers == shown


def test_a_function_made_by_eager_code_has_an_outer_graph():
    graph = tf.function(lambda: tf.constant(1)).get_concrete_function().graph
    assert graph.enclosing is None and isinstance(graph.outer_graph, tf.Graph)
    assert not hasattr(graph.outer_graph, "outer_graph")


class Doubled(tf.experimental.ExtensionType):
    """Stands for twice a tensor, as deferred tensors of TensorFlow Probability do."""

    half: tf.Tensor


tf.register_tensor_conversion_function(
    Doubled, lambda value, dtype=None, name=None, as_ref=False: value.half * 2
)


def test_composites_that_convert_are_operands_of_tensors():
    x, y = tf.constant([1.0, 5.0]), Doubled(tf.constant([2.0, 2.5]))
    assert (x - y).numpy().tolist() == [-3.0, 0.0]
    assert (x < y).numpy().tolist() == [True, False]
    assert (x == y).numpy().tolist() == [False, True]


def test_conversion_asks_dispatchers():
    assert text(tf.convert_to_tensor(a)).startswith("convert_to_tensor")
    assert text(tf.compat.v1.convert_to_tensor(a)).startswith("convert_to_tensor")
