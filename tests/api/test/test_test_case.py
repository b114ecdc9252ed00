"""tf.test: assertions beyond absl's, benchmarks, comparisons of graphs."""

import os
import sys

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
    thread = case.checkedThread(lambda: 1 / 0)
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
    with pytest.raises(AssertionError, match="Found difference in node 'Const'"):
        tf.test.assert_equal_graph_def(graph_of(1.0), graph_of(2.0))
    with pytest.raises(TypeError, match=r"Expected tf.GraphDef for actual"):
        tf.test.assert_equal_graph_def(graph_of(1.0), 3)
