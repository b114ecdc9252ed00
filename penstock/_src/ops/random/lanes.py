"""Vectorized substreams: each output of a rejection method has its own part of the stream."""

import numpy as np

from penstock._src.native.algorithms.philox import philox
from penstock._src.ops.random.distributions import RESERVED_WORDS, box_muller64, words_to_float64
from penstock._src.ops.random.philox import Stream, blocks_at


class Lanes:
    """For each output, its position in its part of the stream and the unused numbers of its last block.

    The numbers of a block are used from last to first.
    """

    def __init__(self, stream: Stream, outputs: np.ndarray, reserved: int = RESERVED_WORDS) -> None:
        self.stream = stream
        self.cursor = outputs.astype(np.uint64) * np.uint64(reserved)
        count = outputs.size
        self.uniforms = np.zeros((count, 2))
        self.normals = np.zeros((count, 2))
        self.uniforms_left = np.zeros(count, np.int64)
        self.normals_left = np.zeros(count, np.int64)

    def _block(self, lanes: np.ndarray) -> np.ndarray:
        words = blocks_at(self.stream, self.cursor[lanes])
        self.cursor[lanes] += np.uint64(1)
        return words

    def uniform(self, lanes: np.ndarray) -> np.ndarray:
        """The next uniform number of each of these lanes."""
        empty = lanes[self.uniforms_left[lanes] == 0]
        if empty.size:
            self.uniforms[empty] = words_to_float64(self._block(empty).reshape(-1, 2, 2))
            self.uniforms_left[empty] = 2
        self.uniforms_left[lanes] -= 1
        return self.uniforms[lanes, self.uniforms_left[lanes]]

    def products(self, lanes: np.ndarray, least: np.ndarray) -> np.ndarray:
        """Number of uniform numbers of each of these lanes, which have given none, are multiplied until the product is at most
        `least`, but for the last."""
        offsets, counts = self.cursor[lanes], np.empty(lanes.size)
        arguments = offsets, lanes.size, np.ascontiguousarray(least), counts
        philox().products(*self.stream.signed_words, *arguments)
        return counts

    def successes(
        self, lanes: np.ndarray, trials: np.ndarray, logarithms: np.ndarray
    ) -> np.ndarray:
        """Numbers of waiting times, of which these lanes have given none, that the numbers of trials suffice for; `logarithms` are those of the probabilities of failure."""
        offsets, counts = self.cursor[lanes], np.empty(lanes.size)
        arrays = (np.ascontiguousarray(trials), np.ascontiguousarray(logarithms), counts)
        philox().successes(*self.stream.signed_words, offsets, lanes.size, *arrays)
        return counts

    def normal(self, lanes: np.ndarray) -> np.ndarray:
        """The next standard normal number of each of these lanes, in double precision."""
        empty = lanes[self.normals_left[lanes] == 0]
        if empty.size:
            self.normals[empty] = box_muller64(self._block(empty))
            self.normals_left[empty] = 2
        self.normals_left[lanes] -= 1
        return self.normals[lanes, self.normals_left[lanes]]
