"""Functions of compat.v1 with names and orders of arguments of their own."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def equal(tensor, expected):
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-5)


def test_parts_of_variables_change():
    v = tf.Variable([1.0, 2.0, 3.0])
    assert v1.scatter_add(v, [0, 1], [1.0, 1.0]).numpy().tolist() == [2, 3, 3]
    v1.scatter_update(v, [0], [9.0])
    v1.scatter_max(v, [0, 1], [5.0, 50.0])
    equal(v1.scatter_nd_add(v, [[0]], [1.0]), [10, 50, 3])
    v1.scatter_nd_update(v, [[1]], [1.0])
    equal(v1.scatter_nd_sub(v, [[1]], [1.0]), [10, 0, 3])
    equal(v1.scatter_div(v, [0], [2.0]), [5, 0, 3])
    batch = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    equal(v1.batch_scatter_update(batch, [[0], [1]], [[7.0], [8.0]]), [[7, 2], [3, 8]])
    count = tf.Variable(3)
    assert [int(v1.count_up_to(count, 5)) for _ in range(2)] == [3, 4]
    with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 5"):
        v1.count_up_to(count, 5)


def test_sparse_functions_take_arguments_of_version_1():
    sp = tf.sparse.from_dense([[1.0, 0.0], [0.0, 3.0]])
    equal(v1.sparse_add(sp, sp, thresh=3.0).indices, [[1, 1]])
    equal(v1.sparse_concat(0, [sp, sp]).dense_shape, [4, 2])
    equal(v1.sparse_reduce_max(sp, axis=1), [1, 3])
    equal(v1.sparse_reduce_sum(sp, reduction_axes=0), [1, 3])
    equal(v1.sparse_reduce_sum_sparse(sp, axis=1, keepdims=True).dense_shape, [2, 1])
    equal(v1.sparse_segment_mean([[1.0], [2.0]], [0, 1], [0, 1], num_segments=3), [[1], [2], [0]])
    equal(v1.sparse_split(sp_input=sp, num_split=2, axis=0)[0].dense_shape, [1, 2])
    with pytest.raises(ValueError, match="Keyword arguments are required"):
        v1.sparse_split(sp, 2, 0)
    equal(v1.sparse_to_dense([0, 2], [4], [1, 2], -1), [1, -1, 2, -1])
    ids = tf.sparse.from_dense([[1, 2], [3, 0]])
    values = tf.sparse.SparseTensor(ids.indices, [1.0, 2.0, 3.0], ids.dense_shape)
    equal(v1.sparse_merge(ids, values, 5).indices, [[0, 1], [0, 2], [1, 3]])
    merged = v1.sparse_merge([ids, ids], values, [5, 6])
    equal(merged.indices, [[0, 1, 1], [0, 2, 2], [1, 3, 3]])
    equal(merged.dense_shape, [2, 5, 6])
    assert v1.convert_to_tensor_or_sparse_tensor(sp) is sp
    with pytest.raises(RuntimeError, match="Sparse dtype mismatch"):
        v1.convert_to_tensor_or_sparse_tensor(sp, tf.int32)


def test_strings():
    split = v1.string_split(["a,b;;c"], ",;")
    assert split.values.numpy().tolist() == [b"a", b"b", b"c"]
    assert v1.string_split(["a,b,,c"], ",", skip_empty=False).dense_shape.numpy().tolist() == [1, 4]
    assert v1.string_split(["a b"], result_type="RaggedTensor").to_list() == [[b"a", b"b"]]
    equal(v1.string_to_hash_bucket(["a", "b"], 10), [8, 0])
    equal(v1.string_to_number("1.5"), 1.5)
    assert v1.substr("abcd", 1, 2).numpy() == b"bc"
    joined = v1.reduce_join([["a", "b"]], reduction_indices=[0, 1], keep_dims=True)
    assert joined.numpy().tolist() == [[b"ab"]]
    equal(v1.decode_raw(bytes=b"\x01\x00", out_type=tf.uint8), [1, 0])
    equal(v1.decode_csv(["1,2"], [[0], [0.0]])[1], [2.0])


def test_images_are_resized_as_by_version_1():
    images = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    equal(v1.image.resize(images, [2, 2])[0, :, :, 0], [[0, 2], [8, 10]])
    assert v1.image.resize(images, [4, 4]) is images
    corners = v1.image.resize(images, [6, 6], method=2, align_corners=True)
    equal(corners[0, 1, :3, 0], [2.0144064, 2.5180078, 3.2626054])
    assert v1.image.resize(images, [3, 2], preserve_aspect_ratio=True).shape == [1, 2, 2, 1]
    with pytest.raises(ValueError, match="not implemented: 9"):
        v1.image.resize(images, [2, 2], 9)
    equal(v1.image.resize_bilinear(images, [3, 3])[0, 1, :, 0], [16 / 3, 20 / 3, 8])
    padded = v1.image.resize_image_with_pad(images, 3, 6)[0, 1, :, 0]
    equal(padded, [0, 16 / 3, 20 / 3, 8, 0, 0])
    cropped = v1.image.crop_and_resize(images, [[0.0, 0.0, 1.0, 1.0]], [0], [2, 2])
    equal(cropped[0, :, :, 0], [[0, 3], [12, 15]])
    equal(v1.image.extract_glimpse(images, [2, 2], [[0.0, 0.0]])[0, :, :, 0], [[5, 6], [9, 10]])


def test_nn_functions_take_arguments_of_version_1():
    images = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    back = v1.nn.conv2d_backprop_filter(
        images, [2, 2, 1, 1], images, [1, 1, 1, 1], [[0, 0], [0, 1], [0, 1], [0, 0]]
    )
    equal(back[:, :, 0, 0], [[1240, 920], [770, 552]])
    window = tf.ones([2, 2, 1])
    dilated = v1.nn.dilation2d(images, window, [1, 1, 1, 1], [1, 1, 1, 1], "VALID")
    equal(dilated[0, 0, :, 0], [6, 7, 8])
    eroded = v1.nn.erosion2d(images, window, [1, 1, 1, 1], [1, 1, 1, 1], "VALID")
    equal(eroded[0, 0, :, 0], [-1, 0, 1])
    _, places = v1.nn.max_pool_with_argmax(
        images, [1, 2, 2, 1], [1, 2, 2, 1], "VALID", Targmax=tf.int32
    )
    equal(places[0, :, :, 0], [[5, 7], [13, 15]])
    ids = tf.sparse.from_dense(np.array([[1, 2], [3, 0]]))
    parts = [tf.ones([2, 2]), tf.zeros([2, 2])]
    summed = v1.nn.embedding_lookup_sparse(parts, ids, None, combiner="sum")
    equal(summed, [[1, 1], [0, 0]])
    labels, predictions = [[1.0, 2.0], [3.0, 5.0]], [[1.0, 1.0], [0.0, 2.0]]
    assert float(v1.losses.mean_pairwise_squared_error(labels, labels)) == 0
    weighted = v1.losses.mean_pairwise_squared_error(labels, predictions, [[2.0], [0.0]])
    equal(weighted, 2.0)
    equal(v1.clip_by_average_norm([3.0, 4.0], 1.0), [1.2, 1.6])


def test_ragged_values():
    value = v1.ragged.constant_value([[1, 2], [3]])
    assert (value.to_list(), value.shape, value.dtype) == ([[1, 2], [3]], (2, None), np.int64)
    assert v1.ragged.constant_value([["a"], []]).values.dtype == "<U1"
    with tf.Graph().as_default(), v1.Session() as session:
        rows = v1.ragged.placeholder(tf.int32, 1)
        doubled = session.run(rows * 2, {rows: v1.ragged.constant_value([[1, 2], [3]], "int32")})
        assert doubled.to_list() == [[2, 4], [6]]


def test_templates_share_variables():
    def scaled(x, k):
        return x * v1.get_variable("w", [2]) * k

    with tf.Graph().as_default():
        template = v1.make_template("tmpl", scaled, k=2.0)
        assert template(1.0).name == "tmpl/mul_1:0"
        assert template(2.0).name == "tmpl_1/mul_1:0"
        v1.make_template("tmpl", scaled, k=3.0)(1.0)
        assert [v.name for v in v1.global_variables()] == ["tmpl/w:0", "tmpl_1/w:0"]
        assert [v.name for v in template.trainable_variables] == ["tmpl/w:0"]
        local = v1.get_local_variable("lv", [2])
        assert v1.local_variables() == [local] and local not in v1.trainable_variables()


def test_gradients_in_a_session():
    with tf.Graph().as_default(), v1.Session():
        x = tf.constant([1.0, 2.0])
        exact, near = v1.test.compute_gradient(x, [2], x * x, [2], x_init_value=[1.0, 3.0])
        np.testing.assert_allclose(exact, [[2, 0], [0, 6]])
        np.testing.assert_allclose(near, exact, atol=5e-3)
        assert v1.test.compute_gradient_error(x, [2], x * x, [2]) < 1e-2


def test_flags_are_those_of_absl():
    flags = tf.compat.v1.flags
    flags.DEFINE_integer("penstock_test_steps", 3, "how many steps")
    values = tf.compat.v1.app.flags.FLAGS
    values(["program", "--penstock_test_steps=5"])
    assert values.penstock_test_steps == 5


def test_a_scalar_is_split_as_one_row():
    split = tf.compat.v1.strings.split
    assert split("1 2", result_type="RaggedTensor").to_list() == [[b"1", b"2"]]
    assert split("1 2").dense_shape.numpy().tolist() == [1, 2]
