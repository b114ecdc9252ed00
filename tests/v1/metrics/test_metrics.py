"""tf.compat.v1.metrics: two batches of the same data, against values of TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.v1.metrics.streams import fitting

v1 = tf.compat.v1
metrics = v1.metrics
L = np.array([0.0, 1, 1, 0, 1, 0, 1, 1], np.float32)
P = np.array([0.1, 0.8, 0.3, 0.6, 0.9, 0.2, 0.5, 0.7], np.float32)
B = (P > 0.5).astype(np.int64)
W = np.array([1, 2, 1, 1, 0.5, 1, 1, 3], np.float32)
HOT = np.array([[0, 0, 1], [1, 0, 0]], np.float32)
SOFT = np.array([[0.1, 0.2, 0.7], [0.3, 0.5, 0.2]], np.float32)
SCORES = np.array([[0.1, 0.5, 0.3, 0.1], [0.2, 0.2, 0.1, 0.5], [0.6, 0.1, 0.2, 0.1]], np.float32)
LABELS = np.array([[1, 2], [3, 0], [2, 1]], np.int64)

CASES = [
    (lambda: metrics.accuracy(L, B), 0.625),
    (lambda: metrics.accuracy(L, B, W), 0.7142857),
    (lambda: metrics.mean(P), 0.5125),
    (lambda: metrics.mean(P, W), 0.5571429),
    (lambda: metrics.mean_tensor(SOFT), [[0.1, 0.2, 0.7], [0.3, 0.5, 0.2]]),
    (lambda: metrics.mean_tensor(SOFT, HOT + 1), [[0.1, 0.2, 0.7], [0.3, 0.5, 0.2]]),
    (lambda: metrics.mean_squared_error(L, P), 0.16125),
    (lambda: metrics.root_mean_squared_error(L, P, W), 0.3785939),
    (lambda: metrics.mean_absolute_error(L, P, W), 0.3285714),
    (lambda: metrics.mean_relative_error(L, P, [1, 2, 0, 1, 1, 1, 1, 4]), 0.209375),
    (lambda: metrics.mean_cosine_distance(HOT, SOFT, 1), 0.5),
    (lambda: metrics.mean_cosine_distance(HOT, SOFT, 1, [[1.0], [3.0]]), 0.6),
    (lambda: metrics.percentage_below(P, 0.5), 0.375),
    (lambda: metrics.percentage_below(P, 0.5, W), 0.2857143),
    (lambda: metrics.mean_iou(L, B, 2), 0.45),
    (lambda: metrics.mean_iou(L, B, 3, W), 0.5235294),
    (lambda: metrics.mean_per_class_accuracy(L, B, 2, W), 0.7),
    (lambda: metrics.true_positives(L, B), 6.0),
    (lambda: metrics.false_positives(L, B, W), 2.0),
    (lambda: metrics.true_negatives(L, B), 4.0),
    (lambda: metrics.false_negatives(L, B, W), 4.0),
    (lambda: metrics.precision(L, B, W), 0.8461539),
    (lambda: metrics.recall(L, B, W), 0.7333333),
    (lambda: metrics.true_positives_at_thresholds(L, P, [0.2, 0.55]), [10.0, 6.0]),
    (lambda: metrics.false_positives_at_thresholds(L, P, [0.2, 0.55], W), [2.0, 2.0]),
    (lambda: metrics.true_negatives_at_thresholds(L, P, [0.2, 0.55]), [4.0, 4.0]),
    (lambda: metrics.false_negatives_at_thresholds(L, P, [0.2, 0.55]), [0.0, 4.0]),
    (lambda: metrics.precision_at_thresholds(L, P, [0.2, 0.55], W), [0.8823529, 0.8461539]),
    (lambda: metrics.recall_at_thresholds(L, P, [0.2, 0.55], W), [1.0, 0.7333333]),
    (lambda: metrics.auc(L, P), 0.8666665),
    (lambda: metrics.auc(L, P, W, num_thresholds=11), 0.9111109),
    (lambda: metrics.auc(L, P, curve="PR"), 0.9183333),
    (lambda: metrics.auc(L, P, curve="PR", summation_method="careful_interpolation"), 0.918907),
    (lambda: metrics.auc(L, P, summation_method="minoring"), 0.8666665),
    (lambda: metrics.auc(L, P, num_thresholds=10, summation_method="majoring"), 0.8666665),
    (lambda: metrics.auc(L, P, thresholds=[0.2, 0.55]), 0.7666665),
    (lambda: metrics.sensitivity_at_specificity(L, P, 0.5), 1.0),
    (lambda: metrics.specificity_at_sensitivity(L, P, 0.7, W, num_thresholds=20), 1.0),
    (lambda: metrics.precision_at_k(LABELS, SCORES, 2), 0.8333333),
    (lambda: metrics.precision_at_k(LABELS, SCORES, 2, class_id=1), 1.0),
    (lambda: metrics.precision_at_k(LABELS, SCORES, 2, weights=[1.0, 2.0, 0.0]), 1.0),
    (lambda: metrics.recall_at_k(LABELS, SCORES, 2), 0.8333333),
    (lambda: metrics.recall_at_k(LABELS, SCORES, 1, class_id=2), 0.0),
    (lambda: metrics.recall_at_k(LABELS, SCORES, 2, weights=[1.0, 2.0, 0.0]), 1.0),
    (
        lambda: metrics.precision_at_top_k(LABELS, tf.constant([[1, 0], [3, 1], [0, 2]], tf.int64)),
        0.5,
    ),
    (
        lambda: metrics.recall_at_top_k(
            LABELS, tf.constant([[1, 0], [3, 1], [0, 2]], tf.int64), k=2
        ),
        0.5,
    ),
    (lambda: metrics.average_precision_at_k(LABELS, SCORES, 2), 0.75),
    (lambda: metrics.average_precision_at_k(LABELS, SCORES, 3, weights=[1.0, 2.0, 0.5]), 0.9404762),
    (lambda: metrics.sparse_precision_at_k(LABELS, SCORES, 2), 0.8333333),
    (lambda: metrics.sparse_average_precision_at_k(LABELS, SCORES, 2), 0.75),
    (
        lambda: metrics.precision_at_k(
            tf.SparseTensor([[0, 0], [1, 0], [1, 1]], tf.constant([1, 3, 0], tf.int64), [3, 2]),
            SCORES,
            2,
        ),
        0.5,
    ),
]


@pytest.mark.parametrize(("make", "expect"), CASES)
def test_values_add_up(make, expect):
    with tf.Graph().as_default(), v1.Session() as session:
        value, update = make()
        session.run(v1.local_variables_initializer())
        session.run(update)
        session.run(update)
        np.testing.assert_allclose(session.run(value), expect, rtol=1e-6)


def test_results_have_names_and_collections():
    with tf.Graph().as_default() as graph:
        value, update = metrics.mean([1.0, 2.0], None, "m", ["u"], "my")
        assert (value.name, update.name) == ("my/value:0", "my/update_op:0")
        assert graph.get_collection("m") == [value] and graph.get_collection("u") == [update]
        names = [variable.name for variable in v1.local_variables()]
        assert names == ["my/total:0", "my/count:0"]


def test_wrong_arguments_are_refused():
    with pytest.raises(RuntimeError, match="tf.metrics.mean is not supported when eager"):
        metrics.mean([1.0])
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="are incompatible"):
            metrics.accuracy(tf.zeros([2, 1]), tf.zeros([3]))
        with pytest.raises(ValueError, match="either ROC or PR"):
            metrics.auc(L, P, curve="X")
        with pytest.raises(ValueError, match="in the range"):
            metrics.sensitivity_at_specificity(L, P, 2.0)
        with pytest.raises(ValueError, match="can not be broadcast"):
            metrics.mean(P, W[:2])


def _variables(make):
    with tf.Graph().as_default():
        make()
        return [variable.op.name for variable in v1.local_variables()]


def test_variables_have_tensorflow_s_names():
    labels, scores = np.zeros([3, 1], np.int64), np.ones([3, 4], np.float32)
    assert _variables(lambda: metrics.mean_tensor(scores)) == [
        "mean/total_tensor",
        "mean/count_tensor",
    ]
    assert _variables(lambda: metrics.recall(labels, labels)) == [
        "recall/true_positives/count",
        "recall/false_negatives/count",
    ]
    assert _variables(lambda: metrics.precision_at_k(labels, scores, 2, class_id=1)) == [
        "precision_at_2_class1/true_positive_at_2_class1",
        "precision_at_2_class1/false_positive_at_2_class1",
    ]


def test_sparse_values_as_labels_that_are_no_classes():
    labels = v1.SparseTensorValue([[0, 0], [0, 1], [1, 0]], [0, 9, -1], [2, 2])
    scores = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    with tf.Graph().as_default(), v1.Session() as session:
        value, update = metrics.recall_at_k(labels, scores, 1)
        session.run(v1.local_variables_initializer())
        session.run(update)
        assert session.run(value) == pytest.approx(1 / 3)


def test_weights_of_unknown_rank_are_squeezed():
    with tf.Graph().as_default(), v1.Session() as session:
        weights = v1.placeholder(tf.float32)
        _, update = metrics.accuracy([1, 0, 0], [1, 1, 1], weights)
        session.run(v1.local_variables_initializer())
        assert session.run(update, {weights: [[98], [1], [1]]}) == pytest.approx(0.98)


@pytest.mark.parametrize(
    "predictions, labels, weights, expected",
    [
        ([4, 1], [4], [4], [[4], [4], [4]]),
        ([4], [4, 1], [4, 1], [[4], [4], [4]]),
        ([4, 3], [4, 3], [4], [[4, 3], [4, 3], [4, 1]]),
        ([4], [4], [], [[4], [4], []]),
    ],
)
def test_predictions_labels_and_weights_get_one_rank(predictions, labels, weights, expected):
    found = fitting(tf.zeros(predictions), tf.zeros(labels), tf.zeros(weights))
    assert [tensor.shape.as_list() for tensor in found] == expected


@pytest.mark.parametrize("compute", [metrics.auc, metrics.recall_at_thresholds])
def test_predictions_outside_of_0_and_1_are_refused(compute):
    more = {} if compute is metrics.auc else {"thresholds": [0.5]}
    with tf.Graph().as_default(), v1.Session() as session:
        predictions = v1.placeholder(tf.float32, [8])
        _, update = compute(L, predictions, **more)
        session.run(v1.local_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in \[0, 1\]"):
            session.run(update, {predictions: P + 1})
