"""Data files of checkpoints by sharding policies, states in Python, and views; against TensorFlow 2.21."""

import dataclasses

import numpy as np
import pytest

import penstock as tf

experimental = tf.train.experimental


def shardable(tensor, key):
    return experimental.ShardableTensor(
        _tensor_save_spec=None,
        tensor=tensor,
        dtype=tensor.dtype,
        device=None,
        name=key,
        shape=tensor.shape,
        slice_spec=None,
        checkpoint_key=key,
        trackable=None,
    )


@pytest.mark.parametrize(
    ("size", "expect"),
    [
        (
            8,
            [
                {"a": ["4 2 0,1:0,2"]},
                {"a": ["4 2 1,1:0,2"]},
                {"a": ["4 2 2,1:0,2"]},
                {"a": ["4 2 3,1:0,2"]},
                {"b": [None], "c": ["3 0,1"]},
                {"c": ["3 1,2"]},
            ],
        ),
        (
            24,
            [
                {"a": ["4 2 0,2:0,2", "4 2 2,1:0,2"]},
                {"a": ["4 2 3,1:0,2"], "b": [None], "c": ["3 0,3"]},
            ],
        ),
        (40, [{"a": ["4 2 0,4:0,2"], "b": [None], "c": ["3 0,1"]}, {"c": ["3 1,2"]}]),
    ],
)
def test_tensors_are_cut_to_fit(size, expect):
    tensors = [
        shardable(tf.reshape(tf.range(8.0), [4, 2]), "a"),
        shardable(tf.constant(1.0), "b"),
        shardable(tf.range(3.0), "c"),
    ]
    shards = experimental.MaxShardSizePolicy(size)(tensors)
    assert [{key: list(slices) for key, slices in shard.items()} for shard in shards] == expect


def test_single_elements_may_be_too_large():
    tensors = [shardable(tf.reshape(tf.range(6.0), [2, 3]), "a")]
    shards = experimental.MaxShardSizePolicy(3)(tensors)
    assert len(shards) == 6 and shards[-1] == {"a": {"2 3 1,1:2,1": 5.0}}


@pytest.mark.parametrize("size", [8, 20, 1000])
def test_checkpoints_in_shards_are_restored(tmp_path, size):
    value = np.arange(8, dtype=np.float32).reshape(4, 2)
    variable = tf.Variable(value)
    checkpoint = tf.train.Checkpoint(v=variable, words=tf.Variable(["a", "bcd"]))
    policy = experimental.MaxShardSizePolicy(size)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    path = checkpoint.save(str(tmp_path / "c"), options=options)
    assert (len(list(tmp_path.glob("*.data-*"))) == 1) == (size == 1000)
    variable.assign(variable * 0.0)
    checkpoint.restore(path).assert_consumed()
    np.testing.assert_array_equal(variable, value)


class Counter(experimental.PythonState):
    def __init__(self, count):
        self.count = count

    def serialize(self):
        return str(self.count).encode()

    def deserialize(self, string_value):
        self.count = int(string_value)


def test_states_in_python_are_saved(tmp_path):
    counter = Counter(3)
    path = tf.train.Checkpoint(c=counter).save(str(tmp_path / "c"))
    late = tf.train.Checkpoint()
    late.restore(path)
    late.c = Counter(0)
    assert late.c.count == 3
    with pytest.raises(TypeError, match="abstract"):
        experimental.PythonState()


def test_checkpoints_are_matched_with_objects(tmp_path):
    saved, present = tf.Module(), tf.Module()
    saved.a, saved.b, saved.l = tf.Variable(1.0), tf.Module(), [tf.Variable(3.0)]
    present.a, present.z, present.l = tf.Variable(5.0), tf.Module(), [tf.Variable(3.0)]
    view = tf.train.CheckpointView(tf.train.Checkpoint(saved).save(str(tmp_path / "c")))
    matched, only_there, only_here = view.diff(present)
    assert matched[0] is present and matched[view.children(0)["a"]] is present.a
    assert view.children(0)["b"] in only_there and only_here == [present.z]
    with pytest.raises(ValueError, match="Expected a Trackable"):
        view.match(3)


class SlicedVariable(tf.Variable):
    """A variable that stands for a slice of a larger tensor in checkpoints."""

    spec = "2 5 0,2:1,3"

    def _serialize_to_tensors(self):
        return {"VARIABLE_VALUE": {self.spec: self.read_value()}}

    def _restore_from_tensors(self, restored_tensors):
        return self.assign(restored_tensors["VARIABLE_VALUE"][self.spec])


@pytest.mark.parametrize("size", [None, 8])
def test_slices_of_larger_tensors_are_saved_and_restored(tmp_path, size):
    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    variable = SlicedVariable(value)
    policy = None if size is None else experimental.MaxShardSizePolicy(size)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    path = tf.train.Checkpoint(v=variable).save(str(tmp_path / "c"), options=options)
    key = "v/.ATTRIBUTES/VARIABLE_VALUE"
    assert dict(tf.train.list_variables(path))[key] == [2, 5]
    np.testing.assert_array_equal(tf.train.load_variable(path, key)[:, 1:4], value)
    variable.assign(variable * 0.0)
    tf.train.Checkpoint(v=variable).restore(path).assert_consumed()
    np.testing.assert_array_equal(variable, value)


def test_slices_are_cut_within_their_tensor():
    tensor = shardable(tf.reshape(tf.range(6.0), [2, 3]), "a")
    sliced = dataclasses.replace(tensor, slice_spec=SlicedVariable.spec)
    shards = experimental.MaxShardSizePolicy(8)([sliced])
    assert [list(shard["a"]) for shard in shards] == [
        ["2 5 0,2:1,1"],
        ["2 5 0,1:2,2"],
        ["2 5 1,1:2,2"],
    ]
    np.testing.assert_array_equal(shards[1]["a"]["2 5 0,1:2,2"], [[1.0, 2.0]])


def test_strings_count_by_their_longest():
    texts = shardable(tf.constant(["aaaa", "b"]), "a")
    number = shardable(tf.constant(1.0), "b")
    shards = experimental.MaxShardSizePolicy(9)([texts, number])
    assert [set(shard) for shard in shards] == [{"a", "b"}]
    shards = experimental.MaxShardSizePolicy(4)([texts])
    assert [list(shard["a"]) for shard in shards] == [["2 0,1"], ["2 1,1"]]


def test_sizes_of_strings_are_unknown_in_functions(caplog):
    policy = experimental.MaxShardSizePolicy(1)
    tf.function(lambda: policy([shardable(tf.constant("abc"), "a")]) and None)()
    assert "executed in a tf.function" in caplog.text


def test_slices_as_text():
    info = tf.Variable.SaveSliceInfo.from_spec("4 3 0,4:1,2")
    assert (info.full_shape, info.var_offset, info.var_shape) == ([4, 3], [0, 1], [4, 2])
    info.full_name = "scope/v"
    again = tf.Variable.SaveSliceInfo(save_slice_info_def=info.to_proto("scope"))
    assert again.full_name == "v" and again.spec == info.spec
    assert info.to_proto("other") is None
    with pytest.raises(ValueError, match="not an integer"):
        tf.Variable.SaveSliceInfo.from_spec("4 a,1")
