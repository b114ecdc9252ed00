"""tf.experimental.StructuredTensor, against values of TensorFlow."""

import pytest

import penstock as tf

Structured = tf.experimental.StructuredTensor
RowPartition = tf.experimental.RowPartition
ROWS = [{"a": 1, "b": {"x": [1, 2]}}, {"a": 2, "b": {"x": []}}]
NESTED = [[{"a": 1, "l": [1]}, {"a": 2, "l": [1, 3]}], [{"a": 3, "l": []}]]


@pytest.mark.parametrize("value", [ROWS, NESTED, {"a": [{"b": [1]}, {"b": []}]}, [[], [{"a": 1}]]])
def test_values_of_python_come_back(value):
    assert Structured.from_pyval(value).to_pyval() == value


def test_shape_and_fields():
    rows, nested = Structured.from_pyval(ROWS), Structured.from_pyval(NESTED)
    assert (rows.rank, rows.shape.as_list(), rows.row_partitions) == (1, [2], ())
    assert nested.shape.as_list() == [2, None] and int(nested.nrows()) == 2
    assert nested.row_partitions[0].row_splits().numpy().tolist() == [0, 2, 3]
    assert rows.field_value(("b", "x")).to_list() == [[1, 2], []]
    assert Structured.from_pyval({"a": 1}).nrows() is None
    assert repr(Structured.from_pyval({"a": 1, "c": [[1], [2, 3]]})) == (
        "<StructuredTensor(\n    fields={\n"
        '        "a": tf.Tensor(1, shape=(), dtype=int32),\n'
        '        "c": <tf.RaggedTensor [[1], [2, 3]]>},\n'
        "    shape=())>"
    )


def test_indexing():
    rows, nested = Structured.from_pyval(ROWS), Structured.from_pyval(NESTED)
    assert rows[0].to_pyval() == {"a": 1, "b": {"x": [1, 2]}}
    assert int(rows[0, "b", "x", 1]) == 2 and rows[..., "a"].numpy().tolist() == [1, 2]
    assert nested[:, 1:].to_pyval() == [[{"a": 2, "l": [1, 3]}], []]
    assert rows[-1].to_pyval() == {"a": 2, "b": {"x": []}}
    assert tf.function(lambda x: x[1:])(rows).to_pyval() == ROWS[1:]


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (lambda r: r["a"], TypeError, "valid indices, got 'a'"),
        (lambda r: r["a", 0], ValueError, "must be a string"),
        (lambda r: r[0][0], ValueError, "must be a string or a full slice"),
        (lambda r: r[7], IndexError, "Row key 7 out of bounds"),
        (lambda r: r[None], ValueError, "tf.newaxis"),
        (lambda r: r.field_value("z"), KeyError, "z"),
    ],
)
def test_refused_indices(index, error, message):
    with pytest.raises(error, match=message):
        index(Structured.from_pyval(ROWS))


def test_axes_are_joined_and_cut():
    nested = Structured.from_pyval(NESTED)
    flat = nested.merge_dims(0, 1)
    assert flat.to_pyval() == NESTED[0] + NESTED[1] and flat.shape.as_list() == [3]
    cut = flat.partition_outer_dimension(RowPartition.from_row_splits([0, 2, 3]))
    assert cut.to_pyval() == NESTED
    uniform = flat.partition_outer_dimension(RowPartition.from_uniform_row_length(3, 3))
    assert uniform.shape.as_list() == [1, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="do not form a valid RaggedTensor"):
        flat.partition_outer_dimension(RowPartition.from_row_splits([0, 1, 4]))


def test_updates_and_promotion():
    rows = Structured.from_pyval(ROWS)
    changed = rows.with_updates({"a": None, "n": [5, 6], ("b", "x"): lambda x: x + 1})
    assert changed.to_pyval() == [{"b": {"x": [2, 3]}, "n": 5}, {"b": {"x": []}, "n": 6}]
    inner = Structured.from_pyval({"a": [{"b": [1]}, {"b": []}]})
    assert inner.promote(("a", "b"), "k").field_value("k").numpy().tolist() == [1]
    traced = tf.function(lambda x: x.with_updates({"n": x.field_value("a") * 2}))
    assert traced(rows).field_value("n").numpy().tolist() == [2, 4]


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ({"z": None}, "cannot delete field"),
        ({"z": abs}, "cannot update the field"),
        ({("z", "y"): [1, 2]}, "cannot create new sub-field"),
        ({"b": None, ("b", "x"): None}, "both parent and child"),
        ({"q": [1, 2, 3]}, "`StructuredTensor.with_updates` failed"),
    ],
)
def test_refused_updates(updates, message):
    with pytest.raises(ValueError, match=message):
        Structured.from_pyval(ROWS).with_updates(updates)


def test_from_fields():
    dense = Structured.from_fields({"a": [[1, 2]]}, shape=[None, None])
    assert repr(dense.row_partitions) == "(tf.RowPartition(nrows=1, uniform_row_length=2),)"
    assert Structured.from_fields({}, shape=[3]).to_pyval() == [{}, {}, {}]
    ragged = tf.ragged.constant([[1, 2], [3]])
    assert Structured.from_fields_and_rank({"a": ragged}, 2).shape.as_list() == [2, None]
    for fields, shape, message in (
        ({"a b": 1}, [], "not currently allowed"),
        ({"a": [1, 2]}, [3], "are not compatible"),
        ({"a": [1, 2], "b": [1, 2, 3]}, [None], "Error in shape of b"),
        ({}, [None], "Must specify `nrows`"),
    ):
        with pytest.raises(ValueError, match=message):
            Structured.from_fields(fields, shape=shape)


def test_types_lead_the_reading_of_values():
    spec = Structured.Spec._from_fields_and_rank(
        {"a": tf.TensorSpec([None], tf.float32), "b": tf.RaggedTensorSpec([None, None], tf.string)},
        1,
    )
    empty = Structured.from_pyval([], typespec=spec)
    assert empty.field_value("a").dtype == tf.float32 and empty.shape.as_list() == [0]
    with pytest.raises(ValueError, match="does not match typespec"):
        Structured.from_pyval({"a": 1}, typespec=spec)
    with pytest.raises(ValueError, match="Error parsing path"):
        Structured.from_pyval([{"a": 1}, {"a": "x"}])


def test_datasets_and_equality():
    rows = Structured.from_pyval(ROWS)
    assert [one.to_pyval() for one in tf.data.Dataset.from_tensors(rows)] == [ROWS]
    assert [one.to_pyval() for one in tf.data.Dataset.from_tensor_slices(rows)] == ROWS
    batches = tf.data.Dataset.from_tensor_slices(rows).batch(2)
    assert [one.to_pyval() for one in batches] == [ROWS]
    assert bool(rows == Structured.from_pyval(ROWS))
    assert not bool(rows == rows.with_updates({"a": [1, 1]}))


def test_fields_may_be_values_of_ragged_tensors():
    # as in TensorFlow 2.21
    value = tf.compat.v1.ragged.constant_value([[1, 2], [3]])
    records = tf.experimental.StructuredTensor.from_fields({"a": value}, shape=[2])
    assert records.field_value("a").to_list() == [[1, 2], [3]]


def test_functions_apply_to_every_field():
    # as in TensorFlow 2.21
    records = tf.experimental.StructuredTensor.from_pyval(
        [[{"a": 1, "b": {"c": 2}}], [{"a": 3, "b": {"c": 4}}, {"a": 5, "b": {"c": 6}}]]
    )
    assert tf.gather(records, [1])[0].to_pyval() == records[1].to_pyval()
    assert tf.concat([records, records], axis=0).to_pyval() == records.to_pyval() * 2
    assert tf.expand_dims(records, 0).to_pyval() == [records.to_pyval()]
    assert (int(tf.size(records)), int(tf.rank(records))) == (3, 2)
    assert tf.ones_like(records, tf.int32).to_list() == [[1], [1, 1]]
    with pytest.raises(ValueError, match="Some paths are present in some"):
        tf.concat([records, tf.experimental.StructuredTensor.from_pyval([[{"a": 1}]])], axis=0)
    with pytest.raises(ValueError, match="axis=4 out of bounds: expected -3<=axis<3"):
        tf.expand_dims(records, 4)


def test_types_of_records_have_a_common_supertype():
    # as in TensorFlow 2.21
    two, three = Structured.from_pyval([{"a": 1}] * 2), Structured.from_pyval([{"a": 1}] * 3)
    common = two._type_spec.most_specific_common_supertype([three._type_spec])
    assert common.shape.as_list() == [None] and common.rank == 1
    other = Structured.from_pyval([{"b": 1}] * 2)
    assert two._type_spec.most_specific_common_supertype([other._type_spec]) is None
    shown = (
        "StructuredTensor.Spec(_fields={'a': TensorSpec(shape=(2,), dtype=tf.int32, name=None)}, "
    )
    assert repr(two._type_spec).startswith(shown)


def test_map_fn_and_batches_keep_records():
    # as in TensorFlow 2.21
    rows = Structured.from_pyval([{"a": 1}, {"a": 3}])
    assert tf.map_fn(lambda row: row, rows).to_pyval() == rows.to_pyval()
    slices = tf.data.Dataset.from_tensor_slices(rows)
    assert [one.to_pyval() for one in slices.batch(2)] == [rows.to_pyval()]


def test_shapes_know_what_all_fields_and_partitions_know():
    # as in TensorFlow 2.21
    made = Structured.from_fields({"a": tf.ragged.constant([[1], [2, 3]])}, shape=[2, None])
    assert made._ragged_shape.num_row_partitions == 1
    shape = Structured.from_fields({}, shape=[2, 3])._ragged_shape
    assert (shape.num_row_partitions, shape.static_lengths()) == (1, [2, 3])
    narrow = tf.ragged.constant([[1], [2, 3]], row_splits_dtype=tf.int32)
    assert Structured.from_fields_and_rank({"a": narrow}, 2)._ragged_shape.dtype == tf.int32


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([{"a": 1}, {"b": 2}], KeyError, "b"),
        ([{}, 1], ValueError, "Expected dict or nested list/tuple of dict"),
        ([[{"a": 1}], {"a": 2}], ValueError, "Inconsistent depth of dictionaries"),
    ],
)
def test_refused_values(value, error, message):
    # as in TensorFlow 2.21
    with pytest.raises(error, match=message):
        Structured.from_pyval(value)


def test_fields_may_be_extension_types():
    # as in TensorFlow 2.21
    class Pair(tf.experimental.BatchableExtensionType):
        one: tf.Tensor

    @tf.experimental.dispatch_for_api(tf.shape)
    def _shape_of_pair(input: Pair, out_type=tf.int32, name=None):
        return tf.shape(input.one, out_type=out_type)

    made = Structured.from_fields({"p": Pair([1, 2])}, shape=[None])
    assert made.shape.as_list() == [2] and isinstance(made.field_value("p"), Pair)
    tf.experimental.unregister_dispatch_for(_shape_of_pair)


def test_promotion_keeps_what_is_as_deep_as_its_parent():
    # as in TensorFlow 2.21
    labels = Structured.from_pyval([{"u": {"v": 1}}, {"u": {"v": 2}}])
    assert labels.promote(("u", "v"), "w").field_value("w").numpy().tolist() == [1, 2]
    assert tf.gather(labels, tf.ragged.constant([[1], [0, 1]])).shape.as_list() == [2, None]
    with pytest.raises(ValueError, match="new_name is not a string"):
        labels.promote(("u", "v"), 1)
