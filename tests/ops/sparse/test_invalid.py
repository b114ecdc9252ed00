"""Invalid sparse tensors, and row splits that do not cut values into rows, are refused wherever an element would be lost or move."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
VALUES = np.float32([1, 2, 3, 4])
OUTSIDE = {
    "row beyond": [[0, 1], [1, 0], [1, 2], [7, 3]],
    "row beyond 32 bits": [[0, 1], [1, 0], [1, 2], [2**32 + 1, 3]],
    "row that wraps": [[0, 1], [1, 0], [1, 2], [2**62, 0]],
    "column beyond": [[0, 1], [1, 0], [1, 4], [2, 3]],
    "row negative": [[-1, 1], [1, 0], [1, 2], [2, 3]],
    "column negative": [[0, 1], [1, -1], [1, 2], [2, 3]],
}
DISORDERED = {
    "rows": [[1, 0], [0, 1], [2, 3], [1, 2]],
    "columns": [[0, 1], [1, 2], [1, 0], [2, 3]],
    "repeated": [[0, 1], [1, 2], [1, 2], [2, 3]],
}
ROWS = {
    "from_tensor_slices": lambda s: list(tf.data.Dataset.from_tensor_slices(s)),
    "unbatch": lambda s: list(tf.data.Dataset.from_tensors(s).unbatch()),
    "map_fn": lambda s: tf.map_fn(tf.sparse.reduce_sum, s, fn_output_signature=tf.float32),
    "serialize_many_sparse": tf.io.serialize_many_sparse,
    "serialized variants": lambda s: raw.SerializeManySparse(
        sparse_indices=s.indices, sparse_values=s.values, sparse_shape=s.dense_shape, out_type=tf.variant
    ),
    "tensors map": lambda s: raw.AddManySparseToTensorsMap(
        sparse_indices=s.indices, sparse_values=s.values, sparse_shape=s.dense_shape
    ),
}  # fmt: skip


def calls(take):
    """The function as it is and in a traced one, whose arguments have known and unknown shapes."""

    def of_parts(indices, values, shape):
        found = take(tf.SparseTensor(indices, values, shape))
        return tf.constant(0) if isinstance(found, list) else found

    specs = [
        tf.TensorSpec(s, d)
        for s, d in (([None, 2], tf.int64), ([None], tf.float32), ([2], tf.int64))
    ]
    return of_parts, tf.function(of_parts), tf.function(of_parts, input_signature=specs)


@pytest.mark.parametrize("kind", [*OUTSIDE, *DISORDERED])
@pytest.mark.parametrize("name", ROWS)
def test_rows_of_invalid_tensors(name, kind):
    indices = np.int64((OUTSIDE | DISORDERED)[kind])
    eager, *traced = calls(ROWS[name])
    for call in [eager] if name in ("from_tensor_slices", "unbatch") else [eager, *traced]:
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of|repeated"):
            call(indices, VALUES, np.int64([3, 4]))


@pytest.mark.parametrize("kind", OUTSIDE)
def test_slices_drop_no_element_outside(kind):
    for call in calls(lambda s: tf.sparse.slice(s, [0, 0], [3, 4])):
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
            call(np.int64(OUTSIDE[kind]), VALUES, np.int64([3, 4]))


@pytest.mark.parametrize("kind", OUTSIDE)
def test_elements_outside_are_ordered_and_stay(kind):
    indices = np.int64(OUTSIDE[kind])
    backwards = tf.SparseTensor(indices[::-1].copy(), VALUES, [3, 4])
    ordered = tf.sparse.reorder(backwards)
    assert ordered.indices.numpy().tolist() == sorted(indices.tolist())
    joined = tf.sparse.concat(1, [tf.SparseTensor(indices, VALUES, [3, 4])] * 2)
    assert joined.indices.numpy().tolist() == sorted(
        [*indices.tolist(), *(indices + [0, 4]).tolist()]
    )
    total = tf.sparse.add(backwards, tf.SparseTensor(indices, VALUES[::-1].copy(), [3, 4]))
    assert total.values.shape == [4]
    assert sorted(total.values.numpy().tolist()) == [2, 4, 6, 8]


@pytest.mark.parametrize("kind", ["row negative", "column negative", "row that wraps"])
def test_reshapes_of_elements_without_a_place(kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        tf.sparse.reshape(tf.SparseTensor(OUTSIDE[kind], VALUES, [3, 4]), [4, 3])


@pytest.mark.parametrize(
    "indices",
    [[[-1, 0], [0, 0], [2, 0]], [[0, 0], [0, 1], [2**32 + 1, 0]], [[2, 0], [0, 0], [0, 1]]],
)
def test_ragged_tensors_of_invalid_tensors(indices):
    def rows(indices, values, shape):
        return tf.RaggedTensor.from_sparse(tf.SparseTensor(indices, values, shape)).row_splits

    for call in (rows, tf.function(rows)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            call(np.int64(indices), VALUES[:3], np.int64([3, 4]))


def test_embeddings_of_rows_beyond_32_bits():
    ids = tf.SparseTensor([[0, 0], [2**32 + 1, 0]], tf.constant([0, 1], tf.int64), [2, 1])
    with pytest.raises((tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError)):
        tf.nn.embedding_lookup_sparse(np.eye(2, dtype=np.float32), ids, None, combiner="sum")


@pytest.mark.parametrize("kind", DISORDERED)
def test_ctc_labels_out_of_order(kind):
    labels = tf.SparseTensor(DISORDERED[kind], [1, 2, 3, 4], [3, 4])
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of order or repeated"):
        tf.compat.v1.nn.ctc_loss(labels, np.zeros([5, 3, 6], np.float32), [5, 5, 5])


def test_edit_distances_of_sequences_out_of_order():
    guess = tf.SparseTensor([[0, 2], [0, 0], [0, 1]], [3, 1, 2], [1, 3])
    truth = tf.SparseTensor([[0, 0], [0, 1], [0, 2]], [1, 2, 3], [1, 3])
    assert tf.edit_distance(guess, truth).numpy().tolist() == [0.0]


PARTS = {
    "more values": ([[0, 0], [1, 1]], [1.0, 2.0, 3.0], [3, 4]),
    "fewer values": ([[0, 0], [1, 1]], [1.0], [3, 4]),
    "longer shape": ([[0, 0], [1, 1]], [1.0, 2.0], [3, 4, 5]),
    "shorter shape": ([[0, 0], [1, 1]], [1.0, 2.0], [3]),
    "matrix of values": ([[0, 0], [1, 1]], [[1.0, 2.0]], [3, 4]),
}


@pytest.mark.parametrize("kind", PARTS)
def test_parts_that_do_not_fit_together(kind):
    indices, values, shape = PARTS[kind]
    indices, shape, values = np.int64(indices), np.int64(shape), np.float32(values)
    parts = {"sparse_indices": indices, "sparse_values": values, "sparse_shape": shape}
    concat = {"indices": [indices] * 2, "values": [values] * 2, "shapes": [shape] * 2}
    serialized = [tf.io.serialize_tensor(part) for part in (indices, values, shape)]
    for call in (
        lambda: raw.SerializeSparse(**parts),
        lambda: raw.SerializeManySparse(**parts),
        lambda: raw.AddSparseToTensorsMap(**parts),
        lambda: raw.SparseConcat(**concat, concat_dim=0),
        lambda: raw.DeserializeManySparse(serialized_sparse=[serialized], dtype=tf.float32),
        lambda: raw.DeserializeSparse(serialized_sparse=serialized, dtype=tf.float32),
    ):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            call()


def test_negative_extents():
    with pytest.raises(ValueError, match="Dimension -4 must be >= 0"):
        tf.SparseTensor([[0, 0]], [1.0], [3, -4])
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-negative"):
        raw.SparseReshape(input_indices=[[0, 1]], input_shape=[-3, -4], new_shape=[4, 3])


def test_more_elements_than_an_int64_counts():
    shape = np.int64([2**40, 2**40])
    with pytest.raises(tf.errors.InvalidArgumentError, match="overflow"):
        raw.SparseReshape(input_indices=[[0, 1]], input_shape=shape, new_shape=shape)
    with pytest.raises(tf.errors.InvalidArgumentError, match="overflow"):
        raw.SetSize(set_indices=[[0, 1]], set_values=[1], set_shape=shape)
    with pytest.raises(tf.errors.InvalidArgumentError, match="too wide"):
        tf.sparse.bincount(tf.SparseTensor([[0, 1]], [1], [2**62, 4]), axis=-1)


# -- ragged tensors ------------------------------------------------------------------

FIVE = np.float32([1, 2, 3, 4, 5])
SPLITS = {
    "end beyond": [0, 2, 2, 9],
    "end far beyond": [0, 2, 2, 2**40],
    "end short": [0, 2, 2, 4],
    "begins late": [1, 2, 2, 5],
    "begins negative": [-1, 2, 2, 5],
    "falls": [0, 3, 2, 5],
    "falls below zero": [0, -1, 2, 5],
    "falls at the end": [0, 2, 7, 5],
}
TAKERS = {
    "to_tensor": lambda r: r.to_tensor(),
    "to_sparse": lambda r: r.to_sparse().values,
    "reduce_sum": lambda r: tf.reduce_sum(r, 1),
    "reduce_max": lambda r: tf.reduce_max(r, 1),
    "reduce_mean": lambda r: tf.reduce_mean(r, 1),
    "ngrams": lambda r: tf.strings.ngrams(tf.as_string(r), 2).flat_values,
    "join": lambda r: tf.strings.reduce_join(tf.as_string(r), 1),
    "counts": lambda r: tf.sparse.bincount(tf.cast(r, tf.int32), axis=-1).values,
}


@pytest.mark.parametrize("kind", SPLITS)
@pytest.mark.parametrize("name", TAKERS)
def test_splits_that_do_not_fit(name, kind):
    def take(values, splits):
        ragged = tf.RaggedTensor.from_row_splits(values, splits, validate=False)
        return TAKERS[name](ragged)

    specs = [tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.int64)]
    for call in (take, tf.function(take), tf.function(take, input_signature=specs)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            call(FIVE, np.int64(SPLITS[kind]))


@pytest.mark.parametrize(
    "outer", [[0, 1, 7], [0, 1, 2], [1, 1, 3], [-1, 1, 3], [0, 2, 1, 3], [[0, 1, 3]]]
)
def test_outer_splits_that_do_not_fit(outer):
    splits = [np.int64(outer), np.int64([0, 2, 2, 5])]
    dense = {"shape": [-1, -1, -1], "values": FIVE, "default_value": 0.0}
    for call in (
        lambda: raw.RaggedTensorToTensor(
            **dense, row_partition_tensors=splits, row_partition_types=["ROW_SPLITS"] * 2
        ),
        lambda: raw.RaggedGather(
            params_nested_splits=splits,
            params_dense_values=FIVE,
            indices=[0],
            OUTPUT_RAGGED_RANK=2,
        ),
        lambda: raw.RaggedTensorToSparse(rt_nested_splits=splits, rt_dense_values=FIVE),
    ):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            call()


@pytest.mark.parametrize("ids", [[0, 2, 1], [-1, 0, 1], [0, 1, 3]])
def test_row_ids_that_do_not_fit(ids):
    with pytest.raises(tf.errors.InvalidArgumentError, match="row ids must ascend"):
        raw.RaggedTensorToTensor(
            shape=[-1, -1], values=FIVE[:3], default_value=0.0,
            row_partition_tensors=[np.int64(3), np.int64(ids)],
            row_partition_types=["FIRST_DIM_SIZE", "VALUE_ROWIDS"],
        )  # fmt: skip
