"""Errors of elements: where they arose, and what comes after them."""

import numpy as np
import pytest

import penstock as tf

Dataset = tf.data.Dataset


def taken(dataset):
    """The elements, "error" in place of those that raise one."""
    found, iterator = [], iter(dataset)
    while True:
        try:
            found.append(int(next(iterator)))
        except StopIteration:
            return found
        except tf.errors.InvalidArgumentError:
            found.append("error")


def test_an_error_names_its_step():
    dataset = Dataset.range(1).map(lambda x: x // 0).repeat()
    place = "passed to MapDataset transformation with iterator: Iterator::Root::Repeat::Map: .*division by zero"
    with pytest.raises(tf.errors.InvalidArgumentError, match=place):
        next(iter(dataset))


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d.flat_map(Dataset.from_tensors),
        lambda d: d.interleave(Dataset.from_tensors, cycle_length=1),
        lambda d: d.concatenate(d.take(0)),
        lambda d: d.repeat(1).prefetch(2),
    ],
)
def test_elements_follow_an_error(make):
    dataset = Dataset.from_tensor_slices([1, 0, 2]).map(lambda x: 2 // x)
    assert taken(make(dataset)) == [2, "error", 1]


def test_a_generator_continues_after_a_wrong_element():
    def generate():
        yield from (1, "two", 3)

    signature = tf.TensorSpec([], tf.int64)
    assert taken(Dataset.from_generator(generate, output_signature=signature)) == [1, "error", 3]


def test_a_generator_takes_arguments_of_functions():
    def numbers(count):
        yield from range(count)

    dataset = Dataset.range(4).flat_map(
        lambda n: Dataset.from_generator(
            numbers, args=(n,), output_signature=tf.TensorSpec([], tf.int64)
        )
    )
    assert taken(dataset) == [0, 0, 1, 0, 1, 2]


def _past_the_end(_):
    return next(iter(tf.data.Dataset.range(0)))


@pytest.mark.parametrize(
    "transform",
    [
        lambda ds: ds.flat_map(lambda x: tf.data.Dataset.from_tensors(_past_the_end(x))),
        lambda ds: ds.filter(lambda x: _past_the_end(x) > x),
        lambda ds: ds.take_while(lambda x: _past_the_end(x) > x),
        lambda ds: ds.interleave(lambda x: tf.data.Dataset.from_tensors(_past_the_end(x))),
    ],
)
def test_a_function_that_runs_out_of_elements_does_not_end_the_dataset(transform):
    with pytest.raises(tf.errors.InternalError, match="OutOfRange"):
        list(transform(tf.data.Dataset.range(3)))


def test_scans_refuse_functions_that_run_out_of_elements():
    ds = tf.data.Dataset.range(3).scan(np.int64(0), lambda s, x: (s, _past_the_end(x)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="OutOfRangeError"):
        list(ds)


def test_errors_of_a_reduce_function_tell_its_name_and_code():
    def reduce_func(_, window):
        it = iter(window)
        return tf.data.Dataset.from_tensor_slices([next(it) for _ in range(9)])

    ds = tf.data.Dataset.range(5).group_by_window(lambda x: x % 2, reduce_func, 2)
    with pytest.raises(tf.errors.InternalError, match="(?s)OUT_OF_RANGE.*reduce_func"):
        list(ds)


def test_files_after_a_damaged_one_are_read(tmp_path):
    names = [str(tmp_path / f"{i}.tfrecord") for i in range(2)]
    for name in names:
        with tf.io.TFRecordWriter(name) as writer:
            writer.write(name)
        with open(name, "ab") as file:
            file.write(b"damaged")
    found = list(tf.data.TFRecordDataset(names).ignore_errors().as_numpy_iterator())
    assert found == [name.encode() for name in names]


def test_all_parts_of_a_zip_advance_past_an_error():
    x = tf.data.Dataset.from_tensor_slices([1.0, 0.0, 4.0])
    inverse = x.map(lambda v: tf.debugging.check_numerics(1.0 / v, "zero"))
    found = tf.data.Dataset.zip((inverse, x)).ignore_errors().as_numpy_iterator()
    assert list(found) == [(1.0, 1.0), (0.25, 4.0)]


def test_negative_padded_shapes_are_refused():
    ds = tf.data.Dataset.from_tensors([1])
    f = tf.function(lambda n: list_of(ds.padded_batch(1, padded_shapes=[n])))
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-negative or -1"):
        f(tf.constant(-5, tf.int64))


def list_of(ds):
    return ds.reduce(0, lambda n, _: n + 1)


def total(elements):
    result = tf.constant(0, tf.int64)
    for x in elements:
        result += x
    return result


@pytest.mark.parametrize("made", [lambda dataset: dataset, iter])
def test_loops_of_python_within_graphs_end(made):
    dataset = tf.data.Dataset.range(5)
    assert int(tf.function(total)(made(dataset))) == 10
    with pytest.raises(ValueError, match="unusually high number"):
        tf.function(total, autograph=False)(made(dataset))


def test_enumerate_of_iterators_within_functions():
    @tf.function
    def counted(iterator):
        last = tf.constant(0, tf.int64)
        for i, _ in enumerate(iterator):
            last = i
        return last

    dataset = tf.data.Dataset.range(5)
    assert int(counted(dataset)) == 4
    distributed = tf.distribute.OneDeviceStrategy("CPU:0").experimental_distribute_dataset(dataset)
    for iterable in (iter(dataset), iter(distributed)):
        with pytest.raises(NotImplementedError, match="enumerate over an iterator"):
            counted(iterable)
