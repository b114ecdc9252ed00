"""Kernels that run NumPy's inner loops in native code: their bits, and the arrays that they leave to the kernel itself."""

import numpy as np
import pytest

from penstock._src.core.registry import find
from penstock._src.core.values.numpy_loops import INPUT, RESULT, Loop
from penstock._src.native.process.eager_calls.loop_calls import MOST_ELEMENTS, loop_call

OPS = ["Relu", "Relu6", "Sigmoid", "Softplus", "Softmax", "LogSoftmax"]
SHAPES = [(1,), (2,), (9,), (1000,), (4, 8), (8, 4), (5, 1), (1, 5), (3, 7, 33), (2, 1, 300), (600, 3), (64, 130)]  # fmt: skip


def unused(x):
    raise AssertionError("left to the kernel")


def numbers(shape, dtype):
    x = np.random.default_rng(len(shape)).normal(0, 20, shape).astype(dtype)
    flat = x.reshape(-1)
    flat[:: max(flat.size // 7, 2)] = -0.0
    return x


def builtin_of(name, dtype):
    """The builtin, which fails where it would call the kernel, and the kernel."""
    op = find(name).instance({"T": dtype})
    with np.errstate(all="ignore"):
        served = loop_call(op.numpy_loops, np.dtype(dtype), op.eager)
    assert served != op.eager
    return served, op.eager


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPS)
def test_bits_are_those_of_the_kernel(name, dtype):
    call, kernel = builtin_of(name, dtype)
    for shape in SHAPES:
        x = numbers(shape, dtype)
        before = x.copy()
        result = call(x)
        assert result.shape == shape and result.dtype == x.dtype
        assert result.tobytes() == kernel(x).tobytes(), shape
        assert x.tobytes() == before.tobytes() and not np.shares_memory(x, result)


@pytest.mark.parametrize("name", OPS)
def test_bits_of_infinities_and_nan(name):
    call, kernel = builtin_of(name, "float32")
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-42, -1e-42, 3e38, -3e38, 88.8, -104.0]
    for a in special:
        for b in special:
            for shape in ((2,), (2, 1), (1, 2)):
                x = np.array([a, b], np.float32).reshape(shape)
                assert call(x).tobytes() == kernel(x).tobytes(), x


def test_other_arrays_are_left_to_the_kernel():
    given = []

    def kernel(x):
        given.append(x)
        return np.negative(x)

    call = loop_call([Loop(np.negative, RESULT, (INPUT,))], np.dtype(np.float32), kernel)
    given.clear()
    assert call(np.ones((2, 3), np.float32)).tolist() == [[-1.0] * 3] * 2 and not given
    floats = np.ones((4, 6), np.float32)
    others = [floats.T, floats[:, ::2], np.float32(1), np.ones((), np.float32), np.ones(3), floats[:0], np.ones(MOST_ELEMENTS, np.float32)]  # fmt: skip
    for x in others:
        assert np.array_equal(call(x), np.negative(x))
    assert len(given) == len(others)


def test_errors_of_the_kernel_are_raised():
    def kernel(x):
        if not x.ndim:
            raise ValueError("no rows")
        return np.negative(x)

    call = loop_call([Loop(np.negative, RESULT, (INPUT,))], np.dtype(np.float32), kernel)
    with pytest.raises(ValueError, match="no rows"):
        call(np.ones((), np.float32))
    with pytest.raises(TypeError):
        call()


def test_loops_with_other_bits_are_not_used():
    kernel = np.positive
    assert loop_call([Loop(np.negative, RESULT, (INPUT,))], np.dtype(np.float32), kernel) is kernel
