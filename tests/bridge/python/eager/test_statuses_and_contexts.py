"""Contexts, statuses and attributes at the private paths of eager execution."""

import pytest

import penstock as tf
from penstock._src.bridge.python.eager import context, core, execute


def test_each_context_has_its_own_scope_name():
    own = context.Context()
    own.scope_name = "foo"
    assert own.scope_name == "foo" and context.context().scope_name == ""


def test_the_device_of_a_scope_has_its_full_name():
    own = context.Context()
    assert own.device_name == ""
    with tf.device("CPU:0"):
        assert own.device_name == "/job:localhost/replica:0/task:0/device:CPU:0"


def test_a_status_becomes_the_error_of_its_code():
    error = core._status_to_exception(core._NotOkStatusException("said", 12, None))
    assert isinstance(error, tf.errors.UnimplementedError) and error.message == "said"
    unknown = core._status_to_exception(core._NotOkStatusException("said", 1000, None))
    assert isinstance(unknown, tf.errors.UnknownError)


def test_attributes_of_another_kind_are_refused():
    shape = ("shape", [object()], "dtype", 1, "container", "", "shared_name", "")
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Expecting a Dimension for attr shape"
    ):
        execute.execute(b"VarHandleOp", 1, [], shape)


def test_eager_tensors_are_unhashable_also_by_identity():
    tf.compat.v1.disable_tensor_equality()
    try:
        with pytest.raises(TypeError, match="unhashable"):
            hash(tf.constant(1.0))
    finally:
        tf.compat.v1.enable_tensor_equality()


def test_an_implementation_is_chosen_in_calls_that_follow():
    def implementing(device, function):
        attributes = {"api_implements": "own", "api_preferred_device": device}
        return tf.function(function, experimental_attributes=attributes)

    on_cpu = implementing("CPU", lambda x: x + 2)
    on_gpu = implementing("GPU", lambda x: x + 4)

    @tf.function
    def run(x):
        on_cpu.get_concrete_function(x).add_to_graph()
        return on_gpu(x)

    assert int(run(tf.constant(1))) == 3


def test_an_executor_that_there_is_not_is_not_found():
    with pytest.raises(tf.errors.NotFoundError, match="NO_SUCH"):
        with tf.experimental.function_executor_type("NO_SUCH"):
            pass
