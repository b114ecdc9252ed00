"""What the calls of a case are given: drawn from one sequence of random numbers, so that all backends get the same."""

import itertools

import numpy as np

WORDS = 500


def texts(batch, trains):
    """Returns a function that draws texts of any length; `batch` is a number, or None for any."""

    def drawn(random):
        shape = batch or random.integers(2, 24), random.integers(10, 210)
        tokens = random.integers(0, WORDS, shape).astype(np.int32)
        return (tokens, tokens[:, ::-1].copy()) if trains else (tokens,)

    return drawn


def growing_text():
    """Returns a function that draws texts each of which is longer by a word."""
    lengths = itertools.count(5)
    return lambda random: (random.integers(0, WORDS, (2, next(lengths))).astype(np.int32),)


def images(random):
    """Draws images of any size."""
    height, width = random.integers(16, 80, 2)
    return (random.normal(size=(4, height, width, 3)).astype(np.float32),)


def sequences(random):
    """Draws sequences of any length."""
    return (random.normal(size=(16, random.integers(5, 60), 16)).astype(np.float32),)


def rows(random):
    """Draws a batch of any size with its classes."""
    count = random.integers(2, 300)
    x = random.normal(size=(count, 20)).astype(np.float32)
    return x, random.integers(0, 5, count).astype(np.int32)


# {case: a function that returns the function that draws}
DRAWN = {
    "text, training": lambda: texts(8, True),
    "text, training, any batch": lambda: texts(None, True),
    "text, any batch": lambda: texts(None, False),
    "growing text": growing_text,
    "images, training": lambda: images,
    "images": lambda: images,
    "lstm, training": lambda: sequences,
    "dense, training": lambda: rows,
}
