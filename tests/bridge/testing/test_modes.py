"""TensorFlow's own kit for tests: in graphs and eagerly, under settings, watched for leaks."""

import unittest

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import test_util


def run(decorate, body, **extra):
    """Runs a class with one test `test_it`; returns the unittest result."""
    members = {"test_it": decorate(body), **extra}
    case = type("Case", (tf.test.TestCase,), members)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def test_both_modes_run_with_setting_up_between():
    seen = []

    def body(self):
        seen.append((tf.executing_eagerly(), self.evaluate(tf.constant(1) + 1)))
        seen.append(tf.compat.v1.get_default_graph())

    result = run(
        test_util.run_in_graph_and_eager_modes,
        body,
        setUp=lambda self: (tf.test.TestCase.setUp(self), seen.append("up")),
        tearDown=lambda self: (tf.test.TestCase.tearDown(self), seen.append("down")),
    )
    assert result.wasSuccessful()
    _, graph_mode, graph, *between, eager_mode, other, end = seen
    assert graph_mode == (False, 2) and eager_mode == (True, 2) and graph is not other
    assert between == ["down", "up"] and end == "down"
    assert tf.executing_eagerly()


def test_both_modes_may_fail():
    result = run(test_util.run_in_graph_and_eager_modes, lambda self: self.fail("no"))
    assert len(result.failures) == 2
    with pytest.raises(ValueError, match="only supports test methods"):
        test_util.run_in_graph_and_eager_modes(tf.test.TestCase)


def test_all_tests_of_a_class_run_in_both_modes():
    modes = []

    class Case(tf.test.TestCase):
        def test_a(self):
            modes.append(tf.executing_eagerly())

        def testSkipEagerB(self):
            modes.append("skipped")

    test_util.run_all_in_graph_and_eager_modes(Case)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.wasSuccessful() and sorted(modes, key=str) == [False, True, "skipped"]


def test_graph_mode_is_the_default_graph():
    def body(self):
        assert not tf.executing_eagerly()
        with self.cached_session() as session:
            x = tf.compat.v1.placeholder(tf.float32, [2])
            self.assertAllEqual(session.run(x + 1.0, {x: [1.0, 2.0]}), [2.0, 3.0])
            assert x.graph is tf.compat.v1.get_default_graph()

    assert run(test_util.run_deprecated_v1, body).wasSuccessful()


def test_tests_of_another_version_or_device_are_skipped():
    def body(self):
        raise AssertionError("not called")

    for decorate in (
        test_util.run_v1_only("a reason"),
        test_util.run_gpu_only,
        test_util.run_cuda_only,
    ):
        result = run(decorate, body)
        assert result.wasSuccessful() and len(result.skipped) == 2  # the other is `test_session`
    assert len(run(test_util.run_v2_only, lambda self: None).skipped) == 1


def test_assertions_of_a_test_run_in_a_function_as_well():
    traced = []

    def body(self):
        traced.append(tf.executing_eagerly())
        self.assertAllEqual(tf.range(3) + 1, [1, 2, 3])

    assert run(test_util.also_run_as_tf_function, body).wasSuccessful()
    assert traced == [True, False]


def test_tensors_that_stay_are_found():
    kept = []
    assert run(
        test_util.assert_no_new_tensors, lambda self: tf.constant(1.0) and None
    ).wasSuccessful()
    result = run(test_util.assert_no_new_tensors, lambda self: kept.append(tf.constant(1.0)))
    assert "1 Tensors not deallocated" in result.failures[0][1]


@pytest.mark.own_process
def test_objects_that_stay_are_found():
    kept, watch = [], test_util.assert_no_new_pyobjects_executing_eagerly()
    result = run(watch, lambda self: tf.constant(1.0) + 1.0 and None)
    assert result.wasSuccessful(), result.failures
    result = run(watch, lambda self: kept.append([object()]))
    assert "The following objects were newly created" in result.failures[0][1]


@pytest.mark.parametrize("use_tape", [True, False])
def test_gradients_by_tape_or_in_graphs(use_tape):
    @tf.function
    def slope(x):
        with test_util.AbstractGradientTape(use_tape=use_tape) as tape:
            tape.watch(x)
            y = x * x
        return tape.gradient(y, x)

    assert slope(tf.constant(3.0)) == 6.0


def test_operations_and_layouts_of_graphs():
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="a")
    assert test_util.assert_ops_in_graph({"a": "Const"}, graph)["a"].op == "Const"
    with pytest.raises(ValueError, match="Not all expected ops are present"):
        test_util.assert_ops_in_graph({"b": "Const"}, graph)
    assert test_util.get_node_def_from_graph("b", graph.as_graph_def()) is None
    image = tf.zeros([1, 2, 3, 8])
    assert test_util.NHWCToNCHW(image).shape == [1, 8, 2, 3]
    packed = test_util.NHWCToNCHW_VECT_C(image)
    assert packed.shape == [1, 2, 2, 3, 4]
    assert test_util.NCHW_VECT_CToNHWC(packed).shape == [1, 2, 3, 8]
    assert test_util.NCHWToNHWC([1, 8, 2, 3]) == [1, 2, 3, 8]


def test_settings_hold_within_the_test():
    with test_util.run_functions_eagerly(True):
        assert tf.config.functions_run_eagerly()
    assert not tf.config.functions_run_eagerly()
    with test_util.force_cpu(), test_util.deterministic_ops():
        assert "CPU:0" in tf.constant(1.0).device
    called = []
    test_util.skip_if(lambda: True)(called.append)(1)
    test_util.skip_if(False)(called.append)(2)
    assert called == [2]
    with pytest.raises(unittest.SkipTest), test_util.skip_if_error(tf.test.TestCase(), KeyError):
        raise KeyError("x")
