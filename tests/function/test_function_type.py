"""`function_type` of functions and traces, and functions made of it."""

import inspect

import numpy as np
import pytest

import penstock as tf
from penstock._src.function.types.atomic import from_function_def
from penstock._src.function.types.function_type import FunctionType
from penstock._src.function.types.trace_types import from_value


def test_a_trace_says_the_types_of_arguments_and_result():
    def traced(x, *more, y=2, **named):
        return {"a": x + 1, "b": [x, y]}

    concrete = tf.function(traced).get_concrete_function(
        tf.constant(1), 4, tf.constant(2.0), z=tf.constant([True])
    )
    kind = concrete.function_type
    assert [(p.name, p.kind.name) for p in kind.parameters.values()] == [
        ("x", "POSITIONAL_ONLY"),
        ("more_0", "POSITIONAL_ONLY"),
        ("more_1", "POSITIONAL_ONLY"),
        ("y", "KEYWORD_ONLY"),
        ("z", "KEYWORD_ONLY"),
    ]
    assert kind.flat_inputs == [
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([], tf.float32),
        tf.TensorSpec([1], tf.bool),
    ]
    assert repr(kind.output).startswith("Dict[['a', TensorSpec(shape=(), dtype=tf.int32")
    assert [t.op.name for t in concrete.inputs] == ["x", "more_1", "z"]


def test_an_input_signature_types_the_parameters():
    spec = tf.TensorSpec([], tf.float32)
    function = tf.function(lambda a, training=True: a, input_signature=[spec])
    assert function.function_type.parameters["a"].type_constraint == spec
    with pytest.raises(TypeError, match="Can not cast False to Literal"):
        function(1.0, training=False)
    with pytest.raises(TypeError, match="keyword-only parameter `b` must have"):
        tf.function(lambda a, *, b: a, input_signature=[spec])


def test_a_signature_may_type_further_positional_arguments():
    spec = tf.TensorSpec([], tf.float32)
    function = tf.function(lambda a, *more: a + sum(more), input_signature=[spec] * 3)
    concrete = function.get_concrete_function()
    assert float(concrete(tf.constant(1.0), tf.constant(2.0), tf.constant(3.0))) == 6.0


def test_a_function_is_made_again_of_its_definition_and_type():
    concrete = tf.function(lambda x: {"twice": x["v"] * 2}).get_concrete_function(
        {"v": tf.constant(1)}
    )
    made = from_function_def(concrete.function_def, concrete.function_type)
    assert int(made({"v": tf.constant(4)})["twice"]) == 8
    captured = tf.constant(2.5)
    with_capture = tf.function(lambda: captured + 1).get_concrete_function().inference_fn
    with pytest.raises(ValueError, match="call_with_captures"):
        with_capture()
    assert float(with_capture.call_with_captures((), {}, [captured])) == 3.5


def test_types_of_structures_compare_and_cast():
    kind = from_value([1, {"a": np.zeros([2])}])
    assert kind == from_value([1, {"a": np.ones([2])}])
    assert kind != from_value([2, {"a": np.ones([2])}])
    general = from_value([tf.TensorSpec([None], tf.float32)])
    assert from_value([tf.zeros([3])]).is_subtype_of(general)
    with pytest.raises(TypeError, match="Can not cast"):
        general.cast([tf.zeros([3]), tf.zeros([3])], None)


def test_defaults_are_bound():
    kind = FunctionType.from_callable(lambda a, b=3: a)
    assert kind.bind_with_defaults((1,), {}, {"b": 3}).arguments == {"a": 1, "b": 3}
    assert kind.parameters["b"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def test_attributes_are_in_the_definition():
    function = tf.function(lambda x: x, experimental_attributes={"_noinline": True})
    assert function.get_concrete_function(1.0).function_def.attr["_noinline"].b


def test_subclasses_of_arrays_are_tensors():
    class Own(np.ndarray):
        pass

    double = tf.function(lambda x: x * 2)
    assert double(np.ones([2], np.float32).view(Own)).numpy().tolist() == [2.0, 2.0]


def test_a_function_reads_the_collections_around_it():
    with tf.Graph().as_default() as graph:
        graph.add_to_collection("x", 2)
        tf.function(lambda: graph_of_trace(found))()
        assert found.pop() == [2]
        assert graph.get_collection("y") == []


found: list = []


def graph_of_trace(into):
    graph = tf.compat.v1.get_default_graph()
    into.append(graph.get_collection("x"))
    graph.add_to_collection("y", 1)
    return tf.constant(1)


@pytest.mark.parametrize("known", [None, [None, None]])
def test_a_call_says_what_is_known_of_a_tensor_of_less_known_shape(known):
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def inner(x):
        return x * 2

    @tf.function(input_signature=[tf.TensorSpec(known, tf.float32)])
    def outer(x):
        y = inner(x)
        shapes.extend([x.shape.as_list(), y.shape.as_list()])
        return y

    assert outer(tf.ones([2, 3])).numpy().tolist() == [[2.0] * 3] * 2
    assert shapes == [[None, 3], [None, 3]]


def test_a_tensor_of_another_shape_is_still_refused():
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def inner(x):
        return x

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def outer(x):
        return inner(x)

    with pytest.raises(TypeError, match="Can not cast"):
        outer(tf.ones([2, 4]))


def test_repeated_calls_by_names_pass_each_tensor_to_its_parameter():
    spec = tf.TensorSpec([None], tf.float32)

    @tf.function(input_signature=[spec, spec])
    def traced(x, y):
        return {"z": x - y, "a": x * 2, "first": y}

    concrete = traced.get_concrete_function()
    a, b = tf.constant([5.0, 1.0]), tf.constant([2.0, 7.0])
    for _ in range(3):
        for found in (concrete(x=a, y=b), concrete(y=b, x=a), concrete(a, y=b), concrete(a, b)):
            assert list(found) == ["z", "a", "first"]
            np.testing.assert_array_equal(found["z"], [3, -6])
            np.testing.assert_array_equal(found["a"], [10, 2])
            np.testing.assert_array_equal(found["first"], b)
        np.testing.assert_array_equal(concrete(x=b, y=a)["z"], [-3, 6])
        np.testing.assert_array_equal(concrete(x=a, y=a)["z"], [0, 0])
        np.testing.assert_array_equal(concrete(x=a, y=[1.0, 1.0])["z"], [4, 0])
        with pytest.raises(TypeError):
            concrete(x=a, z=b)
        with pytest.raises(TypeError):
            concrete(a, x=b)


def test_repeated_calls_by_names_check_and_bind_once(monkeypatch):
    concrete = tf.function(lambda x, y: [x - y, x]).get_concrete_function(
        tf.TensorSpec([2], tf.float32), tf.TensorSpec([2], tf.float32)
    )
    a, b = tf.constant([5.0, 1.0]), tf.constant([2.0, 7.0])
    concrete(y=b, x=a)
    monkeypatch.setattr(concrete, "_bound", None)
    first, second = concrete(y=b, x=a)
    np.testing.assert_array_equal(first, [3, -6])
    np.testing.assert_array_equal(second, a)


def test_a_graph_refuses_tensors_of_other_shapes_than_a_concrete_function_takes():
    concrete = tf.function(lambda x: x + 1.0).get_concrete_function(tf.TensorSpec([None, None]))
    outer = tf.function(lambda x: concrete(x))
    with pytest.raises(TypeError, match=r"Can not cast TensorSpec\(shape=\(2,\)"):
        outer(tf.constant([1.0, 2.0]))
