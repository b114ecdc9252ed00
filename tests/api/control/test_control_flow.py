"""tf.cond, tf.while_loop, tf.case, tf.switch_case and TensorArray, eager and in graphs, with gradients."""

import numpy as np
import pytest

import penstock as tf

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])


def gradient(f, *args):
    with tf.GradientTape() as tape:
        tape.watch(args)
        result = f(*args)
    return result.numpy(), [None if g is None else g.numpy() for g in tape.gradient(result, args)]


@BOTH
def test_cond_and_its_gradient(wrap):
    f = wrap(lambda x: tf.cond(x > 0, lambda: x * x, lambda: -3.0 * x))
    assert gradient(f, tf.constant(2.0)) == (4.0, [4.0])
    assert gradient(f, tf.constant(-2.0)) == (6.0, [-3.0])


@BOTH
def test_switch_case_takes_the_last_branch_for_other_indices(wrap):
    def f(i, x):
        return tf.switch_case(i, [lambda: x, lambda: x * x, lambda: x * x * x])

    f = wrap(f)
    found = []
    for index in (0, 1, 2, 7):
        x = tf.constant(3.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(tf.constant(index), x)
        found.append((y.numpy(), tape.gradient(y, x).numpy()))
    assert found == [(3.0, 1.0), (9.0, 6.0), (27.0, 27.0), (27.0, 27.0)]


@BOTH
def test_case_takes_the_first_that_holds(wrap):
    f = wrap(lambda x: tf.case([(x < 1, lambda: 1), (x < 2, lambda: 2)], default=lambda: 3) + 0)
    assert [int(f(tf.constant(i))) for i in range(4)] == [1, 2, 3, 3]


@BOTH
def test_while_loop_and_its_gradient(wrap):
    @wrap
    def power(x, n):
        return tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * x), (0, tf.ones([])))[1]

    x = tf.constant(2.0)
    with tf.GradientTape() as second:
        second.watch(x)
        with tf.GradientTape() as first:
            first.watch(x)
            y = power(x, tf.constant(4))
        dy = first.gradient(y, x)
    assert (y.numpy(), dy.numpy(), second.gradient(dy, x).numpy()) == (16.0, 32.0, 48.0)


def test_maximum_iterations_ends_a_loop():
    f = tf.function(
        lambda: tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=5)
    )
    assert f()[0].numpy() == 5


def test_shape_invariants_let_a_shape_grow():
    @tf.function
    def f(n):
        return tf.while_loop(
            lambda i, x: i < n,
            lambda i, x: (i + 1, tf.concat([x, x], 0)),
            [0, tf.ones([1])],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
        )[1]

    assert f(3).numpy().tolist() == [1.0] * 8


@pytest.mark.parametrize(
    "body, error, message",
    [
        (
            lambda x: tf.concat([x, x], 0),
            ValueError,
            "enters the loop with shape (1,), but has shape (2,)",
        ),
        (lambda x: tf.cast(x, tf.int32), TypeError, "enters the loop with type <dtype: 'float32'>"),
        (lambda x: (x, x), ValueError, "number of elements"),
    ],
)
def test_a_loop_variable_must_keep_its_type(body, error, message):
    with pytest.raises(error) as caught:
        tf.function(lambda: tf.while_loop(lambda x: True, body, [tf.zeros([1])]))()
    assert message in str(caught.value)


def test_branches_must_agree():
    with pytest.raises(TypeError, match="must have the same number, type, and overall structure"):
        tf.function(lambda p: tf.cond(p, lambda: 1, lambda: 1.0))(tf.constant(True))


def test_nested_loops_and_conditions_differentiate_twice():
    @tf.function
    def f(x, n):
        s = 0.0
        for i in tf.range(n):
            for j in tf.range(i):
                if (i + j) % 2 == 0:
                    s += x * tf.cast(j, tf.float32)
                else:
                    s += x * x
        return s

    x = tf.constant(2.0)
    with tf.GradientTape() as second:
        second.watch(x)
        with tf.GradientTape() as first:
            first.watch(x)
            y = f(x, tf.constant(5))
        dy = first.gradient(y, x)
    assert (y.numpy(), dy.numpy(), second.gradient(dy, x).numpy()) == (30.0, 27.0, 12.0)


def test_gradient_of_a_variable_read_and_changed_in_a_loop():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f(n):
        s = tf.zeros([2])
        for _ in tf.range(n):
            s = s * v + v
            v.assign_add([0.1, 0.1])
        return s

    with tf.GradientTape() as tape:
        y = f(tf.constant(3))
    np.testing.assert_allclose(y, [3.84, 16.06], rtol=1e-5)
    np.testing.assert_allclose(v, [1.3, 2.3], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(y, v), [6.92, 18.52], rtol=1e-5)


def recurrent(x, w):
    n = x.shape[0]
    outputs = tf.TensorArray(tf.float32, size=n)
    inputs = tf.TensorArray(tf.float32, size=n).unstack(x)

    def step(t, outputs, state):
        state = tf.tanh(tf.linalg.matvec(w, inputs.read(t)) + state)
        return t + 1, outputs.write(t, state), state

    _, outputs, _ = tf.while_loop(
        lambda t, *_: t < n, step, (0, outputs, tf.zeros([2])), maximum_iterations=n
    )
    return outputs.stack()


@BOTH
def test_a_recurrent_network_of_tensor_arrays(wrap):
    f = wrap(recurrent)
    x = tf.reshape(tf.range(6, dtype=tf.float32), [3, 2]) / 10
    w = tf.constant([[0.1, 0.3], [0.2, 0.4]])
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = f(x, w)
        loss = tf.reduce_sum(y * y)
    dx, dw = tape.gradient(loss, [x, w])
    np.testing.assert_allclose(y[2], [0.31769714, 0.44412273], rtol=1e-5)
    np.testing.assert_allclose(dx[0], [0.31776485, 0.7247474], rtol=1e-5)
    np.testing.assert_allclose(dw, [[0.39510494, 0.6247488], [0.4981389, 0.7901776]], rtol=1e-5)


@BOTH
def test_tensor_array_methods(wrap):
    @wrap
    def f(x):
        ta = tf.TensorArray(tf.float32, size=3, clear_after_read=False).unstack(x)
        ta = ta.write(1, x[0] * 10.0)
        other = tf.TensorArray(tf.float32, size=2, infer_shape=False, element_shape=[None])
        other = other.split(tf.constant([1.0, 2.0, 3.0]), [1, 2])
        return ta.stack(), ta.gather([2, 0]), ta.read(1), ta.size(), other.concat()

    stacked, gathered, read, size, joined = f(tf.constant([[1.0], [2.0], [3.0]]))
    assert stacked.numpy().tolist() == [[1.0], [10.0], [3.0]]
    assert gathered.numpy().tolist() == [[3.0], [1.0]]
    assert read.numpy().tolist() == [10.0] and size.numpy() == 3
    assert joined.numpy().tolist() == [1.0, 2.0, 3.0]


@BOTH
def test_tensor_array_of_dynamic_size(wrap):
    @wrap
    def f(x):
        ta = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        for i in tf.range(3):
            ta = ta.write(i, x * tf.cast(i, tf.float32))
        return ta.stack()

    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert y.numpy().tolist() == [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
    assert tape.gradient(y, x).numpy().tolist() == [3.0, 3.0]


@pytest.mark.parametrize("rows", [2, 5])
@pytest.mark.parametrize("known", [True, False])
def test_an_array_keeps_its_static_size_whatever_is_unstacked_into_it(rows, known):
    spec = [tf.TensorSpec([rows if known else None, 2])]

    @tf.function(input_signature=spec)
    def size_and_row(x):
        array = tf.TensorArray(tf.float32, 3).unstack(x)
        return array.size(), array.read(rows - 1)

    @tf.function(input_signature=spec)
    def stacked(x):
        return tf.TensorArray(tf.float32, 3).unstack(x).stack()

    assert size_and_row(tf.ones([rows, 2]))[0].numpy() == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"with 3 elements .* {rows} elements"):
        stacked(tf.ones([rows, 2]))


def test_eager_tensor_array_errors():
    ta = tf.TensorArray(tf.float32, size=1)
    with pytest.raises(tf.errors.OutOfRangeError, match="not resizeable and size is: 1"):
        ta.write(1, 1.0)
    ta.write(0, 1.0).read(0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not read index 0 twice"):
        ta.read(0)


@BOTH
def test_custom_gradient(wrap):
    @tf.custom_gradient
    def tenfold(x):
        return x * 1.0, lambda dy: dy * 10.0

    f = wrap(lambda x: tenfold(x) * x)
    assert gradient(f, tf.constant(2.0)) == (4.0, [22.0])


@BOTH
def test_recompute_grad(wrap):
    v = tf.Variable(3.0)
    inner = tf.recompute_grad(lambda x: v * x * x)

    @wrap
    def f(x):
        return inner(x) * 2.0

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    dx, dv = tape.gradient(y, [x, v])
    assert (y.numpy(), dx.numpy(), dv.numpy()) == (24.0, 24.0, 8.0)


def test_gradients_in_a_graph():
    @tf.function
    def f(x):
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: x * x, lambda: x)
        return tf.gradients(y, x)[0]

    assert f(tf.constant([1.0, 2.0])).numpy().tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="not supported when eager execution is enabled"):
        tf.gradients(tf.constant(1.0), tf.constant(1.0))


def test_gradient_of_a_gather_stays_sparse():
    v = tf.Variable(tf.ones([4, 2]))
    f = tf.function(lambda i: tf.reduce_sum(tf.gather(v, i) ** 2))
    with tf.GradientTape() as tape:
        y = f(tf.constant([1, 1, 3]))
    g = tape.gradient(y, v)
    assert isinstance(g, tf.IndexedSlices)
    assert tf.convert_to_tensor(g).numpy().tolist() == [[0, 0], [4, 4], [0, 0], [2, 2]]


def test_a_recorded_loop_runs_as_one_program_once_its_number_of_steps_is_known():
    @tf.function
    def grown(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(n):
                y = y + 0.1 * tf.sin(y)
        return tape.gradient(y, x)

    x = tf.constant([0.5, 1.0])
    for n in (3, 5):
        delta, y = 1.0, x.numpy().astype(np.float64)
        for _ in range(n):
            delta, y = delta * (1 + 0.1 * np.cos(y)), y + 0.1 * np.sin(y)
        np.testing.assert_allclose(grown(x, tf.constant(n)), delta, rtol=1e-6)
    assert "host " not in str(grown.explain(x, tf.constant(5)))


@pytest.mark.parametrize(
    "chosen, indices, values",
    [(0, [2], [[1, 1]]), (1, [0, 1, 2], [[3, 3], [0, 0], [0, 0]]), (2, [0, 1, 2], [[0, 0]] * 3)],
)
def test_the_gradient_of_branches_is_sparse_if_that_of_one_is(chosen, indices, values):
    v = tf.Variable(tf.ones([3, 2]))

    @tf.function
    def f(index):
        branches = [lambda: tf.gather(v, [2]), lambda: v[:1] * 3.0, lambda: tf.zeros([1, 2])]
        return tf.gradients(tf.switch_case(index, branches), v)[0]

    g = f(tf.constant(chosen))
    assert isinstance(g, tf.IndexedSlices)
    assert g.indices.numpy().tolist() == indices and g.values.numpy().tolist() == values
    assert g.dense_shape.numpy().tolist() == [3, 2]


def test_loops_have_the_variables_that_gradients_of_saved_loops_look_for():
    """The first counts iterations, the second is their maximum, which the body passes on."""

    @tf.function
    def bounded(x, most):
        return tf.while_loop(lambda y: y < 100.0, lambda y: (y * 2,), [x], maximum_iterations=most)

    @tf.function
    def unbounded(x):
        while x < 100.0:
            x *= 2
        return x

    x = tf.constant(3.0)
    for function, arguments, limit in ((bounded, (x, 2), 2), (unbounded, (x,), -1)):
        graph = function.get_concrete_function(*arguments).graph
        (node,) = [op for op in graph.get_operations() if op.type == "StatelessWhile"]
        start, most = node.inputs[:2]
        assert (tf.get_static_value(start), tf.get_static_value(most)) == (0, limit)
        body = node.raw_op.attrs["body"]
        assert 1 in body.unchanged
    assert bounded(x, 2)[0] == 12 and unbounded(x) == 192


def test_an_invariant_that_the_first_value_does_not_have_is_no_error():
    @tf.function
    def loop(first, invariant, body):
        shapes = (tf.TensorShape([]), invariant)
        variables = (0, first)
        return tf.while_loop(lambda i, _: i < 2, body, variables, shape_invariants=shapes)[1]

    def keep(i, x):
        return i + 1, x

    assert loop(tf.constant("empty"), tf.TensorShape([None]), keep).numpy() == b"empty"
    assert loop(tf.constant([1.0, 2.0]), tf.TensorShape([3]), keep).numpy().tolist() == [1.0, 2.0]
    doubled = loop(tf.constant([1.0]), tf.TensorShape([]), lambda i, x: (i + 1, tf.tile(x, [2])))
    assert doubled.numpy().tolist() == [1.0] * 4
    with pytest.raises(ValueError, match="after one iteration"):
        loop(tf.constant([1.0]), tf.TensorShape([1]), lambda i, x: (i + 1, tf.tile(x, [2])))


def test_indices_of_branches_are_integers():
    def choose():
        return tf.switch_case(tf.constant(1.0), [lambda: 1])

    for call in (choose, tf.function(choose)):
        with pytest.raises(TypeError, match="'branch_index' must be an integer Tensor"):
            call()


@BOTH
def test_a_loop_keeps_the_keys_of_its_only_variable(wrap):
    def loop():
        return tf.while_loop(lambda s: True, lambda s: {"b": 1}, [{"a": 0}], maximum_iterations=2)

    with pytest.raises(ValueError, match="same nested structure"):
        wrap(loop)()


def test_an_eager_loop_keeps_the_types_of_nested_variables():
    start = [(tf.constant(0),), tf.constant(0)]
    with pytest.raises(TypeError, match="same nested structure"):
        tf.while_loop(lambda s, i: i < 2, lambda s, i: ([s[0]], i + 1), start)


def if_statement(i, first, second):
    if i == 0:
        result = first()
    else:
        result = second()
    return result


@pytest.mark.parametrize(
    "choose",
    [
        lambda i, a, b: tf.cond(i == 0, a, b),
        lambda i, a, b: tf.switch_case(i, [a, b]),
        lambda i, a, b: tf.case([(i == 0, a)], default=b),
        if_statement,
    ],
    ids=["cond", "switch_case", "case", "if"],
)
def test_composites_of_branches_get_their_common_type(choose):
    def branch(rows, size):
        return {
            "ragged": tf.ragged.constant([[1, 2]] * rows),
            "sparse": tf.SparseTensor([[0] * size], [1], [rows] * size),
            "optional": tf.experimental.Optional.from_value(tf.ones([rows])),
            "dataset": tf.data.Dataset.from_tensors(tf.ones([rows])),
        }

    specs = []

    @tf.function
    def f(i):
        result = choose(i, lambda: branch(2, 1), lambda: branch(3, 2))
        specs.append({name: tf.type_spec_from_value(value) for name, value in result.items()})
        return result

    vector = tf.TensorSpec([None], tf.float32)
    for i, rows in enumerate((2, 3)):
        found = f(tf.constant(i))
        assert found["ragged"].to_list() == [[1, 2]] * rows
        assert found["sparse"].dense_shape.numpy().tolist() == [rows] * (i + 1)
        assert found["optional"].get_value().numpy().tolist() == [1] * rows
        assert [len(element) for element in found["dataset"]] == [rows]
    # As TensorFlow's tf.cond gives them.
    assert specs[0] == {
        "ragged": tf.RaggedTensorSpec([None, None], tf.int32, 1),
        "sparse": tf.SparseTensorSpec(None, tf.int32),
        "optional": tf.OptionalSpec(vector),
        "dataset": tf.data.DatasetSpec(vector),
    }


def test_slices_of_branches_keep_the_extents_of_their_values():
    def slices(rows):
        return tf.IndexedSlices(tf.ones([rows, 3]), tf.range(rows), tf.constant([rows, 3]))

    @tf.function
    def f(i):
        result = tf.cond(i == 0, lambda: slices(2), lambda: slices(4))
        assert tf.type_spec_from_value(result) == tf.IndexedSlicesSpec(
            [None, 3], tf.float32, tf.int32, tf.int32, [None]
        )
        return result

    assert f(tf.constant(1)).dense_shape.numpy().tolist() == [4, 3]


@BOTH
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_lengths_of_split_arrays_are_of_either_dtype(wrap, dtype):
    def split(x, lengths):
        pieces = tf.TensorArray(tf.float32, 2, infer_shape=False).split(x, lengths)
        return pieces.read(0), pieces.read(1)

    first, second = wrap(split)(tf.constant([[1.0], [2.0], [3.0]]), tf.constant([1, 2], dtype))
    assert first.numpy().tolist() == [[1.0]] and second.numpy().tolist() == [[2.0], [3.0]]


def test_indices_of_arrays_are_int32_in_graphs_and_any_integers_eagerly():
    x = tf.constant([1.0, 2.0, 3.0])

    def gather(indices):
        return tf.TensorArray(tf.float32, 3).unstack(x).gather(indices)

    def scatter(indices):
        return tf.TensorArray(tf.float32, 3).scatter(indices, x).stack()

    indices = tf.constant([2, 0, 1], tf.int64)
    np.testing.assert_array_equal(gather(indices), [3.0, 1.0, 2.0])
    np.testing.assert_array_equal(scatter(indices), [2.0, 3.0, 1.0])
    for function in (gather, scatter):
        with pytest.raises(TypeError, match="Input 'indices' of 'TensorList.*int64.*int32"):
            tf.function(function)(indices)


@pytest.mark.parametrize("one", [lambda: [tf.constant(1)], lambda: (tf.constant(1),)])
def test_lists_of_one_result_are_unpacked_as_in_tensorflow(one):
    v1, true = tf.compat.v1, tf.constant(True)

    def results(**strict):
        yield v1.cond(true, one, one, **strict)
        yield v1.case([(true, one)], default=one, **strict)
        yield tf.case([(true, one)], default=one, **strict)

    kind = type(one())
    assert not any(isinstance(found, kind) for found in results())
    assert all(isinstance(found, kind) for found in results(strict=True))
    assert isinstance(tf.cond(true, one, one), kind)
    traced = tf.function(lambda: [isinstance(found, kind) for found in results()], autograph=False)
    assert traced() == [True] * 3


def test_eager_loops_of_tensorflow_1_return_what_the_last_step_does():
    loop = tf.compat.v1.while_loop
    assert loop(lambda i: i < 3, lambda i: [i + 1], [tf.constant(0)]) == [3]
    assert loop(lambda i: i < 3, lambda i: i + 1, [tf.constant(0)]).numpy() == 3
