"""Ragged tensors in parts."""

from tests.fuzz.advisories.case import calls, f32, floats, i64, none, raw, text

CASES = (
    raw("CVE-2021-29516", "RaggedTensorToVariant", rt_nested_splits=[none(0, dtype="int64")], rt_dense_values=floats([1]), batched_input=True),
    raw("CVE-2021-37666", "RaggedTensorToVariant", rt_nested_splits=[i64([]), i64([])], rt_dense_values=floats([1]), batched_input=True),
    raw("CVE-2022-36018", "RaggedTensorToVariant", rt_nested_splits=[i64([0, 50, 0])], rt_dense_values=floats([1, 2]), batched_input=True),
    raw("CVE-2021-29532", "RaggedCross", ragged_values=[text(["a"])], ragged_row_splits=[i64([0, 9])], sparse_indices=[], sparse_values=[], sparse_shape=[], dense_inputs=[], input_order="R", hashed_output=False, num_buckets=0, hash_key=0, out_values_type="string", out_row_splits_type="int64"),
    raw("CVE-2021-41212", "RaggedCross", ragged_values=[text(["a"])], ragged_row_splits=[i64([5, 1])], sparse_indices=[], sparse_values=[], sparse_shape=[], dense_inputs=[], input_order="RRR", hashed_output=False, num_buckets=0, hash_key=0, out_values_type="string", out_row_splits_type="int64"),
    raw("CVE-2021-41214", "RaggedCross", ragged_values=[], ragged_row_splits=[], sparse_indices=[i64([[0, 0]])], sparse_values=[text(["a"])], sparse_shape=[none(0, dtype="int64")], dense_inputs=[], input_order="S", hashed_output=True, num_buckets=0, hash_key=0, out_values_type="int64", out_row_splits_type="int64"),
    raw("CVE-2021-29560", "RaggedTensorToTensor", shape=i64([-1, -1]), values=floats([]), default_value=f32(), row_partition_tensors=[i64([0, 9])], row_partition_types=["ROW_SPLITS"]),
    raw("CVE-2021-29608", "RaggedTensorToTensor", shape=i64([10, 10]), values=floats([1]), default_value=f32(), row_partition_tensors=[i64([]), i64([])], row_partition_types=["FIRST_DIM_SIZE", "VALUE_ROWIDS"]),
    raw("CVE-2021-37638", "RaggedTensorToTensor", shape=i64([1]), values=floats([1]), default_value=f32(), row_partition_tensors=[i64([])], row_partition_types=["FIRST_DIM_SIZE"]),
    raw("CVE-2021-37638", "RaggedTensorToTensor", shape=i64([1]), values=floats([1]), default_value=f32(), row_partition_tensors=[i64([0])], row_partition_types=[]),
    raw("CVE-2021-37656", "RaggedTensorToSparse", rt_nested_splits=[i64([])], rt_dense_values=floats([1])),
    raw("CVE-2021-37656", "RaggedTensorToSparse", rt_nested_splits=[i64([0, 38, 0])], rt_dense_values=floats([1])),
    raw("CVE-2021-37641", "RaggedGather", params_nested_splits=[i64([0, 20])], params_dense_values=floats([1]), indices=i64([0]), OUTPUT_RAGGED_RANK=1),
    raw("CVE-2021-37641", "RaggedGather", params_nested_splits=[i64([0, 1])], params_dense_values=f32(), indices=i64([-5]), OUTPUT_RAGGED_RANK=1),
    raw("CVE-2022-35940", "RaggedRange", starts=floats([1.1]), limits=floats([10.1]), deltas=floats([1e-45]), Tsplits="int32"),
    raw("CVE-2022-35940", "RaggedRange", starts=i64([0]), limits=i64([2**62]), deltas=i64([1]), Tsplits="int64"),
    calls("CVE-2022-29202", "ragged.constant", lambda tf: tf.ragged.constant([[1]], ragged_rank=8968073515812833920)),
    calls("CVE-2021-37679", "map_fn", lambda tf: tf.map_fn(lambda x: tf.map_fn(lambda z: z * 2, x, fn_output_signature=tf.int32), tf.ragged.constant([[1, 2], [3]]), fn_output_signature=tf.RaggedTensorSpec([None], tf.int32, 0))),
    calls("CVE-2022-41893", "RaggedTensorToVariantGradient", lambda tf: tf.raw_ops.RaggedTensorToVariantGradient(encoded_ragged_grad=tf.raw_ops.EmptyTensorList(element_shape=[], max_num_elements=1, element_dtype=tf.float32), row_splits=tf.constant([], tf.int64), dense_values_shape=[1], Tvalues=tf.float32)),
)  # fmt: skip
