"""Wrong calls of tf.data."""

import tempfile

from tests.errors.calls import tf, wrong

Dataset = tf.data.Dataset
Invalid = tf.errors.InvalidArgumentError
ANY = (Invalid, ValueError, TypeError)


def at_its_end():
    iterator = iter(Dataset.range(1))
    next(iterator)
    return iterator.get_next()


def python_at_its_end():
    iterator = iter(Dataset.range(1))
    next(iterator)
    return next(iterator)


def rows_of_different_lengths():
    data = Dataset.range(1, 4).map(lambda n: tf.range(n)).batch(3)
    return list(data)


def generator_of_another_type():
    spec = tf.TensorSpec([], tf.int32)
    return list(Dataset.from_generator(lambda: iter(["a"]), output_signature=spec))


def generator_of_another_shape():
    spec = tf.TensorSpec([2], tf.int32)
    return list(Dataset.from_generator(lambda: iter([[1, 2, 3]]), output_signature=spec))


def generator_that_fails():
    def generate():
        yield 1
        raise RuntimeError("the source broke")

    return list(Dataset.from_generator(generate, output_signature=tf.TensorSpec([], tf.int32)))


def division_in_a_map():
    return list(Dataset.range(3).map(lambda n: 6 // n))


def gather_in_a_map():
    return list(Dataset.range(3).map(lambda n: tf.gather([1, 2], n)))


def damaged_records():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"this is not a file of records at all, but long enough to be read")
        file.flush()
        return list(tf.data.TFRecordDataset(file.name))


CALLS = [
    wrong("iterator at its end", tf.errors.OutOfRangeError, at_its_end, "end of sequence"),
    wrong("python iterator at its end", StopIteration, python_at_its_end),
    wrong(
        "slices of different lengths",
        ValueError,
        lambda: Dataset.from_tensor_slices(([1, 2], [1, 2, 3])),
    ),
    wrong("slices of a scalar", ValueError, lambda: Dataset.from_tensor_slices(1)),
    wrong("slices of no structure", ANY, lambda: Dataset.from_tensor_slices(None)),
    wrong("batch of rows of different lengths", Invalid, rows_of_different_lengths),
    wrong("batch of size zero", Invalid, lambda: Dataset.range(3).batch(0), "batch size"),
    wrong(
        "shuffle of a buffer of zero",
        Invalid,
        lambda: list(Dataset.range(3).shuffle(0)),
        "buffer_size",
    ),
    wrong("map of what is no function", (TypeError, ValueError), lambda: Dataset.range(3).map(3)),
    wrong(
        "filter that gives no boolean",
        ValueError,
        lambda: Dataset.range(3).filter(lambda n: n),
        "predicate",
    ),
    wrong("zip of nothing", TypeError, lambda: Dataset.zip()),
    wrong(
        "concatenate of another type",
        (TypeError, ValueError),
        lambda: Dataset.range(2).concatenate(Dataset.from_tensors("a")),
    ),
    wrong(
        "shard beyond their number",
        (ValueError, Invalid),
        lambda: list(Dataset.range(3).shard(2, 5)),
        "index",
    ),
    wrong("shards of zero", (ValueError, Invalid), lambda: list(Dataset.range(3).shard(0, 0))),
    wrong("range of no numbers", ValueError, lambda: Dataset.range()),
    wrong("range of a step of zero", (ValueError, Invalid), lambda: list(Dataset.range(0, 5, 0))),
    wrong(
        "reduce of another type", TypeError, lambda: Dataset.range(3).reduce(0.0, lambda a, n: n)
    ),
    wrong(
        "length of an unknown dataset",
        TypeError,
        lambda: len(Dataset.range(3).filter(lambda n: n > 1)),
    ),
    wrong(
        "length of an endless dataset",
        TypeError,
        lambda: len(Dataset.range(3).repeat()),
        "infinite",
    ),
    wrong(
        "generator that is no function",
        TypeError,
        lambda: Dataset.from_generator([1], output_signature=tf.TensorSpec([])),
    ),
    wrong("generator of another type", ANY, generator_of_another_type),
    wrong("generator of another shape", ANY, generator_of_another_shape),
    wrong(
        "generator that fails",
        (tf.errors.OpError, RuntimeError),
        generator_that_fails,
        "the source broke",
    ),
    wrong("division by zero in a map", Invalid, division_in_a_map, "zero"),
    wrong("gather beyond the end in a map", Invalid, gather_in_a_map, "2"),
    wrong(
        "padded batch of a smaller shape",
        (Invalid, tf.errors.DataLossError),
        lambda: list(Dataset.range(1, 4).map(lambda n: tf.range(n)).padded_batch(3, [1])),
    ),
    wrong(
        "records that do not exist",
        tf.errors.NotFoundError,
        lambda: list(tf.data.TFRecordDataset("/no/such/records")),
        "/no/such/records",
    ),
    wrong(
        "lines that do not exist",
        tf.errors.NotFoundError,
        lambda: list(tf.data.TextLineDataset("/no/such/lines")),
    ),
    wrong("records that are damaged", tf.errors.DataLossError, damaged_records),
    wrong("single element of several", Invalid, lambda: Dataset.range(2).get_single_element()),
    wrong("single element of none", Invalid, lambda: Dataset.range(0).get_single_element()),
    wrong("take of a string", ANY, lambda: Dataset.range(2).take("a"), "'count'"),
    wrong(
        "batch of a float", TypeError, lambda: Dataset.range(2).batch(2.5), "2.5", "'batch_size'"
    ),
    wrong(
        "slices of other lengths",
        ValueError,
        lambda: Dataset.from_tensor_slices({"a": [1, 2], "b": [[1], [2], [3]]}),
        "2 and 3",
        "(2,)",
        "(3, 1)",
    ),
    wrong("slices of a scalar", ValueError, lambda: Dataset.from_tensor_slices(3), "int32"),
    wrong(
        "map that returns nothing",
        Invalid,
        lambda: Dataset.range(2).map(lambda n: None),
        "Dataset.map()",
        "no tensor",
    ),
    wrong(
        "files that match nothing",
        Invalid,
        lambda: Dataset.list_files("/no/such/*.txt"),
        "/no/such",
    ),
    wrong(
        "sample of other weights",
        ANY,
        lambda: Dataset.sample_from_datasets([Dataset.range(2)], [0.5, 0.5]),
    ),
]
