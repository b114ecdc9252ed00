"""pfor without loops: operations whose inputs differ from row to row give what each row gives."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.api.vectorized.functions import pfor
from penstock._src.core.registry import raw

drawn = np.random.default_rng(0)
X = tf.constant(drawn.random((3, 4, 5, 2), np.float32))
IMAGES = tf.constant(drawn.random((3, 4, 4, 3), np.float32))
BIAS = tf.constant(drawn.random((3, 4), np.float32))
STARTS = tf.constant([[0, 2], [2, 0], [1, 3]])
CHOSEN = tf.constant([[0, 1, 3], [2, 2, 0], [1, 3, 3]])
IDS = tf.constant([[0, 0, 1], [0, 1, 1], [0, 1, 2]])
COMMON_IDS = tf.constant([0, 0, 1])
SEEDS = tf.constant([[1, 2], [3, 4], [1, 2]])


def example(k):
    feature = tf.train.Feature(float_list=tf.train.FloatList(value=[k, k + 1]))
    return tf.train.Example(features=tf.train.Features(feature={"a": feature})).SerializeToString()


EXAMPLES = tf.constant([example(k) for k in range(3)])
FEATURES = {"a": tf.io.FixedLenFeature([2], tf.float32)}

FUNCTIONS = {
    "contrast": lambda i: raw.AdjustContrastv2(images=tf.gather(IMAGES, i), contrast_factor=0.3),
    "bias of channels": lambda i: raw.BiasAdd(
        value=tf.gather(X, i)[None], bias=tf.gather(BIAS, i), data_format="NCHW"
    ),
    "slice": lambda i: tf.slice(X[0, :, :, 0], tf.gather(STARTS, i), [2, 2]),
    "slice of rows": lambda i: tf.slice(tf.gather(X, i)[..., 0], tf.gather(STARTS, i), [2, 2]),
    "mean of chosen": lambda i: tf.sparse.segment_mean(
        tf.gather(X, i), tf.gather(CHOSEN, i), COMMON_IDS
    ),
    "sum of chosen of one": lambda i: tf.sparse.segment_sum(
        X[0], tf.gather(CHOSEN, i), tf.gather(IDS, i), num_segments=4
    ),
    "root of chosen, same": lambda i: tf.sparse.segment_sqrt_n(tf.gather(X, i), [0, 3], [0, 2], 4),
    "gradient of chosen": lambda i: raw.SparseSegmentMeanGrad(
        grad=tf.gather(X, i), indices=tf.gather(CHOSEN, i), segment_ids=tf.gather(IDS, i),
        output_dim0=6,
    ),
    "diagonal": lambda i: tf.linalg.tensor_diag(tf.gather(X, i)[0]),
    "normal": lambda i: raw.StatelessRandomNormal(shape=[2], seed=tf.gather(SEEDS, i)),
    "binomial": lambda i: raw.StatelessRandomBinomial(
        shape=[2], seed=tf.gather(SEEDS, i), counts=9.0, probs=0.5
    ),
    "example": lambda i: tf.io.parse_single_example(tf.gather(EXAMPLES, i), FEATURES)["a"],
    "examples": lambda i: tf.io.parse_example(tf.gather(EXAMPLES, [i, 0]), FEATURES)["a"],
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_rows_at_once_give_what_each_gives(name):
    f = FUNCTIONS[name]
    found = pfor(f, 3, fallback_to_while_loop=False)
    np.testing.assert_allclose(found, np.stack([f(tf.constant(i)) for i in range(3)]), rtol=1e-5)


def test_rows_get_as_many_segments_as_the_one_with_most():
    found = pfor(
        lambda i: tf.sparse.segment_sum(tf.ones([4]), tf.gather(CHOSEN, i), tf.gather(IDS, i)),
        3,
        fallback_to_while_loop=False,
    )
    assert found.numpy().tolist() == [[2, 1, 0], [1, 2, 0], [1, 1, 1]]


def test_operands_of_unknown_ranks_broadcast():
    @tf.function(input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])
    def added(x, y):
        add = lambda i: tf.gather(x, i) + tf.gather(y, i)  # noqa: E731
        return pfor(add, 3, fallback_to_while_loop=False)

    np.testing.assert_allclose(added(X, BIAS[:, :2]), X + BIAS[:, None, None, :2])
    np.testing.assert_allclose(added(BIAS[:, 0], X), X + BIAS[:, :1, None, None])


def test_sparse_features_are_refused_without_a_loop():
    features = {"a": tf.io.VarLenFeature(tf.float32)}
    with pytest.raises(ValueError, match="No pfor vectorization"):
        pfor(
            lambda i: tf.io.parse_single_example(tf.gather(EXAMPLES, i), features)["a"].values,
            3,
            fallback_to_while_loop=False,
        )


def test_rows_of_unknown_numbers_must_be_as_many():
    vector = tf.TensorSpec([None])
    add = tf.function(
        lambda a, b: tf.vectorized_map(lambda row: row[0] * 10 + row[1], (a, b)),
        input_signature=[vector, vector],
    )
    three = tf.constant([1.0, 2.0, 3.0])
    assert add(three, tf.constant([4.0])).numpy().tolist() == [14, 24, 34]
    for others in ([4.0, 5.0], []):
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
            add(three, tf.constant(others, tf.float32))


@pytest.mark.parametrize("wrong", [2, -1])
def test_a_number_out_of_range_is_no_segment_or_element_of_another_row(wrong):
    data, segments = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([0, 1])
    numbers = tf.constant([[0, 1], [wrong, 1]] if wrong < 0 else [[0, wrong], [0, 1]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
        tf.vectorized_map(lambda r: tf.sparse.segment_sum(r[0], r[1], segments), (data, numbers))

    def sums():
        return tf.vectorized_map(
            lambda r: tf.math.unsorted_segment_sum(r[0], r[1], 2), (data, numbers)
        )

    if wrong < 0:  # left out
        assert sums().numpy().tolist() == [[1, 2], [0, 4]]
    else:
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
            sums()
