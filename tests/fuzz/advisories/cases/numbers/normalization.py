"""Normalization, losses of sequences, and activations."""

from tests.fuzz.advisories.case import calls, f32, floats, i32, i64, none, raw

CASES = (
    raw("CVE-2021-29583", "FusedBatchNorm", x=f32(1, 1, 1, 1), scale=none(0), offset=none(0), mean=none(0), variance=none(0), is_training=False),
    raw("CVE-2021-29555", "FusedBatchNorm", x=none(0, 1, 1, 1), scale=f32(1), offset=f32(1), mean=none(0), variance=none(0), is_training=True, epsilon=-1.0),
    raw("CVE-2021-41223", "FusedBatchNorm", x=f32(1, 1, 1, 6), scale=floats([1]), offset=floats([1] * 6), mean=floats([1]), variance=floats([1]), is_training=False),
    raw("CVE-2021-41223", "FusedBatchNormV3", x=f32(1, 1, 1, 6), scale=f32(6), offset=f32(1), mean=f32(6), variance=f32(6), is_training=False),
    raw("CVE-2022-35985", "LRNGrad", input_grads=f32(1, 2, 2, 3), input_image=f32(1, 2, 2, 3), output_image=f32(4, 3), depth_radius=5),
    raw("CVE-2021-29543", "CTCGreedyDecoder", inputs=none(0, 1, 5), sequence_length=i32([2]), merge_repeated=False),
    raw("CVE-2021-29543", "CTCGreedyDecoder", inputs=none(3, 1, 0), sequence_length=i32([3]), merge_repeated=False),
    raw("CVE-2021-29581", "CTCBeamSearchDecoder", inputs=none(3, 0, 5), sequence_length=i32([]), beam_width=3, top_paths=2, merge_repeated=True),
    raw("CVE-2021-29581", "CTCBeamSearchDecoder", inputs=none(0, 0, 0), sequence_length=i32([]), beam_width=1, top_paths=1, merge_repeated=True),
    raw("CVE-2021-29613", "CTCLoss", inputs=f32(10, 16, 0), labels_indices=i64([[0, 1], [0, 2]]), labels_values=i32([1, -900]), sequence_length=i32([1] * 16)),
    raw("CVE-2021-29613", "CTCLoss", inputs=f32(2, 1, 3), labels_indices=i64([[0, 1], [9, 2]]), labels_values=i32([1, 2]), sequence_length=i32([1])),
    raw("CVE-2021-29613", "CTCLoss", inputs=f32(2, 1, 3), labels_indices=none(0, 2, dtype="int64"), labels_values=i32([1]), sequence_length=i32([2])),
    calls("CVE-2022-41887", "keras.losses.poisson", lambda tf: tf.nn.log_poisson_loss(tf.zeros([1, 32]), tf.zeros([32, 0, 20]))),
    calls("CVE-2021-37659", "math.add", lambda tf: tf.raw_ops.SqrtGrad(y=tf.constant([4.0, 16.0]), dy=tf.zeros([0]))),
    raw("CVE-2021-37659", "SigmoidGrad", y=f32(4), dy=none(0)),
    raw("CVE-2021-29513", "Add", x=i32([1]), y=none(1, dtype="int64")),
    calls("CVE-2021-29513", "math.add", lambda tf: tf.constant(["a"]) + tf.constant([1])),
    raw("CVE-2022-41890", "BiasAddGrad", out_backprop=f32(), data_format="NHWC"),
)  # fmt: skip
