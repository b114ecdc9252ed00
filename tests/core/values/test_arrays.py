"""Arrays with addresses that kernels like."""

import pickle

import ml_dtypes
import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.core.values.arrays import (
    ALIGNMENT,
    FEW,
    concatenated,
    empty_pooled,
    plain_array,
    to_array,
    zeros_aligned,
)
from penstock._src.core.values.memory import LARGE, RecycledBlock


@pytest.mark.parametrize("shape", [(), (3,), (0, 4), (5, 40_000)])
def test_zeros_are_aligned(shape):
    found = zeros_aligned(shape, np.dtype(np.float16))
    assert found.shape == shape and found.dtype == np.float16 and not found.any()
    assert found.ctypes.data % ALIGNMENT == 0 and found.flags.writeable


def test_too_many_zeros_are_refused():
    with pytest.raises(ResourceExhaustedError):
        zeros_aligned((1 << 60,), np.dtype(np.float32))


def test_only_large_arrays_are_pooled():
    large = empty_pooled((LARGE // 8, 8), np.dtype(np.int16))
    assert large.shape == (LARGE // 8, 8) and type(large.base) is RecycledBlock
    assert empty_pooled((3, 5), np.dtype(np.int16)).base is None


@pytest.mark.parametrize("rows", [3, 700])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joined_arrays_of_any_size_are_those_of_numpy(rows, axis):
    arrays = [np.full((rows, 61), n, np.float32) for n in range(4)]
    np.testing.assert_array_equal(concatenated(arrays, axis), np.concatenate(arrays, axis))


@pytest.mark.parametrize("shape", [(700, 62), (700,), (61, 700, 1)])
def test_large_arrays_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError):
        concatenated([np.zeros((700, 61)), np.zeros(shape)], 0)


def test_lists_of_numbers_take_the_fast_path():
    values = [[1, 2.5], [np.float32(1)], [float("nan"), 1.0], [2**40], range(3), [[np.int64(1)]]]
    assert all(plain_array(value, None) is not None for value in values)
    assert plain_array([2, 0.5], tf.half) is not None and plain_array([2], tf.uint8) is not None


def test_lists_of_strings_are_arrays_of_bytes():
    array, dtype = plain_array([["a", "\u00e9"], ["", "\0b"]], None)
    assert dtype is tf.string and array.tolist() == [[b"a", b"\xc3\xa9"], [b"", b"\0b"]]
    assert plain_array(["a", "\ud800"], None) is None
    assert plain_array(["a"], tf.int32) is None
    assert plain_array(["a", b"b"], None) is None


def test_arrays_of_strings_and_others_are_refused():
    with pytest.raises(ValueError, match="Unsupported object type int"):
        tf.constant(np.array(["a", 1], object))


NESTED = [
    0,
    -7,
    2**31,
    2**53 + 1,
    300,
    1.5,
    1e39,
    65519.0,
    float("inf"),
    float("nan"),
    True,
    "a",
    b"\xff",
    "\u00e9",
    np.int64(3),
    np.float32(0.1),
    np.float64(0.1),
    range(2),
    [],
    None,
]


DTYPES = [None, tf.int32, tf.int64, tf.float32, tf.float64, tf.bfloat16, tf.half, tf.bool, tf.int8, tf.uint8, tf.string]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("in_graph", [False, True])
def test_the_fast_path_agrees_with_the_general_one(dtype, in_graph):
    rows = [[a, b] for a in NESTED for b in NESTED]
    long = [[a] * FEW + [b] for a, b in rows]
    nested = [*([row, row] for row in rows), *((row, [0]) for row in rows)]
    for value in [*NESTED, *rows, *long, *nested]:
        fast = plain_array(value, dtype, in_graph)
        if fast is not None:
            array, own = to_array(value, dtype, in_graph)
            assert fast[1] is own and fast[0].dtype == array.dtype and fast[0].shape == array.shape
            same = fast[0].tolist() if own is tf.string else fast[0].tobytes()
            assert same == (array.tolist() if own is tf.string else array.tobytes())


def test_a_list_in_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        tf.constant(endless)


# Recorded from TensorFlow 2.21: the elements of a list, the dtype asked for, and the dtype and values or the error that come, eagerly.
HALF, SINGLE = np.float16, np.float32
MIXTURES = [
    ([np.complex64(1j), 1.0], None, (tf.complex128, [1j, 1])),
    ([np.complex64(1j)], None, (tf.complex128, [1j])),
    ([np.complex64(1j), True], None, (tf.complex128, [1j, 1])),
    ([1j, 2**64], None, (tf.complex128, [1j, 2**64])),
    ([1, 1j], None, ValueError),
    ([2**63, 1.5], None, ValueError),
    ([1, True, 2**63, 1.5], None, ValueError),
    ([1, 1.5, 2**63], None, (tf.float32, [1, 1.5, 2**63])),
    ([np.int8(5), True, 2**40], None, (tf.int64, [5, 1, 2**40])),
    ([1, np.bool_(True)], None, ValueError),
    ([1.5, np.bool_(True)], None, ValueError),
    ([True, np.bool_(False)], None, (tf.bool, [True, False])),
    ([HALF(1), 65519.0], None, (tf.float16, [1, 65504])),
    ([HALF(1), 65520.0], None, ValueError),
    ([HALF(1), 2**40], None, (tf.float16, [1, np.inf])),
    ([SINGLE(1), 1e40], None, ValueError),
    ([np.float64(1), 1e40], None, (tf.float64, [1, 1e40])),
    ([3.40282356e38], None, (tf.float32, [3.4028234663852886e38])),
    ([1, ml_dtypes.bfloat16(1)], None, ValueError),
    ([np.bool_(True)], tf.float32, TypeError),
    ([np.bool_(True)], tf.bool, (tf.bool, [True])),
    ([True], tf.float32, (tf.float32, [1])),
    ([True], tf.uint8, TypeError),
    ([np.int16(5), True], tf.uint8, (tf.uint8, [5, 1])),
    ([SINGLE(1), True], tf.complex64, (tf.complex64, [1, 1])),
    ([1.5, 1e40], tf.bfloat16, (tf.bfloat16, [1.5, np.inf])),
    ([SINGLE(1), 1e40], tf.float32, (tf.float32, [1, np.inf])),
    ([HALF(1), 70000.0], tf.float32, (tf.float32, [1, 70000])),
    ([HALF(1), 70000.0], tf.float16, ValueError),
    ([1e40], tf.int32, TypeError),
    ([2**63, 1.5], tf.int32, ValueError),
]


@pytest.mark.parametrize("value, dtype, expected", MIXTURES)
def test_numbers_of_several_types_become_what_they_become_in_tensorflow(value, dtype, expected):
    if isinstance(expected, type):
        with pytest.raises(expected):
            tf.constant(value, dtype)
    else:
        result = tf.constant(value, dtype)
        assert (result.dtype, result.numpy().tolist()) == expected


@pytest.mark.parametrize(
    "value, expected",
    [
        ([2**63, 1.5], (tf.float32, [2.0**63, 1.5])),
        ([HALF(1), 70000.0], (tf.float32, [1, 70000])),
        ([1, np.bool_(True)], (tf.int32, [1, 1])),
        ([2**40, -1], (tf.int64, [2**40, -1])),
        ([np.complex64(1j)], (tf.complex64, [1j])),
        ([2**64, float("inf")], TypeError),
        ([2**63, -1], (tf.float32, [2.0**63, -1])),
    ],
)
def test_numbers_of_several_types_in_graphs_have_the_dtype_of_numpy(value, expected):
    function = tf.function(lambda: tf.constant(value))
    if isinstance(expected, type):
        with pytest.raises(expected):
            function()
    else:
        assert (function().dtype, function().numpy().tolist()) == expected


@pytest.mark.parametrize("value", [[1, [2]], ["a", ["b"]]])
def test_numbers_beside_lists_are_of_mixed_types(value):
    with pytest.raises(ValueError, match="Can't convert Python sequence with mixed types"):
        tf.constant(value)


def unpickled(array):
    """The array with a dtype object of its own, as h5py's arrays have."""
    made = pickle.loads(pickle.dumps(array))
    assert made.dtype is not array.dtype and made.dtype == array.dtype
    return made


WAYS = {
    "constant": lambda x: tf.constant(x),
    "variable": lambda x: tf.Variable(x).value(),
    "assignment": lambda x: tf.Variable(tf.zeros_like(x)).assign(x).value(),
    "operand": lambda x: tf.constant([1.0, 2.0]) + x,
    "function": lambda x: tf.function(lambda y: y)(x),
    "elements": lambda x: next(iter(tf.data.Dataset.from_tensors(x))),
    "call": lambda x: tf.numpy_function(lambda y: unpickled(y + 0), [x], tf.float32),
    "call in a function": lambda x: tf.function(
        lambda y: tf.numpy_function(lambda z: unpickled(z + 0), [y], tf.float32)
    )(x),
    "pickled tensor": lambda x: pickle.loads(pickle.dumps(tf.constant(x))),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_tensors_have_numpys_own_dtype_objects_which_native_code_compares(way):
    assert way(unpickled(np.ones(2, np.float32)))._value.dtype is np.dtype(np.float32)


def test_arrays_of_another_byte_order_are_turned():
    swapped = np.arange(5, dtype=">i4")
    assert tf.constant(swapped).numpy().tolist() == list(range(5))
