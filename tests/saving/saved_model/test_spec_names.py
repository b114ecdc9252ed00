"""The names of TensorSpecs name a trace's arguments, so specs of other names have traces of their own."""

import pytest

import penstock as tf


def spec(name=None, shape=()):
    return tf.TensorSpec(shape, tf.float32, name=name)


def test_specs_of_other_names_have_traces_of_their_own():
    f = tf.function(lambda x: x)
    unnamed, q, r = (f.get_concrete_function(spec(name)) for name in (None, "q", "r"))
    assert [trace._arg_keywords for trace in (unnamed, q, r)] == [["x"], ["q"], ["r"]]
    assert f.get_concrete_function(spec("q")) is q and f.experimental_get_tracing_count() == 3
    assert f.get_concrete_function(tf.constant(1.0)) is unnamed
    f(tf.constant(2.0))
    assert f.experimental_get_tracing_count() == 3


def test_tensors_are_served_by_a_trace_of_any_name():
    f = tf.function(lambda x: x)
    f.get_concrete_function(spec("q"))
    f(tf.constant(2.0))
    assert f.experimental_get_tracing_count() == 1


def test_a_function_that_was_called_is_served_under_the_names_of_its_specs(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x, more: {"sum": x + more["y"]})
    module.f(tf.constant(1.0), {"y": tf.constant(2.0)})
    served = module.f.get_concrete_function(spec("first"), {"y": spec("second")})
    tf.saved_model.save(module, str(tmp_path), signatures=served)
    signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    assert sorted(signature.structured_input_signature[1]) == ["first", "second"]
    result = signature(first=tf.constant(1.0), second=tf.constant(4.0))
    assert result["sum"].numpy() == 5.0


def test_reduced_retracing_merges_shapes_of_one_name():
    f = tf.function(lambda x: x, reduce_retracing=True)
    f(tf.ones([1]))
    f(tf.ones([2]))
    for shape, expected in ([3], [3]), ([4], [None]):
        trace = f.get_concrete_function(spec("q", shape))
        (argument,), _ = trace.structured_input_signature
        assert (argument.shape.as_list(), argument.name) == (expected, "q")


@pytest.mark.parametrize("name", [None, "a"])
def test_an_input_signature_has_its_own_names(name):
    f = tf.function(lambda x: x, input_signature=[spec(name, [None])])
    assert f.get_concrete_function() is f.get_concrete_function(spec("q", [None]))
    f(tf.ones([3]))
    assert f.experimental_get_tracing_count() == 1
