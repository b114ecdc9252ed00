"""Functions that call themselves, and variables that begin with an argument."""

import penstock as tf


def factorial(n):
    return tf.constant(1) if n == 0 else n * factorial(n - 1)


def test_recursion():
    assert tf.function(factorial)(5).numpy() == 120

    def inner(n):
        return tf.constant(0) if n == 0 else n + inner(n - 1)

    assert tf.function(inner)(4).numpy() == 10


def test_a_variable_that_begins_with_an_argument():
    class Model:
        variable = None

        @tf.function
        def __call__(self, x):
            if self.variable is None:
                self.variable = tf.Variable(x * 2)
            return self.variable.assign_add(x)

    model, other = Model(), Model()
    assert [float(model(tf.constant(1.0))) for _ in range(2)] == [3, 4]
    assert float(other(tf.constant(4.0))) == 12
    assert model.variable.numpy() == 4


def test_updates_of_threads_all_count():
    import threading

    count = tf.Variable(0)
    step = tf.function(lambda: count.assign_add(1))
    step()

    def run():
        for _ in range(200):
            step()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.numpy() == 801
