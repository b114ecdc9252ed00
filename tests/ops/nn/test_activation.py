"""Activations and softmax losses against float64 NumPy, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5)) * 3
DY = RNG.normal(size=(3, 5))
LABELS = RNG.dirichlet(np.ones(5), 3)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(x, y):
    return [-(y * np.log(softmax(x))).sum(-1), softmax(x) - y]


CASES = [
    OpCase("Relu", [X], expect=lambda x: np.maximum(x, 0)),
    OpCase("Relu", [np.arange(-3, 4, dtype=np.int32)], expect=lambda x: np.maximum(x, 0)),
    OpCase("Relu6", [X * 2], expect=lambda x: np.clip(x, 0, 6)),
    OpCase("LeakyRelu", [X], {"alpha": 0.25}, expect=lambda x: np.where(x > 0, x, 0.25 * x)),
    OpCase("Elu", [X], expect=lambda x: np.where(x > 0, x, np.expm1(x))),
    OpCase("Selu", [X]),
    OpCase("Softplus", [X], expect=lambda x: np.log1p(np.exp(x))),
    OpCase("Softplus", [np.array([800.0, -800.0])], expect=np.array([800.0, 0.0])),
    OpCase("Softsign", [X], expect=lambda x: x / (np.abs(x) + 1)),
    OpCase("SoftplusGrad", [DY, X]),
    OpCase("EluGrad", [DY, X]),
    OpCase("Softmax", [X], expect=softmax),
    OpCase("Softmax", [np.array([[1e4, -1e4, 0.0]])], expect=np.array([[1.0, 0.0, 0.0]])),
    OpCase("LogSoftmax", [X], expect=lambda x: np.log(softmax(x))),
    OpCase("SoftmaxCrossEntropyWithLogits", [X, LABELS], gradient=(0,)),
    OpCase("SparseSoftmaxCrossEntropyWithLogits", [X, np.array([1, 0, 4])]),
    OpCase("L2Loss", [X], expect=lambda x: np.sum(x * x) / 2),
    OpCase("BiasAdd", [X, np.arange(5.0)], expect=lambda x, b: x + b),
    OpCase("BiasAddGrad", [RNG.normal(size=(2, 3, 4, 5))], expect=lambda x: x.sum((0, 1, 2))),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_activation(case):
    check(case)


def test_a_label_out_of_range_is_rejected():
    with pytest.raises(InvalidArgumentError, match="label value of 5 which is outside the valid"):
        raw.SparseSoftmaxCrossEntropyWithLogits(features=X, labels=np.array([1, 5, 0]))


def test_a_bias_of_another_length_is_rejected():
    with pytest.raises(
        InvalidArgumentError, match=r"Must provide as many biases .*\[4\] vs. \[3,5\]"
    ):
        raw.BiasAdd(value=X, bias=np.ones(4))


def test_the_second_derivative_of_softsign():
    def derivatives(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.nn.softsign(x)
            slope = inner.gradient(y, x)
        return outer.gradient(slope, x)

    x = np.array([-3.0, -0.5, 0.0, 0.5, 1e300])
    expected = -2 * np.sign(x) / (np.abs(x) + 1) / (np.abs(x) + 1) / (np.abs(x) + 1)
    for function in derivatives, tf.function(derivatives):
        np.testing.assert_allclose(function(tf.constant(x)).numpy(), expected, rtol=1e-15)
