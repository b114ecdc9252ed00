"""Constants and placeholders of graphs: one operation each, with TensorFlow's refusals."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def test_a_constant_of_a_shape_is_one_operation():
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, shape=[2, 3])
        v1.constant([1, 2], shape=[2, 2])
    assert [op.type for op in graph.get_operations()] == ["Const", "Const"]


def test_the_last_value_fills_the_shape_of_a_v1_constant():
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        np.testing.assert_array_equal(
            session.run(v1.constant([1, 2], shape=[2, 2])), [[1, 2], [2, 2]]
        )
        with pytest.raises(ValueError, match="Takes at most 1, but got 2"):
            v1.constant([1, 2], shape=[1])


def test_a_constant_of_a_graph_has_as_many_elements_as_its_shape():
    with tf.Graph().as_default(), pytest.raises(TypeError, match=r"shape: \(3,\), but got \(2,\)"):
        tf.constant([1, 2], shape=[3])


def test_a_tensor_is_no_constant_of_another_dtype():
    with pytest.raises(TypeError, match="with dtype tf.float32, but got dtype tf.int32"):
        tf.constant(tf.constant([1, 2]), dtype=tf.float32)


def test_a_placeholder_that_is_not_fed_is_named():
    with v1.Session(graph=tf.Graph()) as session, session.graph.as_default():
        fed = tf.identity(v1.placeholder(tf.float32, [2], name="p"))
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"'p' with dtype float and shape \[2\]"
        ):
            session.run(fed)


def test_shapes_convert_to_integers_that_hold_them():
    assert tf.convert_to_tensor(tf.TensorShape([2**31])).dtype == tf.int64
    with pytest.raises(ValueError, match="a dimension is too large"):
        tf.convert_to_tensor(tf.TensorShape([2**31]), tf.int32)
    with pytest.raises(TypeError):
        tf.convert_to_tensor(tf.TensorShape([2]), tf.float32)


@pytest.mark.parametrize("num", [1, 2, 3, 7])
def test_linspace_of_vectors_with_a_number_of_points_that_is_fed(num):
    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def points(n):
        return tf.linspace(tf.constant([0.0, 1.0]), [1.0, -1.0], n, axis=1)

    np.testing.assert_allclose(
        points(num), np.linspace([0.0, 1.0], [1.0, -1.0], num, axis=1), rtol=1e-6
    )


@pytest.mark.parametrize("kind", [tf.bool, tf.string, tf.qint8, tf.complex64])
def test_zeros_of_computed_shapes_have_every_type(kind):
    with tf.Graph().as_default():
        extent = tf.compat.v1.placeholder(tf.int32, [1])
        assert tf.zeros(extent, kind).dtype == kind
        assert tf.zeros([extent[0], 2], kind).dtype == kind


@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
def test_arrays_without_elements_keep_their_type(dtype):
    empty = np.zeros([0, 2], dtype)
    with tf.Graph().as_default():
        assert tf.constant(empty, shape=[0, 2]).dtype == dtype
        assert tf.constant(empty, tf.float16, shape=[0, 2]).dtype == tf.float16
        assert tf.constant([], shape=[0, 2]).dtype == tf.float32


ONE_VALUE = {
    "float": (lambda: tf.constant(3.0, shape=[1000]), "float_val"),
    "negative": (lambda: tf.constant(-3, shape=[10, 100]), "int_val"),
    "v1": (lambda: v1.constant([7], shape=[1000]), "int_val"),
    "bool": (lambda: tf.constant(True, shape=[1000]), "bool_val"),
    "string": (lambda: tf.constant("ab", shape=[1000]), "string_val"),
    "half": (lambda: tf.constant(2, tf.bfloat16, [1000]), "half_val"),
    "complex": (lambda: tf.constant(1 + 2j, shape=[1000]), "dcomplex_val"),
    "initializer": (lambda: tf.constant_initializer(3.0)([1000]), "float_val"),
    "v1 initializer": (lambda: v1.constant_initializer(3.0)([1000]), "float_val"),
}


@pytest.mark.parametrize("make, field", ONE_VALUE.values(), ids=list(ONE_VALUE))
def test_a_value_that_fills_a_shape_is_stored_once(make, field):
    with tf.Graph().as_default() as graph:
        tensor = make()
        message = graph.as_graph_def().node[0].attr["value"].tensor
        assert len(getattr(message, field)) == (2 if field == "dcomplex_val" else 1)
        assert message.ByteSize() < 60 and not message.tensor_content
        with v1.Session() as session:
            expected = session.run(tensor)
    assert expected.flags.writeable and expected.size == 1000
    with tf.Graph().as_default() as copy:
        (again,) = tf.import_graph_def(graph.as_graph_def(), return_elements=[tensor.name])
        assert copy.as_graph_def().node[0].attr["value"].tensor == message
        with v1.Session() as session:
            np.testing.assert_array_equal(session.run(again), expected)


def test_a_float8_that_fills_a_shape_is_stored_once():
    with tf.Graph().as_default() as graph:
        tf.constant(1.5, tf.dtypes.experimental.float8_e5m2, [1000])
        message = graph.as_graph_def().node[0].attr["value"].tensor
    assert len(message.float8_val) == 1
    assert tf.make_ndarray(message).astype("f").tolist() == [1.5] * 1000


@pytest.mark.parametrize("make", [tf.zeros, tf.ones])
def test_zeros_and_ones_are_written_as_one_value(make):
    with tf.Graph().as_default() as graph:
        make([5, 5])
    (node,) = graph.as_graph_def().node
    assert not node.attr["value"].tensor.tensor_content
    assert list(node.attr["value"].tensor.float_val) == [float(make is tf.ones)]


def test_stacked_arrays_keep_their_dtype_in_functions():
    for kind in (np.uint8, np.int64, np.float64):
        arrays = [np.ones(2, kind), np.ones(2, kind)]
        assert tf.function(lambda arrays=arrays: tf.stack(arrays))().dtype == kind


def test_stacked_numbers_of_numpy_keep_their_dtype_in_functions():
    numbers = [np.float64(1.5), np.float64(2)]
    stacked = tf.function(lambda: tf.stack(numbers, axis=-1))()
    assert stacked.dtype == tf.float64 and stacked.numpy().tolist() == [1.5, 2.0]


def test_a_tuple_in_a_function_takes_arrays():
    first, second = tf.function(lambda: tf.tuple([np.array([1, 2]), np.float64(3)]))()
    assert first.dtype == tf.int64 and second.dtype == tf.float64 and second.numpy() == 3
