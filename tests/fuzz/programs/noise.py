"""What rounding may change: programs run once more with every result perturbed by its rounding.

Where a perturbed run takes another branch, or its results leave the others by more than a few parts in a hundred, the program says
nothing about a compiler, and what made it so is not drawn. What is left differs by the tolerance that comparisons need.
"""

import numpy as np

# The distance of 1 to the next number, times what the best kernels are off by.
ROUNDING = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-23, "float64": 2**-52}
ROUNDING |= {"complex64": ROUNDING["float32"], "complex128": ROUNDING["float64"]}
FACTOR = 4


class Noise:
    """`noise(name, y, *sources)` in a program's text; sources are given for what sums their products."""

    def __init__(self, tf, seed):
        self.tf, self.random = tf, np.random.default_rng(seed)

    def __call__(self, _name, y, *sources, floor=0.0):
        tf = self.tf
        if not tf.is_tensor(y) or y.dtype.name not in ROUNDING or not tf.executing_eagerly():
            return y
        size = FACTOR * ROUNDING[y.dtype.name]
        wide = "complex128" if y.dtype.is_complex else "float64"
        shape = tuple(y.shape)
        spread = 1 + size * self.random.uniform(-1, 1, shape)
        if y.dtype.is_complex:  # each part of a product errs by the size of the whole
            spread = spread + 1j * size * self.random.uniform(-1, 1, shape)
        made = tf.cast(y, wide) * tf.cast(tf.constant(spread), wide)
        if sources or floor:
            biggest = largest(y.numpy())
            product = np.prod(
                [largest(s.numpy()) for s in sources if s.dtype == y.dtype] or [floor]
            )
            terms = max([s.shape.num_elements() for s in sources], default=1) / max(
                y.shape.num_elements(), 1
            )
            size *= max(1.0, terms / 16) ** 0.5  # the errors of a sum walk at random
            offset = size * (biggest + product) * self.random.uniform(-1, 1, shape)
            made = made + tf.cast(tf.constant(offset), wide)
        return tf.cast(made, y.dtype)


def largest(array):
    """Returns the largest absolute value among the finite."""
    if array.dtype.kind in "biu":
        return float(np.max(np.abs(array.astype(np.float64)), initial=0))
    wide = np.abs(array.astype(np.complex128 if array.dtype.kind == "c" else np.float64))
    return float(np.max(wide, initial=0, where=np.isfinite(wide)))


def distance(a, b):
    """Returns the largest difference, infinite where shapes, types or what is finite differ."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return np.inf
    if a.dtype.kind in "biu" or a.dtype == object:
        return 0.0 if np.array_equal(a, b) else np.inf
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    a, b = a.astype(wide), b.astype(wide)
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        found = np.where(same, 0, np.abs(a - b))
    return np.inf if np.isnan(found).any() else float(np.max(found, initial=0))
