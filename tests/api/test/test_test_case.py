"""tf.test: assertions beyond absl's, benchmarks, comparisons of graphs."""

import os
import sys

import numpy as np
import pytest

import penstock as tf


@pytest.fixture
def case():
    return tf.test.TestCase()


def test_assertions_of_absl_are_there(case):
    case.assertBetween(2, 1, 3)
    case.assertLen([1], 1)
    case.assertSameStructure([1, {"a": 2}], [1, {"a": 2}])
    with pytest.raises(AssertionError, match="Prefix length is 0"):
        case.assertSequenceStartsWith([], [2, 1])


def test_values_of_dicts_and_ragged_tensors_compare(case):
    case.assertDictEqual({"a": tf.constant([1, 2])}, {"a": [1, 2]})
    with pytest.raises(AssertionError):
        case.assertDictEqual({"a": 1}, {"a": 2})
    case.assertAllEqual(tf.ragged.constant([[1], [2, 3]]), [[1], [2, 3]])


def test_devices_and_messages_compare(case):
    case.assertDeviceEqual("/CPU:0", "/device:CPU:0")
    proto = tf.make_tensor_proto(1)
    case.assertProtoEquals("dtype: DT_INT32 tensor_shape {} int_val: 1", proto)
    with pytest.raises(AssertionError, match="Can't compare protos"):
        case.assertProtoEquals(3, proto)


def test_threads_report_their_errors(case):
    thread = case.checkedThread(lambda n: 1 / n, args=(0,))
    thread.start()
    with pytest.raises(AssertionError, match="Error in checkedThread: division by zero"):
        thread.join()
    thread.check_termination()


def test_writes_are_captured(case, capfd):
    with capfd.disabled(), case.captureWritesToStream(sys.stderr) as captured:
        os.write(2, b"x\n")
    assert captured.contents() == "x\n"


def test_sessions_on_graphs(case):
    with tf.Graph().as_default() as graph:
        value = tf.constant(2.0) * 3.0
        with case.session(graph):
            assert case.evaluate({"v": value}) == {"v": 6.0}
    with case.session() as eager:
        with pytest.raises(AttributeError, match="while eager execution is enabled"):
            eager.run(1)
    with case.test_session() as eager:
        assert eager is None


def test_benchmarks_report(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_REPORT_FILE_PREFIX", str(tmp_path / "report_"))

    class Product(tf.test.Benchmark):
        def benchmark_it(self):
            with tf.Graph().as_default():
                result = tf.constant([1.0, 2.0]) * 2.0
                with tf.compat.v1.Session() as session:
                    return self.run_op_benchmark(session, result, min_iters=3)

    assert tf.test.Benchmark.is_abstract() and not Product.is_abstract()
    report = Product().benchmark_it()
    assert report["iters"] == 3 and report["name"] == "benchmark_it"
    assert 'name: "Product.benchmark_it"' in capsys.readouterr().out
    assert (tmp_path / "report_Product.benchmark_it").stat().st_size > 0


def test_graphs_compare():
    def graph_of(value):
        with tf.Graph().as_default() as graph:
            tf.constant(value)
        return graph.as_graph_def()

    tf.test.assert_equal_graph_def(graph_of(1.0), graph_of(1.0))
    with pytest.raises(AssertionError, match="Node named 'Const' has attr 'value'"):
        tf.test.assert_equal_graph_def(graph_of(1.0), graph_of(2.0))
    with pytest.raises(TypeError, match=r"Expected tf.GraphDef for actual"):
        tf.test.assert_equal_graph_def(graph_of(1.0), 3)


def test_composite_tensors_are_evaluated_to_their_values(case):
    sparse = tf.sparse.from_dense([[0, 1], [2, 0]])
    ragged = tf.ragged.constant([[1], [2, 3]])
    slices = tf.IndexedSlices(tf.constant([1.0]), tf.constant([3]))
    found = case.evaluate({"s": sparse, "r": [ragged], "i": slices, "f": lambda: tf.constant(2)})
    assert isinstance(found["s"], tf.compat.v1.SparseTensorValue)
    assert found["s"].indices.tolist() == [[0, 1], [1, 0]]
    assert isinstance(found["r"][0], tf.compat.v1.ragged.RaggedTensorValue)
    assert found["r"][0].to_list() == [[1], [2, 3]] and found["f"] == 2
    assert found["i"].values.tolist() == [1.0] and found["i"].dense_shape is None
    assert case.evaluate(None) is None
    with pytest.raises(ValueError, match="Unsupported type 'int'"):
        case.evaluate(3)


def test_symbolic_tensors_compare_in_a_session(case):
    with tf.Graph().as_default(), case.session():
        case.assertAllEqual(tf.constant([1, 2]) + 1, [2, 3])
        case.assertAllEqual(tf.ragged.constant([[1], [2, 3]]), [[1], [2, 3]])
        case.assertAllClose({"a": tf.constant(1.0)}, {"a": tf.constant(1.0)})
        case.assertAllGreater(tf.constant([3, 4]), 2)
    with pytest.raises(AssertionError, match=r"(?s)not close lhs = \[2.\].*not close rhs = \[5.\]"):
        case.assertAllClose([1.0, 2.0], [1.0, 5.0])
    with pytest.raises(
        AssertionError, match=r"1 of the 2 element\(s\) are outside the range \[0, 1\)"
    ):
        case.assertAllInRange(tf.constant([0.5, 1.0]), 0, 1, open_upper_bound=True)
    with pytest.raises(ValueError, match="Can't compare dict to non-dict"):
        case.assertAllClose({"a": 1}, [1])
    with pytest.raises(AssertionError, match=r"Mismatched value: a\[1\]\[k\] is different"):
        case.assertAllClose([1, {"k": 2.0}], [1, {"k": 3.0}])


def test_assertions_in_functions_run_with_them(case):
    @tf.function(autograph=False)
    def check(x):
        case.assertAllEqual(x, [1, 2])

    check(tf.constant([1, 2]))
    with pytest.raises(tf.errors.OpError, match="not equal lhs"):
        check(tf.constant([1, 3]))


def test_errors_match_by_message_or_predicate(case):
    with case.assertRaisesOpError("Incompatible shapes"):
        tf.raw_ops.Add(x=[1, 2], y=[1, 2, 3])
    with case.assertRaisesWithPredicateMatch(ValueError, lambda error: "x" in str(error)):
        raise ValueError("x")
    with pytest.raises(AssertionError, match="ValueError not raised"):
        with case.assertRaisesWithPredicateMatch(ValueError, "x"):
            pass
    with pytest.raises(AssertionError, match="Exception of type <class 'ValueError'>: y"):
        with case.assertRaisesWithPredicateMatch(ValueError, "x"):
            raise ValueError("y")


def test_a_session_is_kept_for_the_test(case):
    case.setUp()
    with tf.Graph().as_default() as graph:
        with case.cached_session() as first:
            pass
        with case.cached_session() as second:
            assert second is first and tf.compat.v1.get_default_session() is first
        with pytest.raises(
            ValueError, match="The graph used to get the cached session is different"
        ):
            with case.cached_session(graph):
                pass
    case.tearDown()
    with case.cached_session() as eager:
        assert eager.run({"a": tf.constant(1)}) == {"a": 1}
        with pytest.raises(RuntimeError, match="feed_dict is not supported"):
            eager.run(tf.constant(1), feed_dict={"x": 1})


def test_setting_up_ends_graphs_that_a_test_left_open(case):
    left = tf.Graph().as_default()
    graph = left.__enter__()
    case.setUp()
    assert tf.compat.v1.get_default_graph() is not graph
    left.__exit__(None, None, None)
    assert tf.executing_eagerly()
    numbers = tf.random.uniform([2]).numpy().tolist()
    case.setUp()
    assert tf.random.uniform([2]).numpy().tolist() == numbers


def test_messages_compare_up_to_rounding(case):
    event = tf.compat.v1.Event(wall_time=0.1 + 0.2)
    case.assertProtoEquals("wall_time: 0.3", event)
    with pytest.raises(AssertionError):
        case.assertProtoEquals("wall_time: 0.31", event)
    case.assertProtoEquals("wall_time: 0.31", event, relative_tolerance=0.05)


def test_gradients_are_compared_in_both_modes():
    def f(x, y):
        return x * tf.cast(y, tf.complex64)

    def check():
        exact, near = tf.test.compute_gradient(f, [tf.constant([1 + 2j], tf.complex64), [3.0, 4.0]])
        assert [m.shape for m in exact] == [(4, 2), (4, 2)]
        for a, b in zip(exact, near, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-2)

    check()
    with tf.Graph().as_default(), tf.compat.v1.Session().as_default():
        check()
    exact, near = tf.test.compute_gradient(lambda x: tf.gather(x, [2, 0, 2]), [[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(exact[0], [[0, 0, 1], [1, 0, 0], [0, 0, 1]])
    with pytest.raises(AssertionError, match="unsupported type int32 of argument 0"):
        tf.test.compute_gradient(tf.identity, [tf.constant([1])])
