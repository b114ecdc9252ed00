"""Eager calls of public functions that native code makes whole: they equal the first ones, and are left where they may differ."""

import functools

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.extending.direct_calls import DirectCalls, forget_all
from penstock._src.api.extending.dispatch import _DISPATCHABLES
from penstock._src.eager import execute
from penstock._src.util import slots
from penstock._src.util.process.layouts import FREE_THREADED

pytestmark = pytest.mark.skipif(FREE_THREADED, reason="calls are served by one thread at a time")


@pytest.fixture(autouse=True)
def directly(monkeypatch):
    """Native code makes the calls of a function from the second one of a kind on."""
    monkeypatch.setattr(execute, "OFTEN", 1)
    monkeypatch.setattr(execute, "MANY", 0)
    # Whatever earlier tests have put in its place, and dispatch targets that a mode of NumPy's behavior has left for good.
    monkeypatch.setattr(slots, "RUN_EAGERLY", execute.execute)
    targets = [(api._dispatch_targets, [*api._dispatch_targets]) for api in _DISPATCHABLES]
    for one, _ in targets:
        one.clear()
    forget_all()
    yield
    monkeypatch.undo()
    for one, kept in targets:
        one[:] = kept
    forget_all()


def calls_of(function):
    """The direct calls of a public function."""
    values = [cell.cell_contents for cell in function.__closure__]
    return next(value for value in values if isinstance(value, DirectCalls))


def outcome(call):
    try:
        result = call()
    except Exception as error:
        return type(error), str(error)
    parts = [result] if tf.is_tensor(result) else result
    values = [(one.dtype, one.shape, one.numpy().tobytes()) for one in parts]
    return type(result), values


X = np.random.default_rng(1).standard_normal((3, 4, 5)).astype(np.float32)
CALLS = {
    "sum": lambda x: tf.reduce_sum(x),
    "sum along an axis": lambda x: tf.reduce_sum(x, axis=-1, keepdims=True),
    "sum along no axis": lambda x: tf.reduce_sum(x, []),
    "mean along two": lambda x: tf.reduce_mean(x, [0, 2]),
    "max": lambda x: tf.reduce_max(x, axis=1),
    "max of all": lambda x: tf.reduce_max(x),
    "min": lambda x: tf.reduce_min(x, [-1]),
    "prod": lambda x: tf.reduce_prod(x, 0),
    "no such axis": lambda x: tf.reduce_sum(x, 3),
    "argmax": lambda x: tf.argmax(x, 1),
    "argmin of int32": lambda x: tf.argmin(x, axis=2, output_type=tf.int32),
    "reshape": lambda x: tf.reshape(x, [5, -1]),
    "reshape to another size": lambda x: tf.reshape(x, [7]),
    "expand": lambda x: tf.expand_dims(x, -2),
    "squeeze": lambda x: tf.squeeze(x),
    "transpose": lambda x: tf.transpose(x),
    "transpose by": lambda x: tf.transpose(x, perm=(1, 0, 2)),
    "cast": lambda x: tf.cast(x, tf.int32),
    "gather": lambda x: tf.gather(x, [1, 0], axis=1),
    "add a number": lambda x: tf.add(x, 1.5),
    "pad": lambda x: tf.pad(x, [[0, 0]] * 3),
    "softmax": lambda x: tf.nn.softmax(x),
    "softmax along": lambda x: tf.nn.softmax(x, axis=0),
    "top k": lambda x: tf.math.top_k(x, 2),
    "top of too many": lambda x: tf.math.top_k(x, k=9),
    "concat of one tensor": lambda x: tf.concat([x, x], 1),
    "stack of one tensor": lambda x: tf.stack([x, x, x], axis=-1),
    "one tensor by name": lambda x: tf.add(x, y=x),
    "cumsum": lambda x: tf.cumsum(x, 1),
    "cumsum without its own": lambda x: tf.cumsum(x, -1, exclusive=True, reverse=True),
    "cumprod": lambda x: tf.math.cumprod(x),
    "split": lambda x: tf.split(x, 2, axis=1),
    "split by sizes": lambda x: tf.split(x, [1, -1], axis=1),
    "split by a tensor": lambda x: tf.split(x, tf.ones([tf.shape(x)[0]], tf.int32)),
    "unstack": lambda x: tf.unstack(x),
    "unstack along": lambda x: tf.unstack(x, axis=2),
    "diagonal": lambda x: tf.linalg.diag_part(x),
    "matrix of a diagonal": lambda x: tf.linalg.diag(x[0], k=1),
    "pool": lambda x: tf.nn.max_pool2d(x[None], 2, 1, "VALID"),
    "pool by lists": lambda x: tf.nn.avg_pool2d(x[None], [2, 1], [1, 1], "SAME"),
    "convolution": lambda x: tf.nn.conv2d(x[None], tf.ones([2, 1, 5, 3], x.dtype), 1, "SAME"),
    "convolution with padding": lambda x: tf.nn.conv2d(
        x[None], tf.ones([2, 1, 5, 3], x.dtype), 2, [[0, 0], [1, 0], [1, 1], [0, 0]]
    ),
    "convolution of each channel": lambda x: tf.nn.depthwise_conv2d(
        x[None], tf.ones([2, 1, 5, 3], x.dtype), [1, 1, 1, 1], "VALID"
    ),
    "cross entropy": lambda x: tf.nn.softmax_cross_entropy_with_logits(x[0], x[1]),
    "cross entropy along": lambda x: tf.nn.softmax_cross_entropy_with_logits(x[0], x[1], axis=0),
    "cross entropy of classes": lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.constant([4, 1, 0, 2]), x[0]
    ),
    "sums of segments": lambda x: tf.math.unsorted_segment_sum(x, tf.constant([1, -1, 1]), 2),
    "maxima of too few segments": lambda x: tf.math.unsorted_segment_max(
        x, tf.argmax(x[:, 0], 1), 1
    ),
    "singular values": lambda x: tf.linalg.svd(x, compute_uv=False),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_direct_calls_equal_the_first_one(call):
    arrays = [X, X[:, :, ::2], X[:0], X.astype(np.float64), X.astype(np.int32), X[:1, :1]]
    first = [outcome(functools.partial(call, tf.constant(x))) for x in arrays]
    for _ in range(3):
        for x, expected in zip(arrays, first, strict=True):
            assert outcome(functools.partial(call, tf.constant(x))) == expected


def test_sums_have_the_same_bits_at_all_sizes_and_layouts():
    for x in (np.float32(X.repeat(300)), np.tile(X, (1, 1, 400)), np.tile(X, (1, 1, 400))[:, ::2]):
        x = tf.constant(1.0) * tf.constant(x)
        y = tf.transpose(x)
        for t in (x, y):
            for axis in (None, 0, [-1, 0]):
                if t.shape.rank == 1 and axis == [-1, 0]:
                    continue
                results = {tf.reduce_sum(t, axis).numpy().tobytes() for _ in range(4)}
                assert len(results) == 1


def test_calls_of_a_kind_are_made_by_native_code():
    x = tf.constant(X)
    for _ in range(3):
        tf.reduce_sum(x)
    quick = calls_of(tf.reduce_sum).quick
    assert quick((x,), {}).numpy() == tf.reduce_sum(x).numpy()
    assert quick((x, None, False), {}) is None
    assert quick((tf.constant(X[0]),), {}) is None
    assert quick((tf.constant(X, tf.float64),), {}) is None
    assert quick((tf.Variable(X),), {}) is None and quick((X,), {}) is None
    with tf.Graph().as_default():
        assert quick((x,), {}) is None


def test_lists_are_compared_at_each_call():
    x, shape = tf.constant(X), [3, 20]
    for _ in range(3):
        assert tf.reshape(x, shape).shape == [3, 20]
    shape[:] = [20, 3]
    assert tf.reshape(x, shape).shape == [20, 3]
    assert tf.reshape(x, (3, 20)).shape == [3, 20]
    shape.append(1)
    assert tf.reshape(x, shape).shape == [20, 3, 1]


def test_true_and_one_are_different_arguments():
    x = tf.constant(X)
    for _ in range(3):
        assert tf.reduce_sum(x, 1).shape == [3, 5]
    assert tf.reduce_sum(x, axis=1, keepdims=1).shape == [3, 1, 5]
    assert tf.reduce_sum(x, axis=1, keepdims=True).shape == [3, 1, 5]
    assert tf.reduce_sum(x, axis=1, keepdims=0).shape == [3, 5]


def test_a_tensor_whose_value_becomes_an_attribute_is_looked_at_each_time():
    x = tf.constant([-1.0])
    for slope in (0.5, 0.25, 0.125, 0.0625):
        assert tf.nn.leaky_relu(x, tf.constant(slope)).numpy() == -slope
    y = tf.zeros([1, 2, 1])
    for axis, shape in ((0, [2, 1]), (2, [1, 2]), (0, [2, 1]), (2, [1, 2])):
        assert tf.squeeze(y, tf.constant([axis])).shape == shape


def test_a_tensor_given_twice_says_nothing_about_others():
    x, y = tf.constant(1.0), tf.constant(2.0)
    for _ in range(4):
        assert tf.subtract(x, x).numpy() == 0.0
    for _ in range(4):
        assert tf.subtract(x, y).numpy() == -1.0 and tf.subtract(y, x).numpy() == 1.0


def test_gradients_pass_through_direct_calls():
    x = tf.constant(X)
    for _ in range(5):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.transpose(tf.reshape(x, [12, 5])) * 2.0, axis=1)
        np.testing.assert_array_equal(tape.gradient(y, x).numpy(), np.full_like(X, 2.0))


def test_warnings_of_numbers_are_not_shown_by_direct_calls(recwarn):
    x = tf.constant([np.inf, -np.inf], tf.float32)
    for _ in range(4):
        assert np.isnan(tf.reduce_sum(x).numpy())
    assert not recwarn.list


def test_forgotten_calls_are_learned_anew():
    x = tf.constant(X)
    for _ in range(3):
        tf.reduce_sum(x)
    assert calls_of(tf.reduce_sum).quick is not None
    forget_all()
    assert calls_of(tf.reduce_sum).quick is None
    for _ in range(3):
        tf.reduce_sum(x)
    assert calls_of(tf.reduce_sum).quick is not None


def test_lists_of_tensors_are_joined_and_recorded():
    x, y, z = (tf.constant(X * k) for k in (1.0, 2.0, 3.0))
    expected = np.concatenate([X, 2 * X], 1)
    for _ in range(4):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            joined = tf.concat([x, y], axis=1)
            stacked = tf.stack([x, y], axis=-1)
            total = tf.reduce_sum(joined * 2.0) + tf.reduce_sum(stacked)
        np.testing.assert_array_equal(joined.numpy(), expected)
        np.testing.assert_array_equal(stacked.numpy(), np.stack([X, 2 * X], -1))
        for slope in tape.gradient(total, [x, y]):
            np.testing.assert_array_equal(slope.numpy(), np.full_like(X, 3.0))
    assert calls_of(tf.concat).quick(([x, y],), {"axis": 1}) is not None
    assert calls_of(tf.concat).quick(([x, y, z],), {"axis": 1}) is None
    assert calls_of(tf.concat).quick(((x, y),), {"axis": 1}) is None
    assert calls_of(tf.concat).quick(([x, X],), {"axis": 1}) is None
    assert tf.concat([x, y, z], axis=1).shape == [3, 12, 5]
    for values in ([x, z[0]], [x, z[:2]]):
        refused = {outcome(functools.partial(tf.stack, values)) for _ in range(4)}
        assert len(refused) == 1


def test_tensors_of_a_list_that_the_kernel_empties_stay_alive(monkeypatch):
    values = [tf.constant(X), tf.constant(X)]
    for _ in range(3):
        tf.concat(values, axis=0)
    monkeypatch.setattr("penstock._src.ops.array.concat.make_room", lambda size: values.clear())
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        assert tf.concat(values, axis=0).shape == [6, 4, 5]
    assert not values


def test_large_inputs_are_left_without_another_form():
    x, large = tf.constant(X), tf.zeros([4, 512, 512])
    for _ in range(3):
        tf.transpose(x)
    for _ in range(4):
        assert tf.transpose(large).shape == [512, 512, 4]
    calls = calls_of(tf.transpose)
    assert calls.quick((large,), {}) is None and len(calls._forms) == 1


def test_variables_are_read_at_each_call():
    v = tf.Variable([1.0, 4.0])
    for _ in range(4):
        tf.sqrt(v)
    assert (0,) in calls_of(tf.sqrt).of_variables
    v.assign([9.0, 16.0])
    np.testing.assert_array_equal(tf.sqrt(v), [3.0, 4.0])


def test_calls_with_variables_leave_other_kinds_to_be_learned():
    v, x = tf.Variable([1.0, 4.0]), tf.constant([1.0, 4.0], tf.float64)
    for _ in range(4):
        tf.sqrt(v)
    for _ in range(4):
        tf.sqrt(x)
    quick = calls_of(tf.sqrt).quick
    np.testing.assert_array_equal(quick((x,), {}), [1.0, 2.0])


def test_gradients_of_direct_calls_pass_to_variables():
    v, x = tf.Variable([[1.0, 2.0]]), tf.constant([[3.0], [4.0]])
    for _ in range(4):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.matmul(v, x))
        np.testing.assert_array_equal(tape.gradient(y, v), [[3.0, 4.0]])


def test_rows_of_a_variable_have_sliced_gradients():
    v = tf.Variable([[1.0], [2.0], [3.0]])
    indices = tf.constant([2, 0])
    for _ in range(4):
        tf.gather(tf.constant([[1.0], [2.0]]), tf.constant([0, 1]))
        with tf.GradientTape() as tape:
            y = tf.gather(v, indices)
        gradient = tape.gradient(y, v)
        assert isinstance(gradient, tf.IndexedSlices)
        np.testing.assert_array_equal(gradient.indices, [2, 0])
        np.testing.assert_array_equal(gradient.values, [[1.0], [1.0]])


def test_calls_without_tensors_are_made_directly():
    for _ in range(3):
        numbers = tf.range(2, 11, 3)
    assert calls_of(tf.range).quick((2, 11, 3), {}).numpy().tolist() == [2, 5, 8]
    assert numbers.numpy().tolist() == [2, 5, 8] and tf.range(2, 12, 3).shape == [4]
    np.add(numbers._value, 1, out=numbers._value)  # a result is nobody else's
    assert tf.range(2, 11, 3).numpy().tolist() == [2, 5, 8]


def test_tapes_record_calls_of_several_outputs():
    x = tf.constant(X)
    for _ in range(5):
        with tf.GradientTape() as tape:
            tape.watch(x)
            first, second, third = tf.split(x, 3)
            top = tf.math.top_k(second, 1).values
            y = tf.reduce_sum(first) + 2.0 * tf.reduce_sum(top) + 3.0 * tf.reduce_sum(third)
        slope = tape.gradient(y, x).numpy()
        expected = np.zeros_like(X)
        expected[0], expected[2] = 1.0, 3.0
        np.put_along_axis(expected[1], X[1].argmax(-1)[:, None], 2.0, -1)
        np.testing.assert_array_equal(slope, expected)
    assert calls_of(tf.split).quick((x, 3), {}) is not None
    assert calls_of(tf.math.top_k).quick((x[:1], 1), {}) is not None


def test_random_numbers_come_from_native_code_only_without_a_global_seed():
    for draw in (tf.random.uniform, tf.random.normal, tf.random.truncated_normal):
        tf.random.set_seed(None)
        drawn = {draw([3]).numpy().tobytes() for _ in range(8)}
        assert len(drawn) == 8 and calls_of(draw).quick(([3],), {}) is not None
        sequences = []
        for _ in range(2):
            tf.random.set_seed(7)
            sequences.append([draw([3]).numpy().tobytes() for _ in range(4)])
        assert sequences[0] == sequences[1] and len(set(sequences[0])) == 4
    tf.random.set_seed(None)


def test_a_seed_of_the_call_goes_on_in_its_sequence():
    tf.random.set_seed(None)
    first = [tf.random.uniform([2], seed=3).numpy().tolist() for _ in range(6)]
    assert calls_of(tf.random.uniform).quick(([2],), {"seed": 3}) is not None
    tf.random.set_seed(None)  # starts all sequences again
    forget_all()
    execute.OFTEN = 1000
    assert [tf.random.uniform([2], seed=3).numpy().tolist() for _ in range(6)] == first


def test_errors_of_random_functions_are_those_of_the_first_call():
    def refused(high):
        return lambda: tf.random.uniform([2], 5, high, tf.int32)

    tf.random.set_seed(None)
    first = outcome(refused(1))
    for _ in range(4):
        assert outcome(refused(9))[0] is not first[0]
        assert outcome(refused(1)) == first


class Held:
    """Stands for a variable of another library, such as Keras's."""

    _should_act_as_resource_variable = True

    def __init__(self, value):
        self.variable = tf.Variable(value)

    def __tf_tensor__(self, dtype=None, name=None):
        return tf.convert_to_tensor(self.variable, dtype, name)


def test_variables_of_other_libraries_are_read_at_each_call():
    x, held = tf.constant([[1.0, 2.0]]), Held([3.0, 4.0])
    for _ in range(4):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(tf.nn.bias_add(x, held) * 2.0)
        np.testing.assert_array_equal(tape.gradient(y, held.variable), [2.0, 2.0])
    assert (1,) in calls_of(tf.nn.bias_add).of_variables
    held.variable.assign([5.0, 6.0])
    np.testing.assert_array_equal(tf.nn.bias_add(x, held), [[6.0, 8.0]])


def test_variables_of_other_libraries_are_bound_as_in_the_first_call():
    x, y = tf.constant([1.0, 2.0], tf.float64), tf.constant([1.0, 2.0])
    held, double = Held([3.0, 4.0]), Held(np.array([3.0, 4.0]))
    calls = [
        lambda: tf.add(2, held), lambda: tf.add(held, 2), lambda: tf.add(x, held), lambda: tf.add(held, x),
        lambda: tf.add(held, double), lambda: tf.add(y, held), lambda: tf.add(x, double), lambda: tf.add(x=y, y=held),
        lambda: tf.where(y > 1.0, 2, held), lambda: tf.where(y > 1.0, held, 2), lambda: tf.add(held, held),
    ]  # fmt: skip
    first = [outcome(call) for call in calls]
    for _ in range(4):
        for with_tensors in (tf.add(y, 2), tf.add(y, y), tf.add(x, x)):
            assert with_tensors is not None
        assert [outcome(call) for call in calls] == first


def test_one_tensor_given_twice_is_recorded_as_itself():
    x = tf.constant(X)
    for _ in range(4):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.concat([x, x], 0)
        assert (tape.gradient(y, x).numpy() == 2.0).all()
        tf.concat([x, x], 0)
    assert calls_of(tf.concat).quick(([x, x], 0), {}) is not None
    other = tf.constant(X + 1.0)
    assert tf.concat([x, other], 0).numpy().tolist() == [*X.tolist(), *(X + 1.0).tolist()]


@pytest.mark.parametrize(
    ("call", "values"),
    {
        "batches": (lambda n: tf.gather(X, [[0, 1]] * 3, axis=1, batch_dims=n), [0, 1]),
        "batches of coordinates": (lambda n: tf.gather_nd(X, np.zeros([3, 1], int), batch_dims=n), [0, 1]),
        "an axis of a softmax": (lambda n: tf.nn.softmax(X, axis=n), [0, 1]),
        "an axis of a squeeze": (lambda n: tf.squeeze(X[:1, :1], [n]), [0, 1]),
        "a number of slices": (lambda n: tf.unstack(X[:2], num=n), [2, 2]),
    }.values(),
)  # fmt: skip
@pytest.mark.parametrize("make", [tf.constant, tf.Variable])
def test_values_that_become_attributes_are_looked_at_each_time(call, values, make):
    expected = []
    for value in values:
        forget_all()
        expected.append(outcome(lambda value=value: call(make(value))))
    forget_all()
    for _ in range(4):
        for value, wanted in zip(values, expected, strict=True):
            assert outcome(lambda value=value: call(make(value))) == wanted


def test_extents_that_were_read_are_those_of_all_calls_of_a_kind():
    for extent in (2, 3, 2, 4, 3):
        for _ in range(3):
            assert len(tf.unstack(tf.zeros([extent, 2]))) == extent
    assert calls_of(tf.unstack).quick((tf.zeros([2, 5]),), {}) is None


def test_variables_are_taken_as_the_function_takes_them():
    flag, x = tf.Variable(True), tf.constant([1.0])
    refused = {outcome(lambda: tf.stack(flag)) for _ in range(6)}
    assert len(refused) == 1 and refused.pop()[0] is TypeError
    for _ in range(6):  # a tensor in its place is another kind of call
        tf.sqrt(x)
        tf.sqrt(tf.Variable([4.0]))
    assert calls_of(tf.sqrt).quick((tf.Variable([4.0]),), {}) is None
