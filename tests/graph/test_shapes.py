"""Static shapes are found once for each op and each set of extents, unless the rule reads more of the inputs."""

import pytest

import penstock as tf
from penstock._src.core.registry import find
from penstock._src.graph import shapes

raw = tf.raw_ops


@pytest.fixture(autouse=True)
def in_a_graph():
    with tf.Graph().as_default():
        yield


def of(*extents):
    return tf.compat.v1.placeholder(tf.float32, extents)


@pytest.fixture
def calls_of_rule(monkeypatch):
    calls, cls = [], find("AddV2")
    rule = cls.shape_rule

    def counted(op, *inputs):
        calls.append(inputs)
        return rule(op, *inputs)

    monkeypatch.setattr(cls, "shape_rule", counted)
    return calls


def test_a_rule_runs_once_for_the_same_extents(calls_of_rule):
    made = [raw.AddV2(x=of(7, 1, 101), y=of(None, 1)).shape.as_list() for _ in range(3)]
    assert made == [[7, None, 101]] * 3 and len(calls_of_rule) == 1
    assert raw.AddV2(x=of(7, 1, 101), y=of(5, 1)).shape.as_list() == [7, 5, 101]
    assert len(calls_of_rule) == 2


def test_shapes_that_do_not_fit_are_refused_each_time_by_name():
    for name in ("first", "second"):
        with pytest.raises(ValueError, match=f"3 and 4 for '{{{{node {name}}}}}"):
            raw.AddV2(x=of(2, 3), y=of(2, 4), name=name)


def test_shapes_that_values_determine_are_found_for_each_value():
    x = of(6, 4)
    made = [tf.reshape(x, dims).shape.as_list() for dims in ([4, 6], [2, 12], [4, 6])]
    assert made == [[4, 6], [2, 12], [4, 6]]
    axes = [tf.reduce_sum(x, axis=tf.constant(axis)).shape.as_list() for axis in (0, 1)]
    assert axes == [[4], [6]]


def test_shapes_that_resources_determine_are_found_for_each_resource():
    handles = [tf.Variable(tf.zeros(dims), use_resource=True).handle for dims in ([2], [3])]
    assert [raw.ReadVariableOp(resource=h, dtype=tf.float32).shape.as_list() for h in handles] == [
        [2],
        [3],
    ]


def test_a_narrowed_output_leaves_others_as_they_are():
    x = of(None, 103)
    one, other = tf.tanh(x), tf.tanh(x)
    one.set_shape([5, 103])
    assert (one.shape.as_list(), other.shape.as_list()) == ([5, 103], [None, 103])
    assert tf.tanh(x).shape.as_list() == [None, 103]


def test_an_op_does_not_remember_every_shape():
    made = [tf.tanh(of(number)) for number in range(shapes._MOST_SHAPES + 10)]
    assert len(made[-1].op.raw_op.shapes_found) <= shapes._MOST_SHAPES


def test_vectors_packed_of_scalars_of_unknown_rank_determine_ranks():
    # recorded from TensorFlow 2.21
    @tf.function(input_signature=[tf.TensorSpec(None, tf.int32)], autograph=False)
    def shapes(n):
        made = [tf.fill([n], n), tf.reshape(n, [n, n]), tf.broadcast_to(n, [n]), tf.tile(n, [n])]
        made += [tf.slice(n, [n], [n]), tf.scatter_nd([[n]], [n], [n]), tf.random.uniform([n, n])]
        assert [y.shape.rank for y in made] == [1, 2, 1, 1, 1, 1, 2]
        assert tf.stack([n]).shape.rank is None
        return n

    shapes.get_concrete_function()
