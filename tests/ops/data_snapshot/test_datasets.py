"""Datasets in files: saved and loaded by shards, snapshots, and the ops that read parts of them."""

import os

import pytest

import penstock as tf

raw = tf.raw_ops
KIND = {"output_types": [tf.int64], "output_shapes": [[]]}


def values(dataset):
    return [int(element) for element in dataset]


def of(variant):
    return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.int64))


@pytest.fixture
def saved(tmp_path):
    tf.data.Dataset.range(5).save(str(tmp_path), shard_func=lambda x: x % 2)
    return str(tmp_path)


def test_shards(saved):
    dataset = tf.data.Dataset.load(saved)
    assert values(dataset) == [0, 1, 2, 3, 4]
    assert dataset.cardinality() == 5
    in_line = tf.data.Dataset.load(saved, reader_func=lambda shards: shards.flat_map(lambda s: s))
    assert values(in_line) == [0, 2, 4, 1, 3]


def test_a_shard_is_a_number(tmp_path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="scalar int64"):
        tf.data.Dataset.range(3).save(str(tmp_path), shard_func=lambda x: tf.constant(1.5))


def test_parts(saved):
    names = {"output_types": [tf.string], "output_shapes": [[]]}
    chunks = [
        element.numpy().decode()
        for element in tf.data.experimental.from_variant(
            raw.ListSnapshotChunksDataset(snapshot_path=saved, **names),
            tf.TensorSpec([], tf.string),
        )
    ]
    assert [os.path.relpath(c, saved).split(os.sep)[1:] for c in chunks] == [
        ["00000000.shard", "00000000.snapshot"],
        ["00000001.shard", "00000000.snapshot"],
    ]
    assert values(of(raw.SnapshotChunkDataset(chunk_file=chunks[1], **KIND))) == [1, 3]
    shards = [
        raw.SnapshotDatasetReader(shard_dir=os.path.dirname(c), start_index=0, version=2, **KIND)
        for c in chunks
    ]
    assert values(of(shards[0])) == [0, 2, 4]
    nested = raw.SnapshotNestedDatasetReader(inputs=shards, **KIND)
    spec = tf.data.DatasetSpec(tf.TensorSpec([], tf.int64))
    assert [values(d) for d in tf.data.experimental.from_variant(nested, spec)] == [
        [0, 2, 4],
        [1, 3],
    ]


def test_what_is_saved_while_it_is_read(tmp_path):
    source = tf.data.Dataset.range(3)
    shard = tf.function(lambda x: tf.constant(0, tf.int64)).get_concrete_function(
        source.element_spec
    )
    saving = raw.SaveDatasetV2(
        input_dataset=source._variant_tensor,
        path=str(tmp_path),
        shard_func_other_args=[],
        shard_func=shard,
        use_shard_func=False,
        **KIND,
    )
    assert values(of(saving)) == [0, 1, 2]
    assert values(tf.data.Dataset.load(str(tmp_path), tf.TensorSpec([], tf.int64))) == [0, 1, 2]


def test_a_snapshot_is_made_once(tmp_path):
    made = []

    def generate():
        made.append(1)
        yield from range(3)

    spec = tf.TensorSpec([], tf.int64)
    dataset = tf.data.Dataset.from_generator(generate, output_signature=spec)
    for _ in range(2):
        variant = raw.SnapshotDataset(
            input_dataset=dataset._variant_tensor, path=str(tmp_path), **KIND
        )
        assert values(of(variant)) == [0, 1, 2]
    assert len(made) == 1


def test_nothing_saved(tmp_path):
    with pytest.raises(tf.errors.NotFoundError):
        tf.data.Dataset.load(str(tmp_path))


def test_datasets_with_other_arguments_or_functions_have_snapshots_of_their_own(tmp_path):
    made = {
        "range 4": lambda: tf.data.Dataset.range(4),
        "range 3": lambda: tf.data.Dataset.range(3),
        "plus 1": lambda: tf.data.Dataset.range(4).map(lambda x: x + 1),
        "plus 2": lambda: tf.data.Dataset.range(4).map(lambda x: x + 2),
        "slices": lambda: tf.data.Dataset.from_tensor_slices([1, 2]),
        "other slices": lambda: tf.data.Dataset.from_tensor_slices([3, 4]),
    }
    for _ in range(2):
        for make in made.values():
            expected = list(make().as_numpy_iterator())
            assert list(make().snapshot(str(tmp_path)).as_numpy_iterator()) == expected
