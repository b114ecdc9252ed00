"""Iterators in checkpoints, eager ones and those of graphs."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data_shared import positions
from penstock._src.ops.io import bundle
from penstock._src.ops.io.bundle import BundleReader
from penstock._src.proto.saved import TrackableObjectGraph

Dataset = tf.data.Dataset


def test_an_iterator_continues_with_the_saved_seeds(tmp_path):
    dataset = Dataset.range(20).shuffle(20).repeat(2)
    iterator = iter(dataset)
    taken = [int(next(iterator)) for _ in range(25)]
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "c"))
    rest = [int(x) for x in iterator]
    again = iter(Dataset.range(20).shuffle(20).repeat(2))
    tf.train.Checkpoint(iterator=again).restore(path)
    assert [int(x) for x in again] == rest
    assert sorted(taken + rest) == sorted([*range(20), *range(20)])


def test_state_outside_of_an_iterator_is_not_saved(tmp_path):
    dataset = Dataset.range(3).map(lambda x: tf.random.uniform([]))
    with pytest.raises(tf.errors.FailedPreconditionError, match="RandomUniform is stateful"):
        tf.train.Checkpoint(iterator=iter(dataset)).save(str(tmp_path / "c"))
    options = tf.data.Options()
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    tf.train.Checkpoint(iterator=iter(dataset.with_options(options))).save(str(tmp_path / "c"))


def _random():
    return Dataset.range(4).map(lambda x: x + tf.random.uniform([], 0, 9, dtype=tf.int64))


@pytest.mark.parametrize(
    ("make", "taken"),
    [
        (lambda: Dataset.range(3).concatenate(_random()), 2),
        (lambda: _random().concatenate(Dataset.range(3)), 5),
        (lambda: _random().shuffle(9), 1),
        (lambda: _random().cache().repeat(2), 5),
    ],
)
def test_state_outside_that_no_open_iterator_needs_does_not_matter(tmp_path, make, taken):
    """As in TensorFlow: the functions have not been called yet, or for the last time."""
    iterator = iter(make())
    for _ in range(taken):
        next(iterator, None)
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "c"))
    if taken != 2:  # otherwise random numbers follow
        again = iter(make())
        tf.train.Checkpoint(iterator=again).restore(path)
        assert [int(x) for x in again] == [int(x) for x in iterator]


@pytest.mark.parametrize(
    ("make", "taken"),
    [
        (lambda: Dataset.range(3).concatenate(_random()), 4),
        (lambda: _random().shuffle(2), 1),
        (lambda: _random().cache().repeat(2), 3),
    ],
)
def test_state_outside_that_an_open_iterator_needs_is_not_saved(tmp_path, make, taken):
    iterator = iter(make())
    for _ in range(taken):
        next(iterator)
    with pytest.raises(tf.errors.FailedPreconditionError, match="RandomUniformInt is stateful"):
        tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "c"))


def test_state_that_a_captured_dataset_needs_is_not_saved(tmp_path):
    captured = _random()
    iterator = iter(Dataset.range(2).flat_map(lambda _: captured))
    next(iterator)
    with pytest.raises(tf.errors.FailedPreconditionError, match="RandomUniformInt is stateful"):
        tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "c"))


def test_an_iterator_refuses_the_state_of_another_dataset(tmp_path):
    path = tf.train.Checkpoint(iterator=iter(Dataset.range(3))).save(str(tmp_path / "c"))
    other = tf.train.Checkpoint(iterator=iter(Dataset.from_tensor_slices([1, 2])))
    with pytest.raises(tf.errors.NotFoundError, match="dataset definition has not changed"):
        other.restore(path)


def test_a_saver_saves_the_iterator_of_a_graph(tmp_path):
    v1 = tf.compat.v1
    for begin in (0, 3):
        with tf.Graph().as_default(), v1.Session() as session:
            iterator = v1.data.make_initializable_iterator(Dataset.range(6))
            saveable = tf.data.experimental.make_saveable_from_iterator(iterator)
            v1.add_to_collection(v1.GraphKeys.SAVEABLE_OBJECTS, saveable)
            saver = v1.train.Saver()
            element = iterator.get_next()
            session.run(iterator.initializer)
            if begin:
                saver.restore(session, str(tmp_path / "c"))
            assert [session.run(element) for _ in range(3)] == list(range(begin, begin + 3))
            saver.save(session, str(tmp_path / "c"))


def test_a_function_saves_a_dataset(tmp_path):
    @tf.function
    def save():
        Dataset.range(4).save(str(tmp_path / "d"))

    save()
    assert list(Dataset.load(str(tmp_path / "d")).as_numpy_iterator()) == [0, 1, 2, 3]


def test_states_have_the_form_of_tensorflows(tmp_path):
    """Otherwise TensorFlow could not read the rest of the checkpoint beside them."""
    iterator = iter(tf.data.Dataset.range(5))
    next(iterator)
    path = tf.train.Checkpoint(ds=iterator).write(str(tmp_path / "c"))
    key = "ds/.ATTRIBUTES/ITERATOR_STATE"
    reader = tf.train.load_checkpoint(path)
    assert reader.get_variable_to_dtype_map()[key] == tf.variant
    (state,) = BundleReader(path).read(key)
    assert state.type_name == "tensorflow::Iterator"
    # The name of an iterator, then a name for each tensor.
    assert len(state.metadata.split(b"@@")) == 1 + len(state.tensors)
    graph = TrackableObjectGraph.FromString(reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    (attribute,) = [each for node in graph.nodes for each in node.attributes]
    assert (attribute.name, attribute.checkpoint_key) == ("ITERATOR", key.removesuffix("_STATE"))


@pytest.mark.parametrize("largest", [100, 2000])
def test_large_buffers_are_stored_in_several_messages(tmp_path, monkeypatch, largest):
    monkeypatch.setattr(positions, "MOST_TOGETHER", largest)
    dataset = Dataset.range(8).map(lambda x: tf.cast(tf.fill([10, 9], x), tf.float64)).shuffle(5)
    iterator = iter(dataset)
    next(iterator)
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "c"))
    states = BundleReader(path).read("iterator/.ATTRIBUTES/ITERATOR_STATE")
    assert len(states) > 2
    assert max(state.ByteSize() for state in states[1:]) < largest + 200
    again = iter(dataset)
    tf.train.Checkpoint(iterator=again).restore(path)
    np.testing.assert_array_equal(list(again), list(iterator))


def test_variants_that_are_too_large_to_be_read_are_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "LARGEST_MESSAGE", 50)
    checkpoint = tf.train.Checkpoint(iterator=iter(Dataset.range(8)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot be saved"):
        checkpoint.save(str(tmp_path / "c"))


def test_tensorflows_states_are_refused(tmp_path):
    iterator = iter(tf.data.Dataset.range(5))
    state = iterator._save()
    (message,) = state._value.ravel().tolist()
    foreign = type(message)(type_name=message.type_name, metadata=b"Iterator::Root::Range@@next")
    with pytest.raises(tf.errors.NotFoundError, match="is TensorFlow's"):
        iterator._restore(np.array([foreign], object))


def test_symbolic_checkpoints_refuse_windows(tmp_path):
    options = tf.data.Options()
    options.experimental_symbolic_checkpoint = True
    windows = tf.data.Dataset.range(9).window(3)
    for ds, step in ((windows, "WindowDataset"), (windows.flat_map(lambda x: x), "WindowOp")):
        it = iter(ds.with_options(options))
        next(it)
        with pytest.raises(tf.errors.UnimplementedError, match=f"{step} does not support symbolic"):
            tf.train.Checkpoint(it=it).write(str(tmp_path / "it"))


def test_an_iterator_without_a_name_is_the_sessions():
    """As TensorFlow writes them into graphs."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        iterator = v1.data.make_initializable_iterator(Dataset.range(6))
        element = iterator.get_next()
        definition = v1.get_default_graph().as_graph_def()
    for node in definition.node:
        if node.op == "IteratorV2":
            node.attr["shared_name"].s = b""
    with tf.Graph().as_default():
        begin, fetched = tf.import_graph_def(
            definition, return_elements=[iterator.initializer.name, element.name], name=""
        )
        for _ in range(2):
            with v1.Session() as session:
                session.run(begin)
                assert [session.run(fetched) for _ in range(3)] == [0, 1, 2]


def test_a_position_that_is_repeated_passes_errors(tmp_path):
    """The datasets in the buffer of the shuffle are not saved: the iteration is repeated."""

    def made():
        parts = Dataset.range(6).map(lambda x: x // (x - 2)).map(Dataset.from_tensors)
        return parts.shuffle(2, seed=1).flat_map(lambda part: part)

    iterator = iter(made())
    first = int(next(iterator))
    with pytest.raises(tf.errors.InvalidArgumentError, match="division by zero"):
        next(iterator)
    second = int(next(iterator))
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "c"))
    again = iter(made())
    tf.train.Checkpoint(iterator=again).restore(path)
    rest = [int(x) for x in again]
    assert rest == [int(x) for x in iterator]
    assert sorted([first, second, *rest]) == [-1, 0, 1, 2, 3]
