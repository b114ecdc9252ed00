"""Arrays in memory, and transformations that reorder and group."""

import numpy as np

from bench.data.cases import case


def _vectors(count, width=16):
    return np.random.default_rng(1).random((count, width), np.float32)


@case(each=64)
def slices(tf, files):
    """Rows of two arrays, scaled and batched."""
    rows = _vectors(40000), np.arange(40000)
    return tf.data.Dataset.from_tensor_slices(rows).map(lambda x, y: (x * 2 - 1, y)).batch(64)


@case(each=128)
def shuffled_million(tf, files):
    """A million numbers shuffled as a whole."""
    return tf.data.Dataset.range(1_000_000).shuffle(1_000_000, seed=5).batch(128)


@case(each=128)
def shuffled_buffer(tf, files):
    """A buffer of ten thousand."""
    return tf.data.Dataset.range(300_000).shuffle(10_000, seed=5).batch(128)


@case(each=1)
def windows(tf, files):
    """Windows of 32 by flat_map and batch."""
    numbers = tf.data.Dataset.range(3000).map(lambda x: tf.cast(x, tf.float32) / 10)
    return numbers.window(32, shift=1, drop_remainder=True).flat_map(lambda part: part.batch(32))


@case(each=32, keras=True)
def timeseries(tf, files):
    """timeseries_dataset_from_array over 20,000 steps."""
    data = _vectors(20000, 4)
    return tf.keras.utils.timeseries_dataset_from_array(
        data[:-10], data[10:, 0], 10, sampling_rate=1, batch_size=32, shuffle=True, seed=3
    )


def _sentences(tf, count=6000):
    lengths = np.random.default_rng(2).integers(1, 60, count)
    return tf.data.Dataset.from_tensor_slices(lengths).map(lambda n: tf.range(n))


@case(each=32)
def bucketed(tf, files):
    """bucket_by_sequence_length into four buckets."""
    return _sentences(tf).bucket_by_sequence_length(
        lambda x: tf.shape(x)[0], [15, 30, 45], [32, 32, 32, 32]
    )


@case(each=32)
def ragged_batches(tf, files):
    """ragged_batch, then means of the rows."""
    ragged = _sentences(tf).ragged_batch(32)
    return ragged.map(lambda x: tf.reduce_mean(tf.cast(x, tf.float32), axis=1))


@case(each=1)
def cached_in_memory(tf, files):
    """Parsed rows behind a cache, a second pass."""
    made = tf.data.Dataset.range(5000).map(lambda x: tf.sqrt(tf.cast(x, tf.float32)) + tf.zeros(64))
    cached = made.cache()
    sum(1 for _ in cached)
    return cached


@case(each=1)
def cached_in_file(tf, files):
    """The same in a file."""
    made = tf.data.Dataset.range(5000).map(lambda x: tf.sqrt(tf.cast(x, tf.float32)) + tf.zeros(64))
    cached = made.cache(files.scratch("cache"))
    sum(1 for _ in cached)
    return cached
