"""How many elements datasets say they have (-1: no end, -2: nobody knows), as TensorFlow says."""

import pytest

import penstock as tf

Dataset = tf.data.Dataset
FEW = Dataset.range(10)
NONE = Dataset.range(0)
ENDLESS = FEW.repeat()
UNKNOWN = FEW.filter(lambda x: x > 2)
SOURCES = {"few": FEW, "none": NONE, "endless": ENDLESS, "unknown": UNKNOWN}


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("few", "few", -2),
        ("none", "few", -2),
        ("none", "endless", -1),
        ("few", "endless", -1),
        ("unknown", "endless", -1),
        ("few", "unknown", -2),
    ],
)
def test_mixed_datasets_have_no_end_if_one_has_none(first, second, wanted):
    both = [SOURCES[first], SOURCES[second]]
    assert Dataset.sample_from_datasets(both).cardinality() == wanted
    chosen = Dataset.choose_from_datasets(both, Dataset.range(2).repeat(3))
    assert chosen.cardinality() == wanted


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda d: d.skip(-1), (0, -1, -2)),
        (lambda d: d.enumerate(), (10, -1, -2)),
        (lambda d: d.group_by_window(lambda x: x % 2, lambda k, w: w.batch(2), 2), (-2, -1, -2)),
        (lambda d: d.bucket_by_sequence_length(lambda x: 1, [2], [2, 2]), (-2, -1, -2)),
        (lambda d: d.rejection_resample(lambda x: x % 2, [0.4, 0.6]), (-2, -1, -2)),
    ],
)
def test_transformations(make, wanted):
    assert tuple(int(make(d).cardinality()) for d in (FEW, ENDLESS, UNKNOWN)) == wanted


def test_counting_has_no_end():
    assert Dataset.counter(5, 3).cardinality() == -1
    assert Dataset.range(5, 1).cardinality() == 0


def test_weights_may_be_a_finite_dataset():
    weights = Dataset.from_tensors([0.5, 0.5]).repeat(7)
    assert len(list(Dataset.sample_from_datasets([ENDLESS, ENDLESS], weights, seed=1))) == 7


def test_flat_map_counts_its_elements_where_asked_to():
    from penstock._src.proto.dataset import CardinalityOptions

    options = CardinalityOptions(compute_level="CARDINALITY_COMPUTE_MODERATE")
    ds = tf.data.Dataset.range(4).flat_map(tf.data.Dataset.range)
    assert ds.cardinality() == tf.data.UNKNOWN_CARDINALITY
    counted = tf.raw_ops.DatasetCardinality(
        input_dataset=ds._variant_tensor, cardinality_options=options.SerializeToString()
    )
    assert counted == 6


def test_a_parallel_interleave_of_an_infinite_dataset_is_infinite():
    endless = tf.data.Dataset.range(5).repeat()
    one = lambda _: tf.data.Dataset.from_tensors(0)  # noqa: E731
    parallel = endless.interleave(one, cycle_length=1, num_parallel_calls=1)
    assert int(parallel.cardinality()) == tf.data.INFINITE_CARDINALITY
    assert int(endless.interleave(one).cardinality()) == tf.data.UNKNOWN_CARDINALITY
