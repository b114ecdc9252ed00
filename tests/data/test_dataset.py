"""Datasets: sources, transformations and iteration, eagerly."""

import collections
import gc
import threading
import time

import numpy as np
import pytest

import penstock._src.api.load  # noqa: F401  (operators)
from penstock._src.api.python_function import py_function
from penstock._src.api.random.seeds import set_seed
from penstock._src.compiler.stages import STATISTICS
from penstock._src.core import dtypes, errors
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.data.dataset import Dataset
from penstock._src.data.options import AutoShardPolicy, Options
from penstock._src.data.structure import packer
from penstock._src.eager.context import CONTEXT
from penstock._src.ops.data_planner import threads
from tests.harness.waiting import eventually


def values(dataset):
    return [x.tolist() if hasattr(x, "tolist") else x for x in dataset.as_numpy_iterator()]


@pytest.fixture(autouse=True)
def no_global_seed():
    yield
    CONTEXT.set_global_seed(None)


TEN = Dataset.range(10)
CHOSEN = {
    "range": (lambda: Dataset.range(7, 1, -2), [7, 5, 3]),
    "take": (lambda: TEN.take(3), [0, 1, 2]),
    "take all": (lambda: Dataset.range(2).take(-1), [0, 1]),
    "skip": (lambda: TEN.skip(8), [8, 9]),
    "repeat": (lambda: Dataset.range(2).repeat(2), [0, 1, 0, 1]),
    "repeat forever": (lambda: Dataset.range(2).repeat().take(5), [0, 1, 0, 1, 0]),
    "shard": (lambda: TEN.shard(3, 1), [1, 4, 7]),
    "concatenate": (lambda: Dataset.range(2).concatenate(Dataset.range(1)), [0, 1, 0]),
    "unique": (lambda: Dataset.from_tensor_slices([1, 2, 1]).unique(), [1, 2]),
    "enumerate": (lambda: Dataset.from_tensor_slices([5, 6]).enumerate(1), [(1, 5), (2, 6)]),
    "zip": (lambda: Dataset.zip(TEN, TEN.skip(8)), [(0, 8), (1, 9)]),
    "batch": (lambda: Dataset.range(5).batch(2), [[0, 1], [2, 3], [4]]),
    "batch, whole ones": (lambda: Dataset.range(5).batch(2, True), [[0, 1], [2, 3]]),
    "batches across epochs": (
        lambda: Dataset.range(3).repeat(2).batch(4),
        [[0, 1, 2, 0], [1, 2]],
    ),
    "skip and batch": (lambda: Dataset.range(6).shuffle(9, 1).skip(5).batch(3).map(len_), [1]),
    "unbatch": (lambda: Dataset.range(3).batch(2).unbatch(), [0, 1, 2]),
    "rebatch": (lambda: TEN.batch(4).rebatch([3, 5]), [[0, 1, 2], [3, 4, 5, 6, 7], [8, 9]]),
    "map": (lambda: Dataset.range(3).map(lambda x: x * 2), [0, 2, 4]),
    "map in threads": (lambda: Dataset.range(3).map(lambda x: x + 1, 2), [1, 2, 3]),
    "filter": (lambda: TEN.filter(lambda x: x > 7), [8, 9]),
    "take_while": (lambda: TEN.take_while(lambda x: x < 2), [0, 1]),
    "flat_map": (lambda: Dataset.range(4).flat_map(lambda x: Dataset.range(x)), [0, 0, 1, 0, 1, 2]),
    "interleave": (
        lambda: Dataset.range(1, 4).interleave(
            lambda x: Dataset.from_tensors(x).repeat(3), cycle_length=2, block_length=2
        ),
        [1, 1, 2, 2, 1, 2, 3, 3, 3],
    ),
    "interleave in threads": (
        lambda: Dataset.range(1, 3).interleave(
            lambda x: Dataset.from_tensors(x).repeat(2), cycle_length=2, num_parallel_calls=2
        ),
        [1, 2, 1, 2],
    ),
    "scan": (lambda: Dataset.range(4).scan(np.int64(0), lambda s, x: (s + x, s)), [0, 0, 1, 3]),
    "windows": (
        lambda: Dataset.range(5).window(3, shift=2).flat_map(lambda w: w.batch(3)),
        [[0, 1, 2], [2, 3, 4], [4]],
    ),
    "strided windows": (
        lambda: Dataset.range(7).window(2, 2, 3, True).flat_map(lambda w: w.batch(2)),
        [[0, 3], [2, 5]],
    ),
    "group_by_window": (
        lambda: TEN.group_by_window(lambda x: x % 2, lambda key, w: w.batch(3), 3),
        [[0, 2, 4], [1, 3, 5], [6, 8], [7, 9]],
    ),
    "choose": (
        lambda: Dataset.choose_from_datasets(
            [TEN, Dataset.range(20, 30)],
            Dataset.from_tensor_slices(np.array([1, 1, 0], np.int64)),
        ),
        [20, 21, 0],
    ),
    "counter": (lambda: Dataset.counter(2, 3).take(2), [2, 5]),
    "prefetch": (lambda: Dataset.range(3).map(lambda x: x).prefetch(1), [0, 1, 2]),
}


def len_(x):
    return raw.Size(input=x)


@pytest.mark.parametrize("name", CHOSEN)
def test_elements(name):
    make, expected = CHOSEN[name]
    dataset = make()
    assert values(dataset) == expected
    count = int(dataset.cardinality())
    assert count in (len(expected), -2)


SHUFFLED = {  # recorded on TensorFlow 2.21
    "op seed": (None, lambda: TEN12.shuffle(5, seed=7), [2, 4, 0, 3, 8, 1, 9, 10, 5, 7, 6, 11]),
    "global seed": (3, lambda: TEN12.shuffle(5), [2, 4, 5, 3, 0, 6, 7, 1, 10, 8, 9, 11]),
    "both": (3, lambda: TEN12.shuffle(5, seed=7), [3, 2, 5, 4, 8, 9, 10, 1, 11, 7, 0, 6]),
    "fixed": (
        3,
        lambda: TEN12.shuffle(5, 7, reshuffle_each_iteration=False),
        [1, 2, 5, 3, 8, 0, 6, 9, 7, 4, 11, 10],
    ),
    "two epochs": (
        3,
        lambda: Dataset.range(6).shuffle(20, 7).repeat(2),
        [0, 2, 3, 1, 4, 5, 1, 0, 2, 5, 4, 3],
    ),
    "random": (
        3,
        lambda: Dataset.random(seed=4).take(3),
        [1995848961, 2377083460, 192503441],
    ),
    "sampled": (
        3,
        lambda: Dataset.sample_from_datasets(
            [TEN, Dataset.range(100, 110)], weights=[0.5, 0.5], seed=5
        ).take(12),
        [0, 100, 1, 2, 3, 4, 5, 6, 101, 102, 7, 103],
    ),
}
TEN12 = Dataset.range(12)


@pytest.mark.parametrize("name", SHUFFLED)
@pytest.mark.parametrize("element_wise", [False, True])
def test_random_order_is_tensorflows(name, element_wise):
    seed, make, expected = SHUFFLED[name]
    if seed is not None:
        set_seed(seed)
    dataset = make()
    if element_wise:
        dataset = dataset.map(lambda x: x)
    assert values(dataset) == expected


def test_reshuffling():
    dataset = TEN12.shuffle(5, seed=7)
    assert values(dataset) != values(dataset)
    fixed = TEN12.shuffle(5, seed=7, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)


def begun_orders(wrap):
    """How many orders of a shuffled dataset are used up by an iterator of which nobody reads."""
    set_seed(3)
    shuffled = TEN12.shuffle(12, seed=1)
    orders = [values(shuffled) for _ in range(3)]
    set_seed(3)
    shuffled = TEN12.shuffle(12, seed=1)
    unread = iter(wrap(shuffled))
    used = orders.index(values(shuffled))
    del unread
    return used


@pytest.mark.parametrize(
    "used, wrap",
    [
        (1, lambda s: s),
        (1, lambda s: s.map(lambda x: x).batch(2).prefetch(1)),
        (1, lambda s: s.repeat(2).cache()),
        (1, lambda s: Dataset.zip(TEN12, s)),
        (1, lambda s: s.concatenate(TEN12)),
        (0, lambda s: TEN12.concatenate(s)),
        (0, lambda s: s.shuffle(3, seed=9)),
        (0, lambda s: s.take(0)),
        (0, lambda s: TEN12.flat_map(lambda x: s)),
    ],
)
def test_an_order_is_drawn_when_its_iterator_is_made(used, wrap):
    assert begun_orders(wrap) == used  # as TensorFlow 2.21; Keras's fit makes one iterator too many


def test_structures():
    dataset = Dataset.from_tensor_slices({"a": np.eye(2, dtype=np.float32), "b": (["x", "y"],)})
    assert dataset.element_spec == {
        "a": TensorSpec([2], dtypes.float32),
        "b": (TensorSpec([], dtypes.string),),
    }
    first = next(iter(dataset))
    assert first["b"][0].numpy() == b"x"
    batch = dataset.batch(2).get_single_element()
    np.testing.assert_array_equal(batch["a"], np.eye(2))
    doubled = dataset.map(lambda item: (item["a"] * 2, [item["b"][0], item["b"][0]]))
    assert len(doubled.element_spec) == 2


def test_batches_of_slices():
    array = np.arange(8, dtype=np.float32)
    first = next(iter(Dataset.from_tensor_slices(array).batch(4)))
    np.testing.assert_array_equal(first, array[:4])


def test_from_generator():
    signature = (TensorSpec([], dtypes.int32), TensorSpec([None], dtypes.float32))
    dataset = Dataset.from_generator(
        lambda n: ((i, [0.5] * i) for i in range(n)), output_signature=signature, args=(3,)
    )
    padded = dataset.padded_batch(3, padding_values=(0, -1.0)).get_single_element()
    np.testing.assert_array_equal(padded[1], [[-1, -1], [0.5, -1], [0.5, 0.5]])
    with pytest.raises(errors.InvalidArgumentError, match="did not match the expected structure"):
        list(Dataset.from_generator(lambda: ["a"], output_types=dtypes.int32))
    with pytest.raises(errors.InvalidArgumentError, match="expected type was int32, .* was a"):
        list(Dataset.from_generator(lambda: ["a"], output_signature=TensorSpec([], dtypes.int32)))
    with pytest.raises(errors.InvalidArgumentError, match="of shape \\(1,\\) where"):
        list(Dataset.from_generator(lambda: [[3]], output_signature=TensorSpec([2], dtypes.int32)))
    with pytest.raises(errors.UnknownError, match="ZeroDivisionError"):
        list(Dataset.from_generator(lambda: (1 / 0 for _ in [0]), output_types=dtypes.int32))


@pytest.mark.parametrize(
    ("element", "signature"),
    [
        ({"a": 1}, {"b": TensorSpec([], dtypes.int32)}),
        ((1, {"x": 1}), (TensorSpec([], dtypes.int32), {"y": TensorSpec([], dtypes.int32)})),
        ({"a": 1}, (TensorSpec([], dtypes.int32),)),
        ((1,), {"a": TensorSpec([], dtypes.int32)}),
        ([1], (TensorSpec([], dtypes.int32),)),
        ((1, 2), (TensorSpec([], dtypes.int32),)),
    ],
)
def test_generators_elements_have_the_structure_of_the_signature(element, signature):
    dataset = Dataset.from_generator(lambda: [element], output_signature=signature)
    with pytest.raises(errors.InvalidArgumentError, match="did not match the expected structure"):
        list(dataset)


def test_mappings_of_generators_are_matched_by_key():
    signature = {"a": TensorSpec([], dtypes.int32), "b": TensorSpec([], dtypes.int32)}
    elements = [{"b": 2, "a": 1}, collections.OrderedDict(b=2, a=1)]
    dataset = Dataset.from_generator(lambda: elements, output_signature=signature)
    assert [int(element["a"]) for element in dataset] == [1, 1]


def test_states_have_the_structure_of_the_initial_one():
    dataset, initial = Dataset.range(3), {"a": np.int64(0)}
    assert dataset.reduce(initial, lambda state, x: {"b": state["a"] + x})["a"].numpy() == 3
    scanned = dataset.scan(initial, lambda state, x: ((state["a"] + x,), state["a"]))
    assert list(scanned.as_numpy_iterator()) == [0, 0, 1]


def test_reduce_passes_a_structured_state_through_all_elements():
    total = TEN.reduce((np.int64(0), 0), lambda s, x: (s[0] + x, s[1] + 1))
    assert [int(t) for t in total] == [45, 10]


def test_buckets():
    lengths = [1, 5, 2, 7, 9]
    dataset = Dataset.from_generator(
        lambda: ([n] * n for n in lengths), output_signature=TensorSpec([None], dtypes.int32)
    )
    made = dataset.bucket_by_sequence_length(len_, [3, 8], [2, 2, 2])
    assert [batch.shape.as_list() for batch in made] == [[2, 2], [2, 7], [1, 9]]


def test_cache_runs_the_function_once(tmp_path):
    for name in ("", str(tmp_path / "cache")):
        calls = []

        def generate(calls=calls):
            calls.append(1)
            yield from range(3)

        dataset = Dataset.from_generator(generate, output_types=dtypes.int64).cache(name)
        assert values(dataset) == values(dataset) == [0, 1, 2]
        assert len(calls) == 1


def test_save_and_load(tmp_path):
    dataset = Dataset.from_tensor_slices((["a", "b"], [1.5, 2.5]))
    dataset.save(str(tmp_path / "d"))
    assert values(Dataset.load(str(tmp_path / "d"), dataset.element_spec)) == [
        (b"a", 1.5),
        (b"b", 2.5),
    ]
    assert Dataset.load(str(tmp_path / "d")).element_spec == dataset.element_spec


def test_errors_pass_on_and_are_ignored():
    zero = Dataset.from_tensor_slices([1, 0, 2]).map(
        lambda x: raw.CheckNumerics(
            tensor=raw.Reciprocal(x=raw.Cast(x=x, DstT=dtypes.float32)), message="bad"
        )
    )
    with pytest.raises(errors.InvalidArgumentError):
        values(zero)
    assert values(zero.ignore_errors()) == [1.0, 0.5]
    ragged = Dataset.from_generator(lambda: ([0] * n for n in (1, 2)), output_types=dtypes.int32)
    with pytest.raises(errors.InvalidArgumentError, match="Cannot batch tensors with different"):
        values(ragged.batch(2))


@pytest.mark.parametrize(
    "make, kind, message",
    [
        (lambda: TEN.batch(0), errors.InvalidArgumentError, "Batch size must be greater"),
        (lambda: TEN.shuffle(0), errors.InvalidArgumentError, "buffer_size"),
        (lambda: TEN.shard(2, 2), errors.InvalidArgumentError, "Index must be between 0 and 1"),
        (lambda: Dataset.range(1, 5, 0), errors.InvalidArgumentError, "non-zero"),
        (lambda: Dataset.from_tensor_slices(3), ValueError, "rank >= 1"),
        (lambda: Dataset.from_tensor_slices(([1, 2], [1])), ValueError, "not compatible"),
        (lambda: Dataset.zip(1), TypeError, "Invalid input to `zip`"),
        (lambda: TEN.filter(lambda x: x), ValueError, "Invalid `predicate`"),
        (lambda: TEN.flat_map(lambda x: x), TypeError, "must return a `Dataset`"),
        (lambda: len(TEN.repeat()), TypeError, "infinite"),
        (lambda: len(TEN.filter(lambda x: x > 0)), TypeError, "unknown"),
        (lambda: TEN.get_single_element(), errors.InvalidArgumentError, "more than one"),
        (lambda: iter(TEN.take(0)).get_next(), errors.OutOfRangeError, "End of sequence"),
        (lambda: next(iter(TEN.take(0))), StopIteration, None),
    ],
)
def test_rejections(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_options():
    options = Options()
    options.deterministic = False
    options.threading.private_threadpool_size = 3
    options.experimental_distribute.auto_shard_policy = AutoShardPolicy.OFF
    dataset = TEN.with_options(options).map(lambda x: x)
    assert dataset.options().deterministic is False
    assert dataset.options().threading.private_threadpool_size == 3
    proto = options._to_proto()
    assert proto.distribute_options.auto_shard_policy == -1
    with pytest.raises(TypeError, match='"deterministic" must be of type'):
        options.deterministic = 3
    with pytest.raises(AttributeError, match="Cannot set the property foo on Options"):
        options.foo = 1


def test_iterators_and_optionals():
    iterator = iter(TEN.take(1))
    found = iterator.get_next_as_optional()
    assert bool(found.has_value()) and int(found.get_value()) == 0
    assert not bool(iterator.get_next_as_optional().has_value())
    assert iterator.element_spec == TEN.element_spec
    assert repr(TEN) == (
        "<_RangeDataset element_spec=TensorSpec(shape=(), dtype=tf.int64, name=None)>"
    )


def reading_ahead():
    return {t for t in threading.enumerate() if t.name == "penstock-prefetch"}


def test_threads_end_with_the_iterator():
    before = reading_ahead()  # other tests' threads

    def slow(x):
        time.sleep(2e-3)
        return x

    numbers = Dataset.range(1000).map(lambda x: py_function(slow, [x], dtypes.int64))
    iterator = iter(numbers.prefetch(2))
    assert [int(next(iterator)) for _ in range(8)] == list(range(8))
    started = reading_ahead() - before
    assert started
    del iterator
    assert eventually(lambda: not any(t.is_alive() for t in started))


def test_quick_elements_are_made_without_a_thread(monkeypatch):
    monkeypatch.setattr(threads, "WORTH_A_THREAD", 60.0)  # seconds, on a machine that stalls
    before = reading_ahead()
    assert values(Dataset.range(100).map(lambda x: x + 1).prefetch(2)) == list(range(1, 101))
    assert not reading_ahead() - before


def test_functions_that_only_move_values_compile_nothing():
    rows = np.arange(24.0).reshape(8, 3)
    before = STATISTICS.functions
    data = Dataset.from_tensors(rows).repeat()
    for order in ([0, 1, 2], [4, 1, 2]):
        chosen = Dataset.zip(Dataset.from_tensors(np.array(order)), data).map(
            lambda i, x: raw.GatherV2(params=x, indices=i, axis=0)
        )
        assert np.array_equal(values(chosen)[0], rows[order])
    assert STATISTICS.functions == before


def test_iterators_over_equal_elements_share_their_spec():
    one, other = iter(Dataset.range(3).batch(2)), iter(Dataset.range(5).batch(2))
    assert one._type_spec is other._type_spec
    assert one._type_spec is not iter(Dataset.range(3))._type_spec


def test_elements_keep_their_structure():
    spec = {"b": (TensorSpec([], dtypes.int32), TensorSpec([], dtypes.bool_)), "a": TensorSpec([1])}
    made = packer(spec)((np.array([2.0], np.float32), np.int32(3), np.bool_(True)))
    assert list(made) == ["b", "a"] and int(made["b"][0]) == 3 and bool(made["b"][1])
    assert made["a"].shape == [1] and made["b"][0].dtype is dtypes.int32


def test_generators_within_functions_get_scalars():
    def generate(i):
        assert type(i) is np.int32
        yield {3: 30}[i]

    def dataset(i):
        return Dataset.from_generator(
            generate, output_signature=TensorSpec([], dtypes.int32), args=(i,)
        )

    outer = Dataset.from_tensors(3)
    assert list(outer.flat_map(dataset).as_numpy_iterator()) == [30]
    assert list(outer.interleave(lambda _: dataset(3)).as_numpy_iterator()) == [30]


def test_objects_are_not_collected_while_a_function_is_traced():
    seen = []
    Dataset.range(3).map(lambda x: (seen.append(gc.isenabled()), x)[1])
    assert seen == [False] and gc.isenabled()
