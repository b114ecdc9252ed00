"""Where updates of variables stand among kernels."""

import numpy as np

import penstock as tf
from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes

SHAPE = (512, 512)


class Step:
    """A step of two moments for some weights: `products` are their gradients, computed first; in `order` the kernels, by a word each."""

    def __init__(self, weights):
        p = self.p = LoweringContext()
        resource = (SHAPE, dtypes.float32)
        self.x = p.parameter(0, SHAPE, dtypes.float32)
        self.variables = [
            p.parameter(1 + i, SHAPE, dtypes.resource, variable=resource)
            for i in range(3 * weights)
        ]
        self.products = [p.matmul(p.exp(self.x * float(i)), self.x) for i in range(weights)]

    def update(self, rate):
        p = self.p
        for i, product in enumerate(self.products):
            mean, square, weight = self.variables[3 * i : 3 * i + 3]
            new_mean = p.read_variable(mean) * 0.9 + product
            new_square = p.read_variable(square) * 0.9 + product * product
            p.assign_variable(mean, new_mean)
            p.assign_variable(square, new_square)
            p.assign_variable(weight, p.read_variable(weight) - rate * new_mean / new_square)

    def order(self, *results):
        function = self.p.function("step", [self.x, *self.variables], list(results))
        words = {value.id: "update" for _, value in function.updates}
        words.update({check.condition.id: "check" for check in function.checks})
        return " ".join(
            filter(None, [_word(k, words) for k in schedule_function(function).kernels])
        )


def _word(kernel, words):
    """What a kernel is: a product, or what `words` says of its first outputs."""
    if isinstance(kernel, ContractKernel):
        return "product"
    return next((words[node.id] for node in kernel.outputs if node.id in words), "")


def test_a_variable_is_updated_before_the_next_gradient_is_computed():
    step = Step(3)
    step.update(0.1)
    assert step.order() == "product update product update product update"


def test_a_rate_that_is_computed_last_moves_up():
    step = Step(2)
    rate = step.p.exp(step.p.reduce_sum(step.x, (0, 1)))
    step.update(rate)
    assert step.order() == "product update product update"


def test_a_norm_of_all_gradients_is_waited_for():
    step = Step(2)
    p = step.p
    norms = [p.reduce_sum(product * product, (0, 1)) for product in step.products]
    step.update(norms[0] + norms[1])
    assert step.order() == "product product update update"


def test_an_old_value_is_read_before_it_is_overwritten():
    step = Step(1)
    behind = step.p.matmul(step.p.exp(step.x), step.p.read_variable(step.variables[2]))
    step.update(0.1)
    assert step.order(behind) == "product product update"


def test_no_variable_is_updated_before_a_check_of_the_program():
    step = Step(2)
    for product in reversed(step.products):
        step.p.check(step.p.reduce_all(step.p.lt(product, 8.0)), "too large")
    step.update(0.1)
    assert step.order() == "product check product check update update"


def test_a_step_that_a_check_ends_changes_nothing():
    first, second = (tf.Variable(tf.ones(SHAPE)) for _ in range(2))
    rows = tf.Variable(tf.ones([4, SHAPE[0]]))

    @tf.function
    def step(x, index):
        with tf.GradientTape() as tape:
            y = tf.gather(rows, index) @ (x @ first @ second)
            loss = tf.reduce_sum(tf.tanh(y))
        gradients = tape.gradient(loss, [first, second])
        bad = tf.gather(tf.range(4), index + 1)
        first.assign_sub(gradients[0])
        second.assign_sub(gradients[1])
        return loss + tf.cast(tf.reduce_sum(bad), tf.float32)

    x = np.full(SHAPE, 1e-4, np.float32)
    step(x, np.array([0]))
    before = first.numpy(), second.numpy()
    try:
        step(x, np.array([3]))
    except tf.errors.InvalidArgumentError:
        np.testing.assert_array_equal(first, before[0])
        np.testing.assert_array_equal(second, before[1])
    else:
        raise AssertionError("index 4 of 4 rows was taken")
