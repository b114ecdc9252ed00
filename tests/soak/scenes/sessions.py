"""TensorFlow 1: graphs built, sessions opened and closed."""

from collections.abc import Callable

import numpy as np

import penstock.compat.v1 as tf1


def sessions() -> Callable[[int], None]:
    """A graph with a variable and an optimizer's step, run in a session that is closed."""

    def step(i: int) -> None:
        with tf1.Graph().as_default():
            x = tf1.placeholder(tf1.float32, [None, 4])
            weights = tf1.get_variable("w", [4, 4], initializer=tf1.ones_initializer())
            loss = tf1.reduce_mean(tf1.square(tf1.matmul(x, weights) - x))
            train = tf1.train.GradientDescentOptimizer(0.1).minimize(loss)
            with tf1.Session() as session:
                session.run(tf1.global_variables_initializer())
                for _ in range(3):
                    session.run([train, loss], {x: np.ones([2, 4], np.float32)})

    return step
