"""What the debugger's ops tell of a tensor. The numbers are TensorFlow's."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
X = np.array([[np.nan, np.inf, -np.inf], [0, 2, -3]], np.float32)


def test_identities_pass_the_tensor_on():
    for made in (raw.DebugIdentity(input=X, tensor_name="a:0"), raw.DebugIdentityV2(input=X)):
        np.testing.assert_array_equal(made, X)


@pytest.mark.parametrize("op", [raw.DebugIdentity, raw.DebugNanCount, raw.DebugNumericSummary])
def test_a_watched_tensor_has_a_name(op):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Failed to parse tensor name"):
        op(input=X)


def test_counts():
    assert raw.DebugNanCount(input=X, tensor_name="a:0").numpy().tolist() == [1]
    told = raw.DebugNumericSummary(input=X, tensor_name="a:0", lower_bound=-2.0, upper_bound=1.5)
    expected = [1, 6, 1, 2, 0, 1, 0, 2, -3, 2, -1 / 3, 4.222222222, 1, 2, 2, 3]
    np.testing.assert_allclose(told, expected)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (2, [7, 1]),
        (3, [7, 6, 1, 1, 1]),
        (4, [7, -1, 1, 2, 6, 1, 1, 1, 1, 1, 1]),
        (5, [7, 1, 2, 6, 2, 3, 0, 0, 0, 0]),
        (8, [-np.inf, np.inf, np.nan]),
    ],
)
def test_modes(mode, expected):
    told = raw.DebugNumericSummaryV2(input=X, tensor_debug_mode=mode, tensor_id=7)
    np.testing.assert_array_equal(told, expected)


def test_a_cpu_has_no_pinned_memory():
    raw.SyncDevice()
    with pytest.raises(tf.errors.FailedPreconditionError, match="pinnedness"):
        raw.CheckPinned(tensor=X)
