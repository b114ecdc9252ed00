"""CSV files and lines of text."""

from bench.data.cases import case


@case(each=64)
def make_csv_dataset(tf, files):
    """Batches of columns, in order."""
    return tf.data.experimental.make_csv_dataset(
        str(files.table), 64, label_name="label", num_epochs=1, shuffle=False
    )


@case(each=64)
def make_csv_dataset_shuffled(tf, files):
    """Batches of columns, the lines shuffled with a seed."""
    return tf.data.experimental.make_csv_dataset(
        str(files.table), 64, num_epochs=1, shuffle_buffer_size=1000, shuffle_seed=3
    )


@case(each=64)
def csv_dataset(tf, files):
    """CsvDataset, record by record, then batches."""
    types = [tf.float32] * 4 + [tf.int32, tf.string]
    return tf.data.experimental.CsvDataset(str(files.table), types, header=True).batch(64)


@case(each=64)
def decode_csv_lines(tf, files):
    """decode_csv on each line, then batches."""
    defaults = [[0.0]] * 4 + [[0], [""]]
    lines = tf.data.TextLineDataset(str(files.table)).skip(1).take(8000)
    return lines.map(lambda line: tf.io.decode_csv(line, defaults)).batch(64)


@case(each=64)
def split_lines(tf, files):
    """Lines split at spaces, padded to batches."""
    lines = tf.data.TextLineDataset(str(files.text)).take(8000)
    return lines.map(tf.strings.split).padded_batch(64)


@case(each=64, keras=True)
def text_vectorization(tf, files):
    """TextVectorization on each line, padded to batches."""
    words = [f"word{number}" for number in range(1000)]
    layer = tf.keras.layers.TextVectorization(vocabulary=words)
    lines = tf.data.TextLineDataset(str(files.text)).take(2000)
    return lines.map(layer).padded_batch(64)


@case(each=64, keras=True)
def text_vectorization_batched(tf, files):
    """TextVectorization on batches of lines."""
    words = [f"word{number}" for number in range(1000)]
    layer = tf.keras.layers.TextVectorization(vocabulary=words, output_sequence_length=32)
    return tf.data.TextLineDataset(str(files.text)).batch(64).map(layer)
