"""Code for graphs of TensorFlow 1 as functions that share a graph, or are parts of a GraphDef."""

import pytest

import penstock as tf
from penstock._src.bridge.python.eager import wrap_function
from penstock._src.bridge.python.framework import errors_impl, stack
from penstock._src.bridge.python.ops import gradients_impl

v1 = tf.compat.v1


def number():
    with v1.variable_scope("scope", reuse=v1.AUTO_REUSE):
        return v1.get_variable("number", shape=[], initializer=v1.zeros_initializer())


def test_functions_of_a_graph_share_variables():
    graph = wrap_function.WrappedGraph()
    spec = [tf.TensorSpec([])]
    add = graph.wrap_function(lambda x: number() + x, spec, "add")
    grow = graph.wrap_function(lambda x: number().assign_add(x).op, spec, "grow")
    assert [*graph.variables] == ["scope/number"] and [*graph.functions] == ["add", "grow"]
    assert grow(tf.constant(5.0)) is None
    assert add(tf.constant(1.0)).numpy() == 6.0


@pytest.fixture
def sum_of_two():
    with tf.Graph().as_default() as graph:
        tf.add(v1.placeholder(tf.float32, [], "p"), v1.placeholder(tf.float32, [], "q"), name="out")
    return graph.as_graph_def()


def test_a_part_of_a_graph_def_is_a_function(sum_of_two):
    whole = wrap_function.function_from_graph_def(sum_of_two, ["p:0", "q:0"], {"sum": "out:0"})
    assert whole(tf.constant(1.0), tf.constant(2.0))["sum"].numpy() == 3.0
    captures = {"q": tf.constant(10.0)}
    part = wrap_function.function_from_graph_def(sum_of_two, "p:0", "out:0", captures)
    assert part(tf.constant(1.0)).numpy() == 11.0


def test_a_holder_keeps_variables_by_name():
    holder = wrap_function.VariableHolder(lambda: tf.Variable(1.0, name="held"))
    assert holder() is holder.variables["held"]


def test_second_derivatives_times_vectors():
    with tf.Graph().as_default(), v1.Session() as session, stack.default_session(session):
        x = tf.constant([1.0, 2.0])
        (product,) = gradients_impl._hessian_vector_product(
            x * x * x, [x], [tf.constant([1.0, 10.0])]
        )
        assert product.eval().tolist() == [6.0, 120.0]


def test_errors_by_code():
    error = errors_impl._make_specific_exception(None, None, "gone", 5)
    assert isinstance(error, tf.errors.NotFoundError) and error.message == "gone"
    with pytest.warns(UserWarning, match="Unknown error code: 37"):
        odd = errors_impl._make_specific_exception(None, None, "odd", 37)
    assert isinstance(odd, tf.errors.UnknownError)


def test_a_traced_function_is_wrapped_and_pruned_to_its_own_signature():
    offset = tf.Variable(2.0)

    @tf.function(input_signature=[{"x": tf.TensorSpec([None]), "unused": tf.TensorSpec([None])}])
    def add(inputs):
        return {"sum": inputs["x"] + offset, "other": inputs["unused"]}

    traced = add.get_concrete_function()
    holder = wrap_function.VariableHolder(share_variables=True)
    whole = wrap_function.WrappedFunction(traced.graph, variable_holder=holder)
    fetches = {"sum": traced.structured_outputs["sum"]}
    signature = traced.structured_input_signature
    part = whole.prune(traced.inputs, fetches, input_signature=signature)
    assert part.graph.structured_input_signature == signature
    assert len(part.graph.internal_captures) == 1 and not part.graph.deferred_internal_captures
    unused, x = tf.constant([5.0]), tf.constant([1.0])
    offset.assign(3.0)
    assert part(unused, x)["sum"].numpy().tolist() == [4.0]
