"""Ragged features of examples in rows; files and checkpoints at their edges. As TensorFlow 2.21."""

import pytest

import penstock as tf

R = tf.io.RaggedFeature


def example(**features):
    made = tf.train.Example()
    for name, values in features.items():
        feature = made.features.feature[name]
        held = feature.int64_list if isinstance(values[0], int) else feature.float_list
        held.value.extend(values)
    return made.SerializeToString()


@pytest.mark.parametrize(
    "kind,rows,expected",
    [
        (R.RowLengths, [2, 2], [[1.0, 2.0], [3.0, 4.0]]),
        (R.RowSplits, [0, 1, 4], [[1.0], [2.0, 3.0, 4.0]]),
        (R.RowStarts, [0, 3], [[1.0, 2.0, 3.0], [4.0]]),
        (R.RowLimits, [1, 4], [[1.0], [2.0, 3.0, 4.0]]),
        (R.ValueRowIds, [0, 0, 2, 2], [[1.0, 2.0], [], [3.0, 4.0]]),
    ],
)
def test_rows_of_each_example_and_of_one(kind, rows, expected):
    one = example(v=[1.0, 2.0, 3.0, 4.0], p=rows)
    features = {"x": R(tf.float32, value_key="v", partitions=[kind("p")])}
    assert tf.io.parse_example([one, one], features)["x"].to_list() == [expected] * 2
    assert tf.io.parse_single_example(one, features)["x"].to_list() == expected


def test_rows_within_rows():
    one = example(v=[1.0, 2.0, 3.0, 4.0], p=[1, 1])
    inner = [R.RowLengths("p"), R.UniformRowLength(2)]
    features = {"x": R(tf.float32, value_key="v", partitions=inner)}
    expected = [[[1.0, 2.0]], [[3.0, 4.0]]]
    assert tf.io.parse_example([one], features)["x"].to_list() == [expected]
    assert tf.io.parse_single_example(one, features)["x"].to_list() == expected
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.io.parse_example([[one]], features)


def test_folders_and_files_that_cannot_be(tmp_path):
    tf.io.gfile.mkdir(str(tmp_path))  # it is there
    with pytest.raises(tf.errors.NotFoundError):
        tf.io.write_file("/proc/none/file", "x")


def test_checkpoints_count_saves_and_keep_types(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=2)
    path = manager.save(checkpoint_number=7)
    assert path.endswith("-7") and int(checkpoint.save_counter) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not equal original dtype"):
        tf.train.Checkpoint(v=tf.Variable(1)).restore(path)


def test_policies_of_variables_have_names():
    options = tf.saved_model.SaveOptions(experimental_variable_policy="save_variable_devices")
    assert options.experimental_variable_policy.name == "SAVE_VARIABLE_DEVICES"
    assert tf.saved_model.LoadOptions().experimental_variable_policy.value is None
    with pytest.raises(ValueError, match="VariablePolicy"):
        tf.saved_model.SaveOptions(experimental_variable_policy="bad")


def test_a_ragged_feature_of_one_example_is_its_values():
    values = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a", b"b"]))
    one = tf.train.Example(features=tf.train.Features(feature={"w": values})).SerializeToString()
    features = {"w": tf.io.RaggedFeature(tf.string)}
    parsed = tf.data.Dataset.from_tensors(one).map(
        lambda text: tf.io.parse_single_example(text, features)
    )
    assert parsed.element_spec == {"w": tf.TensorSpec([None], tf.string)}
    assert next(iter(parsed))["w"].numpy().tolist() == [b"a", b"b"]


def test_features_of_fixed_length_have_known_extents():
    for parse, serialized in ((tf.io.parse_single_example, b""), (tf.io.parse_example, [b""])):
        rows = tf.io.FixedLenFeature((None, 2), tf.float32)
        with pytest.raises(ValueError, match="First dimension of shape for feature a unknown"):
            parse(serialized, {"a": rows})
        columns = tf.io.FixedLenFeature((1, None), tf.int64, default_value=[[1]])
        with pytest.raises(ValueError, match="All dimensions of shape for feature a"):
            parse(serialized, {"a": columns})


def test_paddings_of_sequences_are_scalars():
    padded = tf.io.FixedLenSequenceFeature((2,), tf.int64, True, default_value=[[7]])
    one = example(a=[1, 2])
    parsed = tf.io.parse_example([example(), one], {"a": padded})["a"]
    assert parsed.numpy().tolist() == [[[7, 7]], [[1, 2]]]
    for default in ([], [1, 2]):
        feature = tf.io.FixedLenSequenceFeature((2,), tf.int64, True, default_value=default)
        with pytest.raises(tf.errors.InvalidArgumentError, match="requested shape has 1"):
            tf.io.parse_example([one], {"a": feature})
        with pytest.raises(ValueError, match="Cannot reshape a tensor with"):
            tf.function(tf.io.parse_example)([one], {"a": feature})


def test_one_example_of_unknown_rank_is_one_example():
    features = {"v": R(tf.int64), "w": tf.io.VarLenFeature(tf.int64)}
    spec = tf.TensorSpec(None, tf.string)
    parse = tf.function(lambda s: tf.io.parse_single_example(s, features), input_signature=[spec])
    parsed = parse(example(v=[1, 2], w=[4]))
    assert parsed["v"].numpy().tolist() == [1, 2]
    assert parsed["w"].dense_shape.numpy().tolist() == [1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse([example(v=[1])])


def test_elements_of_a_sparse_feature_stand_in_the_rows_of_their_indices():
    rows = [example(i=[1, 2], v=[5]), example(i=[3], v=[6, 7])]
    sparse = tf.io.parse_example(rows, {"s": tf.io.SparseFeature("i", "v", tf.int64, 9)})["s"]
    assert sparse.indices.numpy().tolist() == [[0, 1], [0, 2], [1, 3]]


VAR, FIXED, SPARSE = tf.io.VarLenFeature, tf.io.FixedLenFeature, tf.io.SparseFeature


@pytest.mark.parametrize(
    "features,message",
    [
        ({"k": VAR(tf.int64), "r": R(tf.int64, "k")}, "Ragged and sparse keys must not"),
        ({"k": FIXED([2], tf.int64), "r": R(tf.int64, "k")}, "Dense and ragged keys must not"),
        ({"k": FIXED([2], tf.int64), "s": SPARSE("i", "k", tf.int64, 5)}, "Dense and sparse keys"),
        (
            {"k": VAR(tf.int64), "s": SPARSE("i", "k", tf.float32, 5)},
            "Conflicting type .*int64.* k",
        ),
        ({"k": R(tf.int64), "r": R(tf.float32, "k")}, "Conflicting type .* for feature k"),
        (
            {"k": R(tf.int64), "r": R(tf.int64, "k", row_splits_dtype=tf.int64)},
            "Conflicting partition type",
        ),
    ],
)
def test_a_key_is_parsed_in_one_way(features, message):
    for parse in (tf.io.parse_single_example, tf.function(tf.io.parse_single_example)):
        with pytest.raises(ValueError, match=message):
            parse(example(k=[1, 2]), features)
