"""The status of conversions: `tensorflow.python.autograph.core.ag_ctx`."""

import pytest

import penstock as tf
from penstock._src.bridge.internals.autograph import (
    ControlStatusCtx,
    NullCtx,
    PyToTF,
    Status,
    control_status_ctx,
)


def test_blocks_set_the_status():
    assert control_status_ctx().status is Status.UNSPECIFIED
    with ControlStatusCtx(Status.DISABLED), NullCtx():
        assert control_status_ctx().status is Status.DISABLED
        with ControlStatusCtx(Status.ENABLED):
            assert control_status_ctx().status is Status.ENABLED
    assert control_status_ctx().status is Status.UNSPECIFIED


def test_values_of_loops_that_are_none():
    @tf.function
    def broken(n):
        total = None
        for i in tf.range(n):
            total = total + i
        return total

    with pytest.raises(ValueError, match="'total' is not allowed to be None before the loop"):
        broken(tf.constant(3))


def test_conversions_of_single_rewrites_are_refused():
    with pytest.raises(tf.errors.UnimplementedError, match="to_graph"):
        PyToTF()
