"""Random ops in functions of datasets: a stream begins with each iterator and goes on within it."""

import penstock as tf


def drawn(dataset):
    return [round(float(x), 4) for x in dataset]


def random_numbers(count):
    return tf.data.Dataset.range(count).map(lambda _: tf.random.uniform([], seed=3))


def setup_function():
    tf.random.set_seed(42)


def test_an_iterator_begins_the_stream_anew():
    dataset = random_numbers(4)
    assert drawn(dataset) == drawn(dataset) == [0.6379, 0.8774, 0.8379, 0.9246]


def test_epochs_of_a_repeated_dataset_differ():
    twice = random_numbers(4).repeat(2)
    assert drawn(twice) == [0.6379, 0.8774, 0.8379, 0.9246, 0.1437, 0.7729, 0.6825, 0.8751]


def test_datasets_within_a_dataset_go_on():
    nested = tf.data.Dataset.range(3).flat_map(lambda _: random_numbers(2))
    assert drawn(nested) == [0.6379, 0.8774, 0.8379, 0.9246, 0.1437, 0.7729]


def test_functions_of_groups_go_on():
    windows = tf.data.Dataset.range(6).group_by_window(
        lambda x: tf.cast(tf.random.uniform([], seed=3) * 3, tf.int64),
        lambda key, window: window.batch(4),
        window_size=4,
    )
    batches = [batch.numpy().tolist() for batch in windows.repeat(2)]
    assert batches == [[1, 2, 3, 5], [4], [0], [0, 1, 4, 5], [3], [2]]


def test_resampling_by_classes():
    tf.random.set_seed(3)
    numbers = tf.data.Dataset.range(20).repeat(5)
    wanted = [0, 1, 1, 3, 2, 5, 7, 3, 4, 9, 5, 6, 11, 7, 13]  # TensorFlow's
    for initial in ([0.5, 0.5], None):
        kept = numbers.rejection_resample(lambda x: x % 2, [0.2, 0.8], initial, seed=7)
        assert [int(x) for _, x in kept.take(15)] == wanted
    kept = numbers.rejection_resample(lambda x: x % 2, [0.2, 0.8], [0.2, 0.8], seed=7)
    assert [int(x) for _, x in kept.take(4)] == [0, 1, 2, 3]


def numbers(count):
    """100, 101, ... with random digits behind, of one stream."""
    tf.random.set_seed(1)
    return tf.data.Dataset.range(count).map(with_digits)


def with_digits(x):
    return x * 100 + tf.random.uniform([], 0, 99, dtype=tf.int64, seed=9)


def listed(dataset):
    return [tf.nest.map_structure(int, element) for element in dataset]


def test_a_dataset_that_occurs_twice_has_two_streams():
    dataset, first = numbers(4), [16, 162, 243, 374]
    assert listed(dataset.concatenate(dataset.take(3))) == [*first, *first[:3]]
    assert listed(tf.data.Dataset.zip((dataset, dataset))) == list(zip(first, first, strict=True))
    choices = tf.data.Dataset.from_tensor_slices([0, 1, 1, 0]).map(lambda x: tf.cast(x, tf.int64))
    chosen = tf.data.Dataset.choose_from_datasets([dataset, dataset], choices)
    assert listed(chosen) == [16, 16, 162, 162]
    twice = dataset.concatenate(dataset).repeat(2)
    assert listed(twice)[8:] == [34, 106, 273, 393] * 2


def test_filters_scans_and_groups_that_occur_twice_have_two_streams():
    tf.random.set_seed(1)
    source = tf.data.Dataset.range(4)
    filtered = source.filter(lambda x: tf.random.uniform([], seed=3) < 0.5)
    assert listed(filtered.concatenate(filtered)) == [1, 2, 3] * 2
    taken = source.take_while(lambda x: tf.random.uniform([], seed=3) < 0.8)
    assert listed(taken.concatenate(taken)) == [0, 1, 2, 3] * 2
    scanned = source.scan(tf.constant(0), lambda state, x: (state + 1, with_digits(x)))
    assert listed(scanned.concatenate(scanned)) == [16, 162, 243, 374] * 2


def test_datasets_that_functions_make_belong_to_their_occurrence():
    tf.random.set_seed(1)
    source = tf.data.Dataset.range(3)
    nested = source.interleave(lambda x: source.map(with_digits), cycle_length=2)
    expected = [16, 62, 143, 174, 234, 206, 73, 193, 222]
    assert listed(tf.data.Dataset.zip((nested, nested))) == [(x, x) for x in expected]


def test_captured_datasets_share_a_stream_apart_from_the_steps():
    captured = numbers(2)
    nested = tf.data.Dataset.range(2).flat_map(lambda x: captured)
    shared = [(16, 62), (143, 174), (34, 6), (173, 193)]
    assert listed(tf.data.Dataset.zip((nested, nested))) == shared
    around = captured.concatenate(nested).concatenate(captured)
    assert listed(around) == [16, 162, 16, 162, 43, 174, 16, 162]


def test_without_rewrites_occurrences_share_a_stream():
    dataset, options = numbers(4), tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    shared = dataset.concatenate(dataset).with_options(options)
    assert listed(shared) == [16, 162, 243, 374, 34, 106, 273, 393]
    options.experimental_optimization.noop_elimination = True
    apart = dataset.concatenate(dataset).with_options(options)
    assert listed(apart) == [16, 162, 243, 374] * 2


def test_iterators_at_the_same_time_have_streams_of_their_own():
    dataset = numbers(4)
    pairs = zip(iter(dataset), iter(dataset), strict=True)
    assert [(int(a), int(b)) for a, b in pairs] == [(x, x) for x in (16, 162, 243, 374)]


def test_single_elements_go_on_with_the_stream():
    dataset = numbers(4).take(1)
    assert [int(dataset.get_single_element()) for _ in range(3)] == [16, 62, 43]
    assert listed(dataset) == [16]
    assert int(dataset.get_single_element()) == 74
