"""Functions whose first part the host computes for groups of elements, against calls for each."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.core.values.groups import Ragged, Stacked
from penstock._src.ops.data.iteration.resume import Resumable
from penstock._src.ops.data.pipeline import Run
from penstock._src.ops.data_planner import call_times, choices, grouped
from penstock._src.ops.data_planner.group_functions import GroupCall, first_part
from penstock._src.ops.data_planner.grouped import Clock, Grouped, GroupedElements

Dataset = tf.data.Dataset
COUNT = 150
RANDOM = np.random.default_rng(1)
WORDS = [f"w{number}" for number in range(40)]
LINES = [" ".join(RANDOM.choice(WORDS, size)) for size in RANDOM.integers(0, 9, COUNT)]
ROWS = [f"{number / 7:.3f},{number},name{number % 5}" for number in range(COUNT)]
WEIGHTS = tf.constant(RANDOM.normal(size=(3, 2)).astype("f"))
TABLE = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(WORDS[:30], list(range(30))), -1
)


def example(number):
    features = {
        "x": tf.train.Feature(float_list=tf.train.FloatList(value=RANDOM.random(3))),
        "raw": tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes(range(number % 4, 6))])),
        "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=range(number % 5))),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


EXAMPLES = [example(number) for number in range(COUNT)]
FEATURES = {
    "x": tf.io.FixedLenFeature([3], tf.float32),
    "raw": tf.io.FixedLenFeature([], tf.string),
    "ids": tf.io.RaggedFeature(tf.int64),
}


def parsed(record):
    return tf.io.parse_single_example(record, FEATURES)


def normalized(record):
    found = parsed(record)
    pixels = tf.cast(tf.io.decode_raw(found["raw"], tf.uint8), tf.float32) / 255.0
    return pixels, found["ids"] + 1


def csv(row):
    return tuple(tf.io.decode_csv(row, [[0.0], [0], [""]]))


def parsed_by_op(record):
    found = tf.raw_ops.ParseSingleExample(
        serialized=record,
        dense_defaults=[tf.zeros([0])],
        num_sparse=1,
        sparse_keys=["ids"],
        dense_keys=["x"],
        sparse_types=[tf.int64],
        dense_shapes=[[3]],
    )
    return tuple(tf.nest.flatten(found))


def sequence(number):
    numbers = tf.train.Int64List(value=range(number % 4))
    label = tf.train.Feature(int64_list=tf.train.Int64List(value=[number]))
    steps = [tf.train.Feature(int64_list=numbers) for _ in range(number % 3)]
    lists = {
        "wide": tf.train.FeatureList(feature=steps),
        "steps": tf.train.FeatureList(feature=[label] * (number % 5)),
    }
    return tf.train.SequenceExample(
        context=tf.train.Features(feature={"label": label}),
        feature_lists=tf.train.FeatureLists(feature_list=lists),
    ).SerializeToString()


SEQUENCES = [sequence(number) for number in range(COUNT)]


def parsed_sequence_by_op(record):
    found = tf.raw_ops.ParseSingleSequenceExample(
        serialized=record,
        feature_list_dense_missing_assumed_empty=["missing"],
        context_sparse_keys=["none"],
        context_dense_keys=["label"],
        feature_list_sparse_keys=["wide"],
        feature_list_dense_keys=["steps", "missing"],
        context_dense_defaults=[tf.zeros([0], tf.int64)],
        debug_name="",
        context_sparse_types=[tf.string],
        feature_list_dense_types=[tf.int64, tf.float32],
        context_dense_shapes=[[]],
        feature_list_sparse_types=[tf.int64],
        feature_list_dense_shapes=[[], [2]],
    )
    return tuple(tf.nest.flatten(found))


FUNCTIONS = {
    "split": (LINES, tf.strings.split),
    "table": (LINES, lambda s: TABLE.lookup(tf.strings.split(s))),
    "case": (LINES, lambda s: tf.strings.regex_replace(tf.strings.upper(s), "W", "v") + "!"),
    "hash": (LINES, lambda s: (tf.strings.to_hash_bucket_fast(s, 9), tf.strings.length(s))),
    "csv": (ROWS, csv),
    "csv stacked": (ROWS, lambda s: tf.stack(tf.io.decode_csv(s, [[0.0], [0.0]], select_cols=[0, 1]))),
    "examples": (EXAMPLES, parsed),
    "raw": (EXAMPLES, normalized),
    "single examples": (EXAMPLES, parsed_by_op),
    "single sequences": (SEQUENCES, parsed_sequence_by_op),
    "with a rest": (EXAMPLES, lambda s: (tf.linalg.matvec(WEIGHTS, parsed(s)["x"], True), s)),
    "one hot": (ROWS, lambda s: tf.one_hot(tf.strings.length(s), 4)),
    "same for all": (ROWS, lambda s: (tf.strings.length(s), tf.constant([1, 2]))),
}  # fmt: skip


def plain(element):
    parts = tf.nest.flatten(element, expand_composites=True)
    return [np.asarray(t.numpy(), t.dtype.as_numpy_dtype) for t in parts]


def check(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()


@pytest.fixture
def groups(monkeypatch):
    """The sizes of the groups that were computed; no group counts as slow."""
    sizes, compute = [], GroupCall._compute

    def counted(self, elements):
        sizes.append(len(elements))
        return compute(self, elements)

    monkeypatch.setattr(GroupCall, "_compute", counted)
    monkeypatch.setattr(call_times, "QUICK", 10.0)
    monkeypatch.setattr(grouped, "_WAIT", 10.0)
    return sizes


@pytest.mark.parametrize("parallel", [None, 4, tf.data.AUTOTUNE])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_elements_are_those_of_single_calls(name, parallel, groups):
    texts, function = FUNCTIONS[name]
    made = Dataset.from_tensor_slices(texts).map(function, num_parallel_calls=parallel)
    call = tf.function(function)
    check(list(map(plain, made)), [plain(call(tf.constant(text))) for text in texts])
    assert sum(groups) == COUNT and max(groups) > 32


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("name", ["csv", "csv stacked", "one hot", "same for all", "case"])
def test_batches_are_those_of_single_calls(name, drop, groups):
    texts, function = FUNCTIONS[name]
    made = Dataset.from_tensor_slices(texts).map(function).batch(32, drop_remainder=drop)
    call = tf.function(function)
    rows = [plain(call(tf.constant(text))) for text in texts]
    parts = [rows[at : at + 32] for at in range(0, COUNT - (COUNT % 32 if drop else 0), 32)]
    check(list(map(plain, made)), [[np.stack(v) for v in zip(*p, strict=True)] for p in parts])
    assert groups[:4] == [32] * 4


def test_padded_batches_of_ragged_results(groups):
    made = Dataset.from_tensor_slices(LINES).map(tf.strings.split).padded_batch(16)
    first = next(iter(made)).numpy()
    assert [b" ".join(row).strip().decode() for row in first] == LINES[:16]


def outcomes(dataset, most=400):
    """The elements, and the messages of errors, in order."""
    found, iterator = [], iter(dataset)
    for _ in range(most):
        try:
            found.append([t.tolist() for t in plain(next(iterator))])
        except StopIteration:
            return found
        except tf.errors.InvalidArgumentError as error:
            found.append(error.message)
    return found


WRONG = [*ROWS[:20], "1.0,x,y", *ROWS[20:90], "1.0", "2.0", *ROWS[90:]]


@pytest.mark.parametrize(
    "apply",
    [
        lambda d, f: d.map(f),
        lambda d, f: d.map(f).batch(16),
        lambda d, f: d.map(f).batch(16, drop_remainder=True),
        lambda d, f: d.map(f, num_parallel_calls=2).ignore_errors(),
        lambda d, f: d.map(f).batch(7).ignore_errors(),
        lambda d, f: d.apply(tf.data.experimental.map_and_batch(f, 16)),
    ],
)
def test_errors_are_those_of_their_elements(apply, groups, monkeypatch):
    found = outcomes(apply(Dataset.from_tensor_slices(WRONG), csv))
    assert groups and len(found) < 400
    monkeypatch.setattr(choices, "first_part", lambda *_: None)
    assert outcomes(apply(Dataset.from_tensor_slices(WRONG), csv)) == found


@pytest.mark.parametrize("apply", [lambda d: d, lambda d: d.batch(8)])
def test_errors_of_the_source_stay_in_their_place(apply, groups, monkeypatch):
    numbers = Dataset.range(-30, 30).map(lambda x: tf.strings.as_string(12 // x))
    found = outcomes(apply(numbers.map(tf.strings.length)))
    assert len([f for f in found if isinstance(f, str)]) == 1
    monkeypatch.setattr(choices, "first_part", lambda *_: None)
    assert outcomes(apply(numbers.map(tf.strings.length))) == found


@pytest.mark.parametrize("batch", [None, 7])
@pytest.mark.parametrize("taken", [1, 5, 14])
@pytest.mark.parametrize("name", ["csv", "same for all", "with a rest"])
def test_iterators_resume(name, taken, batch, groups):
    texts, function = FUNCTIONS[name]
    made = Dataset.from_tensor_slices(texts).map(function)
    made = made.batch(batch) if batch else made
    first, second = iter(made), iter(made)
    for _ in range(taken):
        next(first)
    second._restore(first._save())
    check(list(map(plain, second)), list(map(plain, first)))


@pytest.mark.parametrize("batch", [None, 7])
def test_slow_functions_are_found_by_a_few_groups(batch, groups, monkeypatch):
    monkeypatch.setattr(call_times, "QUICK", 0.0)
    texts, function = FUNCTIONS["csv"]
    made = Dataset.from_tensor_slices(texts).map(function)
    made = made.batch(batch) if batch else made
    first, second = iter(made), iter(made)
    for _ in range(14):
        next(first)
    second._restore(first._save())
    check(list(map(plain, second)), list(map(plain, first)))
    list(made)
    assert len(groups) >= 3  # groups of threads, or single calls, follow


def test_random_numbers_of_the_rest_stay_in_order(groups, monkeypatch):
    def noisy(record):
        return parsed(record)["x"] + tf.random.uniform([3], seed=4), tf.random.normal([], seed=5)

    def drawn():
        tf.random.set_seed(3)
        return list(map(plain, Dataset.from_tensor_slices(EXAMPLES).map(noisy).repeat(2)))

    found = drawn()
    assert groups
    monkeypatch.setattr(choices, "first_part", lambda *_: None)
    check(found, drawn())


def test_an_element_does_not_keep_its_group():
    stack = Stacked(np.zeros((200, 100)))
    ragged = Ragged(np.zeros(1000), np.array([0, 400, 1000]))
    texts = Stacked(np.array([b"a"] * 200, object))
    for group in (stack, ragged, texts):
        element = group.elements()[1]
        assert element.base is None or element.base.nbytes <= max(1024, element.nbytes)


class Slow(Resumable):
    """Gives strings after a time each."""

    sources = ()

    def __init__(self):
        self.given = 0

    def __next__(self):
        time.sleep(2e-3)
        self.given += 1
        return (np.array(b"a", object),)


def test_a_slow_source_is_not_read_ahead():
    step = Dataset.from_tensor_slices(LINES).map(tf.strings.length)._variant_tensor._value
    call, source = choices._groups(step, Run()), Slow()
    results = GroupedElements(source, Clock(call.compute), lambda *_: [0], None)
    next(results)
    assert source.given == 1


def step_of(dataset):
    return dataset._variant_tensor._value


def test_sources_and_functions_with_state_are_called_in_turn():
    drawn = Dataset.from_tensor_slices(LINES).map(
        lambda s: tf.strings.as_string(tf.random.uniform([])) + s
    )
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    lines = Dataset.from_tensor_slices(LINES)
    assert choices._groups(step_of(drawn.map(tf.strings.length)), Run()) is None
    assert choices._groups(step_of(lines.map(table.lookup)), Run()) is None
    looked_up = lines.map(lambda s: (s, table.lookup(s)))
    assert choices._groups(step_of(looked_up.map(lambda s, n: tf.strings.length(s))), Run()) is None
    assert isinstance(step_of(lines.map(tf.strings.length)).iterate(Run()), Grouped)


@pytest.mark.parametrize(
    "function",
    [
        lambda s: tf.reshape(s, [1]),  # nothing that only the host runs
        lambda s: tf.io.read_file(s),
        lambda s: tf.numpy_function(lambda v: v, [s], tf.string),
    ],
)
def test_other_functions_have_no_first_part(function):
    step = step_of(Dataset.from_tensor_slices(LINES).map(function))
    assert first_part(step.function, step.captured) is None


def test_vectors_of_strings_are_no_group():
    step = step_of(Dataset.from_tensor_slices(LINES).batch(8).map(tf.strings.lower))
    assert first_part(step.function, step.captured) is None


STEPS = [
    lambda d: d.map(tf.strings.lower),
    lambda d: d.map(lambda s: tf.strings.substr(s, 1, 4)),  # fails where a string is empty
    lambda d: d.map(lambda s: tf.strings.join([s, "7"]), num_parallel_calls=2),
    lambda d: d.map(lambda s: tf.strings.as_string(tf.strings.length(s) // 2)),
    lambda d: d.filter(lambda s: tf.strings.length(s) > 2),
    lambda d: d.shuffle(9, seed=2),
    lambda d: d.skip(3).take(40),
    lambda d: d.repeat(2),
    lambda d: d.prefetch(2),
]
ENDS = [
    lambda d: d,
    lambda d: d.batch(7),
    lambda d: d.map(tf.strings.length).batch(5, drop_remainder=True),
    lambda d: d.map(lambda s: tf.strings.split([s]).values).padded_batch(6),
    lambda d: d.map(lambda s: tf.strings.to_number(s[-1:] if s.shape.rank else s)).ignore_errors(),
    lambda d: d.map(lambda s: (TABLE.lookup(s), tf.io.decode_raw(s, tf.uint8))),
]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=4), end=st.sampled_from(ENDS))
def test_pipelines_give_the_same_in_groups_and_singly(steps, end):
    def made():
        dataset = Dataset.from_tensor_slices(LINES)
        for step in steps:
            dataset = step(dataset)
        return end(dataset)

    found = outcomes(made())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choices, "first_part", lambda *_: None)
        assert outcomes(made()) == found


def test_functions_with_texts_may_hold_lists_of_tensors():
    rows = tf.data.Dataset.from_tensor_slices(np.ones((20, 3), np.float32))
    mapped = rows.map(lambda x: (tf.strings.as_string(x), tf.map_fn(lambda a: a * 2, x)))
    texts, doubled = next(mapped.batch(4).as_numpy_iterator())
    assert texts.shape == (4, 3)
    np.testing.assert_array_equal(doubled, np.full((4, 3), 2.0))
