"""Counts."""

from tests.fuzz.advisories.case import calls, f32, floats, i32, i64, none, raw

CASES = (
    raw("CVE-2020-15196", "SparseCountSparseOutput", indices=i64([[0, 0], [0, 1]]), values=i64([1, 2]), dense_shape=i64([1, 2]), weights=i64([1]), binary_output=False),
    raw("CVE-2020-15197", "SparseCountSparseOutput", indices=none(0, dtype="int64"), values=i64([]), dense_shape=i64([0, 0]), weights=i64([]), binary_output=False),
    raw("CVE-2020-15198", "SparseCountSparseOutput", indices=i64([[0, 0], [0, 1], [1, 0]]), values=i64([1, 2]), dense_shape=i64([2, 2]), weights=i64([]), binary_output=False),
    raw("CVE-2020-15199", "RaggedCountSparseOutput", splits=i64([0]), values=i64([1, 1]), weights=i64([]), binary_output=False),
    raw("CVE-2020-15200", "RaggedCountSparseOutput", splits=i64([0, 8]), values=i64([1, 1]), weights=i64([]), binary_output=False),
    raw("CVE-2020-15201", "RaggedCountSparseOutput", splits=i64([1, 1, -1]), values=i64([1, 1]), weights=i64([]), binary_output=False),
    raw("CVE-2021-29521", "SparseCountSparseOutput", indices=i64([[0, 0]]), values=i64([1]), dense_shape=i64([-1, 2]), weights=i64([]), binary_output=False),
    raw("CVE-2021-29619", "SparseCountSparseOutput", indices=i64([[0, 0]]), values=i64([1]), dense_shape=i64([]), weights=i64([]), binary_output=True),
    raw("CVE-2021-41210", "SparseCountSparseOutput", indices=i64([[-1, -1]]), values=i64([2]), dense_shape=i64([1, 1]), weights=i64([1]), binary_output=True),
    raw("CVE-2022-21738", "SparseCountSparseOutput", indices=i64([[0, 0]]), values=i64([2**62]), dense_shape=i64([1, 1]), weights=i64([1]), maxlength=2**62, binary_output=True),
    raw("CVE-2022-21740", "SparseCountSparseOutput", indices=i64([[0, 0], [9, 0]]), values=i64([1, 1]), dense_shape=i64([1, 1]), weights=i64([1, 1]), binary_output=False),
    raw("CVE-2021-29554", "DenseCountSparseOutput", values=none(0, 0, dtype="int64"), weights=i64([]), binary_output=True),
    raw("CVE-2021-29512", "RaggedBincount", splits=i64([0]), values=i64([5]), size=i64(6), weights=floats([])),
    raw("CVE-2021-29514", "RaggedBincount", splits=i64([7]), values=i64([5, 16, 51]), size=i64(59), weights=floats([0, 0, 0])),
    raw("CVE-2022-35986", "RaggedBincount", splits=i64([0, 0, 5]), values=none(0, dtype="int64"), size=i64(6), weights=floats([])),
    raw("CVE-2021-41226", "SparseBincount", indices=i64([[0], [1], [2]]), values=i64([0, -10000000]), dense_shape=i64([1, 1]), size=i64(1), weights=floats([3, 2, 1])),
    raw("CVE-2022-35982", "SparseBincount", indices=none(0, 1, dtype="int64"), values=i64([1]), dense_shape=i64([]), size=i64(2), weights=floats([])),
    raw("CVE-2022-35987", "DenseBincount", input=none(0, dtype="int64"), size=i64([]), weights=floats([])),
    raw("CVE-2023-25675", "DenseBincount", input=i64([1]), size=i64(2), weights=f32(3)),
    raw("CVE-2022-21737", "Bincount", arr=i32([1, -2]), size=i32(3), weights=floats([])),
    raw("CVE-2022-21737", "Bincount", arr=i32([1]), size=i32([3, 4]), weights=floats([])),
    calls("CVE-2022-29211", "histogram_fixed_width", lambda tf: tf.histogram_fixed_width(tf.constant([float("nan"), 1.0]), [0.0, 5.0])),
    calls("CVE-2022-29211", "histogram_fixed_width", lambda tf: tf.histogram_fixed_width(tf.constant([1.0]), [float("nan"), 5.0])),
)  # fmt: skip
