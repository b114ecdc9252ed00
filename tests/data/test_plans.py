"""What a pipeline tells of itself: its steps, its hash, its records."""

import numpy as np
import pytest

import penstock as tf

Dataset = tf.data.Dataset


def asserting(names, dataset):
    variant = tf.raw_ops.AssertNextDataset(
        input_dataset=dataset._variant_tensor, transformations=names, **dataset._flat_structure
    )
    return tf.data.experimental.from_variant(variant, dataset.element_spec)


@pytest.mark.parametrize(
    "option, apply, names",
    [
        ("noop_elimination", lambda d: d.skip(0).map(lambda x: x).take(2), ["FiniteTake"]),
        ("map_fusion", lambda d: d.map(lambda x: x + 1).map(lambda x: x * 2), ["Map", "Root"]),
        ("map_parallelization", lambda d: d.map(lambda x: x + 1), ["ParallelMap"]),
        ("map_and_batch_fusion", lambda d: d.map(lambda x: x + 1).batch(2), ["MapAndBatch"]),
    ],
)
def test_options_change_the_planned_steps(option, apply, names):
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    dataset = apply(asserting(names, Dataset.range(3)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Asserted"):
        next(iter(dataset.with_options(options)))
    setattr(options.experimental_optimization, option, True)
    next(iter(dataset.with_options(options)))


def printed(x):
    tf.print(x)
    return x


@pytest.mark.parametrize("function", [lambda x: x * 2, printed])
def test_functions_that_do_something_are_not_left_out(function):
    options = tf.data.Options()
    options.experimental_optimization.noop_elimination = True
    options.experimental_optimization.map_parallelization = False
    dataset = asserting(["Map", "Root"], Dataset.range(3)).map(function)
    next(iter(dataset.with_options(options)))


def test_equal_datasets_have_equal_fingerprints():
    def made(factor):
        return int(Dataset.range(3).map(lambda x: x * factor).batch(2).fingerprint())

    assert made(2) == made(2) != made(3)


def test_csv_records_follow_a_wrong_one(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'1,"2"3\r"4\n","5"""\n\n6,7,8\n9,')
    dataset = tf.data.experimental.CsvDataset(str(tmp_path / "a.csv"), ["", "none"])
    found, iterator = [], iter(dataset)
    while True:
        try:
            found.append([value.numpy() for value in next(iterator)])
        except tf.errors.InvalidArgumentError as error:
            found.append(error.message)
        except StopIteration:
            break
    assert found == [
        "Quote inside a string has to be escaped by another quote",
        "Expect 2 fields but have 1 in record",
        "Expect 2 fields but have more in record",
        [b"9", b"none"],
    ]


def test_map_and_batch_keeps_its_batches_after_errors():
    def divided(x):
        return 6 // x

    dataset = Dataset.range(6).apply(tf.data.experimental.map_and_batch(divided, 3))
    iterator = iter(dataset)
    with pytest.raises(tf.errors.InvalidArgumentError):
        next(iterator)
    np.testing.assert_array_equal(next(iterator), [2, 1, 1])


def test_a_map_that_adds_what_it_captured_is_no_step_without_effect():
    @tf.function
    def joined(q):
        rows = tf.data.Dataset.range(2).map(lambda k: (k, q))
        return [row for pair in [next(iter(rows))] for row in pair]

    assert [float(v) for v in joined(tf.constant(3.5))] == [0.0, 3.5]


@pytest.mark.parametrize(
    "wanted, refusal",
    [
        (['name: "ParallelMapDataset"', 'name: "TensorDataset"'], None),
        (['name: "ParallelMapDatasetV2" attr { key: "deterministic" value { s: "true" } }'], None),
        (['name: "MapDataset"'], "matching 'MapDataset', but found 'ParallelMapDatasetV2'"),
        (
            ['name: "ParallelMapDataset" attr { key: "deterministic" value { s: "false" } }'],
            'having a value of \'s: "false"\n\', but found value of \'s: "true"',
        ),
        (
            ['name: "ParallelMapDataset" attr { key: "other" value { b: true } }'],
            "found no such attribute defined",
        ),
        (
            ['name: "ParallelMapDataset"', 'name: "TensorDataset"', 'name: "TensorDataset"'],
            "Asserted previous 3 transformations but encountered only 2",
        ),
    ],
)
def test_what_came_before_is_asserted_with_attributes(wanted, refusal):
    dataset = Dataset.from_tensors(0).map(lambda x: x + 1, num_parallel_calls=2, deterministic=True)
    variant = tf.raw_ops.AssertPrevDataset(
        input_dataset=dataset._variant_tensor, transformations=wanted, **dataset._flat_structure
    )
    made = tf.data.experimental.from_variant(variant, dataset.element_spec)
    if refusal is None:
        assert list(made.as_numpy_iterator()) == [1]
    else:
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            list(made)
        assert refusal in caught.value.message


def encountered(apply, source=None):
    """What comes first after the source, as an assertion of something else says."""
    dataset = apply(asserting(["Other"], Dataset.range(4) if source is None else source))
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        list(dataset)
    return caught.value.message.partition("encountered ")[2].partition(" ")[0]


def test_usual_optimizations_are_made_unless_options_say_otherwise():
    def mapped(dataset):
        return dataset.map(lambda x: x * 2).batch(2)

    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    assert encountered(mapped) == "MapAndBatch"
    assert encountered(lambda d: mapped(d).with_options(options)) == "Map"
    assert encountered(lambda d: d.skip(0).shuffle(2).repeat(2)) == "ShuffleAndRepeat"
    assert encountered(lambda d: d.filter(lambda x: x > 1)) == "Filter"


def test_steps_before_one_that_is_in_no_graph_stay():
    def barred(dataset):
        variant = tf.raw_ops.ExperimentalNonSerializableDataset(
            input_dataset=dataset._variant_tensor, **dataset._flat_structure
        )
        return tf.data.experimental.from_variant(variant, dataset.element_spec)

    assert encountered(lambda d: barred(d.skip(0)).skip(0).cache()) == "FiniteSkip"
    assert encountered(lambda d: d.skip(0).cache()) == "MemoryCacheImpl"


def test_maps_that_capture_are_not_fused():
    held = tf.constant(12, tf.int64) * 2
    options = tf.data.Options()
    options.experimental_optimization.map_fusion = True
    options.experimental_optimization.map_parallelization = False
    dataset = asserting(["Map", "Map"], Dataset.range(1)).map(lambda x: held).map(lambda x: x + 1)
    assert list(dataset.with_options(options).as_numpy_iterator()) == [25]


def test_a_dataset_that_cannot_be_opened_has_its_turn_among_those_of_threads():
    def checked(x):
        tf.debugging.assert_none_equal(x, tf.constant(5, tf.int64))
        return Dataset.from_tensors(x).repeat(x)

    made = Dataset.from_tensor_slices(np.int64([4, 5, 6])).apply(
        tf.data.experimental.parallel_interleave(checked, 2)
    )
    found, iterator = [], iter(made)
    while True:
        try:
            found.append(int(next(iterator)))
        except tf.errors.InvalidArgumentError:
            found.append("error")
        except StopIteration:
            break
    assert found == [4, "error", 4, 4, 6, 4, 6, 6, 6, 6, 6]


@pytest.mark.parametrize("result", [(), (1, 2)])
def test_a_reduction_keeps_the_number_of_its_components(result):
    with pytest.raises(tf.errors.InvalidArgumentError, match="number of components"):
        Dataset.range(3).reduce(0, lambda state, x: result)
