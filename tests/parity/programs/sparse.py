"""Sparse and ragged tensors, sets and counts."""

import numpy as np

INDICES = np.array([[0, 1], [1, 0], [1, 3], [2, 2]], np.int64)
VALUES = np.array([1.0, -2.0, 3.0, 4.0], np.float32)
SHAPE = np.array([3, 4], np.int64)
DENSE = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
SETS = {
    "set2_indices": np.array([[0, 0], [0, 1], [1, 0], [2, 0]], np.int64),
    "set2_values": np.array([3, 9, 5, 1], np.int64),
    "set2_shape": np.array([3, 2], np.int64),
}


def arithmetic_with_dense(tf, tmp):
    raw, parts = tf.raw_ops, {"sp_indices": INDICES, "sp_values": VALUES, "sp_shape": SHAPE}
    return [
        [getattr(raw, f"SparseDenseCwise{n}")(**parts, dense=d) for n in ("Add", "Mul", "Div")]
        for d in (DENSE, DENSE[0])
    ]


def pieces(tf, tmp):
    raw = tf.raw_ops
    parts = {"indices": INDICES, "values": VALUES, "shape": SHAPE}
    return [
        list(raw.SparseSlice(**parts, start=np.array([1, 0]), size=np.array([2, 3]))),
        list(raw.SparseSplit(**parts, split_dim=np.int64(1), num_split=3)),
        list(raw.SparseReorder(input_indices=INDICES[::-1].copy(), input_values=VALUES, input_shape=SHAPE)),
        list(
            raw.SparseReshape(
                input_indices=INDICES, input_shape=SHAPE, new_shape=np.array([2, -1], np.int64)
            )
        ),
        raw.SparseSliceGrad(
            backprop_val_grad=np.array([5.0, 6.0], np.float32), input_indices=INDICES,
            input_start=np.array([1, 0]), output_indices=np.array([[0, 0], [1, 2]]),
        ),
    ]  # fmt: skip


def reductions(tf, tmp):
    raw = tf.raw_ops
    parts = {"input_indices": INDICES, "input_values": VALUES, "input_shape": SHAPE}
    made = []
    for op in (
        "SparseReduceMax",
        "SparseReduceSum",
        "SparseReduceMaxSparse",
        "SparseReduceSumSparse",
    ):
        for axes in ([1], [0], [0, -1]):
            out = getattr(raw, op)(
                **parts, reduction_axes=np.array(axes, np.int32), keep_dims=axes == [0]
            )
            made.append(list(out) if isinstance(out, tuple) else out)
    return made


def combinations(tf, tmp):
    raw, other = tf.raw_ops, np.array([[0, 1], [1, 1], [2, 2]], np.int64)
    both = {
        "a_indices": INDICES, "a_values": VALUES, "a_shape": SHAPE, "b_indices": other,
        "b_values": np.array([5.0, 1.0, -9.0], np.float32), "b_shape": SHAPE,
    }  # fmt: skip
    return [
        list(raw.SparseSparseMaximum(**both)),
        list(raw.SparseSparseMinimum(**both)),
        list(raw.SparseAdd(**both, thresh=np.float32(0.0))),
        list(raw.SparseAdd(**both, thresh=np.float32(5.5))),
        raw.SparseSoftmax(sp_indices=INDICES, sp_values=VALUES, sp_shape=SHAPE),
        raw.SparseTensorDenseAdd(a_indices=INDICES, a_values=VALUES, a_shape=SHAPE, b=DENSE),
        list(
            raw.SparseConcat(
                indices=[INDICES, other], values=[VALUES, both["b_values"]], shapes=[SHAPE, SHAPE],
                concat_dim=1,
            )
        ),
    ]  # fmt: skip


def rows_without_elements(tf, tmp):
    raw = tf.raw_ops
    filled = raw.SparseFillEmptyRows(
        indices=INDICES[:3],
        values=VALUES[:3],
        dense_shape=np.array([4, 4], np.int64),
        default_value=np.float32(7.0),
    )
    back = raw.SparseFillEmptyRowsGrad(
        reverse_index_map=np.array([0, 3, 1], np.int64),
        grad_values=np.array([1.0, 2.0, 3.0, 4.0], np.float32),
    )
    ragged = raw.RaggedFillEmptyRows(
        value_rowids=np.array([0, 0, 2], np.int64),
        values=VALUES[:3],
        nrows=np.int64(4),
        default_value=np.float32(7.0),
    )
    ragged_back = raw.RaggedFillEmptyRowsGrad(
        reverse_index_map=np.array([0, 1, 3], np.int64), grad_values=np.arange(5, dtype=np.float32)
    )
    return [list(filled), list(back), list(ragged), list(ragged_back)]


def sets(tf, tmp):
    raw = tf.raw_ops
    dense = np.array([[3, 4], [5, 5], [7, 8]], np.int64)
    first = {name.replace("set2", "set1"): value for name, value in SETS.items()}
    first["set1_values"] = np.array([9, 2, 5, 6], np.int64)
    names = ("a-b", "b-a", "intersection", "union")
    return [
        [list(raw.DenseToSparseSetOperation(set1=dense, **SETS, set_operation=n)) for n in names],
        [list(raw.SparseToSparseSetOperation(**first, **SETS, set_operation=n)) for n in names],
        [
            list(raw.DenseToDenseSetOperation(set1=dense, set2=dense[::-1].copy(), set_operation=n))
            for n in names
        ],
        raw.SetSize(
            set_indices=SETS["set2_indices"],
            set_values=SETS["set2_values"],
            set_shape=SETS["set2_shape"],
        ),
    ]


def counts(tf, tmp):
    raw = tf.raw_ops
    whole, weights = np.array([[1, 2, 2], [5, 5, 5]], np.int64), np.zeros(0, np.float32)
    sparse = {"indices": INDICES, "values": np.array([3, 1, 1, 0], np.int64), "dense_shape": SHAPE}
    ragged = {"splits": np.array([0, 1, 1, 4], np.int64), "values": sparse["values"]}
    options = {"binary_output": False, "minlength": 4, "maxlength": -1}
    heavy = np.array([0.5, 1.0, 2.0, 4.0], np.float32)
    return [
        list(raw.DenseCountSparseOutput(values=whole, weights=weights, **options)),
        list(
            raw.DenseCountSparseOutput(
                values=whole, weights=weights, binary_output=True, maxlength=4
            )
        ),
        list(raw.SparseCountSparseOutput(**sparse, weights=heavy, **options)),
        list(raw.RaggedCountSparseOutput(**ragged, weights=heavy, **options)),
        raw.SparseBincount(**sparse, size=np.int64(5), weights=heavy),
        raw.RaggedBincount(**ragged, size=np.int64(5), weights=heavy, binary_output=False),
    ]


def rows_of_batches(tf, tmp):
    raw = tf.raw_ops
    batch = raw.SerializeManySparse(
        sparse_indices=INDICES, sparse_values=VALUES, sparse_shape=SHAPE
    )
    one = raw.SerializeSparse(sparse_indices=INDICES, sparse_values=VALUES, sparse_shape=SHAPE)
    kept = raw.AddManySparseToTensorsMap(
        sparse_indices=INDICES, sparse_values=VALUES, sparse_shape=SHAPE, shared_name="kept"
    )
    return [
        list(raw.DeserializeManySparse(serialized_sparse=batch, dtype=tf.float32)),
        list(raw.DeserializeSparse(serialized_sparse=one, dtype=tf.float32)),
        tf.shape(kept),
    ]


def ragged(tf, tmp):
    raw = tf.raw_ops
    splits, values = (
        np.array([0, 2, 2, 5], np.int64),
        np.array([1.0, 2.0, 3.0, 4.0, 5.0], np.float32),
    )
    picked = raw.RaggedGather(
        params_nested_splits=[splits],
        params_dense_values=values,
        indices=np.array([2, 0, 1]),
        OUTPUT_RAGGED_RANK=1,
    )
    variant = raw.RaggedTensorToVariant(
        rt_nested_splits=[splits], rt_dense_values=values, batched_input=True
    )
    back = raw.RaggedTensorFromVariant(
        encoded_ragged=variant, input_ragged_rank=-1, output_ragged_rank=1, Tvalues=tf.float32
    )
    gradient = raw.RaggedTensorToVariantGradient(
        encoded_ragged_grad=variant,
        row_splits=splits,
        dense_values_shape=np.array([5], np.int32),
        Tvalues=tf.float32,
    )
    dense = raw.RaggedTensorToTensor(
        shape=np.array([-1, 4], np.int64),
        values=values,
        default_value=np.float32(9.0),
        row_partition_tensors=[splits],
        row_partition_types=["ROW_SPLITS"],
    )
    return [
        [list(picked.output_nested_splits), picked.output_dense_values],
        [list(back.output_nested_splits), back.output_dense_values],
        gradient,
        dense,
        list(raw.RaggedTensorToSparse(rt_nested_splits=[splits], rt_dense_values=values)),
        list(raw.RaggedRange(starts=[0, 5], limits=[3, 1], deltas=[1, -2])),
    ]  # fmt: skip


def compressed_rows(tf, tmp):
    raw = tf.raw_ops
    matrix = raw.SparseTensorToCSRSparseMatrix(indices=INDICES, values=VALUES, dense_shape=SHAPE)
    return [
        list(raw.CSRSparseMatrixComponents(csr_sparse_matrix=matrix, index=0, type=tf.float32)),
        list(raw.CSRSparseMatrixToSparseTensor(sparse_matrix=matrix, type=tf.float32)),
        raw.SparseMatrixNNZ(sparse_matrix=matrix),
        raw.SparseMatrixMatMul(a=matrix, b=DENSE.T.copy()),
    ]


def segments_of_rows(tf, tmp):
    raw = tf.raw_ops
    picks = {
        "indices": np.array([0, 2, 2, 1], np.int32),
        "segment_ids": np.array([0, 0, 2, 2], np.int32),
    }
    grads = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)
    made = []
    for name in ("Sum", "Mean", "SqrtN"):
        made += [
            getattr(raw, f"SparseSegment{name}")(data=DENSE, **picks),
            getattr(raw, f"SparseSegment{name}WithNumSegments")(
                data=DENSE, **picks, num_segments=4
            ),
            getattr(raw, f"SparseSegment{name}Grad")(grad=grads, **picks, output_dim0=4),
            list(
                getattr(raw, f"SparseSegment{name}GradV2")(grad=grads, **picks, dense_output_dim0=4)
            ),
        ]
    return made
