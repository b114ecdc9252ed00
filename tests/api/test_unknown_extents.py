"""Functions of tensors whose extents, or ranks, are known only when they run give what they give otherwise."""

import numpy as np
import pytest

import penstock as tf

IMAGES = np.random.default_rng(0).random((2, 12, 13, 3)).astype("f")
MATRIX = np.float32([[0.1, 0.4], [-0.3, 0.2]])


ROWS = np.random.default_rng(1).normal(size=(3, 8)).astype("f")
FRAMES = np.random.default_rng(2).normal(size=(2, 5, 6)).astype("f")
BOXES = np.float32([[[0, 0, 1, 1], [0, 0, 1, 1.1], [1, 1, 2, 2]]] * 2)


def suppressed(boxes):
    scores = tf.reduce_sum(boxes, -1)
    return tf.image.non_max_suppression_padded(boxes, scores, 2, pad_to_max_output_size=True)


def weighted_rows(table):
    ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], [0, 1, 2], [3, 2])
    return tf.nn.embedding_lookup_sparse(table, ids, tf.cast(ids, tf.float32), combiner="sum")


ANY_RANK = [
    (weighted_rows, ROWS),
    (lambda x: tf.clip_by_norm(x, 1.0), ROWS),
    (lambda x: tf.linspace(x, x + 1.0, 5, axis=-2), ROWS),
    (lambda x: tf.tensordot(x, x, [[-1], [-1]]), ROWS),
    (lambda x: tf.tensordot(x, tf.ones([8, 2]), 1), ROWS),
    (lambda x: tf.nn.sufficient_statistics(x, [0])[:3], ROWS),
    (lambda x: tf.nn.embedding_lookup([x, x + 1.0], [0, 2, 5]), ROWS),
    (lambda x: tf.nn.ctc_unique_labels(tf.cast(x, tf.int32)), ROWS),
    (lambda x: tf.signal.frame(x, 3, 2, pad_end=True), ROWS),
    (lambda x: tf.signal.frame(x, tf.shape(x)[0], 2, axis=-2), FRAMES),
    (lambda x: tf.signal.overlap_and_add(x, 4), FRAMES),
    (lambda x: tf.signal.stft(x, tf.shape(x)[0] + 1, 2), ROWS),
    (lambda x: tf.signal.dct(x, 2, norm="ortho"), ROWS),
    (lambda x: tf.signal.dct(x, 3, norm="ortho"), ROWS),
    (lambda x: tf.signal.dct(x, 4, n=10), ROWS),
    (tf.signal.mfccs_from_log_mel_spectrograms, ROWS),
    (tf.image.flip_left_right, IMAGES),
    (tf.image.grayscale_to_rgb, IMAGES[..., :1]),
    (tf.image.rgb_to_grayscale, IMAGES),
    (lambda x: tf.image.crop_to_bounding_box(x, 1, 1, 2, 3), IMAGES[0]),
    (lambda x: tf.image.rot90(x, tf.shape(x)[-1]), IMAGES),
    (lambda x: tf.image.stateless_random_flip_up_down(x, [1, 2]), IMAGES),
    (suppressed, BOXES),
    (tf.experimental.numpy.flip, ROWS),
]


@pytest.mark.parametrize("known", ["rank", "nothing"])
@pytest.mark.parametrize(("function", "value"), ANY_RANK)
def test_unknown_ranks(function, value, known):
    shape = [None] * value.ndim if known == "rank" else None
    traced = tf.function(function, input_signature=[tf.TensorSpec(shape)], autograph=False)
    pairs = zip(
        tf.nest.flatten(traced(value)), tf.nest.flatten(function(tf.constant(value))), strict=True
    )
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (tf.image.sobel_edges, IMAGES),
        (lambda x: tf.image.ssim(x, x * 0.9, 1.0), IMAGES),
        (lambda x: tf.image.ssim_multiscale(x, x * 0.9, 1.0, [0.5, 0.5], 3), IMAGES),
        (tf.linalg.expm, MATRIX),
        (lambda x: tf.linalg.lstsq(x, tf.ones([3, 2])), ROWS[:, :2]),
        (lambda x: tf.linalg.lu_matrix_inverse(*tf.linalg.lu(x)), MATRIX),
        (lambda x: tf.experimental.numpy.trace(x, 1), ROWS),
        (lambda x: tf.experimental.numpy.tril(x, -1), ROWS),
        (lambda x: tf.experimental.numpy.kron(x, [1.0, 2.0]), ROWS),
        (lambda x: tf.experimental.numpy.average(x, 0), ROWS),
        (lambda x: tf.signal.fftshift(x, -1), ROWS),
        (lambda x: tf.signal.ifftshift(x, [-2, 1]), ROWS),
    ],
)
def test_unknown_extents(function, value):
    traced = tf.function(function, input_signature=[tf.TensorSpec([None] * value.ndim, tf.float32)])
    np.testing.assert_allclose(traced(value), function(tf.constant(value)), rtol=5e-6, atol=1e-6)


@pytest.mark.parametrize("rows", [3, 8, 11])
def test_least_squares_of_either_form(rows):
    def gradients(matrix):
        with tf.GradientTape() as tape:
            tape.watch(matrix)
            solved = tf.linalg.lstsq(matrix, matrix[:, :2] ** 2.0, l2_regularizer=0.1)
        return solved, tape.gradient(solved, matrix)

    matrix = tf.constant(np.random.default_rng(3).normal(size=(rows, 8)))
    traced = tf.function(gradients, input_signature=[tf.TensorSpec([None, None], tf.float64)])
    for found, expected in zip(traced(matrix), gradients(matrix), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


WIDE = np.float32([[1, -2, 3]])
BROADCAST = {
    "number first": lambda x: WIDE * x,
    "number last": lambda x: x - WIDE,
    "comparison": lambda x: WIDE < x,
    "choice": lambda x: tf.where(WIDE > 0, x, 7.0),
    "choice by the unknown": lambda x: tf.where(x > 0, WIDE, x),
}


@pytest.mark.parametrize("name", BROADCAST)
def test_a_computed_extent_may_be_one_and_be_repeated(name):
    def function(x):
        return BROADCAST[name](tf.reshape(x, [2, -1]))

    traced = tf.function(function, input_signature=[tf.TensorSpec([None, None])], autograph=False)
    for shape in ((2, 1), (2, 3), (1, 2), (6, 1)):
        value = np.random.default_rng(3).normal(size=shape).astype("f")
        np.testing.assert_array_equal(traced(value), function(tf.constant(value)))


@pytest.mark.parametrize("window", [tf.signal.hann_window, tf.signal.hamming_window])
def test_windows_of_a_length_that_a_graph_computes(window):
    traced = tf.function(window, input_signature=[tf.TensorSpec([], tf.int32)], autograph=False)
    for length in (0, 1, 2, 5):
        np.testing.assert_allclose(traced(length), window(length), atol=1e-6)


NUMBERS = [
    (lambda x, n: tf.linalg.diag(x, k=n), ROWS),
    (lambda x, n: tf.linalg.diag(x, num_rows=n + 6, num_cols=9), ROWS),
    (lambda x, n: tf.sparse.to_dense(tf.sparse.eye(n, n + 2)), ROWS),
    (lambda x, n: tf.signal.fftshift(x, n - 1), ROWS),
    (lambda x, n: tf.signal.ifftshift(x, [0, n - 2]), ROWS),
    (lambda x, n: tf.nn.moments(x, [n - 1], keepdims=True), ROWS),
    (lambda x, n: tf.boolean_mask(x, tf.ones([8]) > 0, axis=n - 1), ROWS),
    (lambda x, n: tf.signal.inverse_stft(tf.cast(x, tf.complex64), n * 7, 4), ROWS),
    (lambda x, n: tf.signal.inverse_stft(tf.cast(x, tf.complex64), 14, 4, fft_length=n * 4), ROWS),
]


@pytest.mark.parametrize(("function", "value"), NUMBERS)
def test_arguments_that_are_tensors_of_a_graph(function, value):
    """The number is 2, and is not known while the function is traced."""
    traced = tf.function(lambda x, y: function(x, tf.shape(y)[0]), input_signature=[
        tf.TensorSpec([None, 8]), tf.TensorSpec([None])
    ], autograph=False)  # fmt: skip
    pairs = zip(
        tf.nest.flatten(traced(value, tf.zeros([2]))),
        tf.nest.flatten(function(tf.constant(value), 2)),
        strict=True,
    )
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


LOWER = np.float32([[3, 4, 5], [0, 1, 2]])
GRADIENTS = [
    (lambda x: tf.linspace(x[0, 0], x[1, 1], tf.shape(x)[0] * 2), np.float32([[1, 2], [3, 4]])),
    (tf.linalg.sqrtm, np.float32([[[2, 1], [1, 3]], [[4, 0.5], [0.2, 2]]])),
    (lambda x: tf.linalg.banded_triangular_solve(x, tf.ones([3, 1])), LOWER),
    (lambda x: tf.linalg.banded_triangular_solve(x[::-1], tf.ones([3, 1]), lower=False), LOWER),
    (lambda x: tf.raw_ops.ResizeNearestNeighbor(images=x, size=[5, 4]), IMAGES),
    (lambda x: tf.nn.embedding_lookup(x, [1, 0, 1], max_norm=0.5), ROWS),
    (
        lambda x: tf.raw_ops.SparseToDense(
            sparse_indices=[[0, 1], [1, 2]], output_shape=[2, 3], sparse_values=x[0, :2], default_value=x[1, 1]
        ),
        ROWS,
    ),
]  # fmt: skip


@pytest.mark.parametrize("known", ["rank", "nothing"])
@pytest.mark.parametrize(("function", "value"), GRADIENTS)
def test_gradients(function, value, known):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.math.sin(function(x))
        return tf.convert_to_tensor(tape.gradient(y, x))

    shape = [None] * value.ndim if known == "rank" else None
    traced = tf.function(gradient, input_signature=[tf.TensorSpec(shape)], autograph=False)
    expected = gradient(tf.constant(value))
    assert np.any(expected)
    np.testing.assert_allclose(traced(value), expected, rtol=1e-4, atol=2e-6)
