"""What kernels raise becomes TensorFlow's errors, with the op, its inputs and the original error; users' errors pass."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import registry
from penstock._src.core.calls.refusals import refusal_of_values


def _refused(error_of, op="Neg", values=()):
    try:
        error_of()
    except Exception as error:
        return refusal_of_values(registry.find(op).instance({"T": tf.float32}), error, values)
    raise AssertionError("nothing was raised")


def test_a_resource_of_another_kind_is_refused():
    queue = tf.raw_ops.FIFOQueueV2(component_types=["float32"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="wrong type: got Queue"):
        tf.raw_ops.IteratorGetNext(iterator=queue, output_types=["int64"], output_shapes=[[]])


def test_errors_of_stateful_kernels_name_the_op_and_the_shapes_of_its_inputs():
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"size int32\[2, 2\].*Op:TensorArrayV3"
    ):
        tf.raw_ops.TensorArrayV3(size=np.ones((2, 2), np.int32), dtype="float32")


def test_a_lack_of_memory_is_exhaustion():
    refusal = _refused(lambda: np.empty(2**60, np.uint8))
    assert isinstance(refusal, tf.errors.ResourceExhaustedError)
    assert "Neg" in refusal.message and isinstance(refusal.__cause__, MemoryError)


def test_errors_of_functions_of_the_user_pass():
    def generate():
        yield 1
        raise KeyError("mine")

    refusal = _refused(lambda: list(generate()))
    assert isinstance(refusal, KeyError)


@pytest.mark.parametrize(
    "deep",
    [
        lambda x: tf.reshape(x, [1] * 70),
        lambda x: tf.broadcast_to(x, [1] * 70),
        lambda x: tf.fill([1] * 70, x[0]),
        lambda x: x[(None,) * 65][0],
    ],
)
def test_ranks_that_arrays_do_not_have_are_not_implemented(deep):
    for run in (deep, tf.function(deep)):
        with pytest.raises(tf.errors.UnimplementedError, match="more than 64 dimensions"):
            run(tf.constant([1.0]))


def test_reshape_refuses_ranks_that_tensorflow_refuses():
    for run in (tf.reshape, tf.function(tf.reshape)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be < 254, but received 254"):
            run(tf.constant([1.0]), tf.constant([1] * 254))
