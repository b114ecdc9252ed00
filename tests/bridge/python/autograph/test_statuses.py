"""Assertions, values that are not set, the status of conversions and its log: `tensorflow.python.autograph`."""

import pytest

import penstock as tf
from penstock._src.bridge.internals.autograph import (
    ControlStatusCtx,
    NullCtx,
    Status,
    control_status_ctx,
)
from penstock._src.bridge.python.autograph.impl import api
from penstock._src.bridge.python.autograph.operators import exceptions, logical, py_builtins
from penstock._src.bridge.python.autograph.operators.variables import Undefined
from penstock._src.bridge.python.autograph.utils import ag_logging


def test_assertions_of_graphs_are_operations_with_all_parts():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        check = exceptions.assert_stmt(tf.constant(False), lambda: [tf.constant("one"), "two"])
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"one.*two"):
            session.run(check)
    with pytest.raises(tf.errors.InvalidArgumentError, match="message"):
        exceptions.assert_stmt(tf.constant(False), lambda: "message")


def test_messages_of_assertions_are_functions_without_arguments():
    with pytest.raises(ValueError, match="must be a callable"):
        exceptions.assert_stmt(True, "message")
    with pytest.raises(ValueError, match="may not have any arguments"):
        exceptions.assert_stmt(True, lambda part: part)


def test_not_of_an_eager_tensor_is_a_tensor():
    assert isinstance(logical.not_(tf.constant(True)), tf.Tensor)
    assert logical.not_(0) is True


def test_parts_of_undefined_values_are_undefined():
    value = Undefined("x")
    assert isinstance(value.part, Undefined) and isinstance(value[0], Undefined)
    assert value.symbol_name == "x" and value.__class__ is Undefined
    with pytest.raises(UnboundLocalError, match="x"):
        value.read()


def test_length_of_an_array_of_tensors():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        assert session.run(py_builtins.len_(tf.TensorArray(tf.int32, 3))) == 3


def test_blocks_set_the_status():
    assert control_status_ctx().status is Status.UNSPECIFIED
    with ControlStatusCtx(Status.DISABLED), NullCtx():
        assert control_status_ctx().status is Status.DISABLED
        with ControlStatusCtx(Status.ENABLED):
            assert control_status_ctx().status is Status.ENABLED
        status = api.call_with_unspecified_conversion_status(lambda: control_status_ctx().status)
        assert status() is Status.UNSPECIFIED
    assert control_status_ctx().status is Status.UNSPECIFIED


def test_where_conversion_is_disabled_functions_run_as_they_are():
    def sign(x):
        return 1 if x > 0 else -1

    with tf.Graph().as_default(), ControlStatusCtx(Status.DISABLED):
        with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
            api.converted_call(sign, (tf.constant(1),), None)


def test_values_of_loops_that_are_none():
    @tf.function
    def broken(n):
        total = None
        for i in tf.range(n):
            total = total + i
        return total

    with pytest.raises(ValueError, match="'total' is not allowed to be None before the loop"):
        broken(tf.constant(3))


def test_the_log_is_printed_from_its_level_on(capsys, monkeypatch):
    monkeypatch.setattr(ag_logging, "verbosity_level", None)
    monkeypatch.setenv("AUTOGRAPH_VERBOSITY", "1")
    assert ag_logging.get_verbosity() == 1
    ag_logging.set_verbosity(0, True)
    ag_logging.log(1, "hidden")
    ag_logging.set_verbosity(2, True)
    ag_logging.log(1, "shown %s", "here")
    ag_logging.set_verbosity(0, False)
    assert capsys.readouterr().out == "shown here\n"
    assert ag_logging.has_verbosity(0) and not ag_logging.has_verbosity(1)
