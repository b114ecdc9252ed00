"""Normal numbers of float64, beside Python's functions."""

import math

import numpy as np

from penstock._src.native.algorithms.normals import normals
from penstock._src.ops.random.distributions import words_to_float64


def test_pairs_round_like_the_c_library():
    words = np.random.default_rng(3).integers(0, 1 << 32, (500, 4), np.uint32)
    words[0, :2] = 0  # the least number
    pairs = np.empty((len(words), 2))
    normals().normals(words, len(words), np.array([1e-7]), pairs)
    for row, pair in zip(words, pairs, strict=True):
        share, turn = words_to_float64(row[:2]), words_to_float64(row[2:])
        radius, angle = math.sqrt(-2.0 * math.log(max(share, 1e-7))), 2.0 * math.pi * turn
        assert pair.tolist() == [math.sin(angle) * radius, math.cos(angle) * radius]
