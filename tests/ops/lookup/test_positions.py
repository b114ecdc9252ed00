"""KeyPositions: elements found among constant keys."""

import numpy as np
import pytest

import penstock as tf
from tests.harness.op_case import EXACT, OpCase, check

raw = tf.raw_ops
INTEGERS = np.array([-(2**63), -7, 0, 3, 2**40, 2**63 - 1])
WORDS = np.array([b"", b"a", b"ab", b"b\0", "ö".encode()], object)
CASES = {
    "integers": ([[3, 4, -7], [2**63 - 1, -(2**63), 1]], INTEGERS),
    "narrow integers": (np.int32([5, 6, -1]), np.int32([-1, 5])),
    "no elements": (np.zeros((0, 2), np.int64), INTEGERS),
    "no keys": ([1, 2], np.zeros(0, np.int64)),
    "one key": ([1, 2, 3], np.array([2])),
    "words": (np.array([[b"ab", b"b"], [b"b\0", "ö".encode()]], object), WORDS),
    "no words": (np.array([b"ab"], object), WORDS[:0]),
}


@pytest.mark.parametrize("x, keys", CASES.values(), ids=CASES)
def test_positions(x, keys):
    x, places = np.asarray(x), {key: i for i, key in enumerate(keys.tolist())}
    expected = np.array([places.get(e, -1) for e in x.reshape(-1).tolist()], np.int64)
    np.testing.assert_array_equal(
        raw.KeyPositions(x=x, keys=keys), expected.reshape(x.shape), strict=True
    )
    check(OpCase("KeyPositions", [x, keys], compiles=False, lowers=False, tolerance=EXACT))  # fmt: skip
    given = tf.constant(x)
    held = tf.constant(keys)

    @tf.function(input_signature=[tf.TensorSpec([None] * x.ndim, given.dtype)])
    def found(x):
        return raw.KeyPositions(x=x, keys=held)

    np.testing.assert_array_equal(found(given), expected.reshape(x.shape), strict=True)
    assert given.dtype == tf.string or "host" not in str(found.explain(given))


@pytest.mark.parametrize("keys", [[2, 1], [1, 1], [[1]]])
def test_keys_that_do_not_increase_are_refused(keys):
    with pytest.raises(tf.errors.InvalidArgumentError, match="keys must be"):
        raw.KeyPositions(x=[1], keys=keys)
