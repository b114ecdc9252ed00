"""Ragged tensors: construction, slicing, and what public functions mean for them."""

import numpy as np
import pytest

import penstock as tf

ROWS = tf.ragged.constant([[1.0, 2.0], [], [3.0]])


def test_rows_and_columns():
    assert ROWS[0].numpy().tolist() == [1.0, 2.0]
    assert ROWS[:, :1].to_list() == [[1.0], [], [3.0]]


def test_elementwise_functions_keep_the_rows():
    assert (ROWS * 2 + 1).to_list() == [[3.0, 5.0], [], [7.0]]
    assert tf.square(ROWS).to_list() == [[1.0, 4.0], [], [9.0]]


def test_reductions_go_over_rows():
    np.testing.assert_array_equal(tf.reduce_sum(ROWS, axis=1).numpy(), [3.0, 0.0, 3.0])


def test_concat_along_rows():
    assert tf.concat([ROWS, ROWS], axis=1).to_list() == [[1.0, 2.0, 1.0, 2.0], [], [3.0, 3.0]]


def test_ragged_to_dense_and_back():
    dense = ROWS.to_tensor(-1.0)
    np.testing.assert_array_equal(dense.numpy(), [[1, 2], [-1, -1], [3, -1]])
    assert tf.RaggedTensor.from_tensor(dense, padding=-1.0).to_list() == ROWS.to_list()


def test_row_splits_keep_their_type():
    # as in TensorFlow 2.21
    narrow = tf.ragged.constant([[1.0, 2.0], [3.0]], row_splits_dtype=tf.int32)
    assert narrow.row_splits.dtype == tf.int32
    assert tf.ragged.stack([narrow, narrow]).row_splits.dtype == tf.int32
    assert tf.ragged.stack([tf.constant([1, 2]), tf.constant([3])]).row_splits.dtype == tf.int32
    parts = tf.ragged.stack_dynamic_partitions(tf.constant([1, 2, 3]), [1, 0, 1], 2)
    assert parts.row_splits.dtype == tf.int32 and parts.to_list() == [[2], [1, 3]]
    with pytest.raises(ValueError, match="mismatched row_splits dtypes"):
        tf.concat([narrow, tf.ragged.constant([[1.0], [2.0]])], axis=1)


def test_softmax_of_rows():
    logits = tf.ragged.constant([[1.0, 2.0], [3.0]])
    first, second = tf.nn.softmax(logits).to_list()
    np.testing.assert_allclose(first, [0.26894143, 0.7310586], rtol=1e-6)
    assert second == [1.0]


def test_shapes_of_ragged_tensors_have_types():
    # as in TensorFlow 2.21
    shape = tf.experimental.DynamicRaggedShape.from_lengths([2, (1, 2), 3])
    spec = tf.type_spec_from_value(shape)
    assert (spec.rank, spec.inner_rank, spec.num_row_partitions) == (3, 2, 1)
    assert spec == tf.experimental.DynamicRaggedShape.Spec.from_value(shape)
    again = tf.function(lambda s: s, autograph=False)(shape)
    assert again.static_lengths() == [2, (1, 2), 3]
    with pytest.raises(ValueError, match="must have inner_rank > 0"):
        type(spec)(spec._row_partitions, [], tf.int64)
    with pytest.raises(ValueError, match="not compatible"):
        tf.experimental.DynamicRaggedShape([], [2, 3], static_inner_shape=[2, 4])


DEEP = tf.ragged.constant([[[1, 2], [3]], [], [[4, 5, 6]]])


def listed(value):
    if isinstance(value, tf.RaggedTensor):
        return value.to_list()
    return np.asarray(value.numpy()).tolist()


@pytest.mark.parametrize(
    "axis,expected",
    [
        (0, [[5, 7, 6], [3]]),
        (1, [[4, 2], [], [4, 5, 6]]),
        (2, [[3, 3], [], [15]]),
        ([0, 1], [8, 7, 6]),
        ([1, 2], [6, 0, 15]),
    ],
)
def test_sums_of_several_ragged_dimensions(axis, expected):
    assert listed(tf.reduce_sum(DEEP, axis)) == expected


def test_axes_of_reductions_are_checked():
    with pytest.raises(ValueError, match="out of bounds"):
        tf.reduce_sum(ROWS, 2)
    with pytest.raises(TypeError, match="must be an int"):
        tf.reduce_sum(ROWS, "x")
    assert tf.reduce_mean(DEEP).dtype == tf.float64


def test_segments_cumulative_sums_and_splits_of_rows():
    x = tf.ragged.constant([[1, 2], [3], [4]])
    assert listed(tf.math.unsorted_segment_sum(x, [0, 1, 0], 2)) == [[5, 2], [3]]
    assert listed(tf.math.unsorted_segment_sum(x, x, 5)) == [0, 1, 2, 3, 4]
    assert listed(tf.cumsum(x)) == [[1, 2], [4], [8]]
    assert listed(tf.cumsum(x, -1, exclusive=True, reverse=True)) == [[2, 0], [0], [0]]
    assert [listed(p) for p in tf.split(x, [1, 2])] == [[[1, 2]], [[3], [4]]]
    assert [listed(p) for p in tf.dynamic_partition(x, [0, 1, 0], 2)] == [[[1, 2], [4]], [[3]]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot exactly split"):
        tf.split(x, 2)


def test_products_of_ragged_batches():
    x = tf.ragged.constant([[[1.0, 2], [3, 4]], [[5, 6]]], ragged_rank=1)
    assert listed(tf.matmul(x, tf.ones([2, 2, 1]))) == [[[3.0], [7.0]], [[11.0]]]
    gram = tf.function(lambda v: tf.matmul(v, v, transpose_b=True), autograph=False)(x)
    assert listed(gram) == [[[5.0, 11.0], [11.0, 25.0]], [[61.0]]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="innermost"):
        tf.matmul(ROWS, tf.ones([2, 2]))


def test_dense_operands_take_the_rows():
    x = tf.ragged.constant([[1], [2, 3]])
    assert listed(x + tf.constant([[10], [30]])) == [[11], [32, 33]]
    assert listed(DEEP + tf.constant([[[10]], [[20]], [[30]]]))[2] == [[34, 35, 36]]
    for other in (tf.constant([10, 20]), tf.ragged.constant([[1], [2]])):
        with pytest.raises(tf.errors.InvalidArgumentError):
            x + other
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.debugging.assert_less(x, 3)


def test_text_of_ragged_tensors():
    x = tf.ragged.constant([["a", "b"], ["c"]])
    assert listed(tf.strings.reduce_join(x, 1, separator=",")) == [b"a,b", b"c"]
    assert listed(tf.strings.join([x, "-", x])) == [[b"a-a", b"b-b"], [b"c-c"]]
    assert listed(tf.strings.format("{}!", x)) == b"[['a', 'b'], ['c']]!"
    numbers = tf.ragged.constant([[1, 2, 3, 4], []])
    assert listed(tf.strings.format("{}", numbers, summarize=1)) == b"[[1, ..., 4], []]"
    assert repr(tf.ragged.constant([[1.5], []])) == "<tf.RaggedTensor [[1.5], []]>"


def test_row_partitions_that_do_not_fit():
    partition = tf.experimental.RowPartition
    with pytest.raises(tf.errors.InvalidArgumentError):
        partition.from_value_rowids([1, 0])
    with pytest.raises(ValueError, match="must equal nvals=6"):
        partition.from_uniform_row_length(4, 6)


@pytest.mark.parametrize(
    "call,error",
    [
        (lambda: tf.RaggedTensor.from_row_lengths(1, [1]), tf.errors.InvalidArgumentError),
        (lambda: tf.RaggedTensor.from_value_rowids([1], [0, 0]), ValueError),
        (lambda: tf.RaggedTensor.from_tensor([[1, 2]], padding=[[1, 1]]), ValueError),
        (lambda: ROWS.with_values([1.0]), ValueError),
        (lambda: ROWS.row_lengths(2), ValueError),
        (lambda: tf.ragged.boolean_mask([[1], [2]], [[True]]), ValueError),
        (lambda: tf.ragged.cross([ROWS, ROWS]), ValueError),
        (lambda: tf.ragged.stack_dynamic_partitions([1, 2], [0], 2), ValueError),
        (lambda: tf.ragged.stack_dynamic_partitions([1], [-1], 2), tf.errors.InvalidArgumentError),
        (lambda: tf.ragged.range([[0]], [1]), tf.errors.InvalidArgumentError),
    ],
)
def test_refused(call, error):
    with pytest.raises(error):
        call()


def test_row_lengths_from_the_end():
    assert ROWS.row_lengths(-1).numpy().tolist() == [2, 0, 1]


def test_merged_dimensions_keep_their_rows():
    ragged = tf.ragged.constant([[[1, 2], [3]], [[4, 5], [6]], []])
    assert ragged.merge_dims(1, 2).to_list() == [[1, 2, 3], [4, 5, 6], []]
    dense = tf.RaggedTensor.from_row_splits(tf.reshape(tf.range(12), [6, 2]), [0, 2, 6])
    assert dense.merge_dims(1, 2).to_list() == [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9, 10, 11]]
    deep = tf.ragged.constant([[[[1], [2, 3]], [[4]]], [], [[[5, 6]]]])
    assert deep.merge_dims(1, 3).to_list() == [[1, 2, 3, 4], [], [5, 6]]
    with pytest.raises(ValueError, match="inner_axis=5 out of bounds: expected -3<=inner_axis<3"):
        ragged.merge_dims(0, 5)


def test_values_of_ragged_tensors_are_taken_as_ragged_tensors():
    # as in TensorFlow 2.21: what a session gives may be given to any function
    value = tf.compat.v1.ragged.constant_value([[1.0, 2.0], [3.0]], dtype="float32")
    assert tf.add(value, 1.0).to_list() == [[2.0, 3.0], [4.0]]
    assert tf.ragged.cross([tf.compat.v1.ragged.constant_value([["a"]]), [["b"]]]).to_list() == [
        [b"a_X_b"]
    ]
    chosen = tf.compat.v1.where(tf.constant([True, False]), value, ROWS[1:])
    assert chosen.to_list() == [[1.0, 2.0], [3.0]]


def test_squeezed_axes_are_checked():
    rt = tf.ragged.constant([[[1], [2]], [[3]]])
    assert tf.squeeze(rt, [2]).to_list() == [[1, 2], [3]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="axis = 1.*not squeezable"):
        tf.squeeze(rt, [1])
    with pytest.raises(TypeError, match="Axis must be a list or tuple of integers"):
        tf.squeeze(rt, tf.constant([1]))


def test_map_flat_values_merges_the_rows():
    with pytest.raises(ValueError, match="same ragged_rank"):
        tf.ragged.map_flat_values(
            tf.add, tf.ragged.constant([[1, 2]]), tf.ragged.constant([[[1], [2]]])
        )
    with pytest.raises(tf.errors.InvalidArgumentError, match="incompatible row_splits"):
        tf.ragged.map_flat_values(
            tf.add, tf.ragged.constant([[1, 2], [3]]), tf.ragged.constant([[1], [2, 3]])
        )


def test_slices_of_rows_go_down_as_in_python():
    rows = [[1, 2, 3], [], [4]]
    rt = tf.ragged.constant(rows)
    for key in (slice(None, None, -1), slice(-2, None, -1), slice(2, 0, -1), slice(0, -5, -2)):
        assert rt[:, key].to_list() == [row[key] for row in rows]
    uniform = tf.RaggedTensor.from_uniform_row_length(rt, 3)
    assert int(uniform[:, ::2].uniform_row_length) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        uniform[:, 3]
    with pytest.raises(TypeError, match="slice offsets must be integers"):
        rt[:, 0.5:]


def test_specs_of_ragged_tensors_batch():
    rt = tf.ragged.constant([[[1], [2, 3]], [[]]])
    spec = tf.type_spec_from_value(rt)
    assert spec._unbatch()._batch(2) == spec
    row = spec._unbatch()._from_tensor_list([spec._to_batched_tensor_list(rt)[0][0]])
    assert row.to_list() == [[1], [2, 3]]
    with pytest.raises(ValueError, match="does not match ragged rank"):
        spec._unbatch()._to_tensor_list(rt)


def test_equal_numbers_in_a_row_have_no_variance():
    rows = tf.ragged.constant([[10000.1] * 7])
    assert tf.math.reduce_variance(rows, axis=1).numpy() == [0]
    assert tf.math.reduce_std(rows, axis=1).numpy() == [0]


def test_gather_inside_batches_takes_dense_indices():
    table = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6, 7]]])
    assert tf.gather(table, [1, 0], batch_dims=1, axis=2).to_list() == [[2, 4], [5]]
    pairs = tf.gather(table, [[1, 0], [2, 2]], batch_dims=1, axis=2)
    assert pairs.to_list() == [[[2, 1], [4, 3]], [[7, 7]]] and pairs.shape.as_list() == [2, None, 2]


def test_a_default_gets_the_gradient_of_all_that_it_fills():
    rows = tf.ragged.constant([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]], ragged_rank=1)
    for default, expected in ((0.0, 5.0), ([0.0], [5.0]), ([0.0, 0.0], [2.0, 3.0])):
        default = tf.constant(default)
        with tf.GradientTape() as tape:
            tape.watch(default)
            dense = rows.to_tensor(default)
            weighted = dense * tf.reshape(tf.range(8.0), [2, 2, 2])
        assert tape.gradient(weighted, default).numpy().tolist() == expected


def test_splits_are_checked_where_rows_become_sparse():
    assert ROWS.to_sparse().indices.shape.as_list() == [3, 2]
    for splits, values, message in (
        ([2, 3], [1, 2, 3], "First value of ragged splits must be 0"),
        ([0, 5], [], "Final value of ragged splits must match"),
    ):
        wrong = tf.RaggedTensor.from_row_splits(values, splits, validate=False)
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            wrong.to_sparse()


def test_rows_of_values_of_unknown_rank_become_sparse():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.int32)])
    def f(values):
        return tf.RaggedTensor.from_row_splits(values, [0, 2, 3], validate=False).to_sparse()

    assert f([1, 2, 3]).indices.numpy().tolist() == [[0, 0], [0, 1], [1, 0]]


def test_datasets_unbatch_down_to_scalars_and_batch_again():
    # as in TensorFlow 2.21
    rows = tf.data.Dataset.from_tensors(tf.ragged.constant([[1, 2], [3]])).unbatch()
    values = rows.unbatch()
    assert [int(value) for value in values] == [1, 2, 3]
    vector = tf.raw_ops.RaggedTensorToVariant(
        rt_nested_splits=[], rt_dense_values=[[1, 2], [3, 4]], batched_input=True
    )
    *_, stacked = tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=vector,
        input_ragged_rank=-1,
        output_ragged_rank=0,
        Tvalues=tf.int32,
        Tsplits=tf.int64,
    )
    assert stacked.numpy().tolist() == [[1, 2], [3, 4]]


def test_gradients_of_rows_are_dense_values_in_rows():
    # as in TensorFlow 2.21
    rows = tf.ragged.constant([[1.0, 2.0], [3.0]])
    with tf.GradientTape() as tape:
        tape.watch(rows)
        taken = tf.gather(rows, [0])
    found = tape.gradient(taken, rows)
    assert isinstance(found.flat_values, tf.Tensor) and found.to_list() == [[1.0, 1.0], [0.0]]


def test_gradients_pass_through_rows_as_variants():
    # as in TensorFlow 2.21: the rows that are not taken have no gradient
    rows = tf.ragged.constant([[[1.0, 2.0], []], [[3.0]]])
    with tf.GradientTape() as tape:
        tape.watch(rows)
        first = tf.RaggedTensor._from_variant(
            rows._to_variant(batched_input=True)[0], tf.float32, output_ragged_rank=1
        )
        total = tf.reduce_sum(first * first)
    assert tape.gradient(total, rows).to_list() == [[[2.0, 4.0], []], [[0.0]]]


def test_constructors_put_their_operations_into_scopes():
    # as in TensorFlow 2.21
    with tf.Graph().as_default() as graph:
        rows = tf.RaggedTensor.from_row_splits([1, 2, 3], [0, 2, 3])
        rows.to_sparse(name="sparse")
        names = {operation.name for operation in graph.get_operations()}
    assert {
        "RaggedFromRowSplits/values",
        "RaggedFromRowSplits/RowPartitionFromRowSplits/row_splits",
        "sparse/RaggedTensorToSparse",
    } <= names


def test_rows_are_as_many_values_as_the_partition_says():
    # as in TensorFlow 2.21
    partition = tf.experimental.RowPartition.from_row_splits([0, 1, 4])
    with pytest.raises(tf.errors.InvalidArgumentError, match="_from_row_partition"):
        tf.RaggedTensor._from_row_partition([1, 2, 3], partition)


@pytest.mark.parametrize(
    ("default", "shape", "message"),
    [
        ([[1]], None, r"default_value.rank = 2  must be less than rt_input.flat_values.rank = 2"),
        (
            [7, 8, 9],
            None,
            r"default_value.shape\[-1\] = 3 but rt_input.flat_values.shape\[-1\] = 2",
        ),
        (None, [3, 3], r"rt_input.rank = 3 but shape.rank = 2"),
        (None, [1, 1, 4], r"shape=\[1,1,4\] are incompatible: rt_input.shape\[2\] = 2 but"),
    ],
)
def test_shapes_of_dense_tensors_that_do_not_fit(default, shape, message):
    # as in TensorFlow 2.21, before a graph runs and when it does
    rows = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        rows.to_tensor(default, shape=shape)
    with pytest.raises(ValueError, match=message):
        tf.function(lambda: rows.to_tensor(default, shape=shape))()


def test_dense_tensors_keep_what_is_known_of_the_shape():
    # as in TensorFlow 2.21
    @tf.function
    def roundtrip():
        rows = tf.RaggedTensor.from_tensor(tf.zeros([2, 3, 4]), ragged_rank=2)
        assert rows.shape.as_list() == [2, 3, 4]
        assert rows.to_tensor(shape=[4, None, None]).shape.as_list() == [4, 3, 4]
        return rows.to_tensor(shape=[1, tf.constant(2), 4])

    assert roundtrip().shape.as_list() == [1, 2, 4]


def test_where_takes_numbers_and_refuses_half_of_them():
    # as in TensorFlow 2.21
    condition = tf.ragged.constant([[True, False], [True]])
    rows = tf.ragged.constant([[1, 2], [3]], tf.int64)
    assert tf.where(condition, rows, 0).to_list() == [[1, 0], [3]]
    with pytest.raises(ValueError, match="either both None or both non-None"):
        tf.where(condition, rows)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_rows_are_chosen_by_dense_conditions(wrap):
    # as in TensorFlow 2.21
    rows = tf.ragged.constant([[1, 2], [], [3]])
    chosen = wrap(lambda condition: tf.where(condition, rows, rows * 2))
    assert chosen(True).to_list() == [[1, 2], [], [3]]
    assert chosen(tf.constant([[False], [True], [False]])).to_list() == [[2, 4], [], [6]]
    assert wrap(lambda: tf.where(True, rows, 0))().to_list() == [[1, 2], [], [3]]


def test_lists_of_ragged_tensors_are_no_tensors():
    # as in TensorFlow 2.21
    rows = tf.ragged.constant([[5]])
    assert isinstance(tf.stack([rows, rows]), tf.RaggedTensor)
    for refusing in (tf.convert_to_tensor, tf.abs, tf.reduce_sum, lambda x: tf.add(x, x)):
        with pytest.raises(ValueError, match="unsupported type"):
            refusing([rows, rows])


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_products_need_rows_of_one_length_within_each_matrix(wrap):
    # as in TensorFlow 2.21
    spec = tf.RaggedTensorSpec([None, None, None], tf.float32, 2)
    product = lambda x: tf.matmul(x, x, transpose_b=True)  # noqa: E731
    if wrap is tf.function:
        product = tf.function(product, input_signature=[spec], autograph=False)
    uniform = tf.ragged.constant([[[1.0, 2.0], [3.0, 4.0]], [[5.0]]])
    assert product(uniform).to_list() == [[[5.0, 11.0], [11.0, 25.0]], [[25.0]]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="innermost dimension"):
        product(tf.ragged.constant([[[1.0, 2.0], [3.0]], [[5.0]]]))


def test_ngrams_say_what_rank_they_need():
    # as in TensorFlow 2.21
    with pytest.raises(ValueError, match="Data must have rank>0"):
        tf.strings.ngrams("a", 2)
    with pytest.raises(ValueError, match="Rank of data must be known"):
        tf.function(
            lambda data: tf.strings.ngrams(data, 2),
            input_signature=[tf.TensorSpec(None, tf.string)],
        ).get_concrete_function()


def test_ngrams_pad_empty_rows_only_beside_others():
    # as in TensorFlow 2.21
    empty, some = tf.ragged.constant([[], []], tf.string), tf.ragged.constant([[], ["a"]])
    assert tf.strings.ngrams(empty, 2, pad_values=("<", ">")).to_list() == [[], []]
    assert tf.strings.ngrams(some, 2, pad_values=("<", ">")).to_list() == [
        [b"< >"],
        [b"< a", b"a >"],
    ]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_masks_with_rows_of_other_lengths_are_refused(wrap):
    masked = wrap(lambda mask: tf.ragged.boolean_mask(ROWS, mask))
    fitting = tf.ragged.constant([[True, False], [], [True]])
    assert masked(fitting).to_list() == [[1.0], [], [3.0]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="identical ragged splits"):
        masked(tf.ragged.constant([[True, False], [True], []]))


@pytest.mark.parametrize("key", [-3, (-3, 0), (-3, slice(1)), tf.constant(-3)])
def test_rows_before_the_first_are_invalid_arguments(key):
    rows = tf.ragged.constant([[1, 2], [3]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        rows[key]
    with pytest.raises(IndexError, match="Row key 2 out of bounds"):
        rows[2]


@pytest.mark.parametrize("rows, length", [(50, 4), (3, 40)])
def test_ranges_of_floats_add_up_step_by_step(rows, length):
    starts = np.random.default_rng(0).normal(size=rows).astype(np.float32)
    steps = np.float32(np.linspace(-0.3, 0.7, rows))
    limits = starts + steps * np.float32(length - 0.5)
    limits[1] = starts[1]  # an empty row
    ranges = tf.ragged.range(starts, limits, steps).to_list()
    for row, start, step in zip(ranges, starts, steps, strict=True):
        assert row == np.add.accumulate([start] + [step] * (len(row) - 1))[: len(row)].tolist()
    assert [len(row) for row in ranges] == [length if i != 1 else 0 for i in range(rows)]


def test_a_ragged_tensor_has_a_hash_where_tensors_have_one():
    with pytest.raises(TypeError, match="RaggedTensor is unhashable"):
        hash(tf.ragged.constant([[1]]))
    with tf.Graph().as_default():
        ragged = tf.ragged.constant([[1]])
        assert {ragged: 1}[ragged] == 1
