"""Datasets as graphs, in tensors and in SavedModels."""

import numpy as np
import pytest

import penstock as tf

Dataset = tf.data.Dataset
SHIFT = tf.Variable(2, dtype=tf.int64)

DATASETS = {
    "batches": lambda: Dataset.range(5).map(lambda x: x * 3).batch(2),
    "variable": lambda: Dataset.range(3).map(lambda x: x + SHIFT),
    "structure": lambda: Dataset.from_tensor_slices({"a": [1, 2], "b": ["x", "y"]}),
    "inner": lambda: Dataset.range(3).interleave(lambda x: Dataset.from_tensors(x).repeat(2)),
    "shared": lambda: Dataset.zip(*[Dataset.range(4)] * 2).skip(1),
    "seeded": lambda: Dataset.range(9).shuffle(4, seed=3),
    "cached": lambda: Dataset.range(4).cache(),
    "groups": lambda: Dataset.range(9).group_by_window(lambda x: x % 2, lambda _, w: w.batch(3), 3),
}


def elements(dataset):
    return [tf.nest.flatten(element) for element in dataset.as_numpy_iterator()]


def again(dataset):
    graph = tf.raw_ops.DatasetToGraphV2(input_dataset=dataset._variant_tensor)
    variant = tf.raw_ops.DatasetFromGraph(graph_def=graph)
    return tf.data.experimental.from_variant(variant, dataset.element_spec)


@pytest.mark.parametrize("name", DATASETS)
def test_graphs_make_the_same_elements(name):
    dataset = DATASETS[name]()
    for made, held in zip(elements(again(dataset)), elements(dataset), strict=True):
        for first, second in zip(made, held, strict=True):
            np.testing.assert_array_equal(first, second)


def test_graphs_have_tensorflows_names():
    graph = tf.raw_ops.DatasetToGraph(input_dataset=Dataset.range(5).take(2)._variant_tensor)
    nodes = tf.compat.v1.GraphDef.FromString(graph.numpy()).node
    assert [node.name for node in nodes] == [
        *(f"Const/_{n}" for n in range(3)),
        "RangeDataset/_3",
        "Const/_4",
        "TakeDataset/_5",
        "dataset",
    ]
    assert (nodes[-1].op, list(nodes[-1].input)) == ("_Retval", ["TakeDataset/_5"])


def test_options_are_part_of_graphs():
    options = tf.data.Options()
    options.experimental_slack = True
    assert again(Dataset.range(2).with_options(options)).options().experimental_slack


def test_shuffles_without_seeds_draw_anew():
    dataset = Dataset.range(100).shuffle(100)
    assert elements(again(dataset)) != elements(dataset)


def test_state_outside_is_refused():
    dataset = DATASETS["variable"]()
    with pytest.raises(tf.errors.FailedPreconditionError, match="ReadVariableOp is stateful"):
        tf.raw_ops.DatasetToGraph(input_dataset=dataset._variant_tensor)


@pytest.mark.parametrize("text", [b"", b"xx"])
def test_other_messages_are_refused(text):
    with pytest.raises(tf.errors.NotFoundError):
        tf.raw_ops.DatasetFromGraph(graph_def=text)


class Summing(tf.Module):
    def __init__(self, dataset):
        self.dataset, self.shift = dataset, SHIFT

    @tf.function(input_signature=[])
    def total(self):
        total = tf.zeros([], tf.int64)
        for element in self.dataset:
            total += tf.reduce_sum(element)
        return total


@pytest.mark.parametrize("name", ["batches", "variable", "seeded", "cached"])
def test_functions_of_saved_models_iterate_over_datasets(name, tmp_path):
    module = Summing(DATASETS[name]())
    expected = int(module.total())
    for turn in range(2):  # what was loaded can be saved
        tf.saved_model.save(module, tmp_path / str(turn))
        module = tf.saved_model.load(tmp_path / str(turn))
        assert int(module.total()) == expected


def test_files_of_datasets_go_into_saved_models(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("12\n30\n")
    lines = tf.data.TextLineDataset(str(path)).map(
        lambda line: tf.strings.to_number(line, tf.int64)
    )
    tf.saved_model.save(Summing(lines), tmp_path / "model")
    path.unlink()
    assert int(tf.saved_model.load(tmp_path / "model").total()) == 42


def test_python_functions_cannot_be_saved(tmp_path):
    module = tf.Module()
    module.dataset = Dataset.from_generator(
        lambda: iter([1]), output_signature=tf.TensorSpec([], tf.int32)
    )
    with pytest.raises(tf.errors.FailedPreconditionError, match="PyFunc is stateful"):
        tf.saved_model.save(module, tmp_path)


def test_checkpoints_take_datasets(tmp_path):
    checkpoint = tf.train.Checkpoint(dataset=Dataset.range(2), variable=tf.Variable(1.0))
    path = checkpoint.write(tmp_path / "values")
    checkpoint.variable.assign(2.0)
    checkpoint.read(path)
    assert float(checkpoint.variable) == 1.0


def static_table(keys, values):
    items = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(items, tf.constant(-1, tf.int64))


def mutable_table(keys, values):
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, -1)
    table.insert(keys, values)
    return table


def dense_table(keys, values):
    table = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, -2, -3)
    table.insert(keys, values)
    return table


@pytest.mark.parametrize("make", [static_table, mutable_table, dense_table])
def test_graphs_of_datasets_hold_tables(make):
    table = make(tf.constant([0, 2], tf.int64), tf.constant([10, 30], tf.int64))
    dataset = Dataset.range(3).map(table.lookup)
    serialized = tf.raw_ops.DatasetToGraphV2(
        input_dataset=dataset._variant_tensor, external_state_policy=1
    )
    again = tf.raw_ops.DatasetFromGraph(graph_def=serialized)
    if make is not static_table:
        table.insert(tf.constant([1], tf.int64), tf.constant([20], tf.int64))
    found = tf.data.experimental.from_variant(again, dataset.element_spec)
    assert list(found.as_numpy_iterator()) == [10, -1, 30]


def test_keras_2_finds_shuffling_in_the_graph_of_a_dataset():
    def kinds(serialized):
        graph = tf.compat.v1.GraphDef.FromString(serialized)
        return {node.op for node in graph.node}

    eager = tf.data.Dataset.range(5).shuffle(3)
    assert "ShuffleDatasetV3" in kinds(eager._as_serialized_graph().numpy())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        plain = tf.compat.v1.data.Dataset.range(5).map(lambda x: x + 1)
        for policy in (None, tf.data.experimental.ExternalStatePolicy.FAIL):
            graph = session.run(plain._as_serialized_graph(external_state_policy=policy))
            assert kinds(graph) >= {"RangeDataset", "MapDataset"}
            assert not any("Shuffle" in kind for kind in kinds(graph))
