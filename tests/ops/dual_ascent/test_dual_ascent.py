"""Stochastic dual coordinate ascent and its fingerprints, against values of TensorFlow."""

import numpy as np
import pytest

import penstock as tf


def run(loss, label=1.0, weight=1.0, state=None, dense=((1.0, 2.0),), l1=0.1, l2=0.5, **options):
    count = len(dense)
    return tf.raw_ops.SdcaOptimizerV2(
        sparse_example_indices=[np.array([0, 0], np.int64)],
        sparse_feature_indices=[np.array([0, 2], np.int64)],
        sparse_feature_values=[np.array([0.5, 1.5], np.float32)],
        dense_features=[np.array(dense, np.float32)],
        example_weights=np.full(count, weight, np.float32),
        example_labels=np.full(count, label, np.float32),
        sparse_indices=[np.arange(3)],
        sparse_weights=[np.array([[0.3, 0.2, -0.5]], np.float32)],
        dense_weights=[np.array([0.1, -0.4], np.float32)],
        example_state_data=np.zeros((count, 4), np.float32) if state is None else state,
        loss_type=loss, l1=l1, l2=l2, num_inner_iterations=1, **{"num_loss_partitions": 1, **options},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "options", "state", "dense"),
    [
        ("logistic_loss", {}, [0.1626, 1.171101, 0, 1], [0.325201, 0.650402]),
        ("squared_loss", {}, [0.1125, 1.62, 0, 1], [0.225, 0.45]),
        ("hinge_loss", {}, [0.12, 1.8, 0, 1], [0.24, 0.48]),
        ("smooth_hinge_loss", {}, [0.1125, 1.3, 0, 1], [0.225, 0.45]),
        ("poisson_loss", {}, [0.049919, 1.249329, -1, 1], [0.099839, 0.199678]),
        ("logistic_loss", {"label": 0.0, "weight": 2.0, "num_loss_partitions": 3},
         [-0.029808, 0.742201, 0, 2], [-0.119232, -0.238464]),
        ("poisson_loss", {"label": 2.0}, [0.096255, 2.049329, -0.613706, 1], [0.19251, 0.385019]),
        ("squared_loss", {"state": [[0.7, 0.1, 0.2, 1.0]], "l1": 0.05, "l2": 2.0, "label": 0.0},
         [0.815789, 0.78125, 0.245, 1], [0.057895, 0.115789]),
    ],
)  # fmt: skip
def test_one_example(loss, options, state, dense):
    result = run(loss, **options)
    np.testing.assert_allclose(result.out_example_state_data, [state], atol=2e-6)
    np.testing.assert_allclose(result.out_delta_dense_weights[0], dense, atol=2e-6)
    sparse = result.out_delta_sparse_weights[0].numpy().ravel()
    np.testing.assert_allclose(sparse, [dense[0] * 0.5, 0, dense[0] * 1.5], atol=3e-6)


def test_examples_that_share_nothing():
    result = run("squared_loss", dense=((1.0, 2.0), (0.0, 0.0)), adaptive=False)
    expected = [[0.1125, 1.62, 0, 1], [1.0, 0.5, 0, 1]]
    np.testing.assert_allclose(result.out_example_state_data, expected, atol=1e-6)


@pytest.mark.parametrize("adaptive", [False, True])
def test_passes_lead_to_the_optimum(adaptive):
    """The dual optimum of ridge regression: w = (X'X + l2)^-1 X'y."""
    draw = np.random.default_rng(3)
    x = draw.normal(size=(8, 2)).astype(np.float32)
    y = (x @ [1.0, -2.0]).astype(np.float32)
    state, weights = np.zeros((8, 4), np.float32), np.zeros(2, np.float32)
    for _ in range(60):
        state, _, (delta,) = tf.raw_ops.SdcaOptimizerV2(
            sparse_example_indices=[], sparse_feature_indices=[], sparse_feature_values=[],
            dense_features=[x], example_weights=np.ones(8, np.float32), example_labels=y,
            sparse_indices=[], sparse_weights=[], dense_weights=[weights], example_state_data=state,
            loss_type="squared_loss", l1=0.0, l2=0.5, num_loss_partitions=1, num_inner_iterations=1,
            adaptive=adaptive,
        )  # fmt: skip
        weights = weights + delta.numpy()
    best = np.linalg.solve(x.T @ x + 0.5 * np.eye(2), x.T @ y)
    np.testing.assert_allclose(weights, best, atol=1e-3)


@pytest.mark.parametrize(
    ("loss", "label", "message"),
    [
        ("logistic_loss", 2.0, "Only labels of 0.0 or 1.0 are supported right now"),
        ("poisson_loss", -1.0, "Only non-negative labels can be used with the Poisson log loss"),
    ],
)
def test_refused_labels(loss, label, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(loss, label=label)


def test_refused_states():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expected shape \[1,4\]"):
        run("squared_loss", state=np.ones((1, 1), np.float32))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", [4463240938071824939, 4374473821787594281]),
        ("a", [7969074168056553668, 5955762262185338209]),
        ("abcd", [-5127603957951857022, 650444106621073625]),
        ("abcdefghijklmnop", [4884664341716474623, -6002782382142941965]),
        ("abc" * 60, [5103400609457434425, 3690510682534440781]),
        ("q" * 128, [-7270997857361140827, 7692712594651727052]),
        ("q" * 144, [-7392554316107516089, -7769591088305031118]),
        ("ab" * 200, [-7592882473848666452, -3087826150047856840]),
        ("r" * 1000, [1618766247852916818, 7860409513563011099]),
        ("z" * 100, [1531323428396745933, 3023694414552518728]),
    ],
)
def test_fingerprints(text, words):
    assert tf.raw_ops.SdcaFprint(input=[text]).numpy().tolist() == [words]


def test_weights_shrink():
    with tf.Graph().as_default():
        variable = tf.raw_ops.VariableV2(shape=[4], dtype=tf.float32)
        fill = tf.raw_ops.Assign(ref=variable, value=[0.3, -0.05, -2.0, 0.0])
        shrink = tf.raw_ops.SdcaShrinkL1(weights=[variable], l1=0.2, l2=2.0)
        with tf.compat.v1.Session() as session:
            session.run(fill)
            session.run(shrink)
            np.testing.assert_allclose(session.run(variable), [0.2, 0, -1.9, 0], atol=1e-6)
