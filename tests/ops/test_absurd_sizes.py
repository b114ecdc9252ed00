"""Sizes that no one means: refused, or computed without the work they seem to ask for."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops import special_functions

raw = tf.raw_ops
HUGE = 2**31 - 1
IMAGES = tf.reshape(tf.range(2.0 * 3 * 5 * 2), [2, 3, 5, 2])


@pytest.mark.parametrize("padding_left", [0, 1])
@pytest.mark.parametrize("stride", [1, 2, 7])
@pytest.mark.parametrize("size", [11, 40, HUGE])
def test_pooling_windows_larger_than_the_image_see_the_image_only(size, stride, padding_left):
    images = IMAGES[:, :, padding_left:]
    attrs = {"ksize": [1, size, size, 1], "strides": [1, stride, stride, 1], "padding": "SAME"}
    largest, places = raw.MaxPoolWithArgmax(input=images, **attrs)
    mean = raw.AvgPool(value=images, **attrs)
    compiled = tf.function(lambda x: raw.AvgPool(value=x, **attrs))(images)
    whole = tf.reduce_max(images, [1, 2], keepdims=True)
    if size == HUGE:  # every window has all of the image
        np.testing.assert_array_equal(largest, tf.broadcast_to(whole, largest.shape))
    np.testing.assert_array_equal(
        largest, tf.gather(tf.reshape(images, [2, -1]), tf.reshape(places, [2, -1]), batch_dims=1)
        .numpy().reshape(largest.shape),
    )  # fmt: skip
    np.testing.assert_allclose(mean, compiled, rtol=1e-6)


def test_a_mean_over_a_large_window_counts_real_pixels():
    attrs = {"ksize": [1, 1, 100, 1], "strides": [1, 1, 2, 1], "padding": "SAME"}
    mean = raw.AvgPool(value=IMAGES, **attrs)
    expected = tf.reduce_mean(IMAGES, 2, keepdims=True)
    np.testing.assert_allclose(mean, tf.repeat(expected, 3, 2), rtol=1e-6)


def test_far_points_of_the_sobol_sequence(monkeypatch):
    monkeypatch.setattr(special_functions, "NEAR", 0)
    far = special_functions.sobol_points(5, 9, 1000)
    monkeypatch.setattr(special_functions, "NEAR", 1 << 20)
    np.testing.assert_array_equal(far, special_functions.sobol_points(5, 9, 1000))


def test_digits_that_no_float_has_are_zeros():
    numbers = np.array([1.5, -0.1, np.inf, 1e300])
    for scientific in (False, True):
        few, many = (
            raw.AsString(input=numbers, precision=precision, scientific=scientific).numpy()
            for precision in (1100, 1200)
        )
        for short, long in zip(few, many, strict=True):
            exponent = short.partition(b"e")[2] if scientific else b""
            digits = short[: len(short) - len(exponent) - bool(exponent)]
            zeros = b"" if b"inf" in short else b"0" * 100
            assert long == digits + zeros + (b"e" + exponent if exponent else b"")
    (padded,) = raw.AsString(input=[-0.5], precision=1102, width=1110, fill="0").numpy()
    assert padded == b"-000000.5" + b"0" * 1101


def test_strings_that_memory_cannot_hold_are_refused_at_once():
    with pytest.raises(tf.errors.ResourceExhaustedError, match="AsString"):
        raw.AsString(input=np.zeros(10**6), precision=10**6)


def test_many_trials_of_a_center_cost_no_more_than_all_points():
    points = np.float32([[0, 0], [1, 0], [2, 0], [9, 9], [10, 9], [11, 9], [30, 0]])
    for seed in range(5):
        many, few = (
            raw.KmeansPlusPlusInitialization(
                points=points, num_to_sample=3, seed=seed, num_retries_per_sample=retries
            ).numpy()
            for retries in (2**40, 900)
        )
        # so many draws find the best point, as 900 do
        np.testing.assert_array_equal(many, few)


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.sparse.eye(2**40),
        lambda: tf.experimental.numpy.linspace(0.0, 1.0, num=2**50),
        lambda: tf.function(lambda: tf.constant(2.0, shape=[2**45]))(),
        lambda: raw.RaggedFillEmptyRows(
            value_rowids=np.int64([0]), values=[1.0], nrows=2**50, default_value=0.0
        ),
    ],
)
def test_functions_without_ops_name_what_memory_lacks(call):
    with pytest.raises(tf.errors.ResourceExhaustedError, match="OOM when allocating"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: raw.LRN(input=IMAGES, depth_radius=HUGE),
        lambda: raw.StringNGrams(
            data=["a"], data_splits=np.int64([0, 1]), separator="", ngram_widths=[HUGE],
            left_pad="", right_pad="", pad_width=-1, preserve_short_sequences=False,
        ),
        lambda: raw.RandomIndexShuffle(index=1, seed=[1, 2, 3], max_index=9, rounds=HUGE - 1),
        lambda: raw.SobolSample(dim=2, num_results=1, skip=HUGE),
        lambda: raw.TensorArrayV3(size=-1, dtype=tf.float32),
    ],
)  # fmt: skip
def test_absurd_attributes_are_refused(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()


def test_an_area_refuses_what_would_never_fit():
    with pytest.raises(tf.errors.ResourceExhaustedError, match="memory limit of '3'"):
        raw.Stage(values=[tf.ones([100])], memory_limit=3, shared_name="absurd")


@pytest.mark.parametrize("dtype", [tf.int8, tf.int64])
def test_the_reciprocal_of_integer_zero_is_xlas(dtype):
    x = tf.constant([0, 1, 2], dtype)
    expected = np.array([-1, 1, 0]).astype(dtype.as_numpy_dtype)
    np.testing.assert_array_equal(raw.Inv(x=x), expected)
    np.testing.assert_array_equal(tf.function(lambda x: raw.Inv(x=x))(x), expected)


def test_one_logit_for_all_classes_counts_for_each():
    features, labels = tf.constant([[0.5]]), tf.constant([0.5, -1.0])
    loss, slope = tf.function(lambda x, y: raw.SoftmaxCrossEntropyWithLogits(features=x, labels=y))(
        features, labels
    )
    np.testing.assert_allclose(loss, [-0.5 * np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(slope, [[0.0, 1.5]], atol=1e-6)


def test_python_integers_that_no_tensor_holds_are_value_errors():
    for call in (
        lambda: tf.experimental.numpy.multiply(2**70, 3),
        lambda: tf.constant(2.0, shape=[2**100]),
    ):
        with pytest.raises(ValueError, match="too large"):
            call()


@pytest.mark.parametrize("rows", [[0, 2], [0, 0, 4], [0, -2, 4]])
def test_gradients_of_fractional_pooling_need_its_windows(rows):
    images = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    ends = {
        "out_backprop": tf.ones([1, 2, 2, 1]),
        "row_pooling_sequence": np.int64(rows),
        "col_pooling_sequence": np.int64([0, 2, 4]),
    }
    maxima = tf.reshape([5.0, 7.0, 13.0, 15.0], [1, 2, 2, 1])
    with pytest.raises(tf.errors.InvalidArgumentError):
        raw.FractionalMaxPoolGrad(orig_input=images, orig_output=maxima, **ends)
    with pytest.raises(tf.errors.InvalidArgumentError):
        raw.FractionalAvgPoolGrad(orig_input_tensor_shape=np.int64([1, 4, 4, 1]), **ends)


def test_gradients_of_fractional_pooling_need_its_maxima():
    ends = np.int64([0, 2, 4])
    with pytest.raises(tf.errors.InvalidArgumentError, match="tensor_out_dup"):
        raw.FractionalMaxPoolGrad(
            orig_input=tf.ones([1, 4, 4, 1]), orig_output=tf.zeros([1, 2, 2, 1]),
            out_backprop=tf.ones([1, 2, 2, 1]), row_pooling_sequence=ends, col_pooling_sequence=ends,
        )  # fmt: skip


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("index", [[-1, 0], [0, 2], [2**40, 0]])
def test_indices_that_are_not_validated_stay_within_the_shape(index, traced):
    def dense():
        return raw.SparseToDense(
            sparse_indices=np.int64([index]), output_shape=np.int64([2, 2]), sparse_values=[1],
            default_value=0, validate_indices=False,
        )  # fmt: skip

    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        (tf.function(dense) if traced else dense)()


def test_more_rows_than_memory_holds_are_refused_at_once():
    with pytest.raises(tf.errors.ResourceExhaustedError):
        raw.SerializeManySparse(
            sparse_indices=np.int64([[0, 0]]), sparse_values=[1], sparse_shape=np.int64([2**40, 2])
        )


@pytest.mark.parametrize("traced", [False, True])
def test_boundaries_that_are_no_numbers_are_below_all(traced):
    def buckets(x):
        return raw.Bucketize(input=x, boundaries=[0.0, float("nan")])

    run = tf.function(buckets) if traced else buckets
    assert run(tf.constant([-1.0, 5.0, np.nan])).numpy().tolist() == [1, 2, 2]
