"""All kinds of file systems behave alike. What is expected is what TensorFlow 2.21 does with local files."""

import pytest

import penstock as tf
from penstock._src.filesystems import files

gfile = tf.io.gfile


def test_files_are_written_appended_to_and_read(folder):
    gfile.makedirs(f"{folder}/a/b")
    with gfile.GFile(f"{folder}/a/file", "w") as file:
        file.write("one\ntwo\n")
    with gfile.GFile(f"{folder}/a/file", "a") as file:
        file.write("three")
    with gfile.GFile(f"{folder}/a/file") as file:
        assert file.readline() == "one\n" and file.read() == "two\nthree"
        file.seek(4)
        assert file.read(3) == "two" and file.tell() == 7
    assert gfile.stat(f"{folder}/a/file").length == 13
    assert not gfile.stat(f"{folder}/a/file").is_directory and gfile.isdir(f"{folder}/a")
    assert sorted(gfile.listdir(f"{folder}/a")) == ["b", "file"]
    assert list(gfile.walk(f"{folder}/a"))[0] == (f"{folder}/a", ["b"], ["file"])


def test_files_are_copied_renamed_and_removed(folder):
    gfile.makedirs(folder)
    tf.io.write_file(f"{folder}/new/one", "1")
    gfile.copy(f"{folder}/new/one", f"{folder}/new/two")
    with pytest.raises(tf.errors.AlreadyExistsError):
        gfile.copy(f"{folder}/new/one", f"{folder}/new/two")
    gfile.rename(f"{folder}/new/two", f"{folder}/new/three")
    assert sorted(gfile.listdir(f"{folder}/new")) == ["one", "three"]
    gfile.rename(f"{folder}/new", f"{folder}/old")
    assert tf.io.read_file(f"{folder}/old/three").numpy() == b"1"
    gfile.remove(f"{folder}/old/three")
    assert not gfile.exists(f"{folder}/old/three")
    gfile.rmtree(f"{folder}/old")
    assert not gfile.exists(f"{folder}/old/one") and not gfile.exists(f"{folder}/old")


def test_patterns_match_within_folders(folder):
    for name in ("a.txt", "b.txt", "c.bin", "below/d.txt"):
        tf.io.write_file(f"{folder}/{name}", name)
    assert gfile.glob(f"{folder}/*.txt") == [f"{folder}/a.txt", f"{folder}/b.txt"]
    assert gfile.glob([f"{folder}/[bc].*", f"{folder}/*/d.txt"]) == [
        f"{folder}/b.txt", f"{folder}/c.bin", f"{folder}/below/d.txt",
    ]  # fmt: skip
    assert gfile.glob(f"{folder}/a.txt") == [f"{folder}/a.txt"] and not gfile.glob(f"{folder}/z*")
    listed = tf.data.Dataset.list_files(f"{folder}/*.txt", shuffle=False)
    assert [name.numpy().decode() for name in listed] == gfile.glob(f"{folder}/*.txt")
    assert tf.io.matching_files(f"{folder}/?.bin").numpy().tolist() == [f"{folder}/c.bin".encode()]


def test_what_is_not_there_is_not_found(folder):
    path = f"{folder}/nothing"
    for act in (
        lambda: gfile.GFile(path).read(),
        lambda: gfile.listdir(path),
        lambda: gfile.remove(path),
        lambda: gfile.rmtree(path),
        lambda: gfile.stat(path),
        lambda: tf.io.read_file(path),
        lambda: list(tf.data.TFRecordDataset(path)),
        lambda: list(tf.data.FixedLengthRecordDataset(path, 2)),
        lambda: tf.train.load_checkpoint(path),
    ):
        with pytest.raises(tf.errors.NotFoundError, match="nothing"):
            act()
    assert not gfile.exists(path) and not gfile.isdir(path)


def test_folders_are_not_files(folder):
    gfile.makedirs(f"{folder}/below/deeper")
    for act in (
        lambda: tf.io.read_file(f"{folder}/below"),
        lambda: gfile.GFile(f"{folder}/below").read(),
    ):
        with pytest.raises(tf.errors.FailedPreconditionError, match="Is a directory"):
            act()


def test_records_lines_and_fixed_lengths_are_read(folder):
    with tf.io.TFRecordWriter(f"{folder}/records", "GZIP") as writer:
        for number in range(100):
            writer.write(b"%d" % number)
    found = tf.data.TFRecordDataset(f"{folder}/records", "GZIP")
    assert [int(record.numpy()) for record in found] == list(range(100))
    tf.io.write_file(f"{folder}/text", "a\nb\r\nc")
    lines = tf.data.TextLineDataset([f"{folder}/text"] * 2)
    assert [line.numpy() for line in lines] == [b"a", b"b", b"c"] * 2
    pairs = tf.data.FixedLengthRecordDataset(f"{folder}/text", 2, header_bytes=1, footer_bytes=1)
    assert [pair.numpy() for pair in pairs] == [b"\nb", b"\r\n"]


def test_elements_are_kept_in_caches_snapshots_and_saved_datasets(folder):
    source = tf.data.Dataset.range(5)
    for kept in (source.cache(f"{folder}/cache"), source.snapshot(f"{folder}/snapshot")):
        for _ in range(2):
            assert [x.numpy() for x in kept] == list(range(5))
    source.save(f"{folder}/saved")
    assert [x.numpy() for x in tf.data.Dataset.load(f"{folder}/saved")] == list(range(5))
    assert gfile.exists(f"{folder}/cache.index")


def test_checkpoints_are_kept_and_removed(folder):
    variable = tf.Variable([1.0, 2.0])
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=variable), folder, max_to_keep=2)
    for step in range(3):
        variable.assign([step, step])
        manager.save()
    assert [path.rsplit("-")[-1] for path in manager.checkpoints] == ["2", "3"]
    assert not gfile.glob(f"{folder}/ckpt-1*")
    variable.assign([9, 9])
    again = tf.train.CheckpointManager(tf.train.Checkpoint(v=variable), folder, max_to_keep=2)
    assert again.checkpoints == manager.checkpoints
    assert again.restore_or_initialize() == tf.train.latest_checkpoint(folder)
    assert variable.numpy().tolist() == [2, 2]


def test_saved_models_take_their_vocabularies_along(folder):
    tf.io.write_file(f"{folder}/words", "one\ntwo\n")
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            f"{folder}/words", tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
        ), -1,
    )  # fmt: skip
    module.look_up = tf.function(
        module.table.lookup, input_signature=[tf.TensorSpec([], tf.string)]
    )
    tf.saved_model.save(module, f"{folder}/model")
    gfile.remove(f"{folder}/words")
    gfile.rename(f"{folder}/model", f"{folder}/moved")
    assert tf.saved_model.load(f"{folder}/moved").look_up(tf.constant("two")).numpy() == 1
    assert files.read(f"{folder}/moved/assets/words") == b"one\ntwo\n"


def test_events_can_be_read_while_they_are_written(folder):
    writer = tf.summary.create_file_writer(f"{folder}/logs")
    with writer.as_default():
        tf.summary.scalar("loss", 0.5, step=3)
    writer.flush()
    (path,) = gfile.glob(f"{folder}/logs/*")
    events = list(tf.data.TFRecordDataset(path))
    assert len(events) == 2 and b"loss" in events[1].numpy()
    writer.close()


def test_unknown_schemes_are_named():
    with pytest.raises(tf.errors.UnimplementedError, match="scheme 'nowhere' not implemented"):
        gfile.exists("nowhere://bucket/file")


def test_a_full_disk_exhausts_resources():
    with pytest.raises(tf.errors.ResourceExhaustedError, match="No space left"):
        tf.io.write_file("/dev/full", "x")
