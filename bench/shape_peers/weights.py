"""The arrays of the models, small random numbers."""

import numpy as np

WIDTH, HEADS, LONGEST = 64, 4, 512


def drawn(random, *shape):
    """Returns small numbers."""
    return random.normal(0, 0.1, shape).astype(np.float32)


def transformer(random, words):
    """Returns (embedded words, embedded places, the arrays of two blocks)."""
    shapes = [
        (WIDTH,),
        (WIDTH, 3 * WIDTH),
        (WIDTH, WIDTH),
        (WIDTH,),
        (WIDTH, 4 * WIDTH),
        (4 * WIDTH, WIDTH),
    ]
    embedded = drawn(random, words, WIDTH), drawn(random, LONGEST, WIDTH)
    return (*embedded, [[drawn(random, *shape) for shape in shapes] for _ in range(2)])


def images(random):
    """Returns (three kernels, the last matrix)."""
    kernels = [drawn(random, 3, 3, *ends) for ends in ((3, 16), (16, 32), (32, 32))]
    return kernels, drawn(random, 32, 10)


def lstm(random):
    """Returns the matrices of inputs, of states and of the result."""
    return drawn(random, 16, 128), drawn(random, 32, 128), drawn(random, 32, 1)


def dense(random):
    """Returns two matrices."""
    return drawn(random, 20, 64), drawn(random, 64, 5)
