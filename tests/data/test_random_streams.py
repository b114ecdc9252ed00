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
