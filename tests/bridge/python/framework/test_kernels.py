"""The dtypes that ops take on the CPU, as KernelList messages."""

import penstock as tf
from penstock._src.bridge.python.framework.kernels import (
    get_all_registered_kernels,
    get_registered_kernels_for_op,
)


def constraints(name):
    return [
        {limit.name: list(limit.allowed_values.list.type) for limit in kernel.constraint}
        for kernel in get_registered_kernels_for_op(name).kernel
    ]


def test_an_op_has_a_kernel_for_each_dtype():
    dtypes = {tf.as_dtype(kernel["T"][0]) for kernel in constraints("Conv2D")}
    assert dtypes == {tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.int32}


def test_ops_of_any_dtype_are_not_constrained_and_unknown_ones_have_no_kernel():
    assert constraints("Cast") == [{}]
    assert constraints("Nope") == []


def test_all_ops_are_listed():
    assert {"MatMul", "TensorListStack"} <= {k.op for k in get_all_registered_kernels().kernel}
