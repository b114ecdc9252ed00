"""TensorFlow 1: graphs, sessions, placeholders, variables and collections."""

import numpy as np
import pytest

import penstock as tf
import penstock.compat.v1 as v1


@pytest.fixture
def model():
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        with v1.variable_scope("layer"):
            w = v1.get_variable("w", [2, 1], initializer=lambda s, dtype=None: tf.ones(s, dtype))
        b = v1.Variable(0.5, name="b")
        loss = tf.reduce_mean((tf.matmul(x, w) + b) ** 2)
        gradients = v1.gradients(loss, [w, b])
        train = [v1.assign_sub(v, 0.1 * g) for v, g in zip([w, b], gradients, strict=True)]
        init = v1.global_variables_initializer()
        yield graph, x, w, b, loss, train, init


def test_training_in_a_session(model):
    graph, x, w, _, loss, train, init = model
    data = np.ones((3, 2), np.float32)
    with v1.Session(graph=graph) as session:
        assert session.run(init) is None
        losses = [session.run({"loss": loss, "train": train}, {x: data})["loss"] for _ in range(3)]
        np.testing.assert_allclose(losses, [6.25, 1.0, 0.16], rtol=1e-5)
        np.testing.assert_allclose(session.run(w), [[0.22], [0.22]], rtol=1e-5)
        assert session.run("x:0", {"x:0": data}).shape == (3, 2)
        assert loss.eval({x: data}) == session.run([loss], {x: data})[0]


def test_what_a_session_refuses(model):
    graph, x, _, _, loss, _, _ = model
    with v1.Session(graph=graph) as session:
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="You must feed a value for placeholder"
        ):
            session.run(loss)
        with pytest.raises(ValueError, match="Cannot feed value of shape \\(3,\\) for Tensor x:0"):
            session.run(loss, {x: np.ones(3)})
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(loss, {x: np.ones((1, 2))})
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(loss)


def test_names_and_collections(model):
    graph = model[0]
    assert [v.name for v in v1.trainable_variables()] == ["layer/w:0", "b:0"]
    assert graph.get_tensor_by_name("x:0").shape.as_list() == [None, 2]
    with v1.variable_scope("layer", reuse=True):
        assert v1.get_variable("w", [2, 1]) is model[2]
    with pytest.raises(ValueError, match="already exists, disallowed"):
        with v1.variable_scope("layer"):
            v1.get_variable("w", [2, 1])


def test_control_flow_in_a_session():
    graph = tf.Graph()
    with graph.as_default():
        n = v1.placeholder(tf.int32, [])
        total = v1.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + i), [0, 0])[1]
        chosen = v1.cond(n > 3, lambda: total, lambda: -total)
    with v1.Session(graph=graph) as session:
        assert session.run([total, chosen], {n.ref(): 5}) == [10, 10]
        assert session.run(chosen, {n.ref(): 3}) == -3


def test_functions_are_called_in_graphs():
    double = tf.function(lambda x: x * 2)
    graph = tf.Graph()
    with graph.as_default():
        y = double(v1.placeholder(tf.float32, [], name="x"))
    with v1.Session(graph=graph) as session:
        assert session.run(y, {"x:0": 3.0}) == 6.0


def test_wrapped_functions_are_pruned():
    def old(x):
        with v1.variable_scope("s"):
            w = v1.get_variable("w", initializer=tf.constant(3.0))
        return tf.identity(w * x, name="out")

    f = v1.wrap_function(old, [tf.TensorSpec([], tf.float32)])
    assert f(tf.constant(2.0)).numpy() == 6.0
    assert [v.name for v in f.variables] == ["s/w:0"]
    assert f.prune("args_0:0", "out:0")(tf.constant(5.0)).numpy() == 15.0


def test_a_callable_of_fetches():
    """Values without a tensor are left out, as on TensorFlow; a tensor without a value is not."""
    with tf.Graph().as_default(), v1.Session() as session:
        x, y = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])
        run = session.make_callable([x + y, x * y], [x, y])
        assert run(2.0, 3.0) == run(2.0, 3.0, 4.0) == [5.0, 6.0]
        assert session.make_callable(tf.constant(3))() == 3
        with pytest.raises(tf.errors.InvalidArgumentError, match="must feed a value"):
            run(2.0)


def test_branches_and_loops_of_a_graph_run_only_what_their_results_need():
    with tf.Graph().as_default(), v1.Session() as session:
        a, b = tf.Variable(1), tf.Variable(1)
        session.run(v1.global_variables_initializer())

        def branch():
            a.assign(5)
            with tf.control_dependencies([b.assign(6)]):
                return tf.constant(3)

        def body(i):
            a.assign_add(1)
            with tf.control_dependencies([b.assign_add(1)]):
                return i + 1

        assert session.run(tf.cond(tf.equal(a, 1), branch, lambda: 0)) == 3
        assert session.run([a, b]) == [1, 6]
        session.run(tf.while_loop(lambda i: i < 3, body, [tf.constant(0)]))
        assert session.run([a, b]) == [1, 9]
        assert session.run(tf.cond(tf.equal(a, 1), lambda: a.assign_add(4), lambda: 0)) == 5
        # functions run all that they hold, in order
        session.run(tf.function(lambda: tf.cond(tf.equal(b, 9), branch, lambda: 0))())
        assert session.run([a, b]) == [5, 6]


@pytest.mark.parametrize("is_resource", [False, True])
def test_a_reference_is_fetched_as_the_run_leaves_it(is_resource):
    with v1.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", [2], initializer=v1.zeros_initializer(), use_resource=is_resource)
        add = v1.assign_add(v, [1.0, 2.0])
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(v)
        session.run(v.initializer)
        before = [0.0, 0.0] if is_resource else [1.0, 2.0]
        assert session.run([v, add.op])[0].tolist() == before
        assert session.run({"v": v, "more": v + 1.0}, {v: [5.0, 6.0]})["v"].tolist() == [5.0, 6.0]
        assert session.run([v])[0].tolist() == [1.0, 2.0]


def test_constants_of_eager_tensors():
    eager = tf.constant([1.5, 2.5])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        constant = tf.constant(eager)
        assert constant.op.type == "Const" and session.run(constant * 2).tolist() == [3.0, 5.0]


def test_each_session_has_random_numbers_and_queues_of_its_own():
    with tf.Graph().as_default() as graph:
        numbers = [
            tf.random.uniform([2], seed=1),
            tf.function(lambda: tf.random.normal([], seed=4))(),
            tf.while_loop(lambda x: x < 3.0, lambda x: x + tf.random.uniform([], seed=9), [0.0])[0],
        ]
        queue = v1.FIFOQueue(3, [tf.int32], shapes=[()])
        enqueue, size = queue.enqueue(1), queue.size()
    runs = []
    for _ in range(2):
        with v1.Session(graph=graph) as session:
            sizes = session.run(size), session.run(enqueue), session.run(size)
            assert (sizes[0], sizes[2]) == (0, 1)
            runs.append(
                [np.concatenate([np.ravel(v) for v in session.run(numbers)]) for _ in range(3)]
            )
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.unique(runs[0]).size == np.size(runs[0])  # and go on within a session


def test_sessions_beside_each_other_have_random_numbers_of_their_own():
    with tf.Graph().as_default() as graph:
        v1.set_random_seed(5)
        drawn = tf.random.normal([])
    first, second = v1.Session(graph=graph), v1.Session(graph=graph)
    together = [(first.run(drawn), second.run(drawn)) for _ in range(3)]
    assert [a for a, _ in together] == [b for _, b in together]
