"""Sizes in damaged files are compared with the files before memory is asked for."""

import struct

import pytest

import penstock as tf
from penstock._src.ops.io import sstable
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.proto.bundle import BundleEntryProto
from penstock._src.proto.saved import SavedModel
from penstock._src.util.files import crc32c


def changed(path, change):
    """Rewrites the entries of a checkpoint's index."""
    index = path / "c.index"
    entries = sstable.read_table(index.read_bytes(), "c")
    for key, value in entries.items():
        if key.endswith(b"VARIABLE_VALUE") and b"save_counter" not in key:
            entry = BundleEntryProto.FromString(value)
            change(entry)
            entries[key] = entry.SerializeToString()
    index.write_bytes(sstable.write_table(sorted(entries.items())))


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.shape.dim.add(size=1 << 50),
        lambda entry: setattr(entry.shape.dim[0], "size", -3),
        lambda entry: setattr(entry, "offset", -8),
        lambda entry: setattr(entry, "size", 1 << 60),
        lambda entry: setattr(entry, "dtype", 0),
        lambda entry: entry.ParseFromString(b"") or entry.shape.dim.add(size=1 << 40),
    ],
)
def test_entries_of_checkpoints(tmp_path, change):
    tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(str(tmp_path / "c"))
    changed(tmp_path, change)
    reader = tf.train.load_checkpoint(str(tmp_path / "c"))
    with pytest.raises(tf.errors.DataLossError, match=r"c.* 'v/.ATTR"):
        reader.get_tensor("v/.ATTRIBUTES/VARIABLE_VALUE")


def test_a_table_without_header(tmp_path):
    (tmp_path / "c.index").write_bytes(sstable.write_table([(b"a", b"")]))
    with pytest.raises(tf.errors.DataLossError, match="c.index: the table has no header"):
        tf.train.load_checkpoint(str(tmp_path / "c"))


def test_lengths_of_records(tmp_path):
    length = struct.pack("<Q", 1 << 62)
    (tmp_path / "r").write_bytes(length + crc32c.packed(length) + b"few bytes")
    with pytest.raises(tf.errors.DataLossError, match="r: truncated record at 0"):
        list(tf.data.TFRecordDataset(str(tmp_path / "r")))
    with pytest.raises(tf.errors.DataLossError, match="r: truncated record at 0"):
        list(tf.compat.v1.train.summary_iterator(str(tmp_path / "r")))


@pytest.mark.parametrize("value", ["x", "1_000", "99999999999999999999"])
def test_damaged_values_of_a_vocabulary_are_found_by_file_and_line(tmp_path, value):
    (tmp_path / "words").write_text(f"a,1\nb,{value}\n")
    vocabulary = tf.lookup.TextFileInitializer(
        str(tmp_path / "words"), tf.string, 0, tf.int64, 1, delimiter=","
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="words: .*line 1"):
        tf.lookup.StaticHashTable(vocabulary, -1)


@pytest.mark.parametrize("text", [b"\xff\xfe", b'model_checkpoint_path: "a', b"no such field: 1"])
def test_a_state_file_of_garbage_is_ignored(tmp_path, text, caplog):
    (tmp_path / "checkpoint").write_bytes(text)
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    assert "Checkpoint ignored" in caplog.text


def test_a_variable_larger_than_its_file(tmp_path):
    module = tf.Module()
    module.v = tf.Variable([1.0, 2.0])
    tf.saved_model.save(module, str(tmp_path / "m"))
    path = tmp_path / "m" / "saved_model.pb"
    saved = SavedModel.FromString(path.read_bytes())
    for node in saved.meta_graphs[0].object_graph_def.nodes:
        if node.HasField("variable"):
            node.variable.shape.dim[0].size = 1 << 45
    path.write_bytes(saved.SerializeToString())
    with pytest.raises(tf.errors.DataLossError, match="m: variable .*larger than the files"):
        tf.saved_model.load(str(tmp_path / "m"))


def test_one_value_for_many_takes_the_memory_of_one():
    proto = tf.make_tensor_proto(1.0)
    proto.tensor_shape.dim.add(size=1 << 40)
    found = from_proto(proto)
    assert found.shape == (1 << 40,) and found[-1] == 1.0
