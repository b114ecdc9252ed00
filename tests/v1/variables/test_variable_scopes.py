"""tf.compat.v1.variable_scope and get_variable, against TensorFlow's names, sharing and errors."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def test_names_and_sharing():
    with v1.variable_scope("a"):
        with v1.variable_scope("b") as b:
            first = v1.get_variable("w", [3])
        with v1.variable_scope("b", reuse=True):
            assert v1.get_variable("w", [3]) is first
        with v1.variable_scope(None, "b"):
            assert v1.get_variable("w", [1]).name == "a/b_1/w:0"
    with v1.variable_scope(b) as again:
        assert (again.name, again.reuse, again.original_name_scope) == ("a/b", False, "a/b/")
        assert tf.identity(1).name == "b/Identity:0"
    with v1.variable_scope(b, reuse=v1.AUTO_REUSE):
        assert v1.get_variable("w") is first


def test_custom_getters_compose():
    log = []

    def renamed(getter, name, **options):
        log.append(("renamed", name))
        return getter(name + "_x", **options)

    def wrapped(getter, name, **options):
        log.append(("wrapped", name))
        return tf.identity(getter(name, **options))

    with v1.variable_scope("a", custom_getter=renamed):
        with v1.variable_scope("b", custom_getter=wrapped):
            v1.get_variable("w", [2])
        v1.get_variable("v", [2], custom_getter=wrapped)
    assert log == [("wrapped", "a/b/w"), ("renamed", "a/b/w"), ("wrapped", "a/v")]
    assert [v.name for v in v1.global_variables()] == ["a/b/w_x:0", "a/v:0"]


@pytest.mark.parametrize(
    ("reuse", "shape", "dtype", "message"),
    [
        (None, [2], None, "Variable a already exists, disallowed."),
        (True, [3], None, r"specified shape \(3,\) and found shape \(2,\)"),
        (True, [2], tf.float64, "specified dtype float64 and found dtype float32"),
    ],
)
def test_refusals(reuse, shape, dtype, message):
    v1.get_variable("a", [2])
    with v1.variable_scope("", reuse=reuse), pytest.raises(ValueError, match=message):
        v1.get_variable("a", shape, dtype)


def test_variables_in_parts():
    with v1.variable_scope("a", partitioner=v1.fixed_size_partitioner(2)):
        whole = v1.get_variable("w", [5, 3], initializer=v1.ones_initializer())
    assert (whole.name, whole.shape.as_list(), len(whole)) == ("a/w", [5, 3], 2)
    assert [(p.name, p.shape.as_list()) for p in whole] == [
        ("a/w/part_0:0", [3, 3]),
        ("a/w/part_1:0", [2, 3]),
    ]
    assert [p._get_save_slice_info().spec for p in whole] == ["5 3 0,3:0,3", "5 3 3,2:0,3"]
    with v1.variable_scope("a", reuse=True):
        assert v1.get_variable("w", [5, 3]) is whole
        with pytest.raises(ValueError, match=r"specified partitions \[3, 1\] and found"):
            v1.get_variable("w", [5, 3], partitioner=v1.fixed_size_partitioner(3))
    rows = v1.nn.embedding_lookup(whole, [0, 4], partition_strategy="div")
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        product, found = session.run([tf.matmul(tf.ones([1, 5]), whole), rows])
        assert product.tolist() == [[5.0, 5.0, 5.0]] and found.shape == (2, 3)


def test_create_partitioned_variables():
    value = np.arange(15, dtype=np.float32).reshape(5, 3)
    parts = v1.create_partitioned_variables([5, 3], [1, 2], value, name="q")
    assert [p.name for p in parts] == ["q/part_0:0", "q/part_1:0"]
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        np.testing.assert_array_equal(np.concatenate(session.run(parts), 1), value)
    with pytest.raises(ValueError, match="Can only slice a variable along one dimension"):
        v1.create_partitioned_variables([4, 4], [2, 2], v1.ones_initializer())


def test_loops_share_the_scope_around():
    def body(i):
        with v1.variable_scope("b", reuse=v1.AUTO_REUSE):
            return i + v1.get_variable("w", [], initializer=v1.ones_initializer())

    with v1.variable_scope("a"):
        result = tf.while_loop(lambda i: i < 3.0, body, [0.0])
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        assert session.run(result) == [3.0]
    assert [v.name for v in v1.global_variables()] == ["a/b/w:0"]


def test_templates_share():
    def add_one(x):
        return x + v1.get_variable("w", [], initializer=v1.ones_initializer())

    template = v1.make_template("t", add_one)
    results = [template(1.0), template(2.0)]
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        assert session.run(results) == [2.0, 3.0]
    assert [v.name for v in template.variables] == ["t/w:0"]


def test_default_initializers_depend_on_the_type():
    with tf.Graph().as_default(), v1.Session() as session:
        made = [v1.get_variable(kind, [2], dtype=kind) for kind in ("int32", "bool", "string")]
        session.run(v1.global_variables_initializer())
        assert [held.tolist() for held in session.run(made)] == [[0, 0], [False] * 2, [b"", b""]]
        with pytest.raises(ValueError, match="An initializer for variable c of .*complex64"):
            v1.get_variable("c", [2], dtype=tf.complex64)


def test_references_without_checks_take_any_shape():
    with tf.Graph().as_default(), v1.Session() as session:
        options = {"validate_shape": False, "use_resource": False}
        variable = v1.Variable(tf.constant(1), **options)
        session.run(variable.initializer)
        assigned = v1.assign(variable, [1, 2], validate_shape=False)
        assert variable.shape.rank is None and session.run(assigned).tolist() == [1, 2]
        assert v1.Variable(1, use_resource=False).shape == []


@pytest.mark.parametrize("use_resource", [True, False])
@pytest.mark.parametrize("value", [np.ones([3], np.float32), [1.0, 2.0, 3.0], 1.0])
def test_initial_values_have_the_shape_of_the_variable(value, use_resource):
    def initialize(*_, **__):
        return value

    with pytest.raises(ValueError, match="not compatible with the explicitly supplied `shape`"):
        v1.get_variable("v", [2], initializer=initialize, use_resource=use_resource)


def test_regularizers_are_called_in_the_scope_around_first():
    with tf.Graph().as_default() as graph:
        initializer = v1.zeros_initializer()
        with v1.variable_scope("s", regularizer=lambda value: tf.reduce_sum(-value)):
            v1.get_variable("w", [2], initializer=initializer)
        names = [operation.name for operation in graph.get_operations()]
        (loss,) = v1.losses.get_regularization_losses()
    once = ["ReadVariableOp", "Neg", "Const", "Sum"]
    assert names[-8:] == once + [f"s/w/Regularizer/{name}" for name in once]
    assert loss.name == "s/w/Regularizer/Sum:0"
