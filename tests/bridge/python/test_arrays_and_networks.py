"""Internal functions of arrays, networks, initializers, optimizers and custom gradients that programs import."""

import numpy as np
import pytest

import penstock as tf
import penstock.compat.v1 as v1
from penstock._src.bridge.names import private_modules


def internal(path):
    return private_modules.build(f"python.{path}", f"tensorflow.python.{path}")


def test_shapes_are_constants_where_they_are_known():
    array_ops = internal("ops.array_ops")
    assert array_ops.shape_internal([[1, 2]], out_type=tf.int64).dtype == tf.int64
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [2, 3])
        assert array_ops.shape_internal(x).op.type == "Const"
        assert array_ops.shape_internal(x, optimize=False).op.type == "Shape"
        assert array_ops._all_dimensions(v1.placeholder(tf.float32)).shape.rank == 1
    np.testing.assert_array_equal(array_ops._all_dimensions(tf.zeros([2, 3])), [0, 1])
    np.testing.assert_array_equal(array_ops.repeat_with_axis([1, 2], [2, 1], 0), [1, 1, 2])
    np.testing.assert_array_equal(array_ops.ones_like_impl([1.0], None, None), [1.0])


def test_axes_and_integers_are_checked():
    array_ops = internal("ops.array_ops")
    assert array_ops.get_positive_axis(-1, 3) == 2
    assert array_ops.get_positive_axis(4, None) == 4
    for axis, ndims, error, message in (
        (3, 2, ValueError, "axis=3 out of bounds: expected -2<=axis<2"),
        (-1, None, ValueError, "may only be negative if ndims is statically known"),
        ("a", 2, TypeError, "axis must be an int; got str"),
    ):
        with pytest.raises(error, match=message):
            array_ops.get_positive_axis(axis, ndims)
    assert array_ops.convert_to_int_tensor(tf.constant(3, tf.int64), "x").dtype == tf.int32
    with pytest.raises(TypeError, match="must be of type integer"):
        array_ops.convert_to_int_tensor(3.5, "x")


def test_shapes_of_noise_and_matrices_of_logits():
    nn_ops = internal("ops.nn_ops")
    x = tf.zeros([2, 3])
    assert nn_ops._get_noise_shape(x, [None, 1]) == tf.TensorShape([2, 1])
    assert nn_ops._get_noise_shape(x, [1]) == tf.TensorShape([1])
    np.testing.assert_array_equal(nn_ops._get_noise_shape(x, None), [2, 3])
    np.testing.assert_array_equal(nn_ops._get_noise_shape(x, tf.constant([2, 1])), [2, 1])
    assert nn_ops._flatten_outer_dims(tf.zeros([2, 3, 4])).shape == [6, 4]
    np.testing.assert_allclose(nn_ops.xw_plus_b_v1([[1.0, 2.0]], [[3.0], [4.0]], [5.0]), [[16.0]])
    np.testing.assert_array_equal(internal("ops.nn_impl")._sum_rows(tf.ones([2, 3])), [3, 3])
    with pytest.raises(ValueError, match="must be provided for loss"):
        nn_ops._ensure_xent_args("loss", None, [1.0])


def test_initializers_have_a_base_class():
    for path in ("ops.init_ops", "ops.init_ops_v2"):
        module = internal(path)
        assert module._assert_float_dtype(tf.float16) == tf.float16
        with pytest.raises(ValueError, match="expected to be floating point"):
            module._assert_float_dtype(tf.int32)
    base = internal("ops.init_ops").Initializer
    for made in (v1.zeros_initializer, v1.truncated_normal_initializer, v1.orthogonal_initializer):
        assert isinstance(made(), base)


def test_rows_of_repeated_indices_are_summed():
    optimizer = internal("training.optimizer")
    values, indices = optimizer._deduplicate_indexed_slices(
        tf.constant([[1.0], [2.0], [3.0]]), tf.constant([1, 0, 1])
    )
    assert values.numpy().tolist() == [[4.0], [2.0]]
    assert indices.numpy().tolist() == [1, 0]
    variable = tf.Variable(1.0)
    assert optimizer._var_key(variable) == optimizer._var_key(variable)


def test_a_function_with_its_gradient_is_called_by_the_internal_decorators():
    custom_gradient = internal("ops.custom_gradient")

    def tripled(x):
        return x * 3.0, lambda g: g * 7.0

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = custom_gradient._graph_mode_decorator(tripled, [x], {})
    assert float(y) == 6.0 and float(tape.gradient(y, x)) == 7.0


def test_ids_that_name_no_row_are_left_out():
    embedding_ops = internal("ops.embedding_ops")
    ids = tf.SparseTensor([[0, 0], [0, 1], [1, 1]], [1, -1, 2], [2, 2])
    weights = tf.SparseTensor([[0, 0], [0, 1], [1, 1]], [1.0, 1.0, -1.0], [2, 2])
    assert embedding_ops._prune_invalid_ids(ids, None)[0].values.numpy().tolist() == [1, 2]
    kept, kept_weights = embedding_ops._prune_invalid_ids(ids, weights)
    assert kept.values.numpy().tolist() == [1] and kept_weights.values.numpy().tolist() == [1.0]
    kept, _ = embedding_ops._prune_invalid_weights(ids, weights)
    assert kept.values.numpy().tolist() == [1, -1]
    clipped = embedding_ops._clip(tf.constant([[3.0, 4.0]]), tf.constant([0]), 1.0)
    np.testing.assert_allclose(clipped, [[0.6, 0.8]])


def test_names_of_conversion_collections_structures_and_paths():
    ops = internal("framework.ops")
    made = ops.internal_convert_n_to_tensor([1, 2.0], name="n")
    assert [t.dtype for t in made] == [tf.int32, tf.float32]
    with tf.Graph().as_default():
        v1.add_to_collection("mine", 1)
        assert ops.get_all_collection_keys() == ["mine"]
    assert internal("util.nest").is_sequence_or_composite(tf.sparse.eye(2))
    assert internal("util.compat").path_to_bytes("a") == b"a"
