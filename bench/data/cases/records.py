"""TFRecord files of examples."""

from bench.data.cases import case


def _features(tf):
    return {
        "values": tf.io.FixedLenFeature([16], tf.float32),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "name": tf.io.FixedLenFeature([], tf.string),
    }


@case(each=128)
def examples_batched(tf, files):
    """parse_example on batches of serialized examples."""
    records = tf.data.TFRecordDataset(str(files.examples)).batch(128)
    return records.map(lambda batch: tf.io.parse_example(batch, _features(tf)))


@case(each=128)
def examples_single(tf, files):
    """parse_single_example on each record, then batches."""
    records = tf.data.TFRecordDataset(str(files.examples)).take(5120)
    return records.map(lambda one: tf.io.parse_single_example(one, _features(tf))).batch(128)


@case(each=128)
def examples_ragged(tf, files):
    """parse_example with a ragged feature."""
    features = {
        "tokens": tf.io.RaggedFeature(tf.int64),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    records = tf.data.TFRecordDataset(str(files.examples)).batch(128)
    return records.map(lambda batch: tf.io.parse_example(batch, features))


@case(each=1)
def interleaved_files(tf, files):
    """32 files in turn, with parsing, by parallel calls."""
    paths = tf.data.Dataset.list_files(str(files.shards / "*.tfrecord"), shuffle=False)

    def opened(path):
        records = tf.data.TFRecordDataset(path)
        return records.map(lambda one: tf.io.parse_single_example(one, _features(tf)))

    return paths.interleave(opened, cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE)


@case(each=1)
def interleaved_records(tf, files):
    """32 files in turn, the records as they are."""
    paths = tf.data.Dataset.list_files(str(files.shards / "*.tfrecord"), shuffle=False)
    return paths.interleave(tf.data.TFRecordDataset, cycle_length=8, block_length=4)
