"""Optimizers of linear models and boosted trees."""

from tests.fuzz.advisories.case import calls, f32, floats, i64, none, raw

SDCA = {
    "loss_type": "logistic_loss", "l1": 1.0, "l2": 1.0, "num_loss_partitions": 1, "num_inner_iterations": 1,
    "sparse_example_indices": [], "sparse_feature_indices": [], "sparse_feature_values": [], "sparse_indices": [], "sparse_weights": [],
}  # fmt: skip

CASES = (
    raw("CVE-2021-29572", "SdcaOptimizer", **SDCA, dense_features=[f32(1, 1)], example_weights=none(0), example_labels=none(0), dense_weights=[f32(1)], example_state_data=f32(1, 4)),
    raw("CVE-2022-41899", "SdcaOptimizer", **SDCA, dense_features=[f32(1)], example_weights=f32(1), example_labels=f32(1), dense_weights=[f32(1)], example_state_data=f32(1, 4)),
    raw("CVE-2022-41899", "SdcaOptimizer", **SDCA, dense_features=[f32(2, 3)], example_weights=f32(2), example_labels=f32(2), dense_weights=[f32(7)], example_state_data=f32(9, 4)),
    raw("CVE-2021-37672", "SdcaOptimizerV2", **SDCA, dense_features=[f32(2, 2)], example_weights=f32(2), example_labels=f32(1), dense_weights=[f32(2)], example_state_data=f32(2, 4)),
    raw("CVE-2021-37672", "SdcaFprint", input=none(0, dtype=object)),
    raw("CVE-2021-41206", "Cumsum", x=f32(3), axis=i64(9)),
    raw("CVE-2021-41206", "CumulativeLogsumexp", x=f32(3), axis=i64([0, 1])),
    raw("CVE-2021-41206", "Sum", input=f32(2, 2), axis=i64([0, 0, 7])),
    raw("CVE-2021-41206", "ArgMax", input=none(0, 2), dimension=i64(0)),
    raw("CVE-2021-41206", "ArgMax", input=f32(2), dimension=i64([0, 1])),
    raw("CVE-2021-41206", "Bucketize", input=floats([float("nan")]), boundaries=[3.0, 1.0]),
    calls("CVE-2021-37637", "math.segment_sum", lambda tf: tf.math.segment_sum(tf.ones([2]), tf.constant([1, 0]))),
)  # fmt: skip
