"""Variables, scatters and the update rules of optimizers."""

import numpy as np
import pytest

import penstock._src.api.load  # noqa: F401
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.core.registry import raw

RNG = np.random.default_rng(7)


def variable(value):
    value = np.asarray(value)
    handle = raw.VarHandleOp(dtype=value.dtype.name, shape=value.shape)
    raw.AssignVariableOp(resource=handle, value=value)
    return handle


def read(handle, dtype="float32"):
    return raw.ReadVariableOp(resource=handle, dtype=dtype).numpy()


def test_a_read_is_a_snapshot():
    handle = variable(np.float32([1, 2]))
    before = raw.ReadVariableOp(resource=handle, dtype="float32")
    raw.AssignAddVariableOp(resource=handle, value=np.float32([1, 1]))
    assert before.numpy().tolist() == [1, 2]
    assert read(handle).tolist() == [2, 3]


def test_variables_refuse_reads_before_values_and_other_shapes():
    handle = raw.VarHandleOp(dtype="float32", shape=[2])
    with pytest.raises(FailedPreconditionError, match="Could not find variable"):
        read(handle)
    assert not raw.VarIsInitializedOp(resource=handle).numpy()
    raw.AssignVariableOp(resource=handle, value=np.float32([1, 2]))
    with pytest.raises(InvalidArgumentError, match=r"shape \[2\] using a Tensor with shape \[3\]"):
        raw.AssignAddVariableOp(resource=handle, value=np.ones(3, np.float32))
    with pytest.raises(InvalidArgumentError, match="wrong dtype"):
        raw.AssignVariableOp(resource=handle, value=np.array([1, 2]))
    with pytest.raises(InvalidArgumentError, match=r"indices\[0\] = 5 is not in \[0, 2\)"):
        raw.ResourceScatterAdd(resource=handle, indices=[5], updates=np.float32([1]))
    with pytest.raises(
        InvalidArgumentError, match=r"indices \(\[2\]\) must be a prefix of .*\[3\]"
    ):
        raw.ResourceScatterAdd(resource=handle, indices=[0, 1], updates=np.float32([1, 2, 3]))
    with pytest.raises(InvalidArgumentError, match=r"Must have updates.shape = indices.shape \+"):
        raw.ResourceScatterAdd(resource=handle, indices=[[0, 1]], updates=np.float32([1, 2]))


def test_handles_with_a_name_are_shared():
    first = raw.VarHandleOp(dtype="float32", shape=[1], shared_name="shared for the test")
    raw.AssignVariableOp(resource=first, value=np.float32([4]))
    again = raw.VarHandleOp(dtype="float32", shape=[1], shared_name="shared for the test")
    assert read(again).tolist() == [4]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("Add", [5, 0, 3]), ("Sub", [-5, 0, -3]), ("Update", [3, 0, 3]), ("Max", [3, 0, 3]), ("Min", [0, 0, 0]),
    ],
)  # fmt: skip
def test_scatter(op, expected):
    handle = variable(np.zeros(3, np.float32))
    getattr(raw, "ResourceScatter" + op)(
        resource=handle, indices=np.array([0, 2, 0]), updates=np.float32([2, 3, 3])
    )
    assert read(handle).tolist() == expected


def test_strided_assignment():
    handle = variable(np.zeros((3, 4), np.float32))
    raw.ResourceStridedSliceAssign(
        ref=handle, begin=[0, 1], end=[3, 4], strides=[2, 1], value=np.ones((2, 3), np.float32)
    )
    expected = np.zeros((3, 4))
    expected[::2, 1:] = 1
    np.testing.assert_array_equal(read(handle), expected)


def test_adam_updates_the_variable_and_both_moments():
    var, m, v, g = (RNG.normal(size=4) for _ in range(4))
    v = np.abs(v)
    handles = [variable(x) for x in (var, m, v)]
    raw.ResourceApplyAdam(
        var=handles[0], m=handles[1], v=handles[2], beta1_power=np.float64(0.81),
        beta2_power=np.float64(0.98), lr=np.float64(0.1), beta1=np.float64(0.9),
        beta2=np.float64(0.99), epsilon=np.float64(1e-3), grad=g,
    )  # fmt: skip
    m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
    rate = 0.1 * np.sqrt(1 - 0.98) / (1 - 0.81)
    np.testing.assert_allclose(
        read(handles[0], "float64"), var - rate * m / (np.sqrt(v) + 1e-3), rtol=1e-12
    )


def test_a_gradient_of_nan_makes_a_weight_of_ftrl_zero():
    var, accum, linear = (variable(np.float32(v)) for v in ([1, 2], [0.1, 0.1], [0, 0]))
    raw.ResourceApplyFtrl(
        var, accum, linear, np.float32([np.nan, 1]), *np.float32([0.1, 0.05, 0.02, -0.5])
    )
    # recorded from TensorFlow 2.21
    np.testing.assert_allclose(read(var), [0, 1.2919364], rtol=1e-6)
    assert np.isnan(read(accum)[0]) and np.isnan(read(linear)[0])


def test_repeated_rows_are_updated_in_order():
    var, accum = variable(np.ones((2, 1))), variable(np.zeros((2, 1)))
    raw.ResourceSparseApplyMomentum(
        var=var, accum=accum, lr=np.float64(0.1), grad=np.array([[1.0], [2.0]]),
        indices=np.array([1, 1]), momentum=np.float64(0.5),
    )  # fmt: skip
    # accum: 1, then 0.5 + 2; var: 1 - 0.1 - 0.25
    np.testing.assert_allclose(read(accum, "float64")[:, 0], [0, 2.5])
    np.testing.assert_allclose(read(var, "float64")[:, 0], [1, 0.65])


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64"])
def test_scattered_quotients_of_integers_are_truncated(dtype):
    # recorded from TensorFlow 2.21
    handle = variable(np.array([7, -7, 5, -128], dtype))
    updates = np.array([2, 2, -2, -2], dtype)
    raw.ResourceScatterDiv(resource=handle, indices=[0, 1, 1, 3], updates=updates)
    assert read(handle, dtype).tolist() == [3, 1, 5, 64]
