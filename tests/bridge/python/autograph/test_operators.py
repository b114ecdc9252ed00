"""AutoGraph's operators and conversions at TensorFlow's paths."""

import penstock as tf
from penstock._src.bridge.python.autograph.core import converter, function_wrappers
from penstock._src.bridge.python.autograph.impl import api
from penstock._src.bridge.python.autograph.operators import control_flow, exceptions, logical
from penstock._src.bridge.python.autograph.utils import misc


def signs(x):
    return "plus" if x is None else tf.constant(1) if x > 0 else tf.constant(-1)


def test_a_function_is_converted():
    context = converter.ProgramContext(converter.ConversionOptions(recursive=True))
    made, _, _ = api.PyToTF().transform_function(signs, context)
    graph = tf.Graph()
    with graph.as_default():
        result = made(tf.constant(-3))
    with tf.compat.v1.Session(graph=graph) as session:
        assert session.run(result) == -1
    assert api.is_autograph_artifact(made)


def test_a_loop_is_a_function_of_its_state():
    @tf.function
    def total(limit):
        state = (tf.constant(0), limit)

        def get_state():
            return state

        def set_state(new):
            nonlocal state
            state = new

        def body():
            set_state((state[0] + state[1], state[1] - 1))

        control_flow.while_stmt(
            lambda: logical.not_(state[1] <= 0), body, get_state, set_state, ("i", "n"), {}
        )
        exceptions.assert_stmt(state[0] >= 0, lambda: "negative")
        return state[0]

    assert total(tf.constant(4)).numpy() == 10


def test_helpers_of_converted_code():
    for bounds in ((-3, 3, 2), (3, -3, -2), (1, 0, 1)):
        assert misc.get_range_len(*map(tf.constant, bounds)).numpy() == len(range(*bounds))
    tensor = tf.constant(1)
    alias, text = misc.alias_tensors(tensor, "a")
    assert text == "a" and (tf.executing_eagerly() or alias is not tensor)
    graph = tf.Graph()
    options = converter.ConversionOptions(optional_features=converter.Feature.NAME_SCOPES)
    with graph.as_default(), function_wrappers.FunctionScope("inner", None, options):
        assert tf.constant(1).name.startswith("inner/")
