"""Eager execution: ops kept with the types they were bound to, lists, numbers and variables among the inputs."""

import functools
import itertools
import random
import warnings

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import find, raw
from penstock._src.eager import execute


def test_attributes_of_zeros_with_other_signs_are_others():
    x = tf.constant([-1.0])
    for alpha, sign in ((0.0, True), (-0.0, False)) * 2:
        eager = tf.nn.leaky_relu(x, alpha=alpha)
        compiled = tf.function(functools.partial(tf.nn.leaky_relu, alpha=alpha))(x)
        assert np.signbit(eager)[0] == np.signbit(compiled)[0] == sign
    for alpha, sign in ((np.float32(0.0), True), (np.float32(-0.0), False)) * 2:
        assert np.signbit(raw.LeakyRelu(features=x, alpha=alpha))[0] == sign


def test_ops_of_lists_are_bound_by_the_types_of_the_elements():
    one, two = tf.constant([1.0]), tf.constant([2.0])
    for _ in range(2):
        assert tf.concat([one, two], 0).numpy().tolist() == [1.0, 2.0]
        assert tf.concat([one, two, one], 0).shape == [3]
        assert tf.concat([tf.cast(one, tf.int32)] * 2, 0).dtype == tf.int32
        assert tf.stack([tf.Variable(1.0), 2.0]).numpy().tolist() == [1.0, 2.0]
        assert raw.AddN(inputs=[one, two]).numpy().tolist() == [3.0]
    with pytest.raises(tf.errors.InvalidArgumentError):
        raw.ConcatV2([one, tf.constant([2])], 0)
    with pytest.raises(TypeError, match="list"):
        raw.AddN(inputs=one)


def test_lists_of_other_types_are_bound_anew():
    pack = find("Pack")
    raw.Pack([tf.constant(1), tf.constant(2)])
    raw.Pack([tf.constant(1), tf.constant(2)])
    assert ((tf.int32, tf.int32),) in pack.bound
    assert raw.Pack([tf.constant(1.0)]).dtype == tf.float32


def test_gradients_flow_through_ops_of_lists():
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0])
    for _ in range(2):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = tf.concat([x, y, x], 0) * tf.constant([1.0, 2.0, 3.0, 4.0, 5.0])
        gx, gy = tape.gradient(z, [x, y])
        assert gx.numpy().tolist() == [5.0, 7.0] and gy.numpy().tolist() == [3.0]


def test_reads_of_a_variable_add_up():
    v = tf.Variable(3.0)
    fixed = tf.Variable(2.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        z = v * v * fixed
        tape.watch(fixed)
        w = v * fixed
    assert float(tape.gradient(z, v)) == 12.0
    assert tape.gradient(z, fixed) is None
    assert float(tape.gradient(w, fixed)) == 3.0


def test_numbers_beside_tensors_keep_their_own_values():
    x = tf.zeros([2, 3])
    for axis, shape in [(0, [1, 2, 3]), (1, [2, 1, 3]), (0, [1, 2, 3])]:
        assert tf.expand_dims(x, axis).shape == shape


def test_functions_of_numpy_warn_of_nothing_and_name_their_op():
    zero = tf.constant([0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            assert np.isinf(tf.math.log(zero).numpy()).all()
            assert np.isnan((zero * np.float32(np.inf)).numpy()).all()
    for _ in range(2):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[Op:Mul\]"):
            raw.Mul(tf.ones([2]), tf.ones([3]))


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16, tf.bool, tf.int64, tf.complex64])
def test_small_constants_are_what_the_op_gives(dtype):
    for shape in ([2, 3], (), [0, 2]):
        ones = tf.ones(shape, dtype)
        dims = tf.constant(shape, tf.int32, shape=[len(shape)])
        filled = raw.Fill(dims=dims, value=tf.cast(1, dtype))
        assert ones.dtype == dtype and ones.shape == shape
        assert (ones.numpy() == filled.numpy()).all()
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.zeros([-1], dtype)


def test_lists_of_tensors_of_several_types_are_packs_error_outside_of_functions():
    float_, half = tf.constant(2.0), tf.constant(1.0, tf.float16)
    message = r"cannot compute Pack as input #1\(zero-based\) was expected to be a float tensor"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.reduce_sum([float_, half])
    with pytest.raises(TypeError, match="list containing a tensor of dtype"):
        tf.convert_to_tensor([float_, half, 1.0])
    with pytest.raises(TypeError, match="list containing a tensor of dtype"):
        tf.function(lambda: tf.reduce_sum([float_, half]))()


VALUES = [
    *(0, 2, -(2**31), 2**31, 2**63, True, 2.5, 1e39, float("inf"), float("nan"), "a", b"b", None),
    *(
        [1, 2],
        (1, 2),
        [2**31, 1],
        [[1, 2], [3, 4]],
        [[1], [2, 3]],
        [1.5, 1e39],
        [1.5, float("nan")],
    ),
    *([1, 2.5], [True, False], [True, 2], ["a", "b"], ["a", 1], [], [[]], [[1, 2], 3]),
    *(
        np.int64(3),
        np.float64(0.5),
        np.array([1, 2]),
        np.array([2**40]),
        np.array([1.5], np.float32),
    ),
    *(tf.constant([1, 2]), tf.constant([1.0, 2.0]), tf.constant([1], tf.int64), tf.constant("a")),
    [tf.constant(1), 2],
]


def outcome(function):
    """The dtypes, shapes and values of a result; the class of an error."""
    try:
        results = tf.nest.flatten(function())
    except Exception as error:
        return type(error)
    return [(t.dtype, t.shape, np.asarray(t.numpy()).tobytes()) for t in results]


@pytest.mark.parametrize("name", ["AddV2", "Equal", "Reshape", "ConcatV2", "TopKV2", "Cumsum"])
def test_calls_do_not_depend_on_those_before(name):
    cls, inputs = find(name), list(itertools.product(VALUES, repeat=2))
    random.Random(0).shuffle(inputs)
    op = getattr(raw, name)
    calls = [functools.partial(op, *pair) for pair in inputs]
    fresh = []
    for call in calls:
        cls.bound.clear()
        fresh.append(outcome(call))
    for pair, call, expected in zip(inputs, calls, fresh, strict=True):
        assert outcome(call) == expected, pair
    for pair, call, expected in zip(inputs, calls, fresh, strict=True):
        assert outcome(call) == expected, pair


def test_lists_as_attributes_are_part_of_what_is_kept():
    x = tf.ones([1, 4, 4, 1])
    for _ in range(2):
        assert raw.Squeeze(x, squeeze_dims=[0]).shape == [4, 4, 1]
        assert raw.Squeeze(x, squeeze_dims=[3]).shape == [1, 4, 4]
        assert raw.Squeeze(x, squeeze_dims=[]).shape == [4, 4]


def test_ops_of_several_outputs_are_kept():
    x = tf.constant([[1.0, 3.0, 2.0]])
    for k in (1, 2, 1):
        values, indices = tf.math.top_k(x, k)
        assert values.shape == indices.shape == [1, k] and indices.dtype == tf.int32
    for count in (3, 1, 3):
        assert [part.shape for part in tf.split(x, count, axis=1)] == [[1, 3 // count]] * count
    v = tf.Variable(x)
    with tf.GradientTape() as tape:
        values, _ = tf.math.top_k(v, 2)
    assert tape.gradient(values, v).numpy().tolist() == [[0.0, 1.0, 1.0]]


def test_scalars_of_numpy_are_bound_by_their_types():
    rows, ids = tf.reshape(tf.range(6), [3, 2]), tf.constant([2, 0])
    gather = find("GatherV2")
    for axis, expected in ((np.int32(0), [[4, 5], [0, 1]]), (np.int32(1), None)):
        if expected is None:
            with pytest.raises(tf.errors.InvalidArgumentError):
                tf.raw_ops.GatherV2(params=rows, indices=ids, axis=axis)
        else:
            assert (
                tf.raw_ops.GatherV2(params=rows, indices=ids, axis=axis).numpy().tolist()
                == expected
            )
    assert any(np.int32 in key for key in gather.bound)
    doubles = tf.constant([1.0], tf.float64)
    for _ in range(2):
        assert tf.raw_ops.AddV2(x=doubles, y=np.float32(1)).dtype == tf.float64
    assert tf.raw_ops.AddV2(x=tf.constant([1.0]), y=np.float32(1)).dtype == tf.float32


@pytest.fixture
def quickly(monkeypatch):
    """Native code makes the calls of a kernel from its third on."""
    monkeypatch.setattr(execute, "OFTEN", 1)
    monkeypatch.setattr(execute, "MANY", 1)


def test_calls_by_native_code_equal_the_first_ones(quickly):
    shapes = [(), (1,), (3,), (2, 1), (2, 3), (0, 3), (4, 2, 3)]
    tensors = [
        tf.constant(np.random.default_rng(1).integers(-3, 4, shape), dtype)
        for shape in shapes
        for dtype in (tf.float32, tf.float64, tf.int32, tf.complex64, tf.bfloat16)
    ]
    calls = [tf.add, tf.multiply, lambda x, y: x - y, lambda x, y: x / y, tf.equal, tf.maximum,
             lambda x, y: tf.reduce_sum(x + y, 0, keepdims=True), lambda x, y: tf.exp(x) + y]  # fmt: skip
    pairs = list(itertools.product(tensors, tensors))
    random.Random(1).shuffle(pairs)
    for call in calls:
        for x, y in pairs[:80]:
            first, *others = [_outcome(call, x, y) for _ in range(5)]
            assert all(other == first for other in others)


def _outcome(call, x, y):
    try:
        result = call(x, y)
    except Exception as error:
        return type(error), str(error)
    return result.dtype, result.shape, result.numpy().tobytes()


def test_native_calls_know_the_kernels_of_several_dtypes(quickly):
    for _ in range(3):
        for dtype in (tf.float32, tf.float64, tf.int32, tf.int64):
            x = tf.cast(tf.constant([1, 2]), dtype)
            assert (x + x).dtype == (x * x).dtype == dtype
    assert find("AddV2").quick is not None
    assert len(find("AddV2").quick_forms) <= execute.MOST_QUICK


def test_ops_with_state_are_not_called_by_native_code(quickly):
    v = tf.Variable([1.0])
    for _ in range(6):
        v.assign_add([1.0])
    assert v.numpy().tolist() == [7.0]
    assert find("AssignAddVariableOp").quick is None


def test_gradients_through_native_calls(quickly):
    x = tf.constant([1.0, 2.0])
    for _ in range(5):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(x * x * x)
            first = tape.gradient(y, x)
        assert first.numpy().tolist() == [3.0, 12.0]
        assert outer.gradient(first, x).numpy().tolist() == [6.0, 12.0]


def _by(op, x, y):
    """The result of an op's own method for the same arrays: BLAS multiplies an array by its own transpose in another way."""
    return tf.constant(op.eager(x._value, y._value), x.dtype)


def test_native_calls_of_products_equal_the_method(quickly, monkeypatch):
    monkeypatch.setattr(execute, "MOST_QUICK", 100)
    shapes = [(2, 3), (3, 2), (3, 3), (1, 3), (3, 1), (0, 3), (3, 0), (3,), (2, 3, 3), (64, 64)]
    rng = np.random.default_rng(1)
    values = [rng.standard_normal(shape) for shape in shapes]
    # An attribute without effect, so that kernels are those of this test.
    calls = [
        functools.partial(raw.MatMul, transpose_a=a, transpose_b=b, grad_a=True, grad_b=True)
        for a, b in itertools.product((False, True), repeat=2)
    ]
    for call in calls:
        for dtype in (tf.float32, tf.float64, tf.int32, tf.complex64, tf.bfloat16):
            tensors = [tf.cast(tf.constant(value), dtype) for value in values]
            for _ in range(3):
                call(tensors[2], tensors[2])  # the calls that native code learns from
            op = find("MatMul").instance({"T": dtype, **call.keywords})
            for x, y in itertools.product(tensors, tensors):
                expected = _outcome(functools.partial(_by, op), x, y)
                *kind, value = _outcome(call, x, y)
                if isinstance(value, str):
                    value = value.removesuffix(" [Op:MatMul]")
                assert (*kind, value) == expected
    assert find("MatMul").quick is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        huge = tf.constant([[3e38, 3e38], [np.inf, 0.0]])
        for call in calls:
            assert not np.isfinite(call(huge, huge).numpy()).all()


B = np.float32([3e38, 3e38])
OVERFLOWING = {
    "assign_add": lambda: tf.Variable(B).assign_add(B),
    "assign_add of a number": lambda: tf.Variable(B[0]).assign_add(B[0]),
    "assign_sub": lambda: tf.Variable(B).assign_sub(-B),
    "bias_add": lambda: tf.nn.bias_add([B], B),
    "BiasAddGrad": lambda: raw.BiasAddGrad(out_backprop=[B, B]),
    "avg_pool": lambda: tf.nn.avg_pool1d(B[None, :, None], 2, 1, "VALID"),
    "depthwise_conv2d": lambda: tf.nn.depthwise_conv2d(
        B[None, None, :, None], B[None, :, None, None], [1, 1, 1, 1], "SAME"
    ),
    "rfft": lambda: tf.abs(tf.signal.rfft(B)),
    "tridiagonal_matmul": lambda: tf.linalg.tridiagonal_matmul(
        np.stack([B, B, B]), B[:, None], "compact"
    ),
    "bincount": lambda: tf.math.bincount([0, 0], weights=B),
    "sparse bincount": lambda: tf.sparse.bincount([[0, 0]], weights=[B]).values,
    "sparse add": lambda: tf.sparse.add(_sparse(), _sparse()).values,
    "sparse and dense": lambda: tf.sparse.add(_sparse(), tf.constant([B])),
    "sparse product": lambda: tf.sparse.sparse_dense_matmul(_sparse(), tf.constant([B, B])),
    "sparse sum": lambda: tf.sparse.reduce_sum(_sparse()),
}


def _sparse():
    return tf.sparse.from_dense([B])


@pytest.mark.parametrize("name", OVERFLOWING)
def test_overflow_gives_infinity_without_a_warning(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert np.isinf(np.asarray(OVERFLOWING[name]())).any()


class _Holder:
    """Holds a variable, as classes of other libraries do."""

    _should_act_as_resource_variable = True

    def __init__(self, value):
        self.value = tf.Variable(value)

    def __tf_tensor__(self, dtype=None, name=None):
        return tf.convert_to_tensor(self.value, dtype, name=name)


def test_holders_of_variables_are_bound_once(monkeypatch):
    x, y = tf.constant([[1.0, 2.0]]), _Holder([3.0, 4.0])
    raw.BiasAdd(value=x, bias=y)
    raw.GatherV2(params=y, indices=tf.constant([1]), axis=0)
    with monkeypatch.context() as patch, tf.GradientTape() as tape:
        patch.setattr(execute, "bind", None)
        z = raw.BiasAdd(value=x, bias=y)
        y.value.assign([5.0, 6.0])
        chosen = raw.GatherV2(params=y, indices=tf.constant([1]), axis=0)
    assert z.numpy().tolist() == [[4.0, 6.0]]
    assert chosen.numpy() == [6.0]
    assert tape.gradient(z, y.value).numpy().tolist() == [1.0, 1.0]


def test_holders_of_variables_do_not_determine_the_types_of_numbers_before_them():
    x, y = tf.constant([1.0, 2.0]), _Holder([3.0, 4.0])
    assert raw.Mul(x=2, y=x).numpy().tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="Incompatible type conversion"):
        raw.Mul(x=2, y=y)
    assert raw.Mul(x=y, y=2).numpy().tolist() == [6.0, 8.0]
    with pytest.raises(ValueError, match="Incompatible type conversion"):
        raw.Mul(x=tf.constant([1, 2]), y=y)
